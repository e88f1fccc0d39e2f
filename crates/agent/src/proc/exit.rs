//! How a process ended that is not our child: by `PIDFD_GET_INFO` (Linux 6.15) once its parent has asked for it, from
//! `/proc/PID/stat` before that. Older kernels tell nobody but the parent.

use super::pidfd::PidFd;
use super::stat;
use super::text::Reader;
use nix::sys::signal::Signal;
use std::io::ErrorKind;
use std::os::fd::AsRawFd as _;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// From a status as wait(2) writes it.
    fn from_status(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Code((status >> 8) & 0xff),
            signal => Self::Signal(signal),
        }
    }

    /// Whether nobody asked it to: a signal other than those that ask for an end, or a code that says that it failed.
    /// Programs that handle such a signal often end with 128 and its number.
    pub fn is_crash(self) -> bool {
        let polite = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];
        match self {
            Self::Code(code) => code != 0 && !polite.contains(&(code - 128)),
            Self::Signal(signal) => !polite.contains(&signal),
        }
    }

    /// In words: `with code 3`, `by SIGSEGV`.
    pub fn words(self) -> String {
        match self {
            Self::Code(code) => format!("with code {code}"),
            Self::Signal(signal) => match Signal::try_from(signal) {
                Ok(signal) => format!("by {signal}"),
                Err(_) => format!("by signal {signal}"),
            },
        }
    }
}

/// `struct pidfd_info` of `include/uapi/linux/pidfd.h`, its first version.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_status: i32,
}

const PIDFD_INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xFF, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: libc::Ioctl =
    (3 << 30 | (size_of::<Info>() << 16) | 0xff << 8 | 11) as libc::Ioctl;

/// How a process that ended did so; `None` when nobody says.
pub fn of(life: &PidFd, pid: u32, start_ticks: u64) -> Option<Exit> {
    reaped(life).or_else(|| waiting(pid, start_ticks))
}

fn reaped(life: &PidFd) -> Option<Exit> {
    let mut info = Info {
        mask: PIDFD_INFO_EXIT,
        ..Info::default()
    };
    // SAFETY: the kernel writes at most the size that the request's number holds.
    let result = unsafe { libc::ioctl(life.as_raw_fd(), PIDFD_GET_INFO, &mut info) };
    let told = result == 0 && info.mask & PIDFD_INFO_EXIT != 0;
    told.then(|| Exit::from_status(info.exit_status))
}

/// Of a process that its parent has not asked for yet. Whoever may not know reads 0 there.
fn waiting(pid: u32, start_ticks: u64) -> Option<Exit> {
    let mut reader = Reader::default();
    let stat = stat::parse(&reader.read(format!("/proc/{pid}/stat"))?)?;
    if stat.state != 'Z' || stat.start_ticks != start_ticks {
        return None;
    }
    // The link leads nowhere any more; only who may look is told so.
    let link = std::fs::read_link(format!("/proc/{pid}/exe"));
    let allowed = link.is_err_and(|e| e.kind() == ErrorKind::NotFound);
    (stat.exit_status != 0 || allowed).then(|| Exit::from_status(stat.exit_status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn ended(script: &str) -> (Child, PidFd, u64) {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let life = PidFd::open(child.id()).unwrap();
        let mut reader = Reader::default();
        let start = stat::parse(&reader.read(format!("/proc/{}/stat", child.id())).unwrap())
            .unwrap()
            .start_ticks;
        let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while crate::proc::pidfd::ended(&[&life]).is_empty() {
            assert!(std::time::Instant::now() < until);
        }
        (child, life, start)
    }

    #[test]
    fn codes_and_signals_are_told_before_and_after_the_parent_asks() {
        for (script, want) in [
            ("sleep 0.1; exit 3", Exit::Code(3)),
            ("sleep 0.1; exit 0", Exit::Code(0)),
            ("sleep 0.1; kill -SEGV $$", Exit::Signal(libc::SIGSEGV)),
        ] {
            let (mut child, life, start) = ended(script);
            assert_eq!(of(&life, child.id(), start), Some(want), "{script}");
            assert_eq!(waiting(child.id(), start + 1), None);
            child.wait().unwrap();
            assert_eq!(waiting(child.id(), start), None);
            // Linux before 6.15 does not say.
            let after = of(&life, child.id(), start);
            assert!(after == Some(want) || after.is_none(), "{after:?}");
        }
    }

    #[test]
    fn an_end_that_was_asked_for_is_no_crash() {
        for (exit, crash) in [
            (Exit::Code(0), false),
            (Exit::Code(1), true),
            (Exit::Code(143), false),
            (Exit::Code(139), true),
            (Exit::Signal(libc::SIGTERM), false),
            (Exit::Signal(libc::SIGKILL), true),
            (Exit::Signal(libc::SIGABRT), true),
        ] {
            assert_eq!(exit.is_crash(), crash, "{exit:?}");
        }
        assert_eq!(Exit::Signal(11).words(), "by SIGSEGV");
        assert_eq!(Exit::from_status(0x8b), Exit::Signal(11));
    }
}
