//! Which process holds a socket: the inodes behind `/proc/*/fd`. A whole pass is dear, so it is made only when a socket
//! shows up that nobody is known to hold.

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, RawFd};

/// Holders of the wanted socket inodes, each list by ascending pid.
pub fn holders(wanted: &HashSet<u64>) -> HashMap<u64, Vec<u32>> {
    let mut found: HashMap<u64, Vec<u32>> = HashMap::new();
    let Some(mut folder) = open("/proc") else {
        return found;
    };
    for entry in folder.iter().flatten() {
        let name = entry.file_name().to_str().ok();
        let Some(pid) = name.and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        sockets_of(pid, |inode| {
            if wanted.contains(&inode) {
                let pids = found.entry(inode).or_default();
                if pids.last() != Some(&pid) {
                    pids.push(pid);
                }
            }
        });
    }
    found.values_mut().for_each(|pids| pids.sort_unstable());
    found
}

fn open(path: &str) -> Option<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Dir::open(path, flags, Mode::empty()).ok()
}

/// The socket inodes that a process holds. Each link is read relative to its folder and without memory of its own: there
/// may be a hundred thousand.
fn sockets_of(pid: u32, mut take: impl FnMut(u64)) {
    let Some(mut folder) = open(&format!("/proc/{pid}/fd")) else {
        return;
    };
    let place = folder.as_raw_fd();
    for entry in folder.iter().flatten() {
        let name = entry.file_name();
        if !name.to_bytes().starts_with(b".")
            && let Some(inode) = socket(place, name)
        {
            take(inode);
        }
    }
}

/// The inode behind a link such as `socket:[123]`.
fn socket(folder: RawFd, name: &CStr) -> Option<u64> {
    let mut bytes = [0u8; 40];
    // SAFETY: the name ends with NUL, and the kernel writes at most the size of the buffer.
    let n = unsafe {
        libc::readlinkat(
            folder,
            name.as_ptr(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
        )
    };
    let link = bytes.get(..usize::try_from(n).ok()?)?;
    let inode = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(inode).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_holder_of_a_socket_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
        let inode: u64 = link.to_str().unwrap()[8..]
            .trim_end_matches(']')
            .parse()
            .unwrap();
        assert!(holders(&HashSet::from([inode]))[&inode].contains(&std::process::id()));
    }
}
