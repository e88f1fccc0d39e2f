//! The child: one request after the other, files by descriptor, until nobody asks for a while.

mod program;

use super::ranges::Ranges;
use super::sources::{self, OpenError};
use super::wire::{Answer, Kind, MOST_NAMED_BYTES, MOST_REQUEST_BYTES, Request, files};
use super::{Frame, Identity, Missing, Named, demangle, jail};
use crate::unwind;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// After so long without a request the child ends.
pub const IDLE_SECONDS: u64 = 30;
/// For so long it looks for names of one request; what is left is out of time.
const REQUEST_TIME: Duration = Duration::from_secs(15);
/// After so much processor time it ends between two requests, before the kernel ends it within one.
const CPU_TIME: Duration = Duration::from_secs(60);

/// Why the child ended otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It could not give up its rights.
    #[error("give up rights: {0}")]
    Jail(io::Error),
    /// The socket failed.
    #[error("socket: {0}")]
    Socket(#[from] io::Error),
    /// Something else than a request came.
    #[error("not a request")]
    NoRequest,
}

/// Where requests come from, and for how long none may come.
struct Socket<'a> {
    stream: &'a UnixStream,
    idle: Duration,
}

/// A request with its files.
struct Asked {
    request: Request,
    files: Vec<File>,
}

impl Asked {
    /// The file that this bit stands for.
    fn file(&self, bit: u8) -> Option<&File> {
        let before = (self.request.files & (bit - 1)).count_ones() as usize;
        self.files
            .get(before)
            .filter(|_| self.request.files & bit != 0)
    }
}

/// Answers requests until the other end closes, or is silent for [`IDLE_SECONDS`]. Gives up this whole process's rights
/// first; call it from `main`, before there are threads.
pub fn serve(socket: UnixStream) -> Result<(), ServeError> {
    serve_until_idle(&socket, Duration::from_secs(IDLE_SECONDS))
}

/// As [`serve()`], with another bound for silence.
pub(super) fn serve_until_idle(stream: &UnixStream, idle: Duration) -> Result<(), ServeError> {
    let socket = &Socket { stream, idle };
    jail::enter().map_err(ServeError::Jail)?;
    // The kernel makes its list anew for every reader, a tenth of a second each time: one is enough for a child's life.
    let (list, kernel) = (OnceCell::new(), OnceCell::new());
    let mut next = receive(socket)?;
    while let Some(asked) = next {
        next = match asked.request.kind {
            Kind::Names | Kind::Functions | Kind::Probe => program::serve(socket, asked)?,
            kind => {
                let answer = match kind {
                    Kind::Kernel => of_kernel(&asked, &list, &kernel),
                    kind => once(kind, &asked),
                };
                send(socket, &answer.unwrap_or_else(Answer::Refused))?;
                receive(socket)?
            }
        };
    }
    Ok(())
}

/// Names addresses of the kernel by its list, which is read when it is asked for first.
fn of_kernel<'a>(
    asked: &Asked,
    list: &'a OnceCell<Vec<u8>>,
    ranges: &OnceCell<Ranges<'a>>,
) -> Result<Answer, Missing> {
    if list.get().is_none() {
        let main = asked.file(files::MAIN).ok_or(Missing::Corrupt)?;
        let _ = list.set(text(main).map_err(|error| refusal(&error))?);
    }
    let ranges = ranges.get_or_init(|| Ranges::kernel(list.get().map_or(&[], Vec::as_slice)));
    Ok(listed(ranges, &asked.request.addresses))
}

/// Names addresses while there is time and room.
fn all(addresses: &[u64], until: Instant, find: impl Fn(u64) -> Named) -> Vec<Named> {
    let mut bytes = 0;
    let name = |address: &u64| {
        let missing = if Instant::now() >= until {
            Missing::TimeOut
        } else if bytes >= MOST_NAMED_BYTES {
            Missing::TooBig
        } else {
            let named = find(*address);
            let size =
                |frame: &Frame| frame.function.len() + frame.file.as_ref().map_or(0, String::len);
            bytes += named.frames.iter().map(size).sum::<usize>();
            return named;
        };
        Named {
            frames: Vec::new(),
            missing: Some(missing),
        }
    };
    addresses.iter().map(name).collect()
}

