//! What the palette lists, and going where it leads.

use super::{App, Body, Mode, Outcome, PAGES, Page, RowKey};
use crate::console::address::{Address, SCHEME};
use crate::console::filter::Filter;
use crate::console::keys::{self, Command, Scope};
use crate::console::moment::Moment;
use crate::console::palette::{Entry, Palette, Target};
use crate::console::questions;
use crate::console::time::Time;
use coral_model::diagnosis::is_evidence_id;
use coral_model::{AnswerBody, Question, ServiceKey};
use coral_report::text;
use std::collections::BTreeMap;

/// Of a service with more ports only the first are listed.
const PORTS: usize = 8;

impl App {
    pub(super) fn open_palette(&mut self) {
        let mut entries = self.pages();
        entries.extend(self.services());
        entries.extend(self.hosts());
        entries.extend(self.commands());
        entries.extend(self.routes());
        entries.extend(self.processes());
        entries.extend(self.ports());
        self.palette = Palette::new(entries);
        self.mode = Mode::Palette;
    }

    fn pages(&self) -> Vec<Entry> {
        let page = |(page, key, name): (Page, &str, &str)| Entry {
            kind: "page",
            label: name.to_owned(),
            note: format!("key {key}"),
            target: Target::Page(page),
        };
        PAGES.into_iter().map(page).collect()
    }

    /// Every command that a key has here and that does something by itself.
    fn commands(&self) -> Vec<Entry> {
        let scopes = self.page_scopes();
        let moves = |command| {
            use Command as C;
            matches!(
                command,
                C::Up
                    | C::Down
                    | C::PageUp
                    | C::PageDown
                    | C::Top
                    | C::Bottom
                    | C::Palette
                    | C::Services
                    | C::Topology
                    | C::Events
                    | C::Profiles
                    | C::ProbesPage
                    | C::DiagnosePage
                    | C::ToText
                    | C::ToFindings
                    | C::PreviousBox
                    | C::NextBox
                    | C::Fleet
                    | C::Out
            )
        };
        keys::bindings(&scopes)
            .filter(|line| !moves(line.command))
            .map(|line| Entry {
                kind: "command",
                label: line.help.to_owned(),
                note: line
                    .chords
                    .first()
                    .map_or(String::new(), |c| format!("key {}", c.label())),
                target: Target::Command(line.command),
            })
            .collect()
    }

    fn services(&self) -> Vec<Entry> {
        let rows = self.picture().services.iter().flat_map(|s| &s.rows);
        rows.map(|row| Entry {
            kind: "service",
            label: text::service(&row.service),
            note: row.class.name().to_owned(),
            target: Target::Service(row.service.clone()),
        })
        .collect()
    }

    /// Services by the ports they listen on.
    fn ports(&self) -> Vec<Entry> {
        let rows = self.picture().services.iter().flat_map(|s| &s.rows);
        let ports = rows.flat_map(|row| row.ports.iter().take(PORTS).map(move |port| (row, port)));
        ports
            .map(|(row, port)| Entry {
                kind: "port",
                label: format!(":{port}"),
                note: text::service(&row.service),
                target: Target::Service(row.service.clone()),
            })
            .collect()
    }

    fn hosts(&self) -> Vec<Entry> {
        let agents = self.picture().status.iter().flat_map(|s| &s.agents);
        agents
            .map(|agent| Entry {
                kind: "host",
                label: agent.health.host.visible().into_owned(),
                note: format!("agent {}", text::fit(agent.health.id.as_str(), 12)),
                target: Target::Agent(agent.health.id.clone()),
            })
            .collect()
    }

