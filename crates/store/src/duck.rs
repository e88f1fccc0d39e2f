//! The store in a DuckDB file: one writer connection owned by one thread, fed by a bounded queue that makes senders wait
//! and commits whatever waits as one transaction; readers are connections of their own, each in a read-only transaction.

mod ask;
mod columns;
mod decode;
mod evidence;
mod export;
mod keep;
mod kept;
mod marks;
mod measures;
mod migrate;
mod profiles;
mod readers;
mod roll;
mod room;
mod rows;
mod scan;
mod snapshot;
mod tables;
mod upkeep;
mod views;
mod writer;

use crate::StoreError;
use crate::append::{Append, Appended, Pending, StoredBatch, Upkeep};
use crate::kept::Keep;
use crate::read::{Read, Snapshot};
use coral_model::{AuditRow, TimeNs};
use duckdb::{Config, Connection};
use readers::Readers;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use writer::{Command, Writer};

pub use export::Format;
pub use migrate::SCHEMA_VERSION;
pub use views::{VIEWS, View};

/// Commands that wait for the writer before senders do.
const QUEUE: usize = 1024;
/// What DuckDB may hold; it spills to disk beyond.
const MEMORY: &str = "512MB";
const THREADS: i64 = 2;

/// How a store is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// About how large the file may become; 0 = as it likes.
    pub max_bytes: u64,
    /// With less than this free on its disk no batch is taken.
    pub reserve_bytes: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            max_bytes: 10_000_000_000,
            reserve_bytes: 128_000_000,
        }
    }
}

/// A small disk is not asked for more than this share of it as reserve, and the file may have half of it.
const RESERVE_SHARE: u64 = 8;
const BOUND_SHARE: u64 = 2;

impl Keeping {
    /// The usual, less on a small disk: with a reserve that is larger than the disk it would never take anything.
    pub fn fitting(folder: &Path) -> Self {
        let usual = Self::default();
        let Ok(disk) = nix::sys::statvfs::statvfs(folder) else {
            return usual;
        };
        let bytes = disk.blocks().saturating_mul(disk.fragment_size());
        Self {
            max_bytes: usual.max_bytes.min(bytes / BOUND_SHARE),
            reserve_bytes: usual.reserve_bytes.min(bytes / RESERVE_SHARE),
        }
    }
}

/// A store in a file.
#[derive(Debug)]
pub struct Duck {
    commands: mpsc::Sender<Command>,
    readers: Arc<Readers>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Duck {
    /// Opens the file, or makes it; brings an older schema up to this build's, after copying the file.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a file of a later build, [`StoreError::Open`] when it cannot be opened.
    pub fn open(path: &Path, keeping: Keeping, now: TimeNs) -> Result<Self, StoreError> {
        let connection = start(path, now)?;
        let clone = StoreError::engine("open a second connection");
        let readers = Arc::new(Readers::new(
            connection.try_clone().map_err(clone)?,
            export::folder(path),
        ));
        let mut writer = Writer::new(connection, readers.clone(), path, keeping, now)?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(queue))
            .map_err(|e| StoreError::Open {
                path: path.display().to_string(),
                message: format!("start the writer: {e}"),
            })?;
        Ok(Self {
            commands,
            readers,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Stores what waits, folds the log into the file and ends the writer. Later appends fail with [`StoreError::Closed`].
    /// Blocks; not for an async thread.
    pub fn close(&self) {
        let _ = self.commands.blocking_send(Command::Close);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended with a panic");
        }
    }

    /// Waits until the writer has ended, as it does after [`Self::close`]. A failed engine is no end: the writer opens the
    /// file again when it can.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    fn send<T: Send + 'static>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Pending<T> {
        let (reply, answer) = oneshot::channel();
        let (commands, command) = (self.commands.clone(), command(reply));
        Box::pin(async move {
            let closed = |_| StoreError::Closed;
            commands
                .send(command)
                .await
                .map_err(|_| StoreError::Closed)?;
            answer.await.map_err(closed)?
        })
    }
}

impl Append for Duck {
    fn append(&self, batch: StoredBatch) -> Pending<Appended> {
        self.send(|reply| Command::Append(Box::new(batch), reply))
    }

    fn audit(&self, row: AuditRow) -> Pending<()> {
        self.send(|reply| Command::Audit(Box::new(row), reply))
    }

    fn keep(&self, change: Keep) -> Pending<()> {
        self.send(|reply| Command::Keep(Box::new(change), reply))
    }

    fn maintain(&self, now: TimeNs) -> Pending<Upkeep> {
        self.send(|reply| Command::Maintain(now, reply))
    }
}

impl Read for Duck {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(snapshot::View::begin(self.readers.clone())?))
    }
}

/// The file with this build's schema and views.
fn start(path: &Path, now: TimeNs) -> Result<Connection, StoreError> {
    let connection = migrate::open(path, now)?;
    if let Err(error) = views::create(&connection) {
        // On a full disk those of the last start serve as well, if there are any.
        if !views::exist(&connection) {
            return Err(error);
        }
        tracing::warn!(%error, "the views are those of an earlier start");
    }
    Ok(connection)
}

fn config() -> Result<Config, duckdb::Error> {
    Config::default()
        .enable_autoload_extension(false)?
        .with("autoinstall_known_extensions", "false")?
        .max_memory(MEMORY)?
        .threads(THREADS)
}

/// Opens the file and locks the engine in: it writes below one folder, reaches no other file and no network, and nothing
/// can change that.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let failed = |message: String| StoreError::Open {
        path: path.display().to_string(),
        message,
    };
    let open = |e: duckdb::Error| failed(e.to_string());
    let folder = export::prepare(path)
        .map_err(|e| failed(format!("make the folder for files beside it: {e}")))?;
    let connection = Connection::open_with_flags(path, config().map_err(open)?).map_err(open)?;
    let locked = format!(
        "SET max_temp_directory_size = '2GB'; SET allowed_directories = ['{}'];
         SET enable_external_access = false; SET lock_configuration = true;",
        folder.display().to_string().replace('\'', "''")
    );
    connection.execute_batch(&locked).map_err(open)?;
    Ok(connection)
}