/// Answers what needs a file once.
fn once(kind: Kind, asked: &Asked) -> Result<Answer, Missing> {
    let main = asked.file(files::MAIN).ok_or(Missing::Corrupt)?;
    let addresses = &asked.request.addresses;
    match kind {
        // Its list outlives a request.
        Kind::Kernel => Err(Missing::Corrupt),
        Kind::PerfMap => {
            let text = text(main).map_err(|error| refusal(&error))?;
            Ok(listed(&Ranges::perf_map(&text), addresses))
        }
        Kind::Identity => {
            let main = sources::map(main).map_err(|error| refusal(&error))?;
            let identity = Identity::of(&main).map_err(|_| Missing::Corrupt)?;
            Ok(Answer::Identity(identity))
        }
        Kind::Table | Kind::Names | Kind::Functions | Kind::Probe => {
            let main = sources::map(main).map_err(|error| refusal(&error))?;
            let (table, _) = unwind::compile(&main).map_err(|_| Missing::Corrupt)?;
            Ok(Answer::Table(table))
        }
    }
}

fn listed(ranges: &Ranges<'_>, addresses: &[u64]) -> Answer {
    if ranges.is_empty() {
        return Answer::Refused(Missing::NoSymbols);
    }
    let find = |address| match ranges.find(address) {
        Some(name) => Named {
            frames: vec![Frame {
                function: demangle(name),
                ..Frame::default()
            }],
            missing: None,
        },
        None => Named {
            frames: Vec::new(),
            missing: Some(Missing::NoSymbols),
        },
    };
    Answer::Named(all(addresses, Instant::now() + REQUEST_TIME, find))
}

fn refusal(error: &OpenError) -> Missing {
    match error {
        OpenError::Size(bytes) if *bytes > 0 => Missing::TooBig,
        _ => Missing::Corrupt,
    }
}

/// The text of a list: those of `/proc` have no size and cannot be mapped.
fn text(file: &File) -> Result<Vec<u8>, OpenError> {
    const MOST_BYTES: u64 = 128 << 20;
    let mut text = Vec::new();
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut text)? as u64;
    if read > MOST_BYTES {
        return Err(OpenError::Size(read));
    }
    Ok(text)
}

fn send(socket: &Socket<'_>, answer: &Answer) -> io::Result<()> {
    let mut socket = socket.stream;
    let body = answer.encode();
    socket.write_all(&(body.len() as u32).to_le_bytes())?;
    socket.write_all(&body)
}

/// The next request; `None` when it is time to end.
fn receive(socket: &Socket<'_>) -> Result<Option<Asked>, ServeError> {
    if cpu_time() > CPU_TIME || !is_readable(socket)? {
        return Ok(None);
    }
    let socket = socket.stream;
    let mut length = [0; 4];
    let (read, mut files) = first(socket, &mut length)?;
    if read == 0 {
        return Ok(None);
    }
    let mut reader = socket;
    reader.read_exact(&mut length[read..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_REQUEST_BYTES {
        return Err(ServeError::NoRequest);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request = Request::decode(&body).ok_or(ServeError::NoRequest)?;
    if files.len() != request.files.count_ones() as usize {
        return Err(ServeError::NoRequest);
    }
    let files = files.drain(..).map(File::from).collect();
    Ok(Some(Asked { request, files }))
}

fn first(socket: &UnixStream, into: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; 3]);
    let mut parts = [IoSliceMut::new(into)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut files = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = part {
            // SAFETY: the kernel made these descriptors for us; nobody else owns them.
            files.extend(
                received
                    .into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    Ok((message.bytes, files))
}

fn is_readable(socket: &Socket<'_>) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: socket.stream.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one structure that lives through the call.
    let ready = unsafe { libc::poll(&mut poll, 1, socket.idle.as_millis() as i32) };
    if ready < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ready > 0)
}

fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(
        time.tv_sec.max(0) as u64,
        time.tv_nsec.clamp(0, 999_999_999) as u32,
    )
}
