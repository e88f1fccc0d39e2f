//! The views as tables of plain values, as command lines, and as links.

use super::{App, Page, Tab};
use crate::console::address::Address;
use crate::console::instances::InstanceRow;
use crate::console::moment::Moment;
use crate::console::pick;
use crate::console::take::{Copied, Form, RED_COLUMNS, Sheet, Value, red_values, shell_word};
use crate::console::trouble::figures;
use coral_model::answer::{EdgeRow, MetricRow, ServiceRow};
use coral_model::{Event, Question, ServiceKey};
use coral_report::text;
use std::time::Duration;

impl App {
    /// What the page lists now, in its order.
    pub fn sheet(&self) -> Sheet {
        match (self.spot.page, self.tab) {
            (Page::Services, _) => self.services_sheet(),
            (Page::Topology, _) => {
                let rows = self.tree().rows.iter();
                let edges = rows.filter_map(|row| row.edge(self.picture()));
                edges_sheet(edges)
            }
            (Page::Service, Tab::Callers | Tab::Callees) => {
                edges_sheet(self.tab_edges().into_iter())
            }
            (Page::Service, Tab::Routes) => routes_sheet(&self.tab_routes()),
            (Page::Service, Tab::Instances) => instances_sheet(&self.tab_instances()),
            (Page::Events, _) | (Page::Service, Tab::Changes) => events_sheet(&self.event_rows()),
            (Page::Fleet, _) => self.fleet_sheet(),
            (Page::Profiles, _) => self.profiles_sheet(),
            (Page::Diagnose, _) => self.causes_sheet(),
            (Page::Probes, _) => self.probes_sheet(),
        }
    }

    /// The row of that table which the cursor is on.
    fn sheet_row(&self) -> usize {
        let index = self.cursors.of(self.list()).index();
        match self.spot.page {
            // Entry points have no edge.
            Page::Topology => {
                let rows = self.tree().rows.iter().take(index);
                rows.filter(|row| row.edge.is_some()).count()
            }
            Page::Diagnose => self.row_of_cause().unwrap_or(usize::MAX),
            Page::Profiles if self.is_on_graph() => self.row_of_box().unwrap_or(usize::MAX),
            _ => index,
        }
    }

    fn services_sheet(&self) -> Sheet {
        let mut columns = vec!["service", "instances", "in_flight"];
        columns.extend(RED_COLUMNS);
        columns.extend(["cpu_cores", "rss_bytes"]);
        let value = |row: &ServiceRow| {
            let mut values = vec![
                text::service(&row.service).into(),
                u64::from(row.instances).into(),
                row.in_flight.into(),
            ];
            values.extend(red_values(figures(row)));
            values.push(row.cpu_cores.into());
            values.push(row.rss_bytes.map_or(Value::Unknown, Value::from));
            values
        };
        let rows = (0..self.order.count()).filter_map(|i| self.order.row(self.picture(), i));
        Sheet {
            name: "services",
            columns,
            rows: rows.map(value).collect(),
        }
    }

    fn fleet_sheet(&self) -> Sheet {
        let columns = vec![
            "host",
            "agent",
            "mode",
            "version",
            "last_seen_s",
            "rss_bytes",
            "cpu_percent",
            "loss",
        ];
        let rows = self.agents().into_iter().map(|row| {
            let health = &row.health;
            vec![
                health.host.visible().into_owned().into(),
                health.id.as_str().into(),
                health.mode.name().into(),
                health.version.as_str().into(),
                Value::Number(row.last_seen.as_secs_f64().round()),
                health.rss_bytes.into(),
                Value::Number((health.cpu_percent * 100.0).round() / 100.0),
                health.loss.total().into(),
            ]
        });
        Sheet {
            name: "agents",
            columns,
            rows: rows.collect(),
        }
    }

