//! What belongs to a program file: its debug file, and what several debug files share, as a process sees its files.

use crate::proc::inside;
use coral_probes::symbols::{Opened, Symbols};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// Larger debug files are not read.
pub const DEBUG_MAX: u64 = 2 << 30;

/// The files beside a program file.
#[derive(Debug, Default)]
pub struct Around {
    debug: Option<File>,
    shared: Option<File>,
}

impl Around {
    /// Looks for them where a process with this number would, when the file itself says too little.
    pub fn of(reader: &mut Symbols, id: u64, main: &File, (pid, path): (u32, &Path)) -> Self {
        let identity = reader.identity(id, main.as_fd()).unwrap_or_default();
        let root = inside::root_of(pid).or_else(|| File::open("/").ok());
        let first = |paths: Vec<PathBuf>| {
            let root = root.as_ref()?;
            let open = |path: PathBuf| Some((inside::open(root, &path, DEBUG_MAX)?, path));
            paths.into_iter().find_map(open)
        };
        let debug = match identity.has_debug_info {
            true => None,
            false => first(identity.candidates(path)),
        };
        let shared = debug.as_ref().and_then(|(file, path)| {
            let debug = reader.identity(id, file.as_fd()).ok()?;
            first(debug.shared_candidates(path))
        });
        Self {
            debug: debug.map(|(file, _)| file),
            shared: shared.map(|(file, _)| file),
        }
    }

    /// All of them, to be handed to the reader.
    pub fn opened<'a>(&'a self, main: &'a File) -> Opened<'a> {
        Opened {
            main: main.as_fd(),
            debug: self.debug.as_ref().map(|file| file.as_fd()),
            shared: self.shared.as_ref().map(|file| file.as_fd()),
        }
    }
}
