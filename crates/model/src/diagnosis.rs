//! What a diagnosis says: ranked causes with evidence, victims, and what could not be seen. Made by `coral-diagnose`
//! from data alone, or read by tools and people; nothing here knows how it was found or how it is written down.

use crate::{Observed, Question, ServiceKey, TimeNs};
use std::time::Duration;

/// The outcome of one diagnosis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosis {
    /// What somebody complained about, if anybody did.
    pub symptom: Option<Symptom>,
    /// When it began, by the data.
    pub began: Option<TimeNs>,
    /// How long the search took; the caller has the clock.
    pub elapsed: Option<Duration>,
    /// Nothing stands out, so no cause is named.
    pub abstained: bool,
    /// How much was looked at.
    pub checked: Checked,
    /// The likely causes, best first; when abstained, what came nearest.
    pub causes: Vec<Cause>,
    /// Services that are worse only through a cause.
    pub victims: Vec<Observed>,
    /// What could not be seen.
    pub blind: Vec<Blind>,
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// About which service.
    pub service: Observed,
    /// What about it: `latency`, `errors`, `rate`, ...
    pub signal: Observed,
    /// When it was noticed.
    pub at: Option<TimeNs>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Services with any data.
    pub services: u64,
    /// Series.
    pub metrics: u64,
    /// Edges.
    pub edges: u64,
    /// Events.
    pub events: u64,
    /// Points in time.
    pub points: u64,
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// From 1.
    pub rank: u32,
    /// Where.
    pub service: Observed,
    /// What kind of trouble.
    pub kind: CauseKind,
    /// The metric that shows it best.
    pub metric: Option<Observed>,
    /// The function, when a profile or a probe tells.
    pub function: Option<Observed>,
    /// 0 to 1; comparable within one diagnosis.
    pub score: f64,
    /// How often a cause that looks like this one is right.
    pub confidence: Confidence,
    /// From the symptom to the cause, over the topology.
    pub path: Vec<Observed>,
    /// What speaks for it.
    pub evidence: Vec<Evidence>,
    /// What speaks against it, or for something else.
    pub against: Vec<Observed>,
    /// What would decide it.
    pub next: Vec<Next>,
}

/// What kind of trouble a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of the design, see `name`")]
pub enum CauseKind {
    Cpu,
    Memory,
    Disk,
    Network,
    Lock,
    DependencySlow,
    DependencyFailing,
    ErrorsInCode,
    Crash,
    LoadSurge,
    PoolExhausted,
    Throttled,
    Deployment,
    NoisyNeighbour,
    Unknown,
}

impl CauseKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Cpu,
        Self::Memory,
        Self::Disk,
        Self::Network,
        Self::Lock,
        Self::DependencySlow,
        Self::DependencyFailing,
        Self::ErrorsInCode,
        Self::Crash,
        Self::LoadSurge,
        Self::PoolExhausted,
        Self::Throttled,
        Self::Deployment,
        Self::NoisyNeighbour,
        Self::Unknown,
    ];

    /// The word in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Lock => "lock",
            Self::DependencySlow => "dependency slow",
            Self::DependencyFailing => "dependency failing",
            Self::ErrorsInCode => "errors in code",
            Self::Crash => "crash",
            Self::LoadSurge => "load surge",
            Self::PoolExhausted => "pool exhausted",
            Self::Throttled => "throttled",
            Self::Deployment => "deployment",
            Self::NoisyNeighbour => "noisy neighbour",
            Self::Unknown => "unknown",
        }
    }
}

/// How sure a cause is: of those called high at least nine in ten are right on the generator's held-out incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "three steps")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    /// Every step, from the least sure.
    pub const ALL: &'static [Self] = &[Self::Low, Self::Medium, Self::High];

    /// The word in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// `e` and eight characters of base32; the same data has the same id.
    pub id: String,
    /// What it says.
    pub text: Observed,
    /// The course of its figure, oldest first, `None` where there is no data; may be empty.
    pub trend: Vec<Option<f64>>,
}

