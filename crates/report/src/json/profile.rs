//! A profile as JSON: stacks of names with weights, and the functions by their own time.

use super::{ratio, rfc3339};
use crate::flame::{Difference, Totals, differences, totals};
use coral_model::Answer;
use coral_model::profile::{Flame, FlameFunction, FlameStack, MissingNames};
use serde::Serialize;

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the contract's own")]
pub struct ProfileReport {
    pub from: String,
    pub to: String,
    pub kind: &'static str,
    pub unit: &'static str,
    /// All weights together, nanoseconds of processor time.
    pub total: u64,
    pub duration_s: f64,
    pub hz: u32,
    pub samples: u64,
    pub before_samples: Option<u64>,
    pub instances: u32,
    pub builds: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before_builds: Vec<String>,
    pub stacks: Vec<StackReport>,
    pub functions: Vec<FunctionReport>,
    /// Functions whose own share differs by more than chance explains, when there is something to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<ChangedReport>>,
    pub unwind: UnwindReport,
    pub missing: Vec<MissingNamesReport>,
}

/// A stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackReport {
    pub thread: String,
    /// From the outermost to the innermost.
    pub frames: Vec<String>,
    pub weight: u64,
    pub samples: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_samples: Option<u64>,
}

/// A function, over all stacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionReport {
    pub function: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub binary: String,
    /// Part of its caller's code: it was not called.
    pub inlined: bool,
    pub self_samples: u64,
    pub total_samples: u64,
    pub self_ratio: Option<f64>,
    pub total_ratio: Option<f64>,
}

/// A function with another share of the samples than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedReport {
    pub function: String,
    pub self_ratio: Option<f64>,
    pub before_self_ratio: Option<f64>,
    /// One standard error of the difference.
    pub error: Option<f64>,
}

/// How well stacks were walked and named, in samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnwindReport {
    pub user: u64,
    pub complete: u64,
    pub truncated: u64,
    pub unresolved: u64,
    pub complete_ratio: Option<f64>,
}

/// A file whose functions have no names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingNamesReport {
    pub path: String,
    pub hint: Option<String>,
    pub samples: u64,
}

impl ProfileReport {
    pub(super) fn new(answer: &Answer, flame: &Flame) -> Self {
        let stack = |s: &FlameStack| StackReport {
            thread: s.thread.visible().into_owned(),
            frames: s.frames.iter().map(|&f| name(flame, f)).collect(),
            weight: s.weight_ns,
            samples: s.samples,
            before_samples: flame.before_samples.map(|_| s.before),
        };
        let missing = |m: &MissingNames| MissingNamesReport {
            path: m.path.visible().into_owned(),
            hint: m.hint.as_ref().map(|h| h.visible().into_owned()),
            samples: m.samples,
        };
        let u = flame.unwind;
        let share = |n: u64, of: u64| ratio((of > 0).then(|| n as f64 / of as f64));
        Self {
            from: rfc3339(answer.window.from),
            to: rfc3339(answer.window.to),
            kind: "cpu",
            unit: "nanoseconds",
            total: flame.stacks.iter().map(|s| s.weight_ns).sum(),
            duration_s: super::seconds(answer.window.length()),
            hz: flame.hz,
            samples: flame.samples,
            before_samples: flame.before_samples,
            instances: flame.instances,
            builds: flame.builds.clone(),
            before_builds: flame.before_builds.clone(),
            stacks: flame.stacks.iter().map(stack).collect(),
            functions: totals(flame).iter().map(|t| function(flame, t)).collect(),
            changed: flame.before_samples.map(|_| changed(flame)),
            unwind: UnwindReport {
                user: u.user,
                complete: u.complete,
                truncated: u.truncated,
                unresolved: u.unresolved,
                complete_ratio: share(u.complete, u.user),
            },
            missing: flame.missing.iter().map(missing).collect(),
        }
    }
}

fn name(flame: &Flame, function: u32) -> String {
    let named = |f: &FlameFunction| f.name.visible().into_owned();
    flame
        .functions
        .get(function as usize)
        .map_or_else(String::new, named)
}

fn changed(flame: &Flame) -> Vec<ChangedReport> {
    let report = |d: &Difference| ChangedReport {
        function: name(flame, d.function),
        self_ratio: ratio(Some(d.now)),
        before_self_ratio: ratio(Some(d.before)),
        error: ratio(Some(d.error)),
    };
    differences(flame).iter().map(report).collect()
}

fn function(flame: &Flame, totals: &Totals) -> FunctionReport {
    let f = &flame.functions[totals.function as usize];
    let share = |n: u64| ratio((flame.samples > 0).then(|| n as f64 / flame.samples as f64));
    FunctionReport {
        function: f.name.visible().into_owned(),
        file: f.file.as_ref().map(|f| f.visible().into_owned()),
        line: f.line,
        inlined: f.inlined,
        binary: f.binary.visible().into_owned(),
        self_samples: totals.own,
        total_samples: totals.total,
        self_ratio: share(totals.own),
        total_ratio: share(totals.total),
    }
}
