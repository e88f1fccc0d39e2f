//! File systems on disks: how full they are. Network and user-space file systems are never asked, nor is anything that
//! lies below one: the answer may not come, and the agent has one thread.

use super::Gauges;
use crate::proc::mounts::Mount;
use nix::sys::statvfs::Statvfs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Kinds that lie on a disk of this host.
const LOCAL: &[&str] = &[
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "vfat",
    "exfat", "ntfs3",
];
/// Kinds whose answer hangs on another host or on a program.
const REMOTE: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "ceph",
    "9p",
    "afs",
    "gfs2",
    "ocfs2",
    "glusterfs",
    "lustre",
    "autofs",
    "virtiofs",
];
/// File systems that are asked.
const MOUNTS_MAX: usize = 64;

/// Where to ask: one mount point for each file system. A container's root (`overlay`) counts as one.
pub fn wanted(mounts: &[Mount]) -> Vec<PathBuf> {
    let remote = |m: &&Mount| REMOTE.contains(&m.kind.as_str()) || m.kind.starts_with("fuse");
    let remote: Vec<&Path> = mounts
        .iter()
        .filter(remote)
        .map(|m| m.point.as_path())
        .collect();
    let mut seen = BTreeSet::new();
    let mut points: Vec<&Mount> = mounts
        .iter()
        .filter(|m| {
            let local = LOCAL.contains(&m.kind.as_str());
            local || (m.kind == "overlay" && m.point == Path::new("/"))
        })
        .filter(|m| !remote.iter().any(|far| m.point.starts_with(far)))
        .collect();
    // Of several places of one file system the shortest is its own.
    points.sort_by_key(|m| m.point.as_os_str().len());
    points.retain(|m| seen.insert(m.device.as_str()));
    points
        .into_iter()
        .take(MOUNTS_MAX)
        .map(|m| m.point.clone())
        .collect()
}

/// What one file system says; ratios as `df` has them, without what is reserved for root.
pub fn gauges(point: &Path, stat: &Statvfs, out: &mut Gauges) {
    let label = point.to_string_lossy();
    let unit = stat.fragment_size() as f64;
    let (all, free, open) = (stat.blocks(), stat.blocks_free(), stat.blocks_available());
    let used = all.saturating_sub(free) as f64;
    out.push("fs.size_bytes", &label, all as f64 * unit);
    out.push("fs.used_bytes", &label, used * unit);
    out.push("fs.used_ratio", &label, used / (used + open as f64));
    if stat.files() > 0 {
        let used = stat.files().saturating_sub(stat.files_free()) as f64;
        let ratio = used / stat.files() as f64;
        out.push("fs.inodes_used_ratio", &label, ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::mounts::parse;

    #[test]
    fn each_local_file_system_once_and_nothing_that_may_hang() {
        let mounts = parse(
            "1 0 254:0 / / rw - ext4 /dev/vda rw
2 1 254:0 /x /srv/bind rw - ext4 /dev/vda rw
3 1 0:40 / /mnt/far rw - nfs4 a:/b rw
4 3 8:1 / /mnt/far/near rw - xfs /dev/sda1 rw
5 1 0:41 / /mnt/phone rw - fuse.sshfs x rw
6 1 0:5 / /proc rw - proc proc rw
7 1 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
8 1 8:2 / /data rw - xfs /dev/sdb rw
9 1 0:99 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
",
        );
        assert_eq!(
            wanted(&mounts),
            [PathBuf::from("/"), PathBuf::from("/data")]
        );
    }

    #[test]
    fn the_own_root_has_a_size() {
        let stat = nix::sys::statvfs::statvfs("/").unwrap();
        let mut out = Gauges::default();
        gauges(Path::new("/"), &stat, &mut out);
        let ratio = out.find("fs.used_ratio", "/").unwrap();
        assert!((0.0..=1.0).contains(&ratio));
        assert!(out.find("fs.size_bytes", "/").unwrap() > 1e6);
    }
}
