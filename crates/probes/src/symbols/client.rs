//! The agent's side: starts the child when there is something to ask, and does not suffer when it dies. A file that
//! killed it, or took too long, is not asked about again.

use super::wire::{Answer, Compiled, Kind, MOST_ADDRESSES, MOST_ANSWER_BYTES, Request, files};
use super::{Identity, Missing, Named};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// So long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Most files that are remembered as harmful; then the list begins anew.
const MOST_QUARANTINED: usize = 4096;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SymbolsError {
    /// The file killed a child before, or took too long.
    #[error("the file is not read again: it ended the symbol reader before")]
    Quarantined,
    /// The child died of it.
    #[error("the symbol reader ended: {0}")]
    Crashed(ExitStatus),
    /// The child was killed because it took too long.
    #[error("the symbol reader took too long")]
    TimedOut,
    /// The child said something else than an answer.
    #[error("the symbol reader gave no answer that can be read")]
    NoAnswer,
    /// The file cannot be read.
    #[error("the file is not read: {0}")]
    Refused(Missing),
    /// The child could not be started.
    #[error("start the symbol reader: {0}")]
    Start(#[source] io::Error),
}

/// What happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Children that were started.
    pub started: u64,
    /// Children that died of a file.
    pub crashed: u64,
    /// Children that were killed because they took too long.
    pub timed_out: u64,
    /// Requests that were not made because of the file's past.
    pub quarantined: u64,
}

/// The files of a program, opened by the caller.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a> {
    /// The program.
    pub main: BorrowedFd<'a>,
    /// Its debug file.
    pub debug: Option<BorrowedFd<'a>>,
    /// What debug files share.
    pub shared: Option<BorrowedFd<'a>>,
}

impl<'a> Opened<'a> {
    /// A program alone, or a list.
    pub fn only(main: BorrowedFd<'a>) -> Self {
        Self {
            main,
            debug: None,
            shared: None,
        }
    }
}

/// Asks the child, which lives for as long as it is asked. Calls block; files are known by a number of the caller's.
pub struct Symbols {
    program: PathBuf,
    arguments: Vec<OsString>,
    child: Option<Running>,
    quarantined: HashSet<u64>,
    answer_time: Duration,
    counts: Counts,
}

struct Running {
    child: Child,
    socket: UnixStream,
    /// Dropped, it lets the thread go that started the child.
    _starter: Sender<()>,
}

