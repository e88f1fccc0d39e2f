//! What goes between the agent and the child: little-endian numbers and texts with their length, each message with its
//! length before it. Both sides check every bound; neither believes the other.

mod answer;
mod bytes;
mod found;
mod probeable;
mod types;

use crate::functions::{Found, MOST_PATTERN_BYTES};
use crate::probeable::ProbeRequest;
pub(super) use answer::Answer;
pub(super) use bytes::{Reader, Writer};

/// Most addresses of one request.
pub const MOST_ADDRESSES: usize = 4096;
/// Longest request.
pub(super) const MOST_REQUEST_BYTES: usize = 1 << 20;
/// Longest answer: a table of the largest size.
pub(super) const MOST_ANSWER_BYTES: usize = 80 << 20;
/// Most bytes of names in an answer.
pub(super) const MOST_NAMED_BYTES: usize = 16 << 20;

/// What is asked.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names of addresses of a program.
    Names = 1,
    /// Names of addresses by `/tmp/perf-PID.map`.
    PerfMap = 2,
    /// Names of addresses by `/proc/kallsyms`.
    Kernel = 3,
    /// The unwind table of a program.
    Table = 4,
    /// Where its debug information may be.
    Identity = 5,
    /// Functions of a program by name.
    Functions = 6,
    /// Functions of a program to be probed.
    Probe = 7,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        let all = [
            Self::Names,
            Self::PerfMap,
            Self::Kernel,
            Self::Table,
            Self::Identity,
            Self::Functions,
            Self::Probe,
        ];
        all.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// The files that come with a request, in this order.
pub(super) mod files {
    /// The program or list.
    pub const MAIN: u8 = 1;
    /// Its debug file.
    pub const DEBUG: u8 = 2;
    /// What debug files share.
    pub const SHARED: u8 = 4;
}

/// A request; its files come as descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub kind: Kind,
    /// Which of [`files`] come with it.
    pub files: u8,
    /// What the file is known by: the same number is the same file.
    pub file: u64,
    pub addresses: Vec<u64>,
    /// For functions alone.
    pub search: Search,
    /// For probes alone.
    pub probe: ProbeRequest,
}

/// What functions are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Search {
    pub pattern: String,
    pub limit: u32,
}

impl Request {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(self.kind as u8);
        out.u8(self.files);
        out.u64(self.file);
        out.u32(self.addresses.len() as u32);
        self.addresses.iter().for_each(|address| out.u64(*address));
        if self.kind == Kind::Functions {
            out.bytes(self.search.pattern.as_bytes());
            out.u32(self.search.limit);
        }
        if self.kind == Kind::Probe {
            probeable::write_request(&mut out, &self.probe);
        }
        out.0
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = Kind::of(reader.u8()?)?;
        let files = reader
            .u8()
            .filter(|files| files & files::MAIN != 0 && *files < 8)?;
        let file = reader.u64()?;
        let count = reader.u32()? as usize;
        let is_search = kind == Kind::Functions;
        let has_none = matches!(kind, Kind::Functions | Kind::Probe);
        if count > if has_none { 0 } else { MOST_ADDRESSES } {
            return None;
        }
        let addresses = (0..count).map(|_| reader.u64()).collect::<Option<_>>()?;
        let mut search = Search::default();
        if is_search {
            search.pattern = reader.text(MOST_PATTERN_BYTES)?;
            search.limit = reader.u32()?;
        }
        let probe = match kind {
            Kind::Probe => probeable::read_request(&mut reader)?,
            _ => ProbeRequest::default(),
        };
        reader.is_empty().then_some(Self {
            kind,
            files,
            file,
            addresses,
            search,
            probe,
        })
    }
}

/// Whether an answer arrives as it was sent.
pub(crate) fn is_sent_whole(found: Found) -> bool {
    let answer = Answer::Found(found);
    let sent = answer.encode();
    sent.len() <= MOST_ANSWER_BYTES && Answer::decode(&sent) == Some(answer)
}

/// Any bytes are a message or none, and a message is the same again.
pub fn fuzz(bytes: &[u8]) {
    if let Some(request) = Request::decode(bytes) {
        assert_eq!(Request::decode(&request.encode()), Some(request));
    }
    if let Some(answer) = Answer::decode(bytes) {
        assert_eq!(Answer::decode(&answer.encode()), Some(answer));
    }
}
