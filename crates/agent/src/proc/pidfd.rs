//! Whether processes live, without their pids being reused behind our back: pidfds, asked all at once.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd as _, AsRawFd, FromRawFd as _, OwnedFd, RawFd};

/// A hold on one process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Takes hold of `pid`; `None` when it is gone.
    pub fn open(pid: u32) -> Option<Self> {
        // SAFETY: pidfd_open(2) takes a pid and flags and returns a new descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
        // SAFETY: a new descriptor that nobody else owns.
        (fd >= 0).then(|| Self(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Which of these processes have ended, by their place in the list.
pub fn ended(processes: &[&PidFd]) -> Vec<usize> {
    let mut polled: Vec<PollFd<'_>> = processes
        .iter()
        .map(|p| PollFd::new(p.0.as_fd(), PollFlags::POLLIN))
        .collect();
    if polled.is_empty() || poll(&mut polled, PollTimeout::ZERO).is_err() {
        return vec![];
    }
    let ready = |p: &PollFd<'_>| p.revents().is_some_and(|r| !r.is_empty());
    polled
        .iter()
        .enumerate()
        .filter(|(_, p)| ready(p))
        .map(|(i, _)| i)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_seen() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let (own, other) = (
            PidFd::open(std::process::id()).unwrap(),
            PidFd::open(child.id()).unwrap(),
        );
        assert_eq!(ended(&[&own, &other]), Vec::<usize>::new());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ended(&[&own, &other]), [1]);
    }
}
