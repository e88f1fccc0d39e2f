//! The files with code that processes have mapped: which build each is, and where its code lies in it.

use crate::proc::{build, inside};
use coral_model::Observed;
use coral_model::profile::Binary;
use coral_probes::unwind::{Mapping, Segment, segments};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// Larger files are not read (decisions, section 6).
const FILE_MAX: u64 = 2 << 30;
/// Where program headers lie in every file that a linker made.
const HEAD_BYTES: usize = 64 * 1024;
/// Files that are known; when there are more, all are learned anew.
pub const KNOWN_MAX: usize = 4_096;
/// Files that are held open.
const OPEN_MAX: usize = 512;
/// What the kernel adds to the path of a file that is gone.
const DELETED: &str = " (deleted)";

/// A file by its number in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileNumber(pub u32);

/// A file with code.
#[derive(Debug)]
pub struct CodeFile {
    /// What it is.
    pub binary: Binary,
    /// What of it is mapped where.
    pub segments: Vec<Segment>,
    /// Open, as long as there is room.
    pub file: Option<File>,
    /// A process that had it mapped.
    pub pid: u32,
    /// Code without a file, made while the program ran.
    pub is_made: bool,
}

/// Device, inode, path.
type Key = ((u32, u32), u64, Vec<u8>);

/// All that were met.
#[derive(Debug, Default)]
pub struct Files {
    /// The number of the first.
    base: u32,
    all: Vec<CodeFile>,
    by_key: HashMap<Key, FileNumber>,
    open: usize,
}

impl Files {
    /// A file by its number.
    pub fn get(&self, number: FileNumber) -> Option<&CodeFile> {
        let index = number.0.checked_sub(self.base)?;
        self.all.get(index as usize)
    }

    /// None, with numbers that no file had before.
    pub fn anew(&self) -> Self {
        Self {
            base: self.base.wrapping_add(self.all.len() as u32),
            ..Self::default()
        }
    }

    /// Whether it is time to learn all anew.
    pub fn are_too_many(&self) -> bool {
        self.all.len() > KNOWN_MAX
    }

    /// The file of a mapping of a process.
    pub fn of(&mut self, pid: u32, mapping: &Mapping) -> FileNumber {
        let key = (mapping.device, mapping.inode, mapping.path.clone());
        if let Some(&number) = self.by_key.get(&key) {
            return number;
        }
        let number = FileNumber(self.base.wrapping_add(self.all.len() as u32));
        let known = match mapping.inode {
            0 => without_file(pid, mapping),
            _ => self.read(pid, mapping),
        };
        self.all.push(known);
        // Memory without a file is each process's own.
        if mapping.inode != 0 || mapping.is_vdso() {
            self.by_key.insert(key, number);
        }
        number
    }

    fn read(&mut self, pid: u32, mapping: &Mapping) -> CodeFile {
        let text = String::from_utf8_lossy(&mapping.path);
        let path = text.strip_suffix(DELETED).unwrap_or(&text);
        let file = open(pid, mapping).filter(|_| self.open < OPEN_MAX);
        let mut known = CodeFile {
            binary: Binary {
                build: String::new(),
                path: Observed::new(path),
            },
            segments: vec![],
            file: None,
            pid,
            is_made: false,
        };
        let Some(file) = file else {
            return known;
        };
        let mut head = vec![0; HEAD_BYTES];
        let n = file.read_at(&mut head, 0).unwrap_or(0);
        known.segments = segments(&head[..n]).unwrap_or_default();
        known.binary.build = build::of_file(&file).unwrap_or_default();
        known.file = Some(file);
        self.open += 1;
        known
    }
}

/// Opens the file behind a mapping: by its path inside of the process's root, when the same file still lies there; of a
/// process that is gone by its path below the host's own; else by the link of the mapping itself where that is allowed, which
/// also reaches a file that was deleted.
fn open(pid: u32, mapping: &Mapping) -> Option<File> {
    let path = Path::new(std::ffi::OsStr::from_bytes(&mapping.path));
    let below = |root: File, is_same: fn(&Metadata, &Mapping) -> bool| {
        inside::open(&root, path, FILE_MAX)
            .filter(|file| file.metadata().is_ok_and(|m| is_same(&m, mapping)))
    };
    let own = inside::root_of(pid).and_then(|root| below(root, has_inode));
    let at_path = own.or_else(|| below(File::open("/").ok()?, is_mapped));
    if at_path.is_some() {
        return at_path;
    }
    let link = format!(
        "/proc/{pid}/map_files/{:x}-{:x}",
        mapping.start, mapping.end
    );
    let file = File::open(link).ok()?;
    let meta = file.metadata().ok()?;
    (meta.is_file() && meta.len() <= FILE_MAX).then_some(file)
}

/// Within one root the number tells a file that was replaced. The device is not asked: overlay and btrfs show another one in
/// a mapping than in a file's status.
fn has_inode(file: &Metadata, mapping: &Mapping) -> bool {
    file.ino() == mapping.inode
}

/// Below another root than the process's own a path may lead to a stranger's file with the same number.
fn is_mapped(file: &Metadata, mapping: &Mapping) -> bool {
    let device = (
        nix::sys::stat::major(file.dev()),
        nix::sys::stat::minor(file.dev()),
    );
    let mapped = (u64::from(mapping.device.0), u64::from(mapping.device.1));
    has_inode(file, mapping) && device == mapped
}

/// The code that the kernel gives every process, and code that was made while a program ran: its names, if there are any,
/// are in a file that its maker writes (perf's jit interface, tools/perf/Documentation/jit-interface.txt).
fn without_file(pid: u32, mapping: &Mapping) -> CodeFile {
    let path = match mapping.is_vdso() {
        true => "[vdso]".to_owned(),
        false => format!("/tmp/perf-{pid}.map"),
    };
    CodeFile {
        binary: Binary {
            build: String::new(),
            path: Observed::new(path),
        },
        segments: vec![],
        file: None,
        pid,
        is_made: !mapping.is_vdso(),
    }
}
