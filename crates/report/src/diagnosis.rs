//! A diagnosis as text for people: at most 25 lines of 100 columns, and as Markdown.

mod markdown;

use crate::figure::age;
use crate::json::timestamp;
use crate::text::{fit, left, shown, width};
use coral_model::diagnosis::Symptom;
use coral_model::{Cause, Diagnosis, Evidence, Observed, TimeNs};
use jiff::tz::TimeZone;
pub use markdown::diagnosis_markdown;

const COLUMNS: usize = 100;
/// So many causes are shown, of the first so many pieces of evidence.
const CAUSES: usize = 3;
const EVIDENCE: usize = 4;
/// Width of a word before what it says.
const LABEL: usize = 10;
/// So many points has a course.
const COURSE: usize = 12;
const UNSEEN: usize = 3;
const NEXT: usize = 3;

/// A line of the text, before it is fitted into columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiagnosisLine {
    /// What is wrong, since when; or that nothing is.
    Headline(String),
    /// How much was looked at.
    Checked(String),
    /// Nothing.
    Blank,
    /// Who is to blame.
    Cause {
        /// From 1.
        rank: u32,
        /// Where.
        service: Observed,
        /// Of which kind, and how sure.
        sure: String,
    },
    /// The way from the symptom to the cause.
    Path(String),
    /// A piece of evidence.
    Evidence {
        /// What it says.
        text: Observed,
        /// Its course in block characters.
        course: String,
        /// Its number in this text, from 1.
        number: usize,
        /// Its id everywhere.
        id: String,
    },
    /// What a word says: against, victims, not seen, next.
    Said {
        /// The word; empty where the line above has it.
        label: &'static str,
        /// What it says.
        text: String,
    },
    /// Who found it.
    Source(&'static str),
}

impl DiagnosisLine {
    fn text(&self) -> String {
        match self {
            Self::Headline(text) | Self::Checked(text) => text.clone(),
            Self::Blank => String::new(),
            Self::Cause {
                rank,
                service,
                sure,
            } => {
                let room = COLUMNS - 4 - width(sure);
                let name = shown(service, room);
                format!("{rank}  {} {sure}", left(&name, room))
            }
            Self::Path(path) => format!("   {path}"),
            Self::Evidence {
                text,
                course,
                number,
                ..
            } => {
                let mark = format!("{} [E{number}]", left(course, COURSE));
                let room = COLUMNS - 4 - width(&mark);
                format!("   {} {mark}", left(&shown(text, room), room))
            }
            Self::Said { label, text } => labelled(label, text),
            Self::Source(text) => (*text).to_owned(),
        }
    }
}

/// The evidence that the text shows and its causes, in the order of their numbers.
pub fn diagnosis_evidence(diagnosis: &Diagnosis) -> Vec<(&Cause, &Evidence)> {
    let causes = diagnosis.causes.iter().take(CAUSES).enumerate();
    let shown = causes.flat_map(|(place, cause)| {
        let evidence = cause.evidence.iter().take(most(place));
        evidence.map(move |evidence| (cause, evidence))
    });
    shown.collect()
}

/// How many pieces of evidence the cause at this place shows.
const fn most(place: usize) -> usize {
    if place == 0 { EVIDENCE } else { 1 }
}

/// The lines of the text, without that of the ids.
pub fn diagnosis_lines(diagnosis: &Diagnosis, zone: &TimeZone) -> Vec<DiagnosisLine> {
    let mut lines = vec![
        DiagnosisLine::Headline(headline(diagnosis, zone)),
        DiagnosisLine::Checked(checked(diagnosis)),
        DiagnosisLine::Blank,
    ];
    let mut number = 0;
    for (place, found) in diagnosis.causes.iter().take(CAUSES).enumerate() {
        cause(&mut lines, &mut number, found, place, diagnosis.abstained);
    }
    lines.push(DiagnosisLine::Blank);
    rest(&mut lines, diagnosis);
    lines.push(DiagnosisLine::Source("found by rules, no model asked"));
    lines
}

/// The whole text, ending in a newline.
pub fn diagnosis_text(diagnosis: &Diagnosis, zone: &TimeZone) -> String {
    let lines = diagnosis_lines(diagnosis, zone);
    let id = |line: &DiagnosisLine| match line {
        DiagnosisLine::Evidence { number, id, .. } => Some(format!("E{number} {id}")),
        _ => None,
    };
    let ids: Vec<String> = lines.iter().filter_map(id).collect();
    let mut texts: Vec<String> = lines.iter().map(DiagnosisLine::text).collect();
    if !ids.is_empty() {
        texts.insert(texts.len() - 1, labelled("evidence", &ids.join(" · ")));
    }
    let fitted = texts
        .iter()
        .map(|line| fit(line.trim_end(), COLUMNS).into_owned() + "\n");
    fitted.collect()
}

