//! Asks the symbol reader, which blocks, in a thread of its own: for names of addresses and for unwind tables of files, in
//! turns. Jobs wait in a bounded queue; what finds no room is asked again later.

use super::around::{Around, DEBUG_MAX};
use super::files::FileNumber;
use crate::proc::inside;
use coral_model::Observed;
use coral_model::profile::{Binary, Function, SymbolRow, Symbols};
use coral_probes::abi::unwind::Block;
use coral_probes::symbols::{self, Missing, Named, SymbolsError};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Jobs that wait.
const QUEUE: usize = 256;
/// Results that wait to be taken.
const RESULTS: usize = 1_024;
/// The reader ends when nothing is asked for so long.
const REST: Duration = Duration::from_secs(5);
const STACK_BYTES: usize = 256 << 10;
/// What the kernel's symbols are known by.
const KERNEL: u64 = u64::MAX;

/// Something to find out.
pub enum Job {
    /// The unwind table of a file.
    Table {
        /// Its number.
        file: FileNumber,
        /// The file.
        main: File,
    },
    /// Names of addresses.
    Names {
        /// Of what.
        binary: Binary,
        /// From where.
        from: Names,
        /// Which.
        addresses: Vec<u64>,
    },
}

/// Where names come from.
pub enum Names {
    /// A program file and what belongs to it, as this process sees its files.
    File {
        /// Its number.
        file: FileNumber,
        /// The file.
        main: File,
        /// A process that has it mapped.
        pid: u32,
    },
    /// A list that the maker of the code writes.
    List {
        /// Its number.
        file: FileNumber,
        /// Whose.
        pid: u32,
    },
    /// The kernel's own list.
    Kernel,
}

/// Something that was found out.
pub enum Found {
    /// The unwind table of a file; without one, there is nothing to compile.
    Table(FileNumber, Option<Vec<Block>>),
    /// Names.
    Names(Symbols),
}

/// Jobs that wait, and whether there will be more.
#[derive(Default)]
struct Waiting {
    names: VecDeque<Job>,
    tables: VecDeque<Job>,
    /// Whose turn it is when both wait: names of a busy host never end, and stacks without tables are short.
    is_tables_turn: bool,
    is_over: bool,
}

impl Waiting {
    fn next(&mut self) -> Option<Job> {
        self.is_tables_turn = !self.is_tables_turn;
        let [first, second] = match self.is_tables_turn {
            true => [&mut self.tables, &mut self.names],
            false => [&mut self.names, &mut self.tables],
        };
        first.pop_front().or_else(|| second.pop_front())
    }
}

type Queue = Arc<(Mutex<Waiting>, Condvar)>;

/// The thread, as its owner sees it. It ends when this is dropped.
pub struct Clerk {
    queue: Queue,
    found: Receiver<Found>,
}

impl Clerk {
    /// Starts it; `program symbolize` is the reader.
    ///
    /// # Errors
    /// When there is no room for a thread.
    pub fn start(program: PathBuf) -> io::Result<Self> {
        let queue = Queue::default();
        let waiting = queue.clone();
        let (tell, found) = sync_channel(RESULTS);
        let reader = symbols::Symbols::new(program, vec!["symbolize".into()]);
        std::thread::Builder::new()
            .name("coral-names".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || work(reader, &waiting, &tell))?;
        Ok(Self { queue, found })
    }

    /// Hands a job over; false when there is no room for it.
    pub fn ask(&self, job: Job) -> bool {
        let (waiting, more) = &*self.queue;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = match job {
            Job::Names { .. } => &mut waiting.names,
            Job::Table { .. } => &mut waiting.tables,
        };
        let fits = queue.len() < QUEUE;
        if fits {
            queue.push_back(job);
            more.notify_one();
        }
        fits
    }

    /// What was found out since the last call.
    pub fn found(&self) -> impl Iterator<Item = Found> + '_ {
        self.found.try_iter()
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        let (waiting, more) = &*self.queue;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_over = true;
        more.notify_one();
    }
}

/// The next job; `Ok(None)` after a while without one.
fn next(queue: &Queue) -> Result<Option<Job>, Over> {
    let (waiting, more) = &**queue;
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = |w: &mut Waiting| !w.is_over && w.names.is_empty() && w.tables.is_empty();
    let waited = more.wait_timeout_while(waiting, REST, idle);
    let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
    if waiting.is_over {
        return Err(Over);
    }
    Ok(waiting.next())
}

/// Nobody asks any more.
struct Over;

