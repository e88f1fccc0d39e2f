//! The index of a program that was compiled for a test.

use crate::functions::{Found, Function, Functions};
use crate::symbols::{Files, Sources};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Later than any test takes.
pub fn later() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

/// Does something with the index of a program, perhaps with a debug file.
pub fn with<T>(program: &Path, debug: Option<&Path>, f: impl FnOnce(&Functions<'_>) -> T) -> T {
    let open = |path: &Path| File::open(path).unwrap();
    let files = Files::open(&open(program), debug.map(open).as_ref(), None).unwrap();
    let sources = Sources::of(&files).unwrap();
    f(&Functions::of(&sources, later()))
}

/// What a search in a program finds.
pub fn found(program: &Path, debug: Option<&Path>, pattern: &str) -> Found {
    with(program, debug, |functions| {
        functions.search(pattern, 100, later())
    })
}

/// The one function with this name.
pub fn one(program: &Path, debug: Option<&Path>, name: &str) -> Function {
    let found = found(program, debug, name);
    let mut same = found.functions.into_iter().filter(|one| one.name == name);
    let first = same.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(same.next(), None);
    first
}

/// The names alone.
pub fn names(found: &Found) -> Vec<&str> {
    found
        .functions
        .iter()
        .map(|one| one.name.as_str())
        .collect()
}
