//! The one writer: takes what waits in the queue, stores it as one transaction and answers all of it. A transaction that
//! fails is rolled back and its commands are tried one by one, so that a bad one cannot take the others with it. An engine
//! that has given up is let go of and the file opened again.

use super::readers::Readers;
use super::room::Room;
use super::upkeep::Caretaker;
use super::{Keeping, kept, marks, profiles, rows, tables};
use crate::StoreError;
use crate::append::{Appended, StoredBatch, Upkeep};
use crate::kept::Keep;
use crate::level::Marks;
use crate::registry::{self, Changes, Registry};
use coral_model::{AuditRow, TimeNs};
use duckdb::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What can be asked of the writer.
pub(super) enum Command {
    Append(Box<StoredBatch>, Reply<Appended>),
    Audit(Box<AuditRow>, Reply<()>),
    Keep(Box<Keep>, Reply<()>),
    Maintain(TimeNs, Reply<Upkeep>),
    Close,
}

/// The most that one transaction takes in.
const GROUP_COMMANDS: usize = 256;
const GROUP_ROWS: usize = 100_000;

pub(super) struct Writer {
    path: PathBuf,
    readers: Arc<Readers>,
    /// `None` while the file is closed.
    connection: Option<Connection>,
    registry: Registry,
    /// What the levels hold.
    marks: Marks,
    /// What profiles speak of that is stored.
    content: profiles::Stored,
    caretaker: Caretaker,
    room: Room,
    /// The newest time that the writer was told.
    now: TimeNs,
    /// The engine gave up, as it does when it meets the end of the disk at the wrong moment, and wants to be started anew.
    broken: Option<StoreError>,
}

/// A batch with the numbers of its instances.
pub(super) struct Placed<'a> {
    pub batch: &'a StoredBatch,
    pub changes: Changes,
    pub appended: Appended,
}

fn refuse<T>(replies: impl Iterator<Item = Reply<T>>, error: &StoreError) {
    for reply in replies {
        let _ = reply.send(Err(error.clone()));
    }
}

/// About how many rows a batch becomes.
fn weight(batch: &StoredBatch) -> usize {
    let gauges: usize = batch.hosts.iter().map(|h| h.gauges.len()).sum();
    let stacks: usize = batch.profiles.iter().map(|p| p.stacks.len()).sum();
    let names: usize = batch.symbols.iter().map(|s| s.rows.len()).sum();
    let red = batch.summaries.len() + batch.edges.len();
    red + batch.processes.len() + gauges + stacks + names + 1
}

