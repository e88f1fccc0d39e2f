//! A diagnosis laid out in lines of so many columns, each a row of words with a tone. What does not fit goes on in the next
//! line: nothing is cut but the names of services.

use coral_model::Diagnosis;
use coral_report::figure::age;
use coral_report::text::{fit, left, shown, width};
use coral_report::{DiagnosisLine, diagnosis_lines};
use jiff::tz::TimeZone;
use std::time::Duration;

/// Columns of a course, where there are many or few.
const COURSE: (usize, usize) = (12, 8);
/// From this width on there are many.
const MANY: usize = 64;
/// Before what a word says, and before what goes on from the line above.
const LABEL: usize = 10;
const GOES_ON: usize = 5;

/// How words are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As they are.
    Plain,
    /// They matter most.
    Bold,
    /// They matter less.
    Dim,
    /// A course.
    Chart,
    /// What leads on.
    Link,
    /// Something is wrong.
    Unusual,
    /// Nothing is wrong.
    Good,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLine {
    /// Its words.
    pub parts: Vec<(Tone, String)>,
    /// Which piece of evidence it is about, from 0.
    pub evidence: Option<usize>,
}

impl TextLine {
    fn of(parts: Vec<(Tone, String)>) -> Self {
        Self {
            parts,
            evidence: None,
        }
    }
}

/// The whole diagnosis; `ago` is how long ago it began.
pub fn lay_out(
    diagnosis: &Diagnosis,
    zone: &TimeZone,
    ago: Option<Duration>,
    columns: usize,
) -> Vec<TextLine> {
    let lines = diagnosis_lines(diagnosis, zone);
    let of_line = |line| laid(line, diagnosis.abstained, ago, columns);
    lines.into_iter().flat_map(of_line).collect()
}

fn laid(line: DiagnosisLine, well: bool, ago: Option<Duration>, columns: usize) -> Vec<TextLine> {
    match line {
        DiagnosisLine::Headline(text) => {
            let tone = if well { Tone::Good } else { Tone::Unusual };
            indented(&text, tone, 0, columns)
        }
        DiagnosisLine::Checked(text) => {
            let since = ago.map(|ago| format!("began {} ago · ", age(ago)));
            let text = format!("{}{text}", since.unwrap_or_default());
            indented(&text, Tone::Dim, 0, columns)
        }
        DiagnosisLine::Blank => vec![TextLine::default()],
        DiagnosisLine::Cause {
            rank,
            service,
            sure,
        } => {
            let sure = fit(&sure, columns / 2).into_owned();
            let room = columns.saturating_sub(4 + width(&sure));
            let name = left(&shown(&service, room), room);
            vec![TextLine::of(vec![
                (Tone::Plain, format!("{rank}  ")),
                (Tone::Bold, name),
                (
                    if rank == 1 { Tone::Bold } else { Tone::Dim },
                    format!(" {sure}"),
                ),
            ])]
        }
        DiagnosisLine::Path(text) => indented(&text, Tone::Dim, 3, columns),
        DiagnosisLine::Evidence {
            text,
            course,
            number,
            ..
        } => evidence(&text.visible(), &course, number, columns),
        DiagnosisLine::Said { label, text } => {
            let mut lines = indented(&text, Tone::Plain, LABEL, columns);
            if let Some((tone, blank)) = lines.first_mut().and_then(|l| l.parts.first_mut()) {
                (*tone, *blank) = (Tone::Dim, left(label, LABEL));
            }
            lines
        }
        DiagnosisLine::Source(text) => indented(text, Tone::Dim, 0, columns),
    }
}

/// The text, its course and its link at the end of the first line.
fn evidence(text: &str, course: &str, number: usize, columns: usize) -> Vec<TextLine> {
    let points = match (course.is_empty(), columns >= MANY) {
        (true, _) => 0,
        (false, true) => COURSE.0,
        (false, false) => COURSE.1,
    };
    let newest: String = {
        let skip = course.chars().count().saturating_sub(points);
        course.chars().skip(skip).collect()
    };
    let link = format!("[E{number}]");
    let gap = if points > 0 { "  " } else { "" };
    let end = points + gap.len() + width(&link);
    let room = columns.saturating_sub(3 + end + 1);
    let mut lines = vec![];
    for (place, part) in wrapped(text, room, columns.saturating_sub(GOES_ON))
        .iter()
        .enumerate()
    {
        let parts = match place {
            0 => vec![
                (Tone::Plain, format!("   {} ", left(part, room))),
                (Tone::Chart, left(&newest, points)),
                (Tone::Plain, gap.to_owned()),
                (Tone::Link, link.clone()),
            ],
            _ => vec![(Tone::Plain, format!("{:GOES_ON$}{part}", ""))],
        };
        lines.push(TextLine {
            parts,
            evidence: Some(number - 1),
        });
    }
    lines
}

/// The text over as many lines as it takes, each this far from the left.
fn indented(text: &str, tone: Tone, indent: usize, columns: usize) -> Vec<TextLine> {
    let room = columns.saturating_sub(indent);
    let line = |part: &String| {
        TextLine::of(vec![
            (Tone::Plain, " ".repeat(indent)),
            (tone, part.clone()),
        ])
    };
    wrapped(text, room, room).iter().map(line).collect()
}

/// Breaks a text between words: the first line is not wider than `first`, the others than `rest`. A word that is wider than
/// its line is cut.
pub fn wrapped(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let room = |lines: &Vec<String>| if lines.len() == 1 { first } else { rest };
        let used = lines.last().map_or(0, |line| width(line));
        if used > 0 && used + 1 + width(word) > room(&lines) {
            lines.push(String::new());
        }
        let most = room(&lines);
        let Some(line) = lines.last_mut() else {
            continue;
        };
        if !line.is_empty() {
            line.push(' ');
        }
        let left = most.saturating_sub(width(line));
        line.push_str(&fit(word, left));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nothing_is_too_wide() {
        let text = "latency_p95_ms 61 -> 2190 (36x) because 数数数 waits";
        for columns in [8, 12, 20, 60] {
            let lines = wrapped(text, columns, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            if columns > 14 {
                assert_eq!(lines.join(" "), text);
            }
        }
        assert_eq!(wrapped("", 5, 5), [""]);
    }

    #[test]
    fn evidence_keeps_its_link_and_goes_on_below() {
        let lines = evidence(
            "latency_p95_ms 61 -> 2190 (36x) on all of its routes",
            "▁▁██",
            2,
            40,
        );
        assert!(lines.len() > 1);
        let texts: Vec<String> = lines
            .iter()
            .map(|l| l.parts.iter().map(|p| p.1.as_str()).collect())
            .collect();
        assert!(texts[0].ends_with("[E2]"), "{texts:?}");
        assert!(texts.iter().all(|text| width(text) <= 40), "{texts:?}");
        assert!(lines.iter().all(|l| l.evidence == Some(1)));
    }
}
