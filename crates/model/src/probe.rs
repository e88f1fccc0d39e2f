//! Probes: functions of running programs that are watched for a while, and what was seen of them.

use crate::profile::{Binary, Frame, Function, Target};
use crate::want::WantState;
use crate::{Histogram, Observed, TimeNs};
use std::time::Duration;

/// The most functions of one probe.
pub const FUNCTIONS_MAX: usize = 1_000;
/// Single calls a second that are kept when nobody says how many.
pub const CALLS_PER_S: u32 = 20;

/// What a probe watches, and what of it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSpec {
    /// Whose functions.
    pub target: Target,
    /// Names as people write them, or patterns with `*`.
    pub functions: Vec<String>,
    /// Shorter calls do not match.
    pub min_duration: Duration,
    /// Conditions on arguments and return value; empty = none.
    pub when: String,
    /// Single calls a second, at most.
    pub calls_per_s: u32,
    /// Whether single calls have their values.
    pub has_values: bool,
    /// Whether single calls have their stack.
    pub has_stacks: bool,
    /// Whether values are read also of functions whose names speak of secrets; only who is admin may have that.
    pub has_secrets: bool,
}

/// Parts of a function's name that say that its values are secrets, without regard to case.
const SECRETS: [&str; 4] = ["passw", "secret", "token", "decrypt"];
/// How the name of a function begins that has what goes over an encrypted connection.
const ENCRYPTED: &str = "SSL_";

/// Whether the values of a function with this name are secrets.
pub fn is_secret(function: &str) -> bool {
    let lower = function.to_lowercase();
    let last = function.rsplit("::").next().unwrap_or(function);
    last.starts_with(ENCRYPTED) || SECRETS.iter().any(|part| lower.contains(part))
}

/// What is seen of a function's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeKind {
    /// That they begin.
    Entry,
    /// Begin and end, which is seen at each place where the function ends.
    Sites,
    /// Begin and end, which is seen where the function returns to.
    Return,
}

impl ProbeKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Entry, Self::Sites, Self::Return];

    /// The number on wire and disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Entry => 1,
            Self::Sites => 2,
            Self::Return => 3,
        }
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The word in JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Sites => "entry+ret",
            Self::Return => "entry+return",
        }
    }
}

/// What was counted of a function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Calls that began.
    pub hits: u64,
    /// Those whose end was seen.
    pub returned: u64,
    /// Those that will have no end: left by a jump or an exception, or too deep.
    pub unreturned: u64,
    /// Those that fit the filters.
    pub matched: u64,
    /// Time between begin and end of those that fit.
    pub total: Duration,
    /// Of that, what was not spent in other probed functions.
    pub own: Duration,
    /// Single calls that there was no room for.
    pub dropped: u64,
}

/// A probed function of one host, and all that was counted of it since it was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedFunction {
    /// When.
    pub at: TimeNs,
    /// The wish's session.
    pub session: u64,
    /// Its number in the session on this host.
    pub probe: u32,
    /// What it is called, and where it begins in the source.
    pub function: Function,
    /// The program or library.
    pub binary: Binary,
    /// Where in the file it begins.
    pub offset: u64,
    /// What is seen.
    pub kind: ProbeKind,
    /// What a call is expected to cost.
    pub predicted: Duration,
    /// Why not more is seen; empty = nothing is wanting.
    pub note: Observed,
    /// How long it took to attach the session.
    pub attach: Duration,
    /// What was counted.
    pub counts: CallCounts,
    /// Durations of calls that fit.
    pub durations: Histogram,
}

/// A way from probed function to probed function, and all that was counted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallPath {
    /// The wish's session.
    pub session: u64,
    /// The way, on this host.
    pub path: u64,
    /// The way without its last function; 0 = that is the first.
    pub parent: u64,
    /// Its last function.
    pub probe: u32,
    /// How often it was gone.
    pub calls: u64,
    /// How long that took.
    pub total: Duration,
    /// Of that, what was not spent in other probed functions.
    pub own: Duration,
}