    /// The name of what is under the cursor.
    pub fn selected_name(&self) -> String {
        match (self.spot.page, self.tab) {
            (Page::Services, _) => self.subject().map(text::service),
            (Page::Topology, _) => self.selected_edge().map(|row| text::service(&row.service)),
            (Page::Fleet, _) => self
                .selected_agent()
                .map(|a| a.health.host.visible().into_owned()),
            (Page::Profiles, _) => Some(self.profiles_name()),
            (Page::Diagnose, _) => self.diagnosis_name(),
            (Page::Probes, _) => self.selected_probe().map(|s| s.id.clone()),
            (Page::Events, _) | (Page::Service, Tab::Changes) => {
                let event = self.event_rows().get(self.sheet_row()).copied();
                event.map(|e| e.text.visible().into_owned())
            }
            (Page::Service, Tab::Routes) => {
                let route = self.tab_routes().get(self.sheet_row()).copied();
                route.map(|r| r.route.visible().into_owned())
            }
            (Page::Service, Tab::Instances) => {
                let row = self.tab_instances().get(self.sheet_row()).copied();
                row.map(|r| r.pid.to_string())
            }
            (Page::Service, Tab::Callers | Tab::Callees) => {
                let edge = self.tab_edges().get(self.sheet_row()).copied();
                edge.map(|e| text::service(other_end(e, self.tab)))
            }
        }
        .unwrap_or_default()
    }

    /// A line of the copy menu.
    pub(super) fn copy_line(&self, what: Copied) -> String {
        let sample = match what {
            Copied::Value => self.selected_name(),
            Copied::Command => self.command_line(),
            Copied::Link => format!("coral://{}/...", self.config.colony),
            Copied::Row | Copied::Markdown => String::new(),
        };
        let name = what.name();
        match sample.is_empty() {
            true => name.to_owned(),
            false => format!("{name:<9}{sample}"),
        }
    }

    /// What goes into the clipboard.
    pub(super) fn copied(&self, what: Copied, now: Moment) -> String {
        match what {
            Copied::Value => self.selected_name(),
            Copied::Row => self.sheet().row(self.sheet_row()),
            Copied::Command => self.command_line(),
            Copied::Link => self.link_here(now),
            Copied::Markdown => {
                let table = self.written(Form::Markdown).unwrap_or_default();
                String::from_utf8_lossy(&table).into_owned()
            }
        }
    }

    /// The command that prints this view.
    pub fn command_line(&self) -> String {
        let service = || {
            let name = self.spot.service.as_ref().map(text::service);
            shell_word(&name.unwrap_or_default())
        };
        let all = if self.all { " --all" } else { "" };
        let command = match (self.spot.page, self.tab) {
            (Page::Services, _) => format!("services{all}"),
            (Page::Topology, _) | (Page::Service, Tab::Callers | Tab::Callees) => {
                format!("topology{all}")
            }
            (Page::Service, Tab::Routes) => format!("query metrics {}", service()),
            (Page::Service, Tab::Instances) => self.instances_command(),
            (Page::Service, Tab::Changes) => format!("query events {}", service()),
            (Page::Events, _) if self.changes => "query changes".to_owned(),
            (Page::Events, _) => "query events".to_owned(),
            (Page::Fleet, _) => "status".to_owned(),
            (Page::Profiles, _) => self.profiles_command(),
            (Page::Diagnose, _) => self.diagnosis_command(),
            (Page::Probes, _) => self.probes_command(),
        };
        let colony = match self.config.colony.as_str() {
            "local" => String::new(),
            _ if self.config.replay.is_some() => String::new(),
            name => format!(" --colony {}", shell_word(name)),
        };
        let time = match (self.spot.page, self.time.end()) {
            (Page::Fleet | Page::Probes, _) => String::new(),
            (Page::Diagnose, _) if self.config.replay.is_some() => String::new(),
            (Page::Profiles, _) if self.finer_shown().is_some() => String::new(),
            (Page::Service, _) if self.tab == Tab::Instances => String::new(),
            (_, None) => format!(" --since {}", length(self.time.window)),
            (_, Some(to)) => {
                let window = self.time.window_at(to);
                let at = coral_report::rfc3339;
                format!(" --since {} --until {}", at(window.from), at(window.to))
            }
        };
        let diff = self.diff_option();
        format!("coral {command}{colony}{time}{diff}")
    }

    /// Instances have no command of their own: the statement that is asked here, its stretch in it.
    fn instances_command(&self) -> String {
        match self.instances_question() {
            Some(Question::Sql { text, .. }) => format!("query sql {}", shell_word(&text)),
            _ => "query sql".to_owned(),
        }
    }

    /// The link that leads back to this view and moment.
    pub fn link_here(&self, now: Moment) -> String {
        let there = Address {
            colony: self.config.colony.clone(),
            spot: self.spot.clone(),
            changes: self.changes,
            tab: self.tab,
            filter: self.filter().text().to_owned(),
            to: self.time.end().unwrap_or(self.newest(now)),
            window: self.time.window,
        };
        there.write()
    }

