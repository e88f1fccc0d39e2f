//! A child that runs: its start, one exchange, its end.

use crate::symbols::wire::{Answer, MOST_ANSWER_BYTES, Request};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::ffi::OsString;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// So long a child that has closed its socket may take to end.
const END_TIME: Duration = Duration::from_secs(1);

pub(super) struct Running {
    child: Child,
    socket: UnixStream,
    /// Dropped, it lets the thread go that started the child.
    _starter: Sender<()>,
}

impl Running {
    pub fn start(program: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null());
        let (child, starter) = spawn(command)?;
        Ok(Self {
            child,
            socket: ours,
            _starter: starter,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends a child that did not answer; gives how it ended, or nothing if it had to be killed.
    pub fn end(mut self, error: io::ErrorKind) -> Option<ExitStatus> {
        let is_slow = matches!(error, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let until = Instant::now() + END_TIME;
        while !is_slow && Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }

    /// Sends a request and reads the answer; `None` when it is none.
    pub fn talk(
        &self,
        request: &Request,
        fds: &[RawFd],
        until: Instant,
    ) -> io::Result<Option<Answer>> {
        let mut socket = &self.socket;
        let body = request.encode();
        let length = (body.len() as u32).to_le_bytes();
        socket.set_write_timeout(Some(left(until)?))?;
        let rights = [ControlMessage::ScmRights(fds)];
        let parts = [IoSlice::new(&length)];
        let flags = MsgFlags::MSG_NOSIGNAL;
        let sent = sendmsg::<()>(socket.as_raw_fd(), &parts, &rights, flags, None)?;
        socket.write_all(&length[sent..])?;
        socket.write_all(&body)?;
        let mut length = [0; 4];
        read(socket, &mut length, until)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MOST_ANSWER_BYTES {
            return Ok(None);
        }
        let mut body = vec![0; length];
        read(socket, &mut body, until)?;
        Ok(Answer::decode(&body))
    }
}

/// Starts the child from a thread that lives as long as it: the kernel takes the end of the thread that started a child
/// for the end of its parent.
fn spawn(mut command: Command) -> io::Result<(Child, Sender<()>)> {
    let (tell, told) = channel();
    let (starter, ended) = channel::<()>();
    std::thread::Builder::new()
        .name("symbols".to_owned())
        .spawn(move || {
            if tell.send(command.spawn()).is_ok() {
                drop(command);
                // An error says that the other end was dropped.
                let _ = ended.recv();
            }
        })?;
    let child = told.recv().map_err(io::Error::other)??;
    Ok((child, starter))
}

fn read(mut socket: &UnixStream, mut into: &mut [u8], until: Instant) -> io::Result<()> {
    while !into.is_empty() {
        socket.set_read_timeout(Some(left(until)?))?;
        match socket.read(into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => into = &mut into[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}
