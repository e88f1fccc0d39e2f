//! What gives the terminal back when the console is killed: a child that waits for the console to be gone. Nothing in a
//! killed process runs any more, and a shell brings back its own modes at best, not the screen, the mouse and the cursor.

use super::terminal;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::termios::{OutputFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{ForkResult, Pid, fork, pipe, read, setpgid, write};
use std::io::{IsTerminal as _, stdout};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::OnceLock;

const TAKEN: u8 = b't';
const GIVEN_BACK: u8 = b'g';

/// The console's end: what it says of the terminal; closed with it, however it ends.
static TOLD: OnceLock<OwnedFd> = OnceLock::new();

/// Starts the child; without a terminal there is nothing to guard. Must be called before there are threads.
///
/// # Errors
/// When the system has no room for a process or a pipe.
pub fn start() -> nix::Result<()> {
    if !stdout().is_terminal() {
        return Ok(());
    }
    let modes = tcgetattr(stdout())?;
    let (hears, tells) = pipe()?;
    close_on_exec(&tells)?;
    // SAFETY: no other thread runs yet, so the child may do whatever the parent may.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            let _ = TOLD.set(tells);
            Ok(())
        }
        ForkResult::Child => {
            drop(tells);
            guard(&hears, &modes);
            std::process::exit(0)
        }
    }
}

/// Tells the guard that the console has the terminal, or has not.
pub fn tell(taken: bool) {
    if let Some(told) = TOLD.get() {
        let _ = write(told, &[if taken { TAKEN } else { GIVEN_BACK }]);
    }
}

fn close_on_exec(fd: &OwnedFd) -> nix::Result<()> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

/// Waits for the console's end. A process group of its own, or whoever kills the console's kills this too.
fn guard(hears: &OwnedFd, modes: &Termios) {
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    for ignored in [Signal::SIGTTOU, Signal::SIGINT, Signal::SIGTSTP] {
        // SAFETY: ignoring a signal runs no code.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    let (mut said, mut last) = ([0; 16], GIVEN_BACK);
    loop {
        match read(hears, &mut said) {
            Ok(0) => break,
            Ok(n) => last = said[n - 1],
            Err(nix::Error::EINTR) => {}
            Err(_) => return,
        }
    }
    if last == TAKEN {
        restore(modes);
    }
}

/// A shell that has its prompt again may have modes of its own; only the console's raw ones are undone.
fn restore(modes: &Termios) {
    terminal::show_the_shell();
    let out = stdout();
    let raw = tcgetattr(&out).is_ok_and(|now| !now.output_flags.contains(OutputFlags::OPOST));
    if raw {
        let _ = tcsetattr(out.as_fd(), SetArg::TCSADRAIN, modes);
    }
}
