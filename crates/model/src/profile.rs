//! Profiles: where processors were, as stacks with weights. An agent ships addresses of files, and once each their names.

use crate::{Observed, Window};
use std::time::Duration;

/// What the weight of a stack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProfileKind {
    /// Time on a processor.
    Cpu,
}

impl ProfileKind {
    /// All there are.
    pub const ALL: [Self; 1] = [Self::Cpu];

    /// The number on wire and disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Cpu => 1,
        }
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The word in commands, JSON and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
        }
    }
}

/// An interval of one process, as far as it was met on a processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// When.
    pub window: Window,
    /// Whose: index into the batch's instances.
    pub instance: u32,
    /// What the weights are.
    pub kind: ProfileKind,
    /// The build that ran: build id or hash of the program's file; empty when it is not known.
    pub build: String,
    /// The wish that it was taken for; 0 = none, taken always.
    pub session: u64,
    /// The time that a sample stands for.
    pub period: Duration,
    /// The files that frames are of.
    pub binaries: Vec<Binary>,
    /// The stacks.
    pub stacks: Vec<Stack>,
}

/// A file with code, or the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Binary {
    /// Build id or hash of its content; [`Binary::KERNEL`] for the kernel, empty for memory without a file.
    pub build: String,
    /// Its path as its process sees it.
    pub path: Observed,
}

impl Binary {
    /// What stands for the build of the kernel.
    pub const KERNEL: &'static str = "kernel";
}

/// A stack, and how often it was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The thread's name.
    pub thread: Observed,
    /// From the outermost to the innermost.
    pub frames: Vec<Frame>,
    /// How often.
    pub samples: u64,
    /// How its walk ended.
    pub end: StackEnd,
}

/// A place in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Frame {
    /// Which file: index into the profile's binaries.
    pub binary: u32,
    /// The file's own address; of the kernel, the address.
    pub address: u64,
}

/// How the walk of a stack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StackEnd {
    /// At the outermost frame, as far as the walk can tell.
    Outermost,
    /// Where nothing was known of the code or its frame.
    Lost,
    /// After as many frames as are kept.
    TooDeep,
    /// There are frames of the kernel alone.
    Kernel,
}

impl StackEnd {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Outermost, Self::Lost, Self::TooDeep, Self::Kernel];

    /// The number on wire and disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Outermost => 1,
            Self::Lost => 2,
            Self::TooDeep => 3,
            Self::Kernel => 4,
        }
    }

    /// The end with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.code() == code)
    }
}

/// Names for addresses of one file; each address is told once in an agent's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbols {
    /// The file.
    pub binary: Binary,
    /// Each address with its functions.
    pub rows: Vec<SymbolRow>,
    /// What would make the names better, when something would.
    pub missing: Option<Observed>,
}

/// What lies at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolRow {
    /// The file's own address.
    pub address: u64,
    /// From the outermost to the innermost inlined one; empty when nobody knows.
    pub functions: Vec<Function>,
}

/// A function at an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Function {
    /// Its name, demangled.
    pub name: Observed,
    /// The file of the source.
    pub file: Option<Observed>,
    /// The line of the address.
    pub line: Option<u32>,
}

/// Whose processors are looked at: all that is named must fit, and something is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// The service, as people name it: its name, or namespace/name.
    pub service: Option<String>,
    /// The host's name.
    pub host: Option<String>,
    /// The process.
    pub pid: Option<u32>,
}

impl Target {
    /// All processes of a service.
    pub fn service(name: impl Into<String>) -> Self {
        Self {
            service: Some(name.into()),
            ..Self::default()
        }
    }

    /// What is meant, in words: `checkout`, `process 4121 of checkout on web-1`, `web-1`.
    pub fn text(&self) -> String {
        let pid = self.pid.map(|pid| format!("process {pid}"));
        let own = [pid, self.service.clone()];
        let own = own.into_iter().flatten().collect::<Vec<_>>().join(" of ");
        let all = [Some(own).filter(|own| !own.is_empty()), self.host.clone()];
        all.into_iter().flatten().collect::<Vec<_>>().join(" on ")
    }
}

/// Stacks of a service over a window, with names: the answer to [`crate::Question::Profile`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flame {
    /// How often a processor was looked at, a second.
    pub hz: u32,
    /// How many processes were met.
    pub instances: u32,
    /// The builds that ran.
    pub builds: Vec<String>,
    /// Those of the stretch that it is compared with.
    pub before_builds: Vec<String>,
    /// All samples.
    pub samples: u64,
    /// Those in the stretch that was compared with; `None` when none was asked for.
    pub before_samples: Option<u64>,
    /// The functions of the stacks.
    pub functions: Vec<FlameFunction>,
    /// The stacks.
    pub stacks: Vec<FlameStack>,
    /// What the walks of the stacks came to.
    pub unwind: Unwind,
    /// Files without names, the dearest first.
    pub missing: Vec<MissingNames>,
}

/// A function of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlameFunction {
    /// Its name; of code without names, that of the file in brackets.
    pub name: Observed,
    /// The file of the source.
    pub file: Option<Observed>,
    /// The line that was met most.
    pub line: Option<u32>,
    /// The program or library.
    pub binary: Observed,
    /// Whether its calls were made part of the caller.
    pub inlined: bool,
    /// Whether it is code of the kernel.
    pub kernel: bool,
}

/// A stack of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlameStack {
    /// The thread's name.
    pub thread: Observed,
    /// From the outermost to the innermost: index into the functions.
    pub frames: Vec<u32>,
    /// How often it was met.
    pub samples: u64,
    /// The time that this stands for, nanoseconds.
    pub weight_ns: u64,
    /// How often it was met in the stretch that was compared with.
    pub before: u64,
}

/// How well stacks were walked and named, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unwind {
    /// With frames of the program.
    pub user: u64,
    /// Of these, those that reach the start of the program or of the thread.
    pub complete: u64,
    /// Those that were given up before.
    pub truncated: u64,
    /// Those with a frame that has no name.
    pub unresolved: u64,
}

/// A file whose functions have no names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingNames {
    /// Its path.
    pub path: Observed,
    /// What would help.
    pub hint: Option<Observed>,
    /// Samples with a frame in it.
    pub samples: u64,
}
