//! Looks for functions, in a thread of its own: it asks the symbol reader, which blocks. Jobs wait in a bounded queue.

use super::session::FoundFile;
use crate::profile::{Around, Files};
use coral_model::Observed;
use coral_model::probe::{FoundFunction, Functions};
use coral_model::profile::{Binary, Function, Target};
use coral_model::question::Question;
use coral_probes::probeable::ProbeRequest;
use coral_probes::symbols::{self, Missing, SymbolsError};
use coral_probes::unwind::Mappings;
use coral_proto::v1;
use prost::Message as _;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Jobs that wait.
const QUEUE: usize = 32;
/// Questions about functions that wait.
const QUESTIONS: usize = 4;
/// Functions of one answer, at most.
const ROWS_MAX: u32 = 10_000;
/// The reader ends when nothing is asked for so long: what it knows of a file serves the next search.
const REST: Duration = Duration::from_secs(30);
/// Names that come near, at most.
const SIMILAR: usize = 3;
const STACK_BYTES: usize = 512 << 10;
/// Libraries that unwind stacks.
const THROWERS: [&str; 5] = ["libstdc++", "libc++", "libgcc_s", "libunwind", "libobjc"];
/// Programs whose functions are those of another language, and what shows them instead.
const INTERPRETERS: [(&str, &str); 7] = [
    ("python", "Python"),
    ("node", "JavaScript"),
    ("java", "Java"),
    ("ruby", "Ruby"),
    ("php", "PHP"),
    ("perl", "Perl"),
    ("beam", "Erlang"),
];

/// Which functions somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub target: Target,
    /// A name, part of one, or a pattern.
    pub pattern: String,
    /// At most so many.
    pub limit: u32,
}

impl Ask {
    /// Out of a question on the wire.
    pub fn of(spec: &[u8]) -> Option<Self> {
        let question = v1::Question::decode(spec).ok()?;
        match Question::try_from(question).ok()? {
            Question::Functions {
                target,
                pattern,
                limit,
            } => Some(Self {
                target,
                pattern,
                limit: limit.min(ROWS_MAX),
            }),
            _ => None,
        }
    }
}

/// A question, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub ask: Ask,
    /// Hears the answer, or why there is none.
    pub answer: oneshot::Sender<Result<Functions, String>>,
}

/// Where questions are put, and where they are taken from.
pub fn door() -> (mpsc::Sender<Asked>, mpsc::Receiver<Asked>) {
    mpsc::channel(QUESTIONS)
}

/// Something to find out.
pub enum Job {
    /// Functions to be probed.
    Probe {
        /// The wish.
        id: String,
        /// A process that has them.
        pid: u32,
        /// Which.
        request: ProbeRequest,
    },
    /// Functions to be listed, of these processes.
    Search(Asked, BTreeSet<u32>),
}

/// What was found for a probe.
pub struct Found {
    /// The wish.
    pub id: String,
    /// The files with functions that fit; or why there is none.
    pub files: Result<Vec<FoundFile>, String>,
}

/// The thread, as its owner sees it. It ends when this is dropped.
pub struct Desk {
    jobs: SyncSender<Job>,
    found: Receiver<Found>,
}

impl Desk {
    /// Starts it; `program symbolize` is the reader.
    ///
    /// # Errors
    /// When there is no room for a thread.
    pub fn start(program: PathBuf) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(QUEUE);
        let (tell, found) = sync_channel(QUEUE);
        let reader = symbols::Symbols::new(program, vec!["symbolize".into()]);
        std::thread::Builder::new()
            .name("coral-functions".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || work(reader, &waiting, &tell))?;
        Ok(Self { jobs, found })
    }

    /// Hands a job over; false when there is no room for it.
    pub fn ask(&self, job: Job) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// What was found since the last call.
    pub fn found(&self) -> impl Iterator<Item = Found> + '_ {
        self.found.try_iter()
    }
}

