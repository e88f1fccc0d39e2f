//! Any bytes as a program to index, and as names to search.

use super::fuzzy::Fuzzy;
use super::glob::Glob;
use super::names::Names;
use super::{Functions, MOST_PARTS, MOST_SIMILAR, similar};
use crate::symbols::{Files, MOST_NAME_BYTES, Sources, is_sent_whole, memory};
use std::time::{Duration, Instant};

/// Most functions that a search of this gives.
const LIMIT: usize = 32;

/// Any bytes are a program whose functions can be looked for and sent.
pub fn fuzz(bytes: &[u8]) {
    let Ok(file) = memory(bytes) else {
        return;
    };
    let Ok(files) = Files::open(&file, Some(&file), None) else {
        return;
    };
    let Ok(sources) = Sources::of(&files) else {
        return;
    };
    let until = Instant::now() + Duration::from_secs(10);
    let functions = Functions::of(&sources, until);
    for pattern in ["", "*e*", "main", "innr"] {
        let found = functions.search(pattern, LIMIT, until);
        let count = found.functions.len();
        assert!(count <= LIMIT && count as u32 <= found.total && found.total <= found.indexed);
        for one in &found.functions {
            assert!(one.name.len() <= MOST_NAME_BYTES && one.parts.len() <= MOST_PARTS);
            assert!(
                one.address
                    .is_none_or(|at| at > 0 && functions.at(at).is_some())
            );
        }
        assert!(is_sent_whole(found));
    }
}

/// The first line is looked for in the others, in every way.
pub fn fuzz_search(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let pattern = lines.next().unwrap_or_default();
    let names = Names::of_texts(lines.map(str::to_owned));
    let (fuzzy, glob) = (Fuzzy::of(pattern), Glob::of(pattern));
    for number in 0..names.entries() {
        let (name, shape) = (names.get(number), names.shape(number));
        assert!(shape.path <= shape.end && usize::from(shape.end) <= name.len());
        let (letters, bare) = (names.letters()[number], names.bare(number));
        let found = fuzzy.matched(name, shape, letters, bare);
        // What is passed over because of its characters would not have matched.
        assert!(found.is_none() || letters & fuzzy.letters == fuzzy.letters);
        let found = found.or(glob.matched(name, shape));
        assert!(found.is_some() || name != pattern || name.is_empty());
    }
    let until = Instant::now() + Duration::from_secs(10);
    assert!(similar::names(&names, pattern, until).len() <= MOST_SIMILAR);
}
