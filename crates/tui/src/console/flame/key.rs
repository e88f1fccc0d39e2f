//! What the frames of a tree are, and which form it has.

use coral_model::Observed;
use coral_model::profile::FlameFunction;

/// How stacks become a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// From the function that was met back to its callers, instead of from the start.
    pub inverted: bool,
    /// A function that is called again below itself stands there once.
    pub merged: bool,
    /// The thread's name is the first frame.
    pub threads: bool,
}

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A thread, by its name.
    Thread(Observed),
    /// A function.
    Function(FlameFunction),
}

/// What kind of code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the kind of that name")]
pub enum Kind {
    Program,
    Library,
    Kernel,
    Inlined,
    Unnamed,
    Thread,
}

impl Kind {
    /// In the order of the legend.
    pub const SHOWN: [Self; 5] = [
        Self::Program,
        Self::Inlined,
        Self::Library,
        Self::Kernel,
        Self::Unnamed,
    ];

    /// The word in the legend.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Kernel => "kernel",
            Self::Inlined => "inlined",
            Self::Unnamed => "no names",
            Self::Thread => "thread",
        }
    }
}

impl Key {
    /// Its name.
    pub fn name(&self) -> &Observed {
        match self {
            Self::Thread(name) => name,
            Self::Function(function) => &function.name,
        }
    }

    /// The function, when it is one.
    pub fn function(&self) -> Option<&FlameFunction> {
        match self {
            Self::Thread(_) => None,
            Self::Function(function) => Some(function),
        }
    }

    /// What kind of code it is.
    pub fn kind(&self) -> Kind {
        let Self::Function(function) = self else {
            return Kind::Thread;
        };
        let (name, file) = (function.name.raw(), function.binary.raw());
        let is_library = || file.ends_with(".so") || file.contains(".so.") || file == "[vdso]";
        match () {
            () if function.kernel => Kind::Kernel,
            () if name.starts_with('[') && name.ends_with(']') => Kind::Unnamed,
            () if function.inlined => Kind::Inlined,
            () if is_library() => Kind::Library,
            () => Kind::Program,
        }
    }

    /// Whether it is the same in another answer, where another line of it may be met most.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Thread(a), Self::Thread(b)) => a == b,
            (Self::Function(a), Self::Function(b)) => {
                (&a.name, &a.binary, a.inlined, a.kernel)
                    == (&b.name, &b.binary, b.inlined, b.kernel)
                    && a.file == b.file
            }
            _ => false,
        }
    }
}
