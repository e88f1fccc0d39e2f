//! The page of `/metrics`: the colony itself, its agents, and the requests of services. Every text that others chose is made
//! visible first and then escaped as the format demands, so that no name begins a line of its own.

use super::red::BOUNDS;
use super::{Source, seconds};
use coral_model::{Observed, TimeNs};
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes the page.
pub(super) fn of(source: &Source, now: TimeNs) -> String {
    let mut page = Page::default();
    colony(&mut page, source, now);
    agents(&mut page, source, now);
    services(&mut page, source);
    page.out
}

fn colony(page: &mut Page, source: &Source, now: TimeNs) {
    let (about, meters) = (&source.about, &source.meters);
    page.family("coral_colony_info", "gauge", "The colony and its version.");
    let labels = [
        ("colony", about.colony.as_str().to_owned()),
        ("version", about.version.clone()),
    ];
    page.value("", &labels, 1);
    page.one(
        "coral_colony_uptime_seconds",
        "gauge",
        "How long it runs.",
        seconds(now, about.started),
    );
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let trouble = u64::from(meters.trouble().is_some());
    for (name, help, value) in [
        ("batches_total", "Batches stored.", of(&meters.batches)),
        (
            "batches_failed_total",
            "Batches that could not be stored.",
            of(&meters.batches_failed),
        ),
        (
            "questions_total",
            "Questions answered.",
            of(&meters.questions),
        ),
        (
            "questions_failed_total",
            "Questions without an answer.",
            of(&meters.questions_failed),
        ),
    ] {
        page.one(&format!("coral_colony_{name}"), "counter", help, value);
    }
    let took = of(&meters.question_us) as f64 / 1e6;
    let help = "What answering took.";
    page.one("coral_colony_question_seconds_total", "counter", help, took);
    let help = "1 while the store has trouble, such as a full disk.";
    page.one("coral_colony_store_trouble", "gauge", help, trouble);
    if let Ok(bytes) = source.store.snapshot().and_then(|s| s.bytes()) {
        page.one(
            "coral_colony_store_bytes",
            "gauge",
            "What the store holds.",
            bytes,
        );
    }
}

fn agents(page: &mut Page, source: &Source, now: TimeNs) {
    let agents = source.live.agents();
    let named = |id: &coral_model::AgentId, host: Option<&Observed>| {
        let host = host.map_or(String::new(), |h| h.visible().into_owned());
        [("agent", id.to_string()), ("host", host)]
    };
    let host = |agent: &crate::live::LiveAgent| agent.health.as_ref().map(|h| h.host.clone());
    page.family(
        "coral_agent_connected",
        "gauge",
        "1 while its stream is open.",
    );
    for (id, agent) in &agents {
        let labels = named(id, host(agent).as_ref());
        page.value("", &labels, u64::from(agent.streams > 0));
    }
    page.family(
        "coral_agent_silent_seconds",
        "gauge",
        "Age of its newest data.",
    );
    for (id, agent) in &agents {
        let labels = named(id, host(agent).as_ref());
        page.value("", &labels, seconds(now, agent.newest));
    }
    page.family(
        "coral_agent_loss_total",
        "counter",
        "Counted drops since its start.",
    );
    for (id, agent) in &agents {
        let loss = agent.health.as_ref().map(|h| h.loss.fields());
        for (kind, count) in loss.into_iter().flatten() {
            let [agent, host] = named(id, host(agent).as_ref());
            page.value("", &[agent, host, ("kind", kind.to_owned())], count);
        }
    }
}

fn services(page: &mut Page, source: &Source) {
    let all = source.live.totals();
    let all: Vec<_> = all
        .iter()
        .map(|((service, side), series)| {
            let labels = [
                ("service", service.name.visible().into_owned()),
                ("namespace", service.namespace.visible().into_owned()),
                ("side", side.name().to_owned()),
            ];
            (labels, series)
        })
        .collect();
    page.family("coral_requests_total", "counter", "Requests that ended.");
    for (labels, series) in &all {
        page.value("", labels, series.counts.requests);
    }
    page.family(
        "coral_request_errors_total",
        "counter",
        "Those that were errors.",
    );
    for (labels, series) in &all {
        page.value("", labels, series.counts.errors);
    }
    let help = "Those with a 4xx, which are no errors.";
    page.family("coral_request_client_errors_total", "counter", help);
    for (labels, series) in &all {
        page.value("", labels, series.counts.client_errors);
    }
    let help = "Durations of those that completed.";
    page.family("coral_request_duration_seconds", "histogram", help);
    for (labels, series) in &all {
        let mut sum = 0;
        let [service, namespace, side] = labels;
        let bucket = |page: &mut Page, le: String, count: u64| {
            let labels = [service.clone(), namespace.clone(), side.clone(), ("le", le)];
            page.value("_bucket", &labels, count);
        };
        for (bound, count) in BOUNDS.iter().zip(series.buckets) {
            sum += count;
            bucket(page, bound.to_string(), sum);
        }
        bucket(page, "+Inf".to_owned(), series.samples);
        page.value("_sum", labels, series.sum);
        page.value("_count", labels, series.samples);
    }
}

/// The text while it is written.
#[derive(Default)]
struct Page {
    out: String,
    /// The family that values are of.
    name: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.name);
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, suffix: &str, labels: &[(&str, String)], value: impl Display) {
        let _ = write!(self.out, "{}{suffix}", self.name);
        for (i, (name, text)) in labels.iter().enumerate() {
            let sign = if i == 0 { '{' } else { ',' };
            let _ = write!(self.out, "{sign}{name}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.out, "{end} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.value("", &[], value);
    }
}

/// A label's value as the format wants it: backslash, quote and newline escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}
