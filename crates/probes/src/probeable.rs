//! Functions of a file as they can be probed: found by name, with the places where they begin and end, what their values
//! are, and what that costs. Made in the symbols child.

mod find;

pub(crate) use find::find;

use crate::arguments::Argument;
use crate::calls::Place;
use crate::functions::Functions;
use crate::symbols::{Files, Missing, Sources};
use coral_probes_abi::calls::Condition;
use std::fs::File;
use std::time::{Duration, Instant};

/// Places where one function ends, at most.
pub const MOST_EXITS: usize = 4_096;

/// The functions of a file that are meant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probeables {
    /// Those that fit.
    pub functions: Vec<Probeable>,
    /// When none does: names that come near.
    pub similar: Vec<String>,
}

/// What is wanted of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeRequest {
    /// Names, or patterns with `*`.
    pub functions: Vec<String>,
    /// Conditions on arguments and return value; empty = none.
    pub when: String,
    /// Whether values are read.
    pub has_values: bool,
    /// Whether an exception may pass through code of this file though the file itself does not say so: others of its
    /// process throw.
    pub can_unwind: bool,
    /// At most so many functions.
    pub most: u32,
}

/// A function that can be probed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probeable {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub file: Option<String>,
    /// The line there.
    pub line: Option<u32>,
    /// Where in the file its code begins.
    pub offset: u64,
    /// Where it is probed first; none when it cannot be. Which probe it is of is not known yet.
    pub begin: Option<Place>,
    /// Where its ends are.
    pub ends: Vec<Place>,
    /// How they are seen: [`coral_probes_abi::calls::end`].
    pub end: u8,
    /// Threads are goroutines.
    pub is_go: bool,
    /// What a call is expected to cost in the kernel, ns.
    pub predicted_ns: u64,
    /// Why not more is seen; without a place to begin, why nothing is.
    pub note: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// What it gives back.
    pub returned: Vec<Argument>,
    /// What has to hold.
    pub conditions: Vec<Condition>,
}

/// Looks for functions in this process; for files that one trusts.
///
/// # Errors
/// Why nothing is known of the file.
pub fn of_file(file: &File, request: &ProbeRequest) -> Result<Probeables, Missing> {
    let files = Files::open(file, None, None).map_err(|_| Missing::Corrupt)?;
    let sources = Sources::of(&files).map_err(|_| Missing::Corrupt)?;
    let until = Instant::now() + Duration::from_secs(60);
    let functions = Functions::of(&sources, until);
    Ok(find(&sources, &functions, request, until))
}