impl Writer {
    pub fn new(
        connection: Connection,
        readers: Arc<Readers>,
        path: &Path,
        keeping: Keeping,
        now: TimeNs,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            readers,
            registry: tables::load(&connection)?,
            marks: marks::load(&connection)?,
            content: profiles::Stored::default(),
            caretaker: Caretaker::new(path, keeping.max_bytes),
            room: Room::new(path, keeping.reserve_bytes),
            connection: Some(connection),
            now,
            broken: None,
        })
    }

    pub fn run(&mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let (mut batches, mut audits, mut upkeep) = (vec![], vec![], None);
            let mut keeps = vec![];
            let (mut rows, mut closing, mut next) = (0, false, Some(first));
            while let Some(command) = next.take() {
                match command {
                    Command::Append(batch, reply) => {
                        rows += weight(&batch);
                        batches.push((batch, reply));
                    }
                    Command::Audit(row, reply) => audits.push((row, reply)),
                    Command::Keep(change, reply) => keeps.push((change, reply)),
                    Command::Maintain(now, reply) => upkeep = Some((now, reply)),
                    Command::Close => closing = true,
                }
                let full = batches.len() + audits.len() >= GROUP_COMMANDS || rows >= GROUP_ROWS;
                if !full && !closing && upkeep.is_none() {
                    next = queue.try_recv().ok();
                }
            }
            if !batches.is_empty() || !audits.is_empty() {
                self.store(batches, audits);
            }
            for (change, reply) in keeps {
                let _ = reply.send(self.keep(&change));
            }
            if let Some((now, reply)) = upkeep {
                let _ = reply.send(self.maintain(now));
            }
            if closing {
                break;
            }
        }
        let folded = self
            .connection
            .as_ref()
            .map(|c| c.execute_batch("CHECKPOINT"));
        if let Some(Err(error)) = folded {
            tracing::warn!(%error, "the store's log was not folded into its file; the next start does it");
        }
    }

    fn store(
        &mut self,
        batches: Vec<(Box<StoredBatch>, Reply<Appended>)>,
        audits: Vec<(Box<AuditRow>, Reply<()>)>,
    ) {
        let (mut batches, mut batch_replies): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let (mut audits, mut audit_replies): (Vec<_>, Vec<_>) = audits.into_iter().unzip();
        if let Err(error) = self.ready_for_batches() {
            batches.clear();
            refuse(batch_replies.drain(..), &error);
        }
        if let Err(error) = self.ready_for_audit() {
            audits.clear();
            refuse(audit_replies.drain(..), &error);
        }
        let whole = batches.iter().try_for_each(|batch| registry::check(batch));
        let whole = whole.and_then(|()| self.commit(&batches, &audits));
        let (appended, audited): (Vec<_>, Vec<_>) = match whole {
            Ok(appended) => (
                appended.into_iter().map(Ok).collect(),
                audits.iter().map(|_| Ok(())).collect(),
            ),
            Err(error) => {
                tracing::warn!(%error, commands = batches.len() + audits.len(), "a transaction failed; trying its parts");
                let batch = |batch| self.one(std::slice::from_ref(batch));
                let appended = batches.iter().map(batch).collect();
                let row = |row| self.commit(&[], std::slice::from_ref(row)).map(|_| ());
                (appended, audits.iter().map(row).collect())
            }
        };
        // Whoever no longer waits for an answer does not need it.
        for (reply, answer) in batch_replies.into_iter().zip(appended) {
            let _ = reply.send(answer);
        }
        for (reply, answer) in audit_replies.into_iter().zip(audited) {
            let _ = reply.send(answer);
        }
    }

    fn keep(&mut self, change: &Keep) -> Result<(), StoreError> {
        self.ready_for_audit()?;
        let kept = kept::keep(self.ready()?, change);
        if kept.is_err() {
            self.examine();
        }
        kept
    }

    fn ready(&self) -> Result<&Connection, StoreError> {
        match (&self.broken, &self.connection) {
            (None, Some(connection)) => Ok(connection),
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(StoreError::Closed),
        }
    }

    fn ready_for_batches(&mut self) -> Result<(), StoreError> {
        self.ready()?;
        match &self.connection {
            Some(connection) => self.room.for_batches(connection, self.now),
            None => Err(StoreError::Closed),
        }
    }

    fn ready_for_audit(&self) -> Result<(), StoreError> {
        self.ready()?;
        self.room.for_audit()
    }

    fn maintain(&mut self, now: TimeNs) -> Result<Upkeep, StoreError> {
        self.now = now;
        if self.broken.is_some() {
            self.start_anew()?;
        }
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        self.room.look(connection, now)?;
        self.room.for_batches(connection, now)?;
        let done = self.caretaker.piece(connection, &mut self.marks, now);
        if done.is_err() {
            self.examine();
        }
        done
    }

    /// After a failure: reads anew what may have been rolled back; an engine that cannot read has given up.
    fn examine(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let read = tables::load(connection).and_then(|r| Ok((r, marks::load(connection)?)));
        match read {
            Ok((registry, marks)) => (self.registry, self.marks) = (registry, marks),
            Err(error) => {
                tracing::error!(%error, "the store has failed; it is opened again as soon as it can be");
                self.room.met_the_end(self.now);
                self.broken = Some(StoreError::Broken(error.to_string()));
            }
        }
    }

    /// Lets go of a failed engine and opens the file again: what was acknowledged is in it. To be tried until it works.
    fn start_anew(&mut self) -> Result<(), StoreError> {
        let why = self.broken.clone().unwrap_or(StoreError::Closed);
        // Two engines on one file would ruin it.
        if self.readers.close(&why) > 0 {
            return Err(why);
        }
        self.connection = None;
        self.room.for_audit()?;
        let connection = super::start(&self.path, self.now)?;
        self.registry = tables::load(&connection)?;
        self.marks = marks::load(&connection)?;
        let clone = StoreError::engine("open a second connection");
        self.readers.open(connection.try_clone().map_err(clone)?);
        self.connection = Some(connection);
        self.broken = None;
        tracing::info!("the store is open again");
        Ok(())
    }

    fn one(&mut self, batch: &[Box<StoredBatch>]) -> Result<Appended, StoreError> {
        batch.iter().try_for_each(|batch| registry::check(batch))?;
        self.commit(batch, &[])?.pop().ok_or(StoreError::Closed)
    }

    fn commit(
        &mut self,
        batches: &[Box<StoredBatch>],
        audits: &[Box<AuditRow>],
    ) -> Result<Vec<Appended>, StoreError> {
        if batches.is_empty() && audits.is_empty() {
            return Ok(vec![]);
        }
        self.ready()?;
        let result = self.write(batches, audits);
        if result.is_err() {
            // The registry may hold what was rolled back, and so may this.
            self.content = profiles::Stored::default();
            self.examine();
        }
        result
    }

    fn write(
        &mut self,
        batches: &[Box<StoredBatch>],
        audits: &[Box<AuditRow>],
    ) -> Result<Vec<Appended>, StoreError> {
        let failed = StoreError::engine("store a batch");
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        let transaction = connection.unchecked_transaction().map_err(&failed)?;
        let (mut placed, mut answers) = (vec![], vec![]);
        for batch in batches {
            let appended = self.registry.admit(batch);
            answers.push(appended);
            if appended.new {
                let find = |key: &_| tables::find_instance(connection, key);
                let changes = self.registry.place(batch, find)?;
                placed.push(Placed {
                    batch,
                    changes,
                    appended,
                });
            }
        }
        tables::write_instances(connection, &placed)?;
        tables::write_ships(connection, &self.registry, &placed)?;
        rows::append(connection, &placed, audits, &self.marks).map_err(&failed)??;
        profiles::append_content(connection, &placed, &mut self.content).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        if let Some(newest) = batches.iter().map(|b| b.clock).max() {
            self.registry.forget(newest);
        }
        Ok(answers)
    }
}