    /// The processes that events speak of.
    fn processes(&self) -> Vec<Entry> {
        let mut found: BTreeMap<u32, ServiceKey> = BTreeMap::new();
        for answer in self.asked.answers() {
            let AnswerBody::Events { rows, .. } = &answer.body else {
                continue;
            };
            for event in rows {
                if let (Some(instance), Some(service)) = (&event.instance, &event.service) {
                    found.insert(instance.pid, service.clone());
                }
            }
        }
        found
            .into_iter()
            .map(|(pid, service)| Entry {
                kind: "pid",
                label: pid.to_string(),
                note: text::service(&service),
                target: Target::Service(service),
            })
            .collect()
    }

    /// The routes of the services that were looked at.
    fn routes(&self) -> Vec<Entry> {
        let mut found: BTreeMap<(String, String), ServiceKey> = BTreeMap::new();
        let rows = self.picture().services.iter().flat_map(|s| &s.rows);
        for row in rows {
            let question = crate::console::questions::routes(self.time.span(), &row.service);
            let Question::Metrics { .. } = &question else {
                continue;
            };
            let Some((Ok(answer), _)) = self.asked.shown(&question) else {
                continue;
            };
            let AnswerBody::Metrics(routes) = &answer.body else {
                continue;
            };
            for route in routes {
                let label = format!("{} {}", route.method.name(), route.route.visible());
                found.insert((label, text::service(&row.service)), row.service.clone());
            }
        }
        found
            .into_iter()
            .map(|((label, note), service)| Entry {
                kind: "route",
                target: Target::Route(service, label.clone()),
                label,
                note,
            })
            .collect()
    }

    /// Goes where the hit under the cursor leads; a pasted link, or an id of evidence, goes where it leads.
    pub(super) fn choose(&mut self, now: Moment) -> Outcome {
        self.mode = Mode::Page;
        if self.palette.text.starts_with(SCHEME) {
            let text = std::mem::take(&mut self.palette.text);
            return self.follow_link(&text, now);
        }
        if is_evidence_id(&self.palette.text) {
            let id = std::mem::take(&mut self.palette.text);
            self.reading.opening = Some(questions::evidence(&id));
            return Outcome::drawn();
        }
        let Some(target) = self.palette.chosen().map(|e| e.target.clone()) else {
            return Outcome::drawn();
        };
        match target {
            Target::Page(page) => self.turn_to(page),
            Target::Command(command) => return self.command(command, now),
            Target::Service(service) => self.open_service(service),
            Target::Agent(agent) => {
                self.turn_to(Page::Fleet);
                self.cursors
                    .of_mut(super::List::Agents)
                    .put(RowKey::Agent(agent));
            }
            Target::Route(service, route) => {
                self.open_service(service);
                self.tab = super::Tab::Routes;
                self.filters.insert(Page::Service, Filter::parse(&route));
            }
        }
        Outcome::drawn()
    }

    /// To the view and moment of a `coral://` link of this colony.
    fn follow_link(&mut self, link: &str, now: Moment) -> Outcome {
        match Address::read(link).filter(|there| there.colony == self.config.colony) {
            Some(there) => self.go_there(there, now),
            None => self.said(Err("this is no link into this colony".to_owned()), now),
        }
    }

    /// To a view and moment.
    pub(super) fn go_there(&mut self, there: Address, now: Moment) -> Outcome {
        self.visit(there.spot);
        (self.changes, self.tab) = (there.changes, there.tab);
        match there.filter.is_empty() {
            true => drop(self.filters.remove(&self.spot.page)),
            false => drop(
                self.filters
                    .insert(self.spot.page, Filter::parse(&there.filter)),
            ),
        }
        let mut time = Time {
            window: there.window,
            ..self.time
        };
        time.go(there.to, self.newest(now));
        self.retime(time, now)
    }

    /// Whether the palette can do anything now.
    pub(super) fn has_scope(&self, scope: Scope) -> bool {
        self.page_scopes().contains(&scope)
    }

    /// Whether rows can be gone to.
    pub(super) fn has_rows(&self) -> bool {
        self.body() == Body::Page && self.has_scope(Scope::Rows)
    }
}
