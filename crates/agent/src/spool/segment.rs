//! A file of records, written at its end and read from its beginning. What was torn at its end is never read.

use super::record::{HEAD, Head, Id};
use coral_config::private_file;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    file: File,
    /// Bytes of whole records.
    pub bytes: u64,
    /// The newest record; `None` in an empty file.
    pub last: Option<Id>,
    /// The newest record that closes an interval.
    pub closed: Option<Id>,
}

impl Segment {
    /// Opens `NUMBER.batches`, and reads what it holds.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: &Path, number: u64) -> io::Result<Self> {
        let path = folder.join(format!("{number:016x}.batches"));
        let file = private_file(&path)?;
        let mut segment = Self {
            path,
            file,
            bytes: 0,
            last: None,
            closed: None,
        };
        let mut buffer = vec![];
        while let Some(head) = segment.read(segment.bytes, &mut buffer)? {
            segment.took(&head);
        }
        Ok(segment)
    }

    /// The numbers of the files in a folder, oldest first.
    ///
    /// # Errors
    /// The system's.
    pub fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
        let number = |entry: io::Result<std::fs::DirEntry>| {
            let name = entry.ok()?.file_name();
            let name = name.to_str()?.strip_suffix(".batches")?;
            u64::from_str_radix(name, 16).ok()
        };
        let mut numbers: Vec<u64> = std::fs::read_dir(folder)?.filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn took(&mut self, head: &Head) {
        self.bytes += (HEAD + head.bytes) as u64;
        self.last = self.last.max(Some(head.id));
        if head.closes {
            self.closed = self.closed.max(Some(head.id));
        }
    }

    /// Adds a record. When it cannot be written whole, nothing of it stays.
    ///
    /// # Errors
    /// The system's, such as a full disk.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(record, self.bytes) {
            // What was written of it would be read as torn; without it the disk has its room back.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        if let Some(head) = Head::read(record) {
            self.took(&head);
        }
        Ok(())
    }

    /// The head of the record at `at`, its batch in `buffer`; `None` at the end, or where a record was torn.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, at: u64, buffer: &mut Vec<u8>) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD];
        if !self.exact(&mut bytes, at)? {
            return Ok(None);
        }
        let Some(head) = Head::read(&bytes) else {
            return Ok(None);
        };
        // A torn head may claim more than there is.
        let end = at + (HEAD + head.bytes) as u64;
        if end > self.file.metadata()?.len() {
            return Ok(None);
        }
        buffer.clear();
        buffer.resize(head.bytes, 0);
        let whole = self.exact(buffer, at + HEAD as u64)? && head.fits(&bytes, buffer);
        Ok(whole.then_some(head))
    }

    fn exact(&self, bytes: &mut [u8], at: u64) -> io::Result<bool> {
        match self.file.read_exact_at(bytes, at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the file.
    pub fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("remove {}: {error}", self.path.display());
        }
    }
}
