//! Which addresses have been named: each is asked for once a day, in batches, so that the reader of symbols is there for
//! a moment now and then and not all the time.

use super::clerk::{Clerk, Job, Names};
use super::files::{FileNumber, Files};
use super::open::Spot;
use coral_model::profile::Binary;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Addresses that are remembered as told; when there are more, all are told anew.
const TOLD_MAX: usize = 200_000;
/// After so many ticks, a day, all are told anew: the colony keeps names for a month.
const ANEW_TICKS: u32 = 86_400;
/// In its first minutes an agent asks at each so many ticks, later at each so many.
const YOUNG: u32 = 300;
const EARLY_TICKS: u32 = 5;
const LATER_TICKS: u32 = 60;
/// The kernel makes its list of names anew for every reader, which takes a tenth of a second.
const KERNEL_TICKS: u32 = 30;
/// Addresses of one job.
const AT_ONCE: usize = 4_096;

/// What was told, and what waits.
#[derive(Debug, Default)]
pub struct Told {
    known: HashSet<Spot>,
    /// Addresses by file; without one, of the kernel.
    waiting: BTreeMap<Option<FileNumber>, BTreeSet<u64>>,
    /// Files that sessions met since they were asked for last: somebody watches these.
    watched: BTreeSet<Option<FileNumber>>,
    since: u32,
}

impl Told {
    /// Notes where samples were, and whether a session took them.
    pub fn met(&mut self, spot: Spot, tick: u32, is_watched: bool) {
        if self.known.len() >= TOLD_MAX || tick.saturating_sub(self.since) > ANEW_TICKS {
            self.known.clear();
            self.since = tick;
        }
        let place = match spot {
            Spot::File(file, address) => (Some(file), address),
            Spot::Kernel(address) => (None, address),
            Spot::Nowhere => return,
        };
        if is_watched {
            self.watched.insert(place.0);
        }
        if self.known.insert(spot) {
            self.waiting.entry(place.0).or_default().insert(place.1);
        }
    }

    /// Forgets what speaks of files, which have new numbers from now on.
    pub fn clear(&mut self) {
        *self = Self {
            since: self.since,
            ..Self::default()
        };
    }

    /// Asks for what waits, when it is time: at once for files that somebody watches, as each other would have the reader
    /// look through all of its debug information again.
    pub fn ask(&mut self, clerk: &Clerk, files: &Files, kernel: &Binary, tick: u32) {
        let every = if tick < YOUNG {
            EARLY_TICKS
        } else {
            LATER_TICKS
        };
        let is_files_turn = tick.is_multiple_of(every);
        let is_kernels_turn = is_files_turn && tick.is_multiple_of(KERNEL_TICKS);
        let watched = std::mem::take(&mut self.watched);
        for (file, addresses) in std::mem::take(&mut self.waiting) {
            let is_turn = match file {
                Some(_) => is_files_turn,
                None => is_kernels_turn,
            };
            if !is_turn && !watched.contains(&file) {
                self.waiting.insert(file, addresses);
                continue;
            }
            let addresses: Vec<u64> = addresses.into_iter().collect();
            for part in addresses.chunks(AT_ONCE) {
                let job = job(files, kernel, file, part.to_vec());
                let refused = job.map(|job| !clerk.ask(job));
                if refused == Some(true) {
                    self.waiting.entry(file).or_default().extend(part);
                }
            }
        }
    }
}

fn job(
    files: &Files,
    kernel: &Binary,
    file: Option<FileNumber>,
    addresses: Vec<u64>,
) -> Option<Job> {
    let (binary, from) = match file {
        None => (kernel.clone(), Names::Kernel),
        Some(number) => {
            let known = files.get(number)?;
            let from = match &known.file {
                Some(main) => Names::File {
                    file: number,
                    main: main.try_clone().ok()?,
                    pid: known.pid,
                },
                None if known.is_made => Names::List {
                    file: number,
                    pid: known.pid,
                },
                None => return None,
            };
            (known.binary.clone(), from)
        }
    };
    Some(Job::Names {
        binary,
        from,
        addresses,
    })
}
