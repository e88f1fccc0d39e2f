//! Files as a process sees them: below its own root, links followed inside of that root only. A container's link to
//! `/etc/shadow` must not reach the host's.

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use std::fs::File;
use std::path::Path;

/// The root of a process.
pub fn root_of(pid: u32) -> Option<File> {
    File::open(format!("/proc/{pid}/root")).ok()
}

/// Opens a regular file of at most so many bytes below a root; a pipe or device in its place is not waited for.
pub fn open(root: &File, path: &Path, bytes_max: u64) -> Option<File> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = File::from(openat2(root, inside, how).ok()?);
    let meta = file.metadata().ok()?;
    (meta.is_file() && meta.len() <= bytes_max).then_some(file)
}
