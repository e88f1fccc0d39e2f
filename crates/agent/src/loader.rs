//! The short-lived process that loads the kernel programs and hands their descriptors over: several megabytes of parsed
//! types stay out of the agent.

use coral_probes::{Loaded, ProbesError, handover, load};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// Starts `program load` with one end of a socket as its standard input, and takes what it hands over.
///
/// # Errors
/// [`ProbesError`] with the kernel's words, as the loader printed them.
pub fn load_in_child(program: &std::path::Path) -> Result<Loaded, ProbesError> {
    let failed = |source| ProbesError::Call {
        call: "start",
        what: "the loader".to_owned(),
        source,
    };
    let (own, theirs) = UnixStream::pair().map_err(failed)?;
    let child = Command::new(program)
        .arg("load")
        // What it writes is read when it has ended: more than a pipe holds would keep it from ending.
        .env("CORAL_LOG", "warn")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let received = handover::receive(own.as_fd());
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return received;
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ProbesError::Refused {
        what: "the kernel programs".to_owned(),
        message,
    })
}

/// The side of the child that reads program files.
///
/// # Errors
/// [`coral_probes::symbols::ServeError`].
pub fn serve_symbols(socket: OwnedFd) -> Result<(), coral_probes::symbols::ServeError> {
    coral_probes::symbols::serve(UnixStream::from(socket))
}

/// The child's side: loads, and hands over through standard input.
///
/// # Errors
/// [`ProbesError`]; the caller prints it for the agent to read.
pub fn serve_loader() -> Result<(), ProbesError> {
    handover::send(std::io::stdin().as_fd(), &load()?)
}
