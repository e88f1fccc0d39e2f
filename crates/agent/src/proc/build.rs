//! Which build a process runs: the build id in its file, else a hash of samples of the content. The file is read with
//! bounded reads, never mapped, and once for each (device, inode, time of change, size).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};

/// Larger files have no build.
const FILE_MAX: u64 = 2 << 30;
/// Files that are remembered; when there are more, all are read again.
const KNOWN_MAX: usize = 1000;
/// Program headers and bytes of notes that are looked at.
const HEADERS_MAX: u16 = 64;
const NOTES_MAX: u64 = 64 * 1024;
/// Samples of the content, and the bytes of each: files of up to 16 MB are read whole.
const SAMPLES: u64 = 256;
const SAMPLE_BYTES: usize = 64 * 1024;

type Key = (u64, u64, i64, i64, u64);

/// Builds by file.
#[derive(Debug, Default)]
pub struct Builds {
    known: HashMap<Key, Option<String>>,
}

impl Builds {
    /// The build that `pid` runs; `None` when its file may not be read.
    pub fn of(&mut self, pid: u32) -> Option<String> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(format!("/proc/{pid}/exe"))
            .ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || meta.len() > FILE_MAX {
            return None;
        }
        let key = (
            meta.dev(),
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.len(),
        );
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&key) {
            self.known.clear();
        }
        let build = || of_open(&file, meta.len());
        self.known.entry(key).or_insert_with(build).clone()
    }
}

/// The build of a file.
pub fn of_file(file: &File) -> Option<String> {
    of_open(file, file.metadata().ok()?.len())
}

fn of_open(file: &File, length: u64) -> Option<String> {
    let read = |at: u64, bytes: &mut [u8]| file.read_exact_at(bytes, at).ok();
    build_id(&read).or_else(|| content(file, length))
}

/// The id that the linker noted (GNU's), or that the Go toolchain did; 64-bit files of this machine's byte order.
fn build_id(read: &dyn Fn(u64, &mut [u8]) -> Option<()>) -> Option<String> {
    let mut head = [0; 64];
    read(0, &mut head)?;
    if head[..6] != *b"\x7fELF\x02\x01" {
        return None;
    }
    let u16_at =
        |bytes: &[u8], at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u64_at =
        |bytes: &[u8], at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let (first, size, count) = (u64_at(&head, 32)?, u16_at(&head, 54)?, u16_at(&head, 56)?);
    if size < 56 {
        return None;
    }
    for number in 0..count.min(HEADERS_MAX) {
        let mut header = [0; 56];
        read(
            first.checked_add(u64::from(number) * u64::from(size))?,
            &mut header,
        )?;
        // PT_NOTE
        if header[..4] != [4, 0, 0, 0] {
            continue;
        }
        let (at, bytes) = (u64_at(&header, 8)?, u64_at(&header, 32)?);
        let align = if u64_at(&header, 48)? == 8 { 8 } else { 4 };
        let mut notes = vec![0; bytes.min(NOTES_MAX) as usize];
        if read(at, &mut notes).is_some()
            && let Some(id) = note(&notes, align)
        {
            return Some(id);
        }
    }
    None
}

/// The first build id among notes: name size, description size, kind, then both, aligned.
fn note(mut notes: &[u8], align: usize) -> Option<String> {
    let u32_at =
        |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    loop {
        let (name, length) = (u32_at(notes, 0)? as usize, u32_at(notes, 4)? as usize);
        let kind = u32_at(notes, 8)?;
        let text = notes.get(12..12usize.checked_add(name)?)?;
        let from = 12usize.checked_add(name)?.checked_next_multiple_of(align)?;
        let content = notes.get(from..from.checked_add(length)?)?;
        match (text, kind) {
            (b"GNU\0", 3) if !content.is_empty() => return Some(hex(content)),
            (b"Go\0\0", 4) if !content.is_empty() => return Some(hash(&[content])),
            _ => {}
        }
        let next = from.checked_add(length)?.checked_next_multiple_of(align)?;
        notes = notes.get(next..)?;
    }
}

/// A hash of the length and of samples spread over the file.
fn content(file: &File, length: u64) -> Option<String> {
    let mut bytes = vec![0; SAMPLE_BYTES];
    let mut sum = fnv(FNV, &length.to_le_bytes());
    let step = (length / SAMPLES).max(SAMPLE_BYTES as u64);
    for at in (0..SAMPLES).map(|n| n * step).take_while(|at| *at < length) {
        let n = file.read_at(&mut bytes, at).ok()?;
        sum = fnv(sum, &bytes[..n]);
    }
    Some(format!("{sum:016x}"))
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: tells builds apart, nothing more.
fn fnv(from: u64, bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(from, step)
}

fn hash(parts: &[&[u8]]) -> String {
    let sum = parts.iter().fold(FNV, |sum, part| fnv(sum, part));
    format!("{sum:016x}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(32).map(|b| format!("{b:02x}")).collect()
}

/// Fuzz target: foreign bytes as a program's file.
pub fn fuzz(data: &[u8]) {
    let read = |at: u64, bytes: &mut [u8]| {
        let from = usize::try_from(at).ok()?;
        bytes.copy_from_slice(data.get(from..from.checked_add(bytes.len())?)?);
        Some(())
    };
    let _ = build_id(&read);
    let _ = (note(data, 4), note(data, 8));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of_note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut out = vec![];
        for n in [name.len() as u32, content.len() as u32, kind] {
            out.extend(n.to_le_bytes());
        }
        for part in [name, content] {
            out.extend(part);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let mut notes = bytes_of_note(b"GNU\0", 1, &[0; 16]);
        notes.extend(bytes_of_note(b"GNU\0", 3, &[0xab, 0xcd, 0x01]));
        assert_eq!(note(&notes, 4).as_deref(), Some("abcd01"));
        assert_eq!(note(&notes[..20], 4), None);
        assert!(note(&bytes_of_note(b"Go\0\0", 4, b"abc/def"), 4).is_some());
    }

    #[test]
    fn a_program_has_a_build_and_the_same_one_each_time() {
        let mut builds = Builds::default();
        let own = builds.of(std::process::id()).unwrap();
        assert!(own.len() >= 16, "{own}");
        assert_eq!(builds.of(std::process::id()), Some(own));
        assert_eq!(builds.known.len(), 1);
        assert_eq!(builds.of(u32::MAX), None);
    }

    #[test]
    fn content_tells_builds_apart() {
        let dir = tempfile::tempdir().unwrap();
        let of = |bytes: &[u8]| {
            let path = dir.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            content(&File::open(path).unwrap(), bytes.len() as u64)
        };
        let mut large = vec![7; 3 << 20];
        let first = of(&large);
        assert_eq!(of(&large), first);
        large[(3 << 20) - 100_000] = 8;
        assert_ne!(of(&large), first);
        assert_ne!(of(b"#!/bin/sh"), of(b"#!/bin/bash"));
    }

    #[test]
    fn foreign_bytes_do_not_panic() {
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64, 0xff);
        for cut in 0..elf.len() {
            fuzz(&elf[..cut]);
        }
        elf.resize(200, 0);
        elf[32..40].copy_from_slice(&64u64.to_le_bytes());
        elf[54..58].copy_from_slice(&[56, 0, 9, 0]);
        elf[64] = 4;
        elf[96..104].copy_from_slice(&u64::MAX.to_le_bytes());
        fuzz(&elf);
    }
}