fn work(mut reader: symbols::Symbols, queue: &Queue, tell: &SyncSender<Found>) {
    while let Ok(job) = next(queue) {
        let found = match job {
            Some(Job::Table { file, main }) => table(&mut reader, file, &main),
            Some(Job::Names {
                binary,
                from,
                addresses,
            }) => Found::Names(names(&mut reader, binary, &from, &addresses)),
            None => {
                reader.rest();
                continue;
            }
        };
        if let Found::Names(symbols) = &found {
            let (path, rows) = (symbols.binary.path.visible(), symbols.rows.len());
            let missing = symbols.missing.as_ref().map(|m| m.visible().into_owned());
            tracing::debug!(%path, rows, missing, "names");
        }
        if tell.send(found).is_err() {
            return;
        }
    }
}

fn table(reader: &mut symbols::Symbols, file: FileNumber, main: &File) -> Found {
    match reader.table(file.0.into(), main.as_fd()) {
        Ok(table) => Found::Table(file, Some(table.into_blocks())),
        Err(error) => {
            tracing::debug!("no unwind table of file {}: {error}", file.0);
            Found::Table(file, None)
        }
    }
}

fn names(
    reader: &mut symbols::Symbols,
    binary: Binary,
    from: &Names,
    addresses: &[u64],
) -> Symbols {
    let answer = match from {
        Names::File { file, main, pid } => {
            return of_file(reader, binary, (*file, main, *pid), addresses);
        }
        Names::List { file, pid } => list(*pid).map(|list| {
            let all = reader.perf_map(file.0.into(), list.as_fd(), addresses);
            all.map_err(|error| error.to_string())
        }),
        Names::Kernel => File::open("/proc/kallsyms").ok().map(|list| {
            let all = reader.kernel(KERNEL, list.as_fd(), addresses);
            all.map_err(|error| error.to_string())
        }),
    };
    let missing = match from {
        Names::Kernel => "the kernel shows its symbols to root and CAP_SYSLOG alone",
        _ => {
            "code made while the program ran: start it with what writes a perf map (node --perf-basic-prof)"
        }
    };
    match answer {
        Some(Ok(named)) => told(binary, addresses, &named, None),
        Some(Err(error)) => told(binary, addresses, &[], Some(error)),
        None => told(binary, addresses, &[], Some(missing.to_owned())),
    }
}

/// The list of a process's code that was made while it ran, as the process itself sees the file.
fn list(pid: u32) -> Option<File> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let own = status.lines().find_map(|l| l.strip_prefix("NSpid:"))?;
    let own: u32 = own.split_whitespace().last()?.parse().ok()?;
    let path = format!("/tmp/perf-{own}.map");
    inside::open(&inside::root_of(pid)?, Path::new(&path), DEBUG_MAX)
}

fn of_file(
    reader: &mut symbols::Symbols,
    binary: Binary,
    (number, main, pid): (FileNumber, &File, u32),
    addresses: &[u64],
) -> Symbols {
    let id = u64::from(number.0);
    let around = Around::of(reader, id, main, (pid, Path::new(binary.path.raw())));
    let opened = around.opened(main);
    match reader.names(id, opened, addresses) {
        Ok(named) => {
            let hint = hint(&named, &binary);
            told(binary, addresses, &named, hint)
        }
        Err(error @ (SymbolsError::Crashed(_) | SymbolsError::TimedOut)) => {
            tracing::warn!("names of {}: {error}", binary.path.visible());
            told(binary, addresses, &[], Some(error.to_string()))
        }
        Err(error) => told(binary, addresses, &[], Some(error.to_string())),
    }
}

/// What would make the names better: said when some are missing.
fn hint(named: &[Named], binary: &Binary) -> Option<String> {
    let nameless = named.iter().filter(|n| n.frames.is_empty());
    let reason = nameless.filter_map(|n| n.missing).max()?;
    let path = binary.path.raw();
    Some(match reason {
        Missing::NoSymbols if is_packaged(path) => {
            format!(
                "{reason}; install the package with its debug symbols (-dbg or -dbgsym of {path})"
            )
        }
        Missing::NoSymbols => {
            format!("{reason}; build it without `strip`, or keep the debug file beside it")
        }
        reason => reason.to_string(),
    })
}

/// Whether a file lies where packages of the system put theirs.
fn is_packaged(path: &str) -> bool {
    ["/usr/lib", "/lib", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

fn told(binary: Binary, addresses: &[u64], named: &[Named], missing: Option<String>) -> Symbols {
    let function = |frame: &symbols::Frame| Function {
        name: Observed::new(frame.function.clone()),
        file: frame.file.clone().map(Observed::new),
        line: frame.line,
    };
    let row = |(address, named): (&u64, &Named)| SymbolRow {
        address: *address,
        functions: named.frames.iter().map(function).collect(),
    };
    let rows = addresses.iter().zip(named).map(row);
    Symbols {
        binary,
        rows: rows.filter(|row| !row.functions.is_empty()).collect(),
        missing: missing.map(Observed::new),
    }
}
