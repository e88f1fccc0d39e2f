//! The one writer: takes what waits in the queue, stores it as one transaction and answers all of it. A transaction that
//! fails is rolled back and its commands are tried one by one, so that a bad one cannot take the others with it.

use super::upkeep::Caretaker;
use super::{marks, rows, tables};
use crate::StoreError;
use crate::append::{Appended, StoredBatch, Upkeep};
use crate::level::Marks;
use crate::registry::{self, Changes, Registry};
use coral_model::{AuditRow, TimeNs};
use duckdb::Connection;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What can be asked of the writer.
pub(super) enum Command {
    Append(Box<StoredBatch>, Reply<Appended>),
    Audit(Box<AuditRow>, Reply<()>),
    Maintain(TimeNs, Reply<Upkeep>),
    Close,
}

/// The most that one transaction takes in.
const GROUP_COMMANDS: usize = 256;
const GROUP_ROWS: usize = 100_000;

pub(super) struct Writer {
    connection: Connection,
    registry: Registry,
    /// What the levels hold.
    marks: Marks,
    caretaker: Caretaker,
    /// The engine gave up (it does when it cannot fold its log into the file) and wants to be started anew.
    failed: bool,
}

/// A batch with the numbers of its instances.
pub(super) struct Placed<'a> {
    pub batch: &'a StoredBatch,
    pub changes: Changes,
    pub appended: Appended,
}

/// About how many rows a batch becomes.
fn weight(batch: &StoredBatch) -> usize {
    let gauges: usize = batch.hosts.iter().map(|h| h.gauges.len()).sum();
    batch.summaries.len() + batch.edges.len() + batch.processes.len() + gauges + 1
}

impl Writer {
    pub fn new(connection: Connection, path: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        Ok(Self {
            registry: tables::load(&connection)?,
            marks: marks::load(&connection)?,
            caretaker: Caretaker::new(path, max_bytes),
            connection,
            failed: false,
        })
    }

    pub fn run(&mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(first) = queue.blocking_recv() {
            let (mut batches, mut audits, mut upkeep) = (vec![], vec![], None);
            let (mut rows, mut closing, mut next) = (0, false, Some(first));
            while let Some(command) = next.take() {
                match command {
                    Command::Append(batch, reply) => {
                        rows += weight(&batch);
                        batches.push((batch, reply));
                    }
                    Command::Audit(row, reply) => audits.push((row, reply)),
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
            if let Some((now, reply)) = upkeep {
                let _ = reply.send(self.maintain(now));
            }
            if closing || self.failed {
                break;
            }
        }
        if let Err(error) = self.connection.execute_batch("CHECKPOINT") {
            tracing::warn!(%error, "the store's log was not folded into its file; the next start does it");
        }
    }

    fn store(
        &mut self,
        batches: Vec<(Box<StoredBatch>, Reply<Appended>)>,
        audits: Vec<(Box<AuditRow>, Reply<()>)>,
    ) {
        let (batches, batch_replies): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let (audits, audit_replies): (Vec<_>, Vec<_>) = audits.into_iter().unzip();
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

    fn maintain(&mut self, now: TimeNs) -> Result<Upkeep, StoreError> {
        if self.failed {
            return Err(StoreError::Closed);
        }
        self.caretaker.piece(&self.connection, &mut self.marks, now)
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
        if self.failed {
            return Err(StoreError::Closed);
        }
        let result = self.write(batches, audits);
        if result.is_err() {
            // The registry may hold what was rolled back.
            match tables::load(&self.connection) {
                Ok(registry) => self.registry = registry,
                Err(error) => {
                    tracing::error!(%error, "the store has failed and ends");
                    self.failed = true;
                }
            }
        }
        result
    }

    fn write(
        &mut self,
        batches: &[Box<StoredBatch>],
        audits: &[Box<AuditRow>],
    ) -> Result<Vec<Appended>, StoreError> {
        let failed = StoreError::engine("store a batch");
        let connection = &self.connection;
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
        transaction.commit().map_err(&failed)?;
        if let Some(newest) = batches.iter().map(|b| b.clock).max() {
            self.registry.forget(newest);
        }
        Ok(answers)
    }
}