    /// The name of a file that the table of this view is written to.
    pub(super) fn file_name(&self, form: Form) -> String {
        let sheet = match (self.spot.page, self.tab) {
            (Page::Profiles, _) if self.spot.service.is_some() => "profile",
            (Page::Services | Page::Profiles, _) => "services",
            (Page::Topology, _) => "topology",
            (Page::Events, _) if self.changes => "changes",
            (Page::Events, _) => "events",
            (Page::Fleet, _) => "agents",
            (Page::Probes, _) => "probes",
            (Page::Diagnose, _) => "diagnosis",
            (Page::Service, Tab::Routes) => "routes",
            (Page::Service, Tab::Callers) => "callers",
            (Page::Service, Tab::Callees) => "callees",
            (Page::Service, Tab::Instances) => "instances",
            (Page::Service, Tab::Changes) => "changes",
        };
        let end = self.picture().head().map(|head| head.window.to);
        let at = pick::zoned(end.unwrap_or_default(), &self.config.zone);
        let at = at.strftime("%Y%m%d-%H%M%S");
        format!("coral-{sheet}-{at}.{}", form.extension())
    }
}

/// The end of an edge that a tab lists.
pub(in crate::console) fn other_end(edge: &EdgeRow, tab: Tab) -> &ServiceKey {
    match tab {
        Tab::Callers => &edge.caller,
        _ => &edge.callee,
    }
}

/// A length as the commands take it.
fn length(window: Duration) -> String {
    match window.as_secs() {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

fn edges_sheet<'a>(edges: impl Iterator<Item = &'a EdgeRow>) -> Sheet {
    let mut columns = vec!["caller", "callee", "protocol", "source"];
    columns.extend(RED_COLUMNS);
    columns.extend(["connections", "bytes_sent", "bytes_received", "rtt_ms"]);
    let rows = edges.map(|edge| {
        let mut values: Vec<Value> = vec![
            text::service(&edge.caller).into(),
            text::service(&edge.callee).into(),
            edge.protocol.name().into(),
            edge.source.name().into(),
        ];
        values.extend(red_values(edge.red.as_ref()));
        values.extend([
            edge.connections.into(),
            edge.bytes_sent.into(),
            edge.bytes_received.into(),
            edge.rtt.into(),
        ]);
        values
    });
    Sheet {
        name: "edges",
        rows: rows.collect(),
        columns,
    }
}

fn routes_sheet(routes: &[&MetricRow]) -> Sheet {
    let mut columns = vec!["method", "route", "status_class", "protocol"];
    columns.extend(RED_COLUMNS);
    let rows = routes.iter().map(|row| {
        let mut values: Vec<Value> = vec![
            row.method.name().into(),
            row.route.visible().into_owned().into(),
            row.status_class.name().into(),
            row.protocol.name().into(),
        ];
        values.extend(red_values(Some(&row.red)));
        values
    });
    Sheet {
        name: "routes",
        rows: rows.collect(),
        columns,
    }
}

fn instances_sheet(rows: &[&InstanceRow]) -> Sheet {
    let known = |n: Option<u64>| n.map_or(Value::Unknown, Value::from);
    let row = |row: &&InstanceRow| {
        vec![
            row.host.visible().into_owned().into(),
            row.pid.into(),
            row.started
                .map_or(Value::Unknown, |at| coral_report::rfc3339(at).into()),
            row.ports.visible().into_owned().into(),
            row.cpu_cores.into(),
            known(row.rss_bytes),
            known(row.fds),
            known(row.threads),
        ]
    };
    Sheet {
        name: "instances",
        columns: vec![
            "host",
            "pid",
            "started",
            "ports",
            "cpu_cores",
            "rss_bytes",
            "fds",
            "threads",
        ],
        rows: rows.iter().map(row).collect(),
    }
}

fn events_sheet(events: &[&Event]) -> Sheet {
    let row = |event: &&Event| {
        let service = event.service.as_ref().map(text::service);
        vec![
            coral_report::rfc3339(event.at).into(),
            event.kind.name().into(),
            service.map_or(Value::Unknown, Value::Text),
            event.text.visible().into_owned().into(),
        ]
    };
    Sheet {
        name: "events",
        columns: vec!["time", "kind", "service", "text"],
        rows: events.iter().map(row).collect(),
    }
}
