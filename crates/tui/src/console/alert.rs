//! The third line: the worst thing that is wrong now, and what mends it. Nothing wrong, no line.

use super::app::{App, Body, LinkState, Starting};
use super::link::Lost;
use super::moment::Moment;
use super::trouble::{Level, Trouble, recent};
use coral_model::answer::{AgentRow, STALE_AFTER, ServiceRow};
use coral_model::{AgentMode, Missing};
use coral_report::figure::{age, health, millis, percent};
use coral_report::text;
use std::time::Duration;

/// How an alert is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Red.
    Broken,
    /// Yellow.
    Unusual,
    /// Grey: no data, or old data.
    Old,
}

/// A line about what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// How it is drawn.
    pub tone: Tone,
    /// What is wrong.
    pub text: String,
    /// What mends it; a command or a key, flush right.
    pub fix: String,
}

impl Alert {
    fn new(tone: Tone, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            tone,
            text: text.into(),
            fix: fix.into(),
        }
    }
}

/// The worst thing that is wrong now.
pub fn of(app: &App, now: Moment) -> Option<Alert> {
    if app.body() != Body::Page {
        return None;
    }
    let picture = app.picture();
    let agents = picture.status.as_ref().map(|s| s.agents.as_slice());
    let worst = worst_service(app, now);
    let is = |level| {
        worst
            .as_ref()
            .filter(|(l, _)| *l == level)
            .map(|(_, a)| a.clone())
    };
    // What the agents lack now says nothing about another moment.
    let agents = agents.filter(|_| app.time.is_live());
    link(app, now)
        .or_else(|| is(Level::Broken))
        .or_else(|| agents.and_then(no_agent))
        .or_else(|| agents.and_then(proc_only))
        .or_else(|| is(Level::Unusual))
        .or_else(|| agents.and_then(something_missing))
        .or_else(|| app.time.is_live().then(|| no_traffic(app))?)
}

fn link(app: &App, now: Moment) -> Option<Alert> {
    if let Starting::Since(since) = &app.starting {
        let text = format!("starting a colony here, {}", waited(now, since.up));
        return Some(Alert::new(Tone::Unusual, text, ""));
    }
    let LinkState::Away {
        since,
        retry_at,
        why,
    } = &app.link
    else {
        return None;
    };
    let retry = retry_at.saturating_sub(now.up).as_secs() + 1;
    let mut text = format!("colony away {}, retry in {retry} s", waited(now, since.up));
    if let Lost::Because(failure) = why {
        text.push_str(&format!(": {}", failure.message));
    }
    if let Starting::Failed(failure) = &app.starting {
        text.push_str(&format!("; not started: {}", failure.message));
    }
    let fix = if app.can_start() { "u start it" } else { "" };
    Some(Alert::new(Tone::Old, text, fix))
}

/// Whole seconds since then: a line that is read does not show tenths.
fn waited(now: Moment, since: Duration) -> String {
    whole(now.up.saturating_sub(since))
}

fn whole(span: Duration) -> String {
    match span.as_secs() {
        s if s < 60 => format!("{s} s"),
        s => age(Duration::from_secs(s)),
    }
}

fn worst_service(app: &App, now: Moment) -> Option<(Level, Alert)> {
    let (row, trouble) = app.order.worst(app.picture())?;
    let name = text::service(&row.service);
    let name = text::fit(&name, 30);
    let text = match trouble {
        Trouble::None => return None,
        Trouble::Unhealthy => format!(
            "{name}: {}",
            row.health
                .as_ref()
                .map_or(String::new(), |state| health(state, app.newest(now)))
        ),
        Trouble::Errors(_, ratio) => {
            format!("{name}: {} % of its requests fail", percent(Some(ratio)))
        }
        Trouble::Stuck(_, oldest) => format!(
            "{name}: {} requests in flight, the oldest for {}",
            row.in_flight,
            age(oldest)
        ),
        Trouble::Slower(times) => {
            let times = match times {
                t if t < 9.95 => format!("{t:.1}"),
                t => format!("{t:.0}"),
            };
            let now = millis(recent(&row.trend));
            format!("{name}: p95 is {now} ms now, {times} times what is usual")
        }
    };
    let tone = match trouble.level() {
        Level::Broken => Tone::Broken,
        _ => Tone::Unusual,
    };
    // In a flame graph `n` goes through what the search found.
    let fix = match app.profiled_service() {
        Some(_) => "",
        None => "n next",
    };
    Some((trouble.level(), Alert::new(tone, text, fix)))
}

fn no_agent(agents: &[AgentRow]) -> Option<Alert> {
    let fresh = |a: &&AgentRow| a.connected && a.last_seen <= STALE_AFTER;
    if agents.iter().any(|a| fresh(&a)) {
        return None;
    }
    let newest = agents.iter().min_by_key(|a| a.last_seen);
    let text = match newest {
        Some(agent) => format!(
            "no agent reports; {} was last heard {} ago",
            text::shown(&agent.health.host, 30),
            whole(agent.last_seen)
        ),
        None => "no agent has reported yet".to_owned(),
    };
    Some(Alert::new(Tone::Old, text, "coral down && coral up"))
}

fn proc_only(agents: &[AgentRow]) -> Option<Alert> {
    let agent = agents.iter().find(|a| a.health.mode == AgentMode::Proc)?;
    let host = text::shown(&agent.health.host, 30);
    let (why, fix) = match agent.health.missing.first() {
        Some(missing) => (lacks(missing), missing.fix.clone()),
        None => (String::new(), String::new()),
    };
    let text = format!("{host} reads /proc alone{why}");
    Some(Alert::new(Tone::Unusual, text, fix))
}

fn something_missing(agents: &[AgentRow]) -> Option<Alert> {
    let (agent, missing) = agents
        .iter()
        .find_map(|a| a.health.missing.first().map(|m| (a, m)))?;
    let host = text::shown(&agent.health.host, 30);
    let text = format!("{host}{}", lacks(missing));
    Some(Alert::new(Tone::Unusual, text, missing.fix.clone()))
}

fn lacks(missing: &Missing) -> String {
    format!(": no {} ({})", missing.feature, missing.why.visible())
}

fn no_traffic(app: &App) -> Option<Alert> {
    let picture = app.picture();
    let services = picture.services.as_ref()?;
    let idle = |row: &ServiceRow| {
        let none = |red: &Option<coral_model::answer::Red>| {
            red.as_ref().is_none_or(|r| r.counts.requests == 0)
        };
        none(&row.server) && none(&row.client) && row.in_flight == 0
    };
    if !services.rows.iter().all(idle) {
        return None;
    }
    let agents = picture.status.iter().flat_map(|s| &s.agents);
    let (listening, started) = agents.fold((0, services.head.window.to), |(n, first), agent| {
        (n + agent.health.listening, first.min(agent.health.started))
    });
    let to = services.head.window.to;
    let quiet = to.since(started).min(services.head.window.length());
    let port = services.rows.iter().find_map(|row| row.ports.first());
    let curl = match port {
        Some(port) => format!("curl http://localhost:{port}/"),
        None => "curl something".to_owned(),
    };
    let text = format!(
        "listening to {listening} services, no request in {}",
        whole(quiet)
    );
    Some(Alert::new(Tone::Old, text, curl))
}
