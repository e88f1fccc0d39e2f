//! The text of an answer for people: an aligned table, the loss beneath it.

mod free;
mod grid;
mod lists;
mod probe;
mod profile;
mod red;

pub use probe::{call_values, found_note, function_place, probed_note};

use crate::diagnosis_text;
use crate::json::timestamp;
use coral_model::observed::visible;
use coral_model::{Answer, AnswerBody, Loss, ServiceClass};
use jiff::tz::TimeZone;

/// How a table is written.
#[derive(Debug, Clone)]
pub struct TableStyle {
    /// The zone of its times, named once beneath the rows.
    pub zone: TimeZone,
    /// Whether system, coral and outside have rows of their own; else they are folded into one line.
    pub all: bool,
}

/// The whole text of an answer, ending in a newline.
pub fn table(answer: &Answer, style: &TableStyle) -> String {
    let mut out = match &answer.body {
        AnswerBody::Status(status) => return lists::status(status),
        AnswerBody::Services(rows) => red::services(rows, answer.window.to, style.all),
        AnswerBody::Summary(rows) => red::summary(rows, style.all),
        AnswerBody::Metrics(rows) => red::metrics(rows),
        AnswerBody::Topology { nodes, edges } => lists::topology(nodes, edges, style.all),
        AnswerBody::Events { rows, truncated } => lists::events(rows, *truncated, &style.zone),
        AnswerBody::Requests {
            rows,
            truncated,
            silent,
        } => lists::requests(rows, *truncated, silent, &style.zone),
        AnswerBody::Profile(flame) => profile::text(flame),
        AnswerBody::Probe(log) => return probe::log(log, &style.zone),
        AnswerBody::Functions(found) => return probe::found(found),
        AnswerBody::Diagnose(diagnosis) => return diagnosis_text(diagnosis, &style.zone),
        AnswerBody::Incident(bundle) => {
            return format!("{}\n", visible(&bundle.incident));
        }
        AnswerBody::Evidence(kept) => format!("{}  {}\n", kept.id, kept.text.visible()),
        AnswerBody::Host(rows) => free::host(rows),
        AnswerBody::Sql(table) => return free::sql(table),
    };
    out.push_str(&footer(answer, style));
    out
}

/// The window, its zone, and what was not seen.
fn footer(answer: &Answer, style: &TableStyle) -> String {
    let from = timestamp(answer.window.from).to_zoned(style.zone.clone());
    let to = timestamp(answer.window.to).to_zoned(style.zone.clone());
    let day = "%Y-%m-%d %H:%M:%S";
    let end = if from.date() == to.date() {
        "%H:%M:%S %Z"
    } else {
        "%Y-%m-%d %H:%M:%S %Z"
    };
    let behind = match answer.complete_until {
        None => " · no agent has reported".to_owned(),
        Some(until) => {
            let behind = answer.window.to.since(until);
            if behind > coral_model::answer::STALE_AFTER {
                format!(" · the last {} are not in yet", crate::figure::age(behind))
            } else {
                String::new()
            }
        }
    };
    let (from, to) = (from.strftime(day), to.strftime(end));
    format!("{from} to {to}{behind} · {}\n", loss_line(&answer.loss))
}

/// The loss in words: `loss 0`, or every kind that is not 0; connections that cannot be read are named apart.
pub fn loss_line(loss: &Loss) -> String {
    let kinds: Vec<String> = loss
        .fields()
        .into_iter()
        .filter(|&(name, count)| count > 0 && name != "unseen")
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    let mut line = if kinds.is_empty() {
        "loss 0".to_owned()
    } else {
        format!("loss: {}", kinds.join(", "))
    };
    if loss.unseen > 0 {
        line.push_str(&format!(" · {} connections not read", loss.unseen));
    }
    line
}

/// `+ 14 system, 2 coral, 5 outside`, empty when nothing is folded.
fn folded(classes: impl Iterator<Item = ServiceClass>) -> String {
    let mut counts = [0usize; 3];
    for class in classes {
        match class {
            ServiceClass::App => {}
            ServiceClass::System => counts[0] += 1,
            ServiceClass::Coral => counts[1] += 1,
            ServiceClass::Outside => counts[2] += 1,
        }
    }
    let parts: Vec<String> = counts
        .into_iter()
        .zip(["system", "coral", "outside"])
        .filter(|&(count, _)| count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("+ {} (--all shows them)\n", parts.join(", "))
    }
}
