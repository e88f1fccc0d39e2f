//! What speaks for a cause: the series that changed most, what happened, what it explains. Each piece has an id that the same
//! data always gives.

use super::Writer;
use crate::change::Change;
use crate::family::Family;
use coral_model::{Evidence, Observed};
use std::fmt::Write as _;

/// So many series are shown for one cause.
const SHOWN: usize = 3;
/// A change below this says nothing.
const SAYS: f64 = 0.7;
/// So many points has the course of a figure.
const COURSE: usize = 16;

/// The changes of a service that show its trouble best, one a family, strongest first.
pub fn strongest<'a>(write: &Writer<'a>, service: usize) -> Vec<&'a Change> {
    let families = &write.analysis.suspects[service].families;
    let mut best: Vec<(f64, usize)> = families
        .iter()
        .map(|(family, (strength, series))| match family {
            Family::Load => (0.35 * strength, *series),
            _ => (*strength, *series),
        })
        .collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.truncate(SHOWN);
    let first = best.first().map(|b| b.1);
    best.retain(|(strength, series)| *strength >= SAYS || Some(*series) == first);
    best.into_iter()
        .map(|(_, series)| &write.analysis.changes[series])
        .collect()
}

/// The evidence for one service.
pub fn all(write: &Writer<'_>, service: usize, shown: &[&Change]) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = shown.iter().map(|c| of_change(write, c)).collect();
    if write.analysis.suspects[service].silent {
        let text = "it has sent no data since then".to_owned();
        evidence.push(piece(write, service, text, vec![]));
    }
    if let Some(hint) = &write.analysis.hints[service] {
        let event = hint.event;
        let off = event.at - write.incident.times[write.analysis.period.segment.start];
        let side = if off <= 0.0 { "before" } else { "after" };
        let mut text = format!(
            "{} {} {side} it began",
            event.kind.name(),
            length(off.abs())
        );
        if !event.text.is_empty() {
            let _ = write!(text, ": {}", event.text.raw());
        }
        evidence.push(piece(write, service, text, vec![]));
    }
    evidence
}

fn of_change(write: &Writer<'_>, change: &Change) -> Evidence {
    let series = &write.incident.series[change.series];
    let metric = series.metric.raw();
    let text = match (change.gone, change.new) {
        (true, _) => format!("{metric} {} -> no data", figure(change.before)),
        (_, true) => format!("{metric} none before -> {}", figure(change.after)),
        _ => {
            let (before, after) = (figure(change.before), figure(change.after));
            format!("{metric} {before} -> {after}{}", times(change))
        }
    };
    let trend = course(write, &series.values);
    piece(write, series.service as usize, text, trend)
}

/// `(4.9x)`, `(-34 %)`, or nothing from 0.
fn times(change: &Change) -> String {
    let ratio = change.ratio();
    match ratio {
        r if !r.is_finite() || r < 0.0 => String::new(),
        r if r >= 1.95 => format!(" ({r:.1}x)"),
        r if r >= 1.0 => format!(" (+{:.0} %)", (r - 1.0) * 100.0),
        r => format!(" (-{:.0} %)", (1.0 - r) * 100.0),
    }
}

/// A figure with three digits that matter; its unit is the bundle's.
pub fn figure(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "no data".to_owned(),
        0.0 => "0".to_owned(),
        a if (1e6..1e15).contains(&a) => format!("{:.0}", value),
        a if !(1e-4..1e6).contains(&a) => format!("{value:.2e}"),
        a => {
            let digits = (2 - a.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.digits$}");
            let short = match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.'),
                false => &text,
            };
            short.to_owned()
        }
    }
}

/// `40 s`, `4 m 20 s`, `2 h 5 m`.
pub fn length(seconds: f64) -> String {
    let s = seconds.round().clamp(0.0, 1e12) as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 if s.is_multiple_of(60) => format!("{} m", s / 60),
        60..3_600 => format!("{} m {} s", s / 60, s % 60),
        _ => format!("{} h {} m", s / 3_600, s % 3_600 / 60),
    }
}

/// The course of a figure around the begin of the trouble, in a few points.
fn course(write: &Writer<'_>, values: &[f64]) -> Vec<Option<f64>> {
    let segment = &write.analysis.period.segment;
    let region = &write.analysis.period.region;
    let lead = segment.len().max(4);
    let from = segment.start.saturating_sub(lead).max(region.start);
    let part = &values[from..segment.end.min(values.len())];
    let width = part.len().div_ceil(COURSE).max(1);
    let bin = |bin: &[f64]| {
        let known: Vec<f64> = bin.iter().copied().filter(|v| !v.is_nan()).collect();
        crate::stats::mean(&known)
    };
    part.chunks(width).map(bin).collect()
}

fn piece(write: &Writer<'_>, service: usize, text: String, trend: Vec<Option<f64>>) -> Evidence {
    let segment = &write.analysis.period.segment;
    let times = &write.incident.times;
    let window = (times[segment.start], times[segment.end - 1]);
    let name = write.incident.services[service].raw();
    Evidence {
        id: id(&format!("{name}\u{1f}{text}\u{1f}{window:?}")),
        text: Observed::new(text),
        trend,
    }
}

/// `e` and eight characters of base32 over a hash (FNV-1a, 64 bits).
fn id(canonical: &str) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = canonical
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    let letter = |i: u32| char::from(LETTERS[(hash >> (5 * i) & 31) as usize]);
    std::iter::once('e').chain((0..8).map(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        let of = [0.005652, 0.0277, 98.17, 1134.4, 2e9, 0.0, 100.0, 12.30].map(figure);
        assert_eq!(
            of,
            [
                "0.00565",
                "0.0277",
                "98.2",
                "1134",
                "2000000000",
                "0",
                "100",
                "12.3"
            ]
        );
        assert_eq!(
            [40.0, 260.0, 120.0, 7500.0].map(length),
            ["40 s", "4 m 20 s", "2 m", "2 h 5 m"]
        );
    }

    #[test]
    fn ids_are_nine_characters() {
        assert_eq!(id("a").len(), 9);
        assert_ne!(id("a"), id("b"));
    }
}
