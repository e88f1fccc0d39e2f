//! The open interval on disk, as it stood at the last second. Two files are written in turn, in place: when the writing of
//! one is torn, the other holds the second before. No file is made, renamed or synced, so a checkpoint costs the copy of
//! some bytes into the page cache and the disk sees it when it pleases the kernel.

use super::record::{self, HEAD, Head};
use coral_config::private_file;
use coral_proto::v1;
use prost::Message as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The two files.
#[derive(Debug)]
pub struct Slots {
    files: [File; 2],
    turn: usize,
    /// Whether the newest one holds an empty interval: no need to write that again.
    empty: bool,
    buffer: Vec<u8>,
}

impl Slots {
    /// Opens them, and returns the newest that is whole.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: &Path) -> io::Result<(Self, Option<v1::Batch>)> {
        let open = |name: &str| private_file(&folder.join(name));
        let files = [open("open.0")?, open("open.1")?];
        let [first, second] = [read(&files[0])?, read(&files[1])?];
        let id = |slot: &Option<(Head, v1::Batch)>| slot.as_ref().map(|(head, _)| head.id);
        // The next one goes over the older.
        let turn = usize::from(id(&first) > id(&second));
        let newest = if turn == 1 { first } else { second };
        let slots = Self {
            files,
            turn,
            empty: false,
            buffer: vec![],
        };
        Ok((slots, newest.map(|(_, batch)| batch)))
    }

    /// Writes the open interval. When that fails, neither file is believed any more.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, open: &v1::Batch) -> io::Result<()> {
        if self.empty && open.items.is_empty() {
            return Ok(());
        }
        self.buffer.clear();
        record::write(open, false, &mut self.buffer);
        let written = self.files[self.turn].write_all_at(&self.buffer, 0);
        if let Err(error) = written {
            self.forget();
            return Err(error);
        }
        self.turn = 1 - self.turn;
        self.empty = open.items.is_empty();
        Ok(())
    }

    /// Empties both.
    pub fn forget(&mut self) {
        for file in &self.files {
            let _ = file.set_len(0);
        }
        self.empty = true;
    }
}

fn read(file: &File) -> io::Result<Option<(Head, v1::Batch)>> {
    let mut bytes = vec![];
    let length = file.metadata()?.len();
    bytes.resize(length.min((HEAD + record::BATCH_MAX) as u64) as usize, 0);
    let n = file.read_at(&mut bytes, 0)?;
    bytes.truncate(n);
    let whole = Head::read(&bytes).and_then(|head| {
        let batch = bytes.get(HEAD..HEAD + head.bytes)?;
        let batch = head.fits(&bytes[..HEAD], batch).then_some(batch)?;
        Some((head, v1::Batch::decode(batch).ok()?))
    });
    Ok(whole)
}
