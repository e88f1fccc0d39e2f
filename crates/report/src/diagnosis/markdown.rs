//! A diagnosis as Markdown, to be shared: no markup of what was observed.

use super::{checked, headline};
use crate::forms::markdown_text;
use coral_model::{Cause, Diagnosis, Observed};
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// So many causes are written.
const CAUSES: usize = 5;

/// The whole page, ending in a newline.
pub fn diagnosis_markdown(diagnosis: &Diagnosis, zone: &TimeZone) -> String {
    let plain = |text: &Observed| markdown_text(&text.visible());
    let mut out = format!(
        "# {}\n\n{}\n",
        markdown_text(&headline(diagnosis, zone)),
        markdown_text(&checked(diagnosis))
    );
    if diagnosis.abstained && !diagnosis.causes.is_empty() {
        out += "\nWhat came nearest:\n";
    }
    for found in diagnosis.causes.iter().take(CAUSES) {
        cause(&mut out, found);
    }
    if !diagnosis.victims.is_empty() {
        let names: Vec<String> = diagnosis.victims.iter().map(plain).collect();
        let _ = write!(out, "\nVictims: {}\n", names.join(", "));
    }
    if !diagnosis.blind.is_empty() {
        out += "\nNot seen:\n\n";
        for blind in &diagnosis.blind {
            let (what, why, fix) = (plain(&blind.what), plain(&blind.why), plain(&blind.fix));
            let _ = writeln!(out, "- {what}: {why} ({fix})");
        }
    }
    out += "\nFound by rules, no model asked.\n";
    out
}

fn cause(out: &mut String, cause: &Cause) {
    let plain = |text: &Observed| markdown_text(&text.visible());
    let (kind, sure) = (cause.kind.name(), cause.confidence.name());
    let service = plain(&cause.service);
    let _ = write!(
        out,
        "\n## {}. {service}: {kind} ({sure}, {:.2})\n\n",
        cause.rank, cause.score
    );
    if cause.path.len() > 1 {
        let path: Vec<String> = cause.path.iter().map(plain).collect();
        let _ = writeln!(out, "- path: {}", path.join(" → "));
    }
    for evidence in &cause.evidence {
        let _ = writeln!(out, "- {} ({})", plain(&evidence.text), evidence.id);
    }
    for against in &cause.against {
        let _ = writeln!(out, "- against: {}", plain(against));
    }
    for next in &cause.next {
        let _ = writeln!(out, "- next: {}", markdown_text(&next.command()));
    }
}
