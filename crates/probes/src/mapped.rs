//! Which code processes map, as it happens (`perf_event_open(2)`, the section about the ring): a process that lives for a
//! moment is gone before its `/proc/PID/maps` can be read.

use crate::perf;
use crate::unwind::Mapping;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Pages of a ring, a power of two, and the one before them that says how far it is written.
const RING_PAGES: usize = 16;
const PAGE_BYTES: usize = 4096;
/// Places in `struct perf_event_mmap_page`.
const HEAD_AT: usize = 1024;
const TAIL_AT: usize = 1032;

/// `enum perf_event_type`.
const LOST: u32 = 2;
const COMM: u32 = 3;
const EXIT: u32 = 4;
const FORK: u32 = 7;
const MMAP2: u32 = 10;
/// `PERF_RECORD_MISC_COMM_EXEC`.
const BY_EXEC: u16 = 1 << 13;
/// The longest path that is taken.
const PATH_MAX: usize = 4096;

/// Something that changes what a process has mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It mapped code.
    Mapped(u32, Mapping),
    /// It runs another program from now on.
    Executed(u32),
    /// It began as a copy of another.
    Forked {
        /// The new one.
        child: u32,
        /// The other.
        parent: u32,
    },
    /// It ended.
    Ended(u32),
    /// So many records found no room.
    Lost(u64),
}

/// One processor's ring.
struct Ring {
    #[expect(dead_code, reason = "held: the event ends with it")]
    event: OwnedFd,
    memory: *mut u8,
}

// SAFETY: the memory is this ring's own, and is only touched through `&mut self`.
unsafe impl Send for Ring {}

/// The rings of all processors.
pub struct Mapped {
    rings: Vec<Ring>,
    record: Vec<u8>,
}

impl Mapped {
    /// Begins to listen on these processors.
    ///
    /// # Errors
    /// The system's.
    pub fn listen(processors: &[u32]) -> io::Result<Self> {
        let rings = processors
            .iter()
            .map(|p| Ring::open(*p))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            rings,
            record: vec![],
        })
    }

    /// What happened since the last call, in order for each processor.
    pub fn drain(&mut self, mut each: impl FnMut(Event)) {
        let record = &mut self.record;
        for ring in &mut self.rings {
            while ring.next(record) {
                if let Some(event) = parse(record) {
                    each(event);
                }
            }
        }
    }
}

impl Ring {
    fn open(processor: u32) -> io::Result<Self> {
        let event = perf::code_events(processor)?;
        // SAFETY: a new mapping of the event's ring.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                (1 + RING_PAGES) * PAGE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                event.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            event,
            memory: memory.cast(),
        })
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: inside of the first page, aligned, and only ever used as an atomic word.
        unsafe { AtomicU64::from_ptr(self.memory.add(at).cast()) }
    }

    /// Copies the next record; false when there is none.
    fn next(&mut self, record: &mut Vec<u8>) -> bool {
        const HEADER: usize = 8;
        let (head, tail) = (
            self.word(HEAD_AT).load(Ordering::Acquire),
            self.word(TAIL_AT).load(Ordering::Relaxed),
        );
        let waits = head.wrapping_sub(tail) as usize;
        if waits < HEADER {
            return false;
        }
        self.copy(tail, HEADER, record);
        let bytes = usize::from(u16::from_ne_bytes([record[6], record[7]]));
        if bytes < HEADER || bytes > waits {
            // Not a record: nothing of what waits can be told apart.
            self.word(TAIL_AT).store(head, Ordering::Release);
            return false;
        }
        self.copy(tail, bytes, record);
        self.word(TAIL_AT)
            .store(tail + bytes as u64, Ordering::Release);
        true
    }

    fn copy(&self, from: u64, bytes: usize, into: &mut Vec<u8>) {
        const RING_BYTES: usize = RING_PAGES * PAGE_BYTES;
        into.clear();
        let begin = from as usize % RING_BYTES;
        let first = bytes.min(RING_BYTES - begin);
        // SAFETY: both parts lie in the ring's pages, and the kernel writes only behind what it has said is there.
        unsafe {
            let data = self.memory.add(PAGE_BYTES);
            into.extend_from_slice(std::slice::from_raw_parts(data.add(begin), first));
            into.extend_from_slice(std::slice::from_raw_parts(data, bytes - first));
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is this ring's own.
        unsafe { libc::munmap(self.memory.cast(), (1 + RING_PAGES) * PAGE_BYTES) };
    }
}

/// A record of the ring.
fn parse(record: &[u8]) -> Option<Event> {
    let u32_at = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
    let misc = u16::from_ne_bytes(record.get(4..6)?.try_into().ok()?);
    let (first, second) = (u32_at(8)?, u32_at(12)?);
    match u32_at(0)? {
        LOST => Some(Event::Lost(u64_at(16)?)),
        COMM if misc & BY_EXEC != 0 => Some(Event::Executed(first)),
        // Threads fork and exit as well; the process does when its first one does.
        FORK if first != second => Some(Event::Forked {
            child: first,
            parent: second,
        }),
        EXIT if first == u32_at(16)? => Some(Event::Ended(first)),
        MMAP2 => {
            let (start, bytes) = (u64_at(16)?, u64_at(24)?);
            let path = record.get(72..)?;
            let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
            let mapping = Mapping {
                start,
                end: start.checked_add(bytes)?,
                offset: u64_at(32)?,
                device: (u32_at(40)?, u32_at(44)?),
                inode: u64_at(48)?,
                path: path[..end.min(PATH_MAX)].to_vec(),
            };
            Some(Event::Mapped(first, mapping))
        }
        _ => None,
    }
}

/// Fuzz target: any bytes as a record.
pub fn fuzz(data: &[u8]) {
    parse(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_cut_is_none() {
        let mut record = vec![0; 80];
        record[0] = MMAP2 as u8;
        record[6] = 80;
        record[16..24].copy_from_slice(&0x1000u64.to_ne_bytes());
        record[24..32].copy_from_slice(&0x2000u64.to_ne_bytes());
        record[72..76].copy_from_slice(b"/a\0\0");
        let Some(Event::Mapped(0, mapping)) = parse(&record) else {
            panic!("no mapping");
        };
        assert_eq!((mapping.end, mapping.path.as_slice()), (0x3000, &b"/a"[..]));
        for cut in 0..72 {
            fuzz(&record[..cut]);
        }
        record[24..32].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert_eq!(parse(&record), None);
    }
}
