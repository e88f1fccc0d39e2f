//! Descriptors from the loader to the process that drains, as `SCM_RIGHTS` over a Unix socket: one message, whose text
//! names the descriptors in their order, `p NAME` for programs and `m NAME` for maps.

use crate::{Loaded, ProbesError};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// The kernel passes at most 253 descriptors in a message.
const MOST: usize = 253;

/// Sends all descriptors.
///
/// # Errors
/// [`ProbesError::Handover`] when they do not fit or the other end is gone.
pub fn send(socket: BorrowedFd<'_>, loaded: &Loaded) -> Result<(), ProbesError> {
    let entries: Vec<(&str, &String, RawFd)> = loaded
        .programs
        .iter()
        .map(|(name, fd)| ("p", name, fd.as_raw_fd()))
        .chain(
            loaded
                .maps
                .iter()
                .map(|(name, fd)| ("m", name, fd.as_raw_fd())),
        )
        .collect();
    if entries.len() > MOST {
        return Err(ProbesError::Handover(format!(
            "{} descriptors are too many",
            entries.len()
        )));
    }
    let text: String = entries
        .iter()
        .map(|(kind, name, _)| format!("{kind} {name}\n"))
        .collect();
    let fds: Vec<RawFd> = entries.iter().map(|(_, _, fd)| *fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let parts = [IoSlice::new(text.as_bytes())];
    sendmsg::<()>(socket.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None)
        .map_err(|e| ProbesError::Handover(e.to_string()))?;
    Ok(())
}

/// Receives what [`send`] sent.
///
/// # Errors
/// [`ProbesError::Handover`] when the loader ended without a word, or sent something else.
pub fn receive(socket: BorrowedFd<'_>) -> Result<Loaded, ProbesError> {
    let mut text = vec![0u8; 16 * 1024];
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let mut parts = [IoSliceMut::new(&mut text)];
    let message = recvmsg::<()>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut space),
        MsgFlags::MSG_CMSG_CLOEXEC,
    )
    .map_err(|e| ProbesError::Handover(e.to_string()))?;
    let bytes = message.bytes;
    let mut fds = Vec::new();
    for part in message
        .cmsgs()
        .map_err(|e| ProbesError::Handover(e.to_string()))?
    {
        if let ControlMessageOwned::ScmRights(received) = part {
            // SAFETY: the kernel made these descriptors for us; nobody else owns them.
            fds.extend(
                received
                    .into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    sort(&String::from_utf8_lossy(&text[..bytes]), fds)
}

fn sort(text: &str, fds: Vec<OwnedFd>) -> Result<Loaded, ProbesError> {
    let names: Vec<&str> = text.lines().collect();
    if names.is_empty() || names.len() != fds.len() {
        return Err(ProbesError::Handover(format!(
            "{} names for {} descriptors",
            names.len(),
            fds.len()
        )));
    }
    let mut loaded = Loaded::default();
    for (line, fd) in names.into_iter().zip(fds) {
        match line.split_once(' ') {
            Some(("p", name)) => loaded.programs.insert(name.to_owned(), fd),
            Some(("m", name)) => loaded.maps.insert(name.to_owned(), fd),
            _ => {
                return Err(ProbesError::Handover(format!(
                    "{line:?} names no descriptor"
                )));
            }
        };
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_arrive_under_their_names() {
        let (a, b) = UnixStream::pair().unwrap();
        let mut loaded = Loaded::default();
        let mut file = tempfile::tempfile().unwrap();
        writeln!(file, "x").unwrap();
        loaded
            .programs
            .insert("coral_a".into(), file.try_clone().unwrap().into());
        loaded.maps.insert("coral_b".into(), file.into());
        send(a.as_fd(), &loaded).unwrap();
        let got = receive(b.as_fd()).unwrap();
        assert_eq!(
            got.programs
                .keys()
                .chain(got.maps.keys())
                .collect::<Vec<_>>(),
            ["coral_a", "coral_b"]
        );
    }

    #[test]
    fn a_loader_that_dies_is_an_error() {
        let (a, b) = UnixStream::pair().unwrap();
        drop(a);
        assert!(receive(b.as_fd()).is_err());
    }
}