fn work(mut reader: symbols::Symbols, jobs: &Receiver<Job>, tell: &SyncSender<Found>) {
    // Numbers of files: a file that was asked about before is known to the reader by the same one.
    let mut files = Files::default();
    loop {
        match jobs.recv_timeout(REST) {
            Ok(Job::Probe { id, pid, request }) => {
                let files = probe(&mut reader, &mut files, pid, &request);
                if tell.send(Found { id, files }).is_err() {
                    return;
                }
            }
            Ok(Job::Search(asked, processes)) => {
                let found = search(&mut reader, &mut files, &asked.ask, &processes);
                let _ = asked.answer.send(found);
            }
            Err(RecvTimeoutError::Timeout) => reader.rest(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if files.are_too_many() {
            files = files.anew();
        }
    }
}

/// A file that a process runs code of.
struct Code {
    number: u64,
    file: File,
    binary: Binary,
    around: Around,
}

/// The files that a process runs code of, its program first.
fn code_of(
    reader: &mut symbols::Symbols,
    files: &mut Files,
    pid: u32,
) -> Result<Vec<Code>, String> {
    let text = std::fs::read(format!("/proc/{pid}/maps"));
    let text = text.map_err(|error| format!("the memory of process {pid}: {error}"))?;
    let mut seen = BTreeSet::new();
    let mut all = vec![];
    for mapping in Mappings::parse(&text).all {
        let number = files.of(pid, &mapping);
        if mapping.inode == 0 || !seen.insert(number) {
            continue;
        }
        let Some((known, file)) = files
            .get(number)
            .and_then(|known| Some((known, known.file.as_ref()?.try_clone().ok()?)))
        else {
            continue;
        };
        let (id, binary) = (u64::from(number.0), known.binary.clone());
        let path = Path::new(binary.path.raw());
        let around = Around::of(reader, id, &file, (pid, path));
        all.push(Code {
            number: id,
            file,
            binary,
            around,
        });
    }
    match all.is_empty() {
        true => Err(format!("no file of process {pid} can be opened")),
        false => Ok(all),
    }
}

/// Functions to be probed: those of the program, and of its libraries when the program has none that fits.
fn probe(
    reader: &mut symbols::Symbols,
    files: &mut Files,
    pid: u32,
    request: &ProbeRequest,
) -> Result<Vec<FoundFile>, String> {
    let (mut why, mut similar) = (vec![], vec![]);
    let code = code_of(reader, files, pid)?;
    let program = code.first().map(|code| code.binary.path.clone());
    let throws = code.iter().any(|code| throws(code.binary.path.raw()));
    for (number, code) in code.into_iter().enumerate() {
        let opened = code.around.opened(&code.file);
        let request = ProbeRequest {
            // Of a library nobody knows who is above it.
            can_unwind: throws || number > 0,
            ..request.clone()
        };
        match reader.probeable(code.number, opened, &request) {
            Ok(all) if all.functions.is_empty() => similar.extend(all.similar),
            Ok(all) => {
                return Ok(vec![FoundFile {
                    file: code.file,
                    binary: code.binary,
                    functions: all.functions,
                }]);
            }
            Err(error) => why.push(unread(&code.binary, &error)),
        }
    }
    let named = request.functions.join(", ");
    let mut text = format!("no function fits {named}");
    similar.truncate(SIMILAR);
    if !similar.is_empty() {
        text = format!("{text}; did you mean {}?", similar.join(" or "));
    }
    if let Some(note) = program.and_then(|program| not_native(program.raw())) {
        text = format!("{text}; {note}");
    }
    if let Some((file, why)) = why.first() {
        text = format!("{text}; {}: {}", file.visible(), why.visible());
    }
    Err(text)
}

/// Whether a library is one by which exceptions are thrown, or threads unwound.
fn throws(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    THROWERS.iter().any(|library| name.starts_with(library))
}

fn search(
    reader: &mut symbols::Symbols,
    files: &mut Files,
    ask: &Ask,
    processes: &BTreeSet<u32>,
) -> Result<Functions, String> {
    let mut all = Functions::default();
    // Processes of a service run the same program; of others the first says enough.
    let Some(pid) = processes.first() else {
        return Ok(all);
    };
    for code in code_of(reader, files, *pid)? {
        let opened = code.around.opened(&code.file);
        match reader.functions(code.number, opened, &ask.pattern, ask.limit) {
            Ok(found) => {
                all.total += u64::from(found.total);
                let row = |function| row(function, &code.binary);
                all.rows.extend(found.functions.into_iter().map(row));
                let similar = found.similar.into_iter().map(Observed::new);
                all.similar.extend(similar);
            }
            Err(error) => all.missing.push(unread(&code.binary, &error)),
        }
        // Those of libraries are only of interest when somebody asks for them by name.
        if ask.pattern.is_empty() {
            break;
        }
    }
    let main = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    if let Some(note) = not_native(&main.to_string_lossy()) {
        let path = Observed::new(main.to_string_lossy());
        all.missing.insert(0, (path, Observed::new(note)));
    }
    all.rows.truncate(ask.limit as usize);
    Ok(all)
}

fn row(function: coral_probes::functions::Function, binary: &Binary) -> FoundFunction {
    FoundFunction {
        function: Function {
            name: Observed::new(function.name),
            file: function.file.map(Observed::new),
            line: function.line,
        },
        binary: binary.path.clone(),
        build: binary.build.clone(),
        address: function.address.unwrap_or(0),
        bytes: function.bytes.into(),
        language: Observed::new(function.language.name()),
        inlined_into: function
            .inlined
            .names
            .into_iter()
            .map(Observed::new)
            .collect(),
    }
}

/// Why nothing is known of a file, and what to do about it.
fn unread(binary: &Binary, error: &SymbolsError) -> (Observed, Observed) {
    let why = match error {
        SymbolsError::Refused(Missing::NoSymbols) => {
            "no symbols; build it without `strip`, keep the debug file beside it, or install its -dbgsym package".to_owned()
        }
        error => error.to_string(),
    };
    (binary.path.clone(), Observed::new(why))
}

/// Of a program that runs another language's code: what to do instead.
fn not_native(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let found = INTERPRETERS
        .iter()
        .find(|(program, _)| name.starts_with(program));
    found.map(|(_, language)| {
        format!(
            "functions written in {language} are not native code, only those of {name} itself are listed; \
             `coral profile cpu` shows where its time goes"
        )
    })
}
