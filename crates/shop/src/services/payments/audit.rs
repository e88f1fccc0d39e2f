//! The audit log of payments: one line a charge, written under one lock. Fault `lock-log` makes the write slow, and everybody
//! waits for the lock.

use crate::faults::Watch;
use crate::{folder, work};
use color_eyre::Result;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the lock is held for a line while the fault is on.
const SLOW: Duration = Duration::from_millis(40);
/// The log starts again at this size.
const MAX: u64 = 1 << 20;

/// The log, shared by all requests.
#[derive(Clone)]
pub struct Audit {
    file: Arc<Mutex<File>>,
    slow: Watch,
}

impl Audit {
    pub fn open() -> Result<Self> {
        let path = folder::data()?.join(format!("audit-{}.log", std::process::id()));
        let file = File::create(&path)?;
        // The open file is enough: nothing is left behind, however the process ends.
        std::fs::remove_file(path)?;
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            slow: Watch::follow("lock-log")?,
        })
    }

    /// Writes a line on a thread that may wait.
    pub async fn note(&self, line: String) {
        let audit = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            write_line(&audit.file, &line, audit.slow.is_on());
        });
        let _ = written.await;
    }
}

/// A line that cannot be written is no reason to refuse money.
#[inline(never)]
fn write_line(file: &Mutex<File>, line: &str, slow: bool) {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = append(&mut file, line);
    if slow {
        let _ = work::sync_for(&mut file, SLOW);
    }
}

fn append(file: &mut File, line: &str) -> std::io::Result<()> {
    if file.stream_position()? > MAX {
        file.seek(SeekFrom::Start(0))?;
    }
    writeln!(file, "{line}")
}
