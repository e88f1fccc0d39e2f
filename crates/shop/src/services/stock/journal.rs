//! The journal of stock: every change is appended. Fault `slow-disk` makes it write and sync for a while each time.

use crate::faults::Watch;
use crate::{folder, work};
use color_eyre::Result;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

/// How long the disk is written to at each change while the fault is on.
const SLOW: Duration = Duration::from_millis(60);
/// The journal starts again at this size.
const MAX: u64 = 1 << 20;

/// The open journal.
pub struct Journal {
    file: File,
    slow: Watch,
}

impl Journal {
    pub fn open(slow: Watch) -> Result<Self> {
        let path = folder::data()?.join(format!("stock-{}.journal", std::process::id()));
        let file = File::create(&path)?;
        // The open file is enough: nothing is left behind, however the process ends.
        std::fs::remove_file(path)?;
        Ok(Self { file, slow })
    }

    /// Notes a change.
    pub fn append(&mut self, change: &str) -> std::io::Result<()> {
        if self.file.stream_position()? > MAX {
            self.file.seek(SeekFrom::Start(0))?;
        }
        writeln!(self.file, "{change}")?;
        if self.slow.is_on() {
            sync_pages(&mut self.file)?;
        }
        Ok(())
    }
}

#[inline(never)]
fn sync_pages(file: &mut File) -> std::io::Result<()> {
    work::sync_for(file, SLOW)
}
