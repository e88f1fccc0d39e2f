//! Which process holds a socket: the inodes behind `/proc/*/fd`. A whole pass is dear, so it is made only when a socket
//! shows up that nobody is known to hold.

use std::collections::{HashMap, HashSet};

/// Holders of the wanted socket inodes, each list by ascending pid.
pub fn holders(wanted: &HashSet<u64>) -> HashMap<u64, Vec<u32>> {
    let mut found: HashMap<u64, Vec<u32>> = HashMap::new();
    let Ok(folder) = std::fs::read_dir("/proc") else {
        return found;
    };
    for pid in folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
    {
        for inode in sockets_of(pid) {
            if wanted.contains(&inode) {
                let pids = found.entry(inode).or_default();
                if pids.last() != Some(&pid) {
                    pids.push(pid);
                }
            }
        }
    }
    found.values_mut().for_each(|pids| pids.sort_unstable());
    found
}

/// The socket inodes that a process holds.
fn sockets_of(pid: u32) -> impl Iterator<Item = u64> {
    let folder = std::fs::read_dir(format!("/proc/{pid}/fd")).ok();
    folder.into_iter().flatten().flatten().filter_map(|entry| {
        let link = std::fs::read_link(entry.path()).ok()?;
        link.to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd as _;

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