impl Symbols {
    /// The child is this program with these arguments; its standard input is the socket for [`super::serve()`].
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            program,
            arguments,
            child: None,
            quarantined: HashSet::new(),
            answer_time: ANSWER_TIME,
            counts: Counts::default(),
        }
    }

    /// With another bound for the time that an answer may take.
    pub fn with_answer_time(mut self, answer_time: Duration) -> Self {
        self.answer_time = answer_time;
        self
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The child's process, while it is there.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(|running| running.child.id())
    }

    /// Ends the child; the next question starts another.
    pub fn rest(&mut self) {
        if let Some(running) = self.child.take() {
            let _ = end(running, io::ErrorKind::TimedOut);
        }
    }

    /// Lets go of a child that has ended by itself. To be called now and then.
    pub fn reap(&mut self) {
        let ended = |running: &mut Running| !matches!(running.child.try_wait(), Ok(None));
        if self.child.as_mut().is_some_and(ended) {
            self.child = None;
        }
    }

    /// Names addresses of a program, in the file's own addresses; one answer each.
    pub fn names(
        &mut self,
        file: u64,
        opened: Opened<'_>,
        addresses: &[u64],
    ) -> Result<Vec<Named>, SymbolsError> {
        self.named(Kind::Names, file, opened, addresses)
    }

    /// Names addresses by a `/tmp/perf-PID.map`.
    pub fn perf_map(
        &mut self,
        file: u64,
        map: BorrowedFd<'_>,
        addresses: &[u64],
    ) -> Result<Vec<Named>, SymbolsError> {
        self.named(Kind::PerfMap, file, Opened::only(map), addresses)
    }

    /// Names addresses of the kernel by `/proc/kallsyms`.
    pub fn kernel(
        &mut self,
        file: u64,
        list: BorrowedFd<'_>,
        addresses: &[u64],
    ) -> Result<Vec<Named>, SymbolsError> {
        self.named(Kind::Kernel, file, Opened::only(list), addresses)
    }

    /// The unwind table of a program, with what is needed to find its addresses and debug files.
    pub fn table(&mut self, file: u64, main: BorrowedFd<'_>) -> Result<Compiled, SymbolsError> {
        match self.ask(Kind::Table, file, Opened::only(main), Vec::new())? {
            Answer::Compiled(compiled) => Ok(*compiled),
            _ => Err(SymbolsError::NoAnswer),
        }
    }

    /// Which build a program is, and where its debug information may be.
    pub fn identity(&mut self, file: u64, main: BorrowedFd<'_>) -> Result<Identity, SymbolsError> {
        match self.ask(Kind::Identity, file, Opened::only(main), Vec::new())? {
            Answer::Identity(identity) => Ok(identity),
            _ => Err(SymbolsError::NoAnswer),
        }
    }

    fn named(
        &mut self,
        kind: Kind,
        file: u64,
        opened: Opened<'_>,
        addresses: &[u64],
    ) -> Result<Vec<Named>, SymbolsError> {
        let mut all = Vec::new();
        for part in addresses.chunks(MOST_ADDRESSES) {
            match self.ask(kind, file, opened, part.to_vec())? {
                Answer::Named(named) if named.len() == part.len() => all.extend(named),
                _ => return Err(SymbolsError::NoAnswer),
            }
        }
        Ok(all)
    }

    fn ask(
        &mut self,
        kind: Kind,
        file: u64,
        opened: Opened<'_>,
        addresses: Vec<u64>,
    ) -> Result<Answer, SymbolsError> {
        if self.quarantined.contains(&file) {
            self.counts.quarantined += 1;
            return Err(SymbolsError::Quarantined);
        }
        let bit = |bit, file: Option<BorrowedFd<'_>>| if file.is_some() { bit } else { 0 };
        let request = Request {
            kind,
            files: files::MAIN
                | bit(files::DEBUG, opened.debug)
                | bit(files::SHARED, opened.shared),
            file,
            addresses,
        };
        let fds = [Some(opened.main), opened.debug, opened.shared];
        let fds: Vec<RawFd> = fds.iter().flatten().map(|fd| fd.as_raw_fd()).collect();
        let result = self.exchange(&request, &fds);
        match &result {
            Ok(Answer::Refused(missing)) => return Err(SymbolsError::Refused(*missing)),
            Err(SymbolsError::Crashed(_)) => self.counts.crashed += 1,
            Err(SymbolsError::TimedOut) => self.counts.timed_out += 1,
            Ok(_) | Err(SymbolsError::Start(_)) => return result,
            Err(_) => {}
        }
        if self.quarantined.len() >= MOST_QUARANTINED {
            self.quarantined.clear();
        }
        self.quarantined.insert(file);
        result
    }

    /// One request and its answer. A child that has just ended by itself is replaced once.
    fn exchange(&mut self, request: &Request, fds: &[RawFd]) -> Result<Answer, SymbolsError> {
        let until = Instant::now() + self.answer_time;
        loop {
            let running = match self.child.take() {
                Some(running) => running,
                None => self.start()?,
            };
            let error = match talk(&running.socket, request, fds, until) {
                Ok(Some(answer)) => {
                    self.child = Some(running);
                    return Ok(answer);
                }
                Ok(None) => {
                    let _ = end(running, io::ErrorKind::TimedOut);
                    return Err(SymbolsError::NoAnswer);
                }
                Err(error) => error,
            };
            let status = end(running, error.kind());
            if status.is_some_and(|status| status.success()) && Instant::now() < until {
                continue;
            }
            return Err(match status {
                Some(status) => SymbolsError::Crashed(status),
                None => SymbolsError::TimedOut,
            });
        }
    }

    fn start(&mut self) -> Result<Running, SymbolsError> {
        let (ours, theirs) = UnixStream::pair().map_err(SymbolsError::Start)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null());
        let (child, starter) = spawn(command).map_err(SymbolsError::Start)?;
        self.counts.started += 1;
        Ok(Running {
            child,
            socket: ours,
            _starter: starter,
        })
    }
}

impl Drop for Symbols {
    fn drop(&mut self) {
        self.rest();
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

/// Ends a child that did not answer; gives how it ended, or nothing if it had to be killed.
fn end(mut running: Running, error: io::ErrorKind) -> Option<ExitStatus> {
    let is_slow = matches!(error, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    if is_slow {
        let _ = running.child.kill();
    }
    let _ = running.socket.shutdown(std::net::Shutdown::Both);
    let status = running.child.wait().ok();
    status.filter(|_| !is_slow)
}

/// Sends a request and reads the answer; `None` when it is none.
fn talk(
    mut socket: &UnixStream,
    request: &Request,
    fds: &[RawFd],
    until: Instant,
) -> io::Result<Option<Answer>> {
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
