//! Where the root of the cgroup2 hierarchy is mounted. Programs attached below it would see a part of the host only.

use crate::ProbesError;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

/// The root directory of a cgroup2 hierarchy has this inode number (`kernfs`).
const ROOT_INODE: u64 = 1;

/// Opens the root of the cgroup2 hierarchy, wherever it is mounted.
///
/// # Errors
/// [`ProbesError::NoCgroup2`] when none is mounted here, or only a part of one (a container's own cgroup namespace).
pub fn open_root() -> Result<File, ProbesError> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    cgroup2_mounts(&mounts)
        .filter_map(|path| File::open(path).ok())
        .find(|file| file.metadata().is_ok_and(|meta| meta.ino() == ROOT_INODE))
        .ok_or(ProbesError::NoCgroup2)
}

/// Mount points of type cgroup2 (proc(5), mountinfo: the type comes first after the lone dash).
fn cgroup2_mounts(mountinfo: &str) -> impl Iterator<Item = &str> {
    mountinfo.lines().filter_map(|line| {
        let (fields, rest) = line.split_once(" - ")?;
        if rest.split(' ').next()? == "cgroup2" {
            fields.split(' ').nth(4)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_and_unified_layouts_are_found() {
        let text = "31 25 0:27 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs ro,mode=755\n\
                    32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n\
                    33 31 0:29 / /sys/fs/cgroup/cpu rw shared:11 - cgroup cgroup rw,cpu\n";
        assert_eq!(
            cgroup2_mounts(text).collect::<Vec<_>>(),
            ["/sys/fs/cgroup/unified"]
        );
    }
}
