//! Code that a compiler took out of a function, or copied for some of its callers: `f.cold`, `f.part.0`, `f.isra.0`. It
//! belongs to the function that has the plain name.

use super::appended::plain;
use super::entry::{Entry, flag};
use super::text::Texts;
use super::{Language, PartKind, hashed};
use std::collections::{HashMap, HashSet};

/// Most parts of one file.
const MOST_PARTS: usize = 1 << 18;

/// Code of a function that is not where the function begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Where the function begins.
    pub owner: u64,
    pub address: u64,
    pub bytes: u32,
    pub kind: PartKind,
}

/// An entry whose name says that it is a part.
struct Candidate {
    hash: u64,
    scope: u32,
    number: usize,
    kind: PartKind,
}

/// Functions by the hash of the plain name and the object file.
type Owners = HashMap<(u64, u32), usize>;
/// Instead of an object file: any.
const ANY: u32 = u32::MAX;

/// Takes the parts out of the entries. Names of local functions are not unique, so the function should be of the same
/// object file, or one that all see. Where nothing has the plain name, the first part that can be called stands for the
/// function.
pub(super) fn attribute(entries: &mut Vec<Entry>, scopes: &[u32], texts: &Texts<'_>) -> Vec<Part> {
    let candidates = candidates(entries, scopes, texts);
    if candidates.is_empty() {
        return Vec::new();
    }
    let owners = owners(&candidates, entries, scopes, texts);
    let mut elected = Owners::new();
    for one in candidates.iter().filter(|one| one.kind != PartKind::Cold) {
        elected.entry((one.hash, one.scope)).or_insert(one.number);
    }
    let mut parts = Vec::new();
    let mut is_part = vec![false; entries.len()];
    for one in &candidates {
        let by = |scope| owners.get(&(one.hash, scope));
        let own = || elected.get(&(one.hash, one.scope));
        let owner = by(one.scope).or_else(|| by(0)).or_else(|| by(ANY));
        let entry = entries[one.number];
        match owner.or_else(own) {
            Some(owner) if *owner != one.number => {
                is_part[one.number] = true;
                parts.push(Part {
                    owner: entries[*owner].address,
                    address: entry.address,
                    bytes: entry.bytes,
                    kind: one.kind,
                });
            }
            _ => entries[one.number].flags |= flag::VARIANT,
        }
    }
    let mut is_part = is_part.into_iter();
    entries.retain(|_| is_part.next() != Some(true));
    parts
}

fn candidates(entries: &[Entry], scopes: &[u32], texts: &Texts<'_>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        // Go names packages, types and functions with dots.
        if entry.is(flag::GO) || candidates.len() >= MOST_PARTS {
            continue;
        }
        if let (name, Some(kind)) = plain(texts.get(entry.text)) {
            candidates.push(Candidate {
                hash: hashed(name),
                scope: scopes[number],
                number,
                kind,
            });
        }
    }
    candidates
}

/// The functions that have the plain name of a candidate.
fn owners(
    candidates: &[Candidate],
    entries: &[Entry],
    scopes: &[u32],
    texts: &Texts<'_>,
) -> Owners {
    let wanted: HashSet<u64> = candidates.iter().map(|one| one.hash).collect();
    let mut owners = Owners::new();
    for (number, entry) in entries.iter().enumerate() {
        let (name, None) = plain(texts.get(entry.text)) else {
            continue;
        };
        let hash = hashed(name);
        if wanted.contains(&hash) {
            owners.entry((hash, scopes[number])).or_insert(number);
            owners.entry((hash, ANY)).or_insert(number);
        }
    }
    owners
}

impl Language {
    /// By the form of a name for linkers.
    pub(super) fn of_mangled(name: &[u8]) -> Self {
        let is_hash = |tail: &[u8]| tail.starts_with(b"17h") && tail.ends_with(b"E");
        if name.starts_with(b"_R") {
            return Self::Rust;
        }
        if !name.starts_with(b"_Z") {
            return Self::Unknown;
        }
        let (name, _) = plain(name);
        match name.len().checked_sub(20).map(|at| &name[at..]) {
            Some(tail) if is_hash(tail) => Self::Rust,
            _ => Self::Cpp,
        }
    }
}
