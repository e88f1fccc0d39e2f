//! The agent's side: starts the child when there is something to ask, and does not suffer when it dies. A file that
//! killed it, or took too long, is not asked about again.

mod running;

use super::wire::{Answer, Kind, MOST_ADDRESSES, Request, Search, files};
use super::{Identity, Missing, Named};
use crate::functions::{Found, MOST_PATTERN_BYTES};
use crate::probeable::{ProbeRequest, Probeables};
use crate::unwind::Table;
use running::Running;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::path::PathBuf;
use std::process::ExitStatus;
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

/// What is asked of a file.
enum Asked<'a> {
    Nothing,
    Addresses(&'a [u64]),
    Functions(&'a str, u32),
    Probe(&'a ProbeRequest),
}

impl Asked<'_> {
    fn addresses(&self) -> Vec<u64> {
        match self {
            Self::Addresses(addresses) => addresses.to_vec(),
            Self::Nothing | Self::Functions(..) | Self::Probe(_) => Vec::new(),
        }
    }

    /// Of a pattern that is too long, the beginning.
    fn search(&self) -> Search {
        match self {
            Self::Functions(pattern, limit) => Search {
                pattern: pattern[..pattern.floor_char_boundary(MOST_PATTERN_BYTES)].to_owned(),
                limit: *limit,
            },
            Self::Nothing | Self::Addresses(_) | Self::Probe(_) => Search::default(),
        }
    }

    fn probe(&self) -> ProbeRequest {
        match self {
            Self::Probe(request) => (*request).clone(),
            _ => ProbeRequest::default(),
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
        self.child.as_ref().map(|running| running.pid())
    }

    /// Ends the child; the next question starts another.
    pub fn rest(&mut self) {
        if let Some(running) = self.child.take() {
            let _ = running.end(io::ErrorKind::TimedOut);
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

    /// The unwind table of a program.
    pub fn table(&mut self, file: u64, main: BorrowedFd<'_>) -> Result<Table, SymbolsError> {
        match self.ask(Kind::Table, file, Opened::only(main), Asked::Nothing)? {
            Answer::Table(table) => Ok(table),
            _ => Err(SymbolsError::NoAnswer),
        }
    }

    /// Which build a program is, and where its debug information may be.
    pub fn identity(&mut self, file: u64, main: BorrowedFd<'_>) -> Result<Identity, SymbolsError> {
        match self.ask(Kind::Identity, file, Opened::only(main), Asked::Nothing)? {
            Answer::Identity(identity) => Ok(identity),
            _ => Err(SymbolsError::NoAnswer),
        }
    }

    /// Functions of a program by name: a name, a name with `*` and `?`, or part of one; see
    /// [`crate::functions::Functions::search`]. The first question about a file takes as long as reading it does.
    pub fn functions(
        &mut self,
        file: u64,
        opened: Opened<'_>,
        pattern: &str,
        limit: u32,
    ) -> Result<Found, SymbolsError> {
        let asked = Asked::Functions(pattern, limit);
        match self.ask(Kind::Functions, file, opened, asked)? {
            Answer::Found(found) => Ok(found),
            _ => Err(SymbolsError::NoAnswer),
        }
    }

    /// Functions of a program as they can be probed. The first question about a file takes as long as reading it does.
    pub fn probeable(
        &mut self,
        file: u64,
        opened: Opened<'_>,
        request: &ProbeRequest,
    ) -> Result<Probeables, SymbolsError> {
        match self.ask(Kind::Probe, file, opened, Asked::Probe(request))? {
            Answer::Probeables(all) => Ok(all),
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
            match self.ask(kind, file, opened, Asked::Addresses(part))? {
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
        asked: Asked<'_>,
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
            addresses: asked.addresses(),
            search: asked.search(),
            probe: asked.probe(),
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
                None => {
                    let started = Running::start(&self.program, &self.arguments);
                    self.counts.started += u64::from(started.is_ok());
                    started.map_err(SymbolsError::Start)?
                }
            };
            let error = match running.talk(request, fds, until) {
                Ok(Some(answer)) => {
                    self.child = Some(running);
                    return Ok(answer);
                }
                Ok(None) => {
                    let _ = running.end(io::ErrorKind::TimedOut);
                    return Err(SymbolsError::NoAnswer);
                }
                Err(error) => error,
            };
            let status = running.end(error.kind());
            if status.is_some_and(|status| status.success()) && Instant::now() < until {
                continue;
            }
            return Err(match status {
                Some(status) => SymbolsError::Crashed(status),
                None => SymbolsError::TimedOut,
            });
        }
    }
}

impl Drop for Symbols {
    fn drop(&mut self) {
        if let Some(running) = self.child.take() {
            let _ = running.end(io::ErrorKind::TimedOut);
        }
    }
}