/// A single call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it began.
    pub at: TimeNs,
    /// The wish's session.
    pub session: u64,
    /// Its function.
    pub probe: u32,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The goroutine's address, in Go.
    pub goroutine: Option<u64>,
    /// How long it took; `None` when its end was not seen.
    pub duration: Option<Duration>,
    /// Its arguments.
    pub values: Vec<Value>,
    /// What it gave back.
    pub returned: Option<Observed>,
    /// The files that frames are of.
    pub binaries: Vec<Binary>,
    /// Where it was called from, from the outermost to the innermost.
    pub frames: Vec<Frame>,
}

/// A value by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value {
    /// What it is called.
    pub name: Observed,
    /// What it was.
    pub text: Observed,
}

/// A session: the answer to [`crate::Question::Probe`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeLog {
    /// The wish's id.
    pub id: String,
    /// What hosts say of it: host, state, why.
    pub hosts: Vec<(Observed, WantState, Observed)>,
    /// The functions.
    pub functions: Vec<ProbedRow>,
    /// Who called whom, each after its caller.
    pub tree: Vec<TreeRow>,
    /// Single calls, newest first.
    pub calls: Vec<CallRow>,
}

/// A probed function over all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedRow {
    /// What it is called, and where it begins in the source.
    pub function: Function,
    /// The program or library.
    pub binary: Observed,
    /// Where in the file it begins.
    pub offset: u64,
    /// What is seen.
    pub kind: ProbeKind,
    /// What a call is expected to cost.
    pub predicted: Duration,
    /// Why not more is seen.
    pub note: Observed,
    /// How long it took to attach: the longest.
    pub attach: Duration,
    /// What was counted.
    pub counts: CallCounts,
    /// The median; `None` without calls that ended.
    pub p50: Option<Duration>,
    /// 95 of 100 took at most so long.
    pub p95: Option<Duration>,
    /// 99 of 100.
    pub p99: Option<Duration>,
    /// The longest.
    pub max: Option<Duration>,
}

/// A place in the tree of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// How deep.
    pub depth: u16,
    /// Index into the functions.
    pub function: u32,
    /// How often.
    pub calls: u64,
    /// How long.
    pub total: Duration,
    /// Of that, what was not spent in other probed functions.
    pub own: Duration,
}

/// A single call with the names of its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// When it began.
    pub at: TimeNs,
    /// The host.
    pub host: Observed,
    /// Index into the functions.
    pub function: u32,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The goroutine's address, in Go.
    pub goroutine: Option<u64>,
    /// How long it took; `None` when its end was not seen.
    pub duration: Option<Duration>,
    /// Its arguments.
    pub values: Vec<Value>,
    /// What it gave back.
    pub returned: Option<Observed>,
    /// Where it was called from, from the outermost to the innermost.
    pub stack: Vec<Observed>,
}

/// A function that could be probed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FoundFunction {
    /// What it is called, and where it is declared.
    pub function: Function,
    /// The program or library.
    pub binary: Observed,
    /// Its build.
    pub build: String,
    /// The file's own address; 0 when it has no code of its own.
    pub address: u64,
    /// Bytes of its code.
    pub bytes: u64,
    /// The language.
    pub language: Observed,
    /// The functions that it was put into, when it has no code of its own.
    pub inlined_into: Vec<Observed>,
}

/// Functions of a service: the answer to [`crate::Question::Functions`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Functions {
    /// The best first.
    pub rows: Vec<FoundFunction>,
    /// How many fit in all.
    pub total: u64,
    /// When none fits: names that come near.
    pub similar: Vec<Observed>,
    /// Files of which nothing is known, and why; what to do about it.
    pub missing: Vec<(Observed, Observed)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_speak_of_secrets_are_told() {
        for name in [
            "check_password",
            "Auth::newToken",
            "SSL_write",
            "ssl::SSL_read",
            "aes_decrypt_block",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "charge",
            "pass_by",
            "tokio::spawn_blocking_is_fine_here".trim_start_matches("tok"),
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