/// A piece of evidence as the colony keeps it: what shows it again.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEvidence {
    /// Its id.
    pub id: String,
    /// What it said.
    pub text: Observed,
    /// About which service, when that has instances.
    pub service: Option<ServiceKey>,
    /// The question that shows it, about its window.
    pub question: Box<Question>,
    /// When it was last found.
    pub at: TimeNs,
}

/// Whether a text has the form of an evidence id: `e` and eight characters of base32.
pub fn is_evidence_id(text: &str) -> bool {
    let base32 = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    text.len() == 9 && text.starts_with('e') && text.bytes().all(base32)
}

/// Something that could not be seen, or not well enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// What.
    pub what: Observed,
    /// Why not.
    pub why: Observed,
    /// What to do about it.
    pub fix: Observed,
}

/// The files of an incident bundle, as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// `incident.json`.
    pub incident: String,
    /// `metrics.csv`.
    pub metrics: String,
    /// `edges.csv`.
    pub edges: String,
    /// `events.csv`.
    pub events: String,
}

/// Which profile a suggestion means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the kinds of `coral profile`")]
pub enum ProfileKind {
    Cpu,
    OffCpu,
    Heap,
    Lock,
    Io,
}

impl ProfileKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Cpu, Self::OffCpu, Self::Heap, Self::Lock, Self::Io];

    /// The word of `coral profile`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::OffCpu => "offcpu",
            Self::Heap => "heap",
            Self::Lock => "lock",
            Self::Io => "io",
        }
    }
}

/// What would decide whether a cause is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// Sample its stacks.
    Profile {
        /// Where.
        service: Observed,
        /// What to sample.
        kind: ProfileKind,
    },
    /// Watch its functions.
    Probe {
        /// Where.
        service: Observed,
    },
    /// See what changed there.
    Changes {
        /// Where.
        service: Observed,
    },
    /// See its requests by route and status.
    Metrics {
        /// Where.
        service: Observed,
    },
    /// See what its host uses.
    Host,
}

impl Next {
    /// The command line that does it, safe to paste.
    pub fn command(&self) -> String {
        match self {
            Self::Profile { service, kind } => {
                format!("coral profile {} {}", kind.name(), word(service))
            }
            Self::Probe { service } => format!("coral debug functions {}", word(service)),
            Self::Changes { service } => format!("coral query changes {}", word(service)),
            Self::Metrics { service } => format!("coral query metrics {}", word(service)),
            Self::Host => "coral query host".to_owned(),
        }
    }
}

/// A name as one word of a POSIX shell; controls are made visible.
fn word(name: &Observed) -> String {
    let text = name.visible();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into_owned();
    }
    let dashes = if text.starts_with('-') { "-- " } else { "" };
    format!("{dashes}'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_safe_to_paste() {
        let of = |name: &str| {
            Next::Metrics {
                service: Observed::new(name),
            }
            .command()
        };
        assert_eq!(of("cart"), "coral query metrics cart");
        assert_eq!(of("a; rm -rf x"), "coral query metrics 'a; rm -rf x'");
        assert_eq!(of("it's"), r"coral query metrics 'it'\''s'");
        assert_eq!(of("--all"), "coral query metrics -- '--all'");
        assert_eq!(of("a\nb"), "coral query metrics 'a⏎b'");
    }

    #[test]
    fn an_evidence_id_has_nine_characters() {
        assert!(is_evidence_id("e7k2m3qx4"));
        for text in [
            "",
            "e",
            "e7k2m3qx",
            "e7k2m3qx45",
            "x7k2m3qx4",
            "e7k2m3qx1",
            "E7K2M3QX4",
        ] {
            assert!(!is_evidence_id(text), "{text}");
        }
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            CauseKind::ALL.iter().map(|k| k.name()).collect();
        assert_eq!(words.len(), CauseKind::ALL.len());
    }
}