/// Against, victims, what was not seen, what would decide.
fn rest(lines: &mut Vec<DiagnosisLine>, diagnosis: &Diagnosis) {
    let first = diagnosis.causes.first();
    let mut say = |label, text| lines.push(DiagnosisLine::Said { label, text });
    let against: Vec<String> = first
        .iter()
        .flat_map(|cause| cause.against.iter())
        .map(|text| text.visible().into_owned())
        .collect();
    if !against.is_empty() {
        say("against", against.join(" · "));
    }
    if !diagnosis.victims.is_empty() {
        say("victims", names(&diagnosis.victims));
    }
    for (place, blind) in diagnosis.blind.iter().take(UNSEEN).enumerate() {
        let more = diagnosis.blind.len().saturating_sub(UNSEEN);
        let tail = match (place + 1 == UNSEEN, more) {
            (true, 1..) => format!(" (and {more} more)"),
            _ => String::new(),
        };
        let text = format!("{}: {}{tail}", shown(&blind.what, 40), blind.why.visible());
        say(if place == 0 { "not seen" } else { "" }, text);
    }
    let next = first.iter().flat_map(|cause| cause.next.iter()).take(NEXT);
    for (place, next) in next.enumerate() {
        say(if place == 0 { "next" } else { "" }, next.command());
    }
}

fn labelled(label: &str, text: &str) -> String {
    format!("{}{text}", left(label, LABEL))
}

/// `checkout is slow since 14:32:10 CET`.
fn headline(diagnosis: &Diagnosis, zone: &TimeZone) -> String {
    let what = match &diagnosis.symptom {
        Some(symptom) if !symptom.service.is_empty() => complaint(symptom),
        _ => "something is wrong".to_owned(),
    };
    if diagnosis.abstained {
        return match &diagnosis.symptom {
            Some(_) => format!("nothing stands out ({what}, somebody said)"),
            None => "nothing stands out".to_owned(),
        };
    }
    match diagnosis.began {
        Some(began) => format!("{what} since {}", moment(began, zone)),
        None => what,
    }
}

fn complaint(symptom: &Symptom) -> String {
    let service = shown(&symptom.service, 50);
    match symptom.signal.raw() {
        "latency" => format!("{service} is slow"),
        "errors" => format!("{service} is failing"),
        "rate" => format!("{service} has another load"),
        "" => format!("{service} is in trouble"),
        _ => format!("{service} is in trouble ({})", shown(&symptom.signal, 20)),
    }
}

fn moment(at: TimeNs, zone: &TimeZone) -> String {
    let at = timestamp(at).to_zoned(zone.clone());
    at.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn checked(diagnosis: &Diagnosis) -> String {
    let c = &diagnosis.checked;
    let took = diagnosis
        .elapsed
        .map(|e| format!(" in {}", age(e)))
        .unwrap_or_default();
    format!(
        "looked at {} services, {} metrics, {} edges, {} events{took}",
        c.services, c.metrics, c.edges, c.events
    )
}

/// The lines of one cause: its head, and for the first the path and all evidence.
fn cause(
    lines: &mut Vec<DiagnosisLine>,
    number: &mut usize,
    cause: &Cause,
    place: usize,
    nearest: bool,
) {
    let sure = match nearest {
        true => format!("nearest {:.2}", cause.score),
        false => format!(
            "{} · {} {:.2}",
            cause.kind.name(),
            cause.confidence.name(),
            cause.score
        ),
    };
    lines.push(DiagnosisLine::Cause {
        rank: cause.rank,
        service: cause.service.clone(),
        sure,
    });
    if place == 0 && cause.path.len() > 1 {
        lines.push(DiagnosisLine::Path(path(&cause.path)));
    }
    for evidence in cause.evidence.iter().take(most(place)) {
        *number += 1;
        lines.push(DiagnosisLine::Evidence {
            text: evidence.text.clone(),
            course: spark(&evidence.trend),
            number: *number,
            id: evidence.id.clone(),
        });
    }
}

/// `a -> b -> c`, the middle left out when it is long.
fn path(path: &[Observed]) -> String {
    let name = |observed: &Observed| shown(observed, 30);
    match path {
        [first, .., last] if path.len() > 4 => {
            format!(
                "{} -> {} more -> {}",
                name(first),
                path.len() - 2,
                name(last)
            )
        }
        _ => path.iter().map(name).collect::<Vec<_>>().join(" -> "),
    }
}

/// Names up to the width of a line, the rest as a number.
fn names(names: &[Observed]) -> String {
    let mut out = String::new();
    for (place, name) in names.iter().enumerate() {
        let name = shown(name, 40);
        if width(&out) + width(&name) + 2 > COLUMNS - LABEL - 12 {
            return format!("{out} and {} more", names.len() - place);
        }
        if place > 0 {
            out.push_str(", ");
        }
        out.push_str(&name);
    }
    out
}

/// A course in block characters, a gap where there is no data.
fn spark(course: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || course.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = known().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let step = course.len().div_ceil(COURSE).max(1);
    let block = |value: &Option<f64>| match value.filter(|v| v.is_finite()) {
        None => ' ',
        Some(_) if high <= low => BLOCKS[0],
        Some(v) => BLOCKS[(((v - low) / (high - low) * 7.0).round() as usize).min(7)],
    };
    course.iter().step_by(step).map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_has_gaps_and_a_flat_one_is_low() {
        assert_eq!(spark(&[Some(0.0), None, Some(7.0)]), "▁ █");
        assert_eq!(spark(&[Some(3.0), Some(3.0)]), "▁▁");
        assert_eq!(spark(&[]), "");
    }
}
