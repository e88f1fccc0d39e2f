//! An incident as the engine sees it: interned services, series on one time axis, edges, events, and what was stated.

use crate::family::Family;
use coral_model::Observed;

/// Everything that is known about one incident. Times are unix seconds; services are indices into `services`.
#[derive(Debug, Clone, Default)]
pub struct Incident {
    /// What it is called.
    pub name: Observed,
    /// What somebody complained about.
    pub stated: Option<Stated>,
    /// When all was well, if that was said.
    pub normal: Option<Range>,
    /// When it was not, if that was said.
    pub anomalous: Option<Range>,
    /// It was chosen to be looked at: what is long before it does not matter.
    pub chosen: bool,
    /// The names of the services.
    pub services: Vec<Observed>,
    /// The time axis, ascending.
    pub times: Vec<f64>,
    /// The series, each as long as `times`.
    pub series: Vec<Series>,
    /// Caller and callee.
    pub edges: Vec<(u32, u32)>,
    /// What happened, in order of time.
    pub events: Vec<Happened>,
}

impl Incident {
    /// The points from `from` up to before `to`, with the events of that time.
    #[must_use]
    pub fn between(&self, from: usize, to: usize) -> Self {
        let part = from.min(to)..to.min(self.times.len());
        let times = self.times[part.clone()].to_vec();
        let series = self.series.iter().map(|series| Series {
            values: series.values[part.clone()].to_vec(),
            ..series.clone_without_values()
        });
        let in_it = |event: &&Happened| {
            let ends = times.first().zip(times.last());
            ends.is_some_and(|(first, last)| *first <= event.at && event.at <= *last)
        };
        Self {
            name: self.name.clone(),
            stated: self.stated.clone(),
            normal: self.normal,
            anomalous: self.anomalous,
            chosen: self.chosen,
            services: self.services.clone(),
            series: series.collect(),
            edges: self.edges.clone(),
            events: self.events.iter().filter(in_it).cloned().collect(),
            times,
        }
    }
}

/// A complaint, as it was stated.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    /// About which service; a name that no data has stays as it is.
    pub service: Observed,
    /// Its index, when there is data about it.
    pub index: Option<u32>,
    /// What about it.
    pub signal: Observed,
    /// When it was noticed.
    pub at: Option<f64>,
}

/// A stretch of time, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Its begin.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

impl Range {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: f64) -> bool {
        self.from <= at && at <= self.to
    }
}

/// One metric of one service.
#[derive(Debug, Clone)]
pub struct Series {
    /// Whose.
    pub service: u32,
    /// Its name.
    pub metric: Observed,
    /// What it measures.
    pub family: Family,
    /// A value for each moment; NaN is no data.
    pub values: Vec<f64>,
}

impl Series {
    fn clone_without_values(&self) -> Self {
        Self {
            service: self.service,
            metric: self.metric.clone(),
            family: self.family,
            values: vec![],
        }
    }
}

/// Something that happened at a moment.
#[derive(Debug, Clone)]
pub struct Happened {
    /// When.
    pub at: f64,
    /// To which service.
    pub service: Option<u32>,
    /// What.
    pub kind: EventKind,
    /// What a person should read.
    pub text: Observed,
}

/// What happened, as far as the engine weighs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words say it")]
pub enum EventKind {
    Deployment,
    Restart,
    Crash,
    OutOfMemory,
    Throttling,
    DiskFull,
    Other,
}

impl EventKind {
    /// The kind that a word means.
    pub fn of(word: &str) -> Self {
        let word = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        match word.as_str() {
            "deployment" | "deploy" | "change" | "rollout" | "release" | "config" => {
                Self::Deployment
            }
            "restart" | "start" => Self::Restart,
            "crash" | "exit" | "killed" | "panic" => Self::Crash,
            "oom" | "out_of_memory" | "oom_kill" | "oomkilled" => Self::OutOfMemory,
            "throttling" | "throttled" => Self::Throttling,
            "disk_full" | "diskfull" | "no_space" => Self::DiskFull,
            _ => Self::Other,
        }
    }

    /// The word for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Restart => "restart",
            Self::Crash => "crash",
            Self::OutOfMemory => "out of memory",
            Self::Throttling => "throttling",
            Self::DiskFull => "disk full",
            Self::Other => "event",
        }
    }
}
