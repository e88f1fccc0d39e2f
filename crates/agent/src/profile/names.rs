//! Which addresses have been named: each is asked for once a day, in batches. To look into a file costs as much for one
//! address as for a thousand, so each file is asked about half as often each time; while somebody watches, within seconds.

use super::clerk::{Clerk, Job, Names};
use super::files::{FileNumber, Files};
use super::open::Spot;
use coral_model::profile::Binary;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Addresses that are remembered as told; when there are more, all are told anew.
const TOLD_MAX: usize = 200_000;
/// After so many ticks, a day, all are told anew: the colony keeps names for a month.
const ANEW_TICKS: u32 = 86_400;
/// A file is asked about at ticks that its pause divides, so that the reader of symbols is there for several at once. The
/// first pause is this, each is twice the one before, up to the longest.
const FIRST_PAUSE: u32 = 5;
const LONGEST_PAUSE: u32 = FIRST_PAUSE << 5;
/// The same while somebody watches, in ticks from the last time.
const WATCHED_LONGEST: u32 = 4;
/// So long after its last sample a file is not watched any more.
const WATCHED_TICKS: u32 = 10;
/// The first of the kernel, which makes its list of names anew for every reader, in a tenth of a second.
const KERNEL_PAUSE: u32 = FIRST_PAUSE << 3;
/// Addresses of one job.
const AT_ONCE: usize = 4_096;

/// When a file is asked about.
#[derive(Debug, Default)]
struct Pace {
    /// Ticks that this divides are its turn; 0 = there was none.
    pause: u32,
    /// The last tick at which a session met it, and from which tick on it may be asked about for that.
    watched: Option<(u32, u32)>,
    /// How long the next pause is while it is watched.
    watched_pause: u32,
}

impl Pace {
    /// A session met it.
    fn watch(&mut self, tick: u32) {
        self.watched = Some(match self.watched {
            Some((_, due)) => (tick, due),
            None => {
                self.watched_pause = 1;
                (tick, tick)
            }
        });
    }

    /// Whether it is asked about now, when `first` is its first pause.
    fn is_turn(&mut self, tick: u32, first: u32) -> bool {
        let pause = self.pause.max(first);
        let is_turn = tick.is_multiple_of(pause);
        if is_turn {
            self.pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let Some((met, due)) = self.watched else {
            return is_turn;
        };
        let is_due = tick >= due;
        if is_due {
            self.watched_pause = (self.watched_pause * 2).min(WATCHED_LONGEST);
        }
        let due = if is_due {
            tick + self.watched_pause
        } else {
            due
        };
        self.watched = (tick - met < WATCHED_TICKS).then_some((met, due));
        is_turn || is_due
    }
}

/// What was told, and what waits.
#[derive(Debug, Default)]
pub struct Told {
    known: HashSet<Spot>,
    /// Addresses by file; without one, of the kernel.
    waiting: BTreeMap<Option<FileNumber>, BTreeSet<u64>>,
    paces: HashMap<Option<FileNumber>, Pace>,
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
            self.paces.entry(place.0).or_default().watch(tick);
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

    /// Asks for what waits, when it is time.
    pub fn ask(&mut self, clerk: &Clerk, files: &Files, kernel: &Binary, tick: u32) {
        for (file, addresses) in std::mem::take(&mut self.waiting) {
            let first = file.map_or(KERNEL_PAUSE, |_| FIRST_PAUSE);
            if !self.paces.entry(file).or_default().is_turn(tick, first) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(pace: &mut Pace, ticks: std::ops::Range<u32>) -> Vec<u32> {
        ticks
            .filter(|tick| pace.is_turn(*tick, FIRST_PAUSE))
            .collect()
    }

    #[test]
    fn a_file_is_asked_about_less_and_less_often() {
        let turns = turns(&mut Pace::default(), 1..700);
        assert_eq!(turns, [5, 10, 20, 40, 80, 160, 320, 480, 640]);
    }

    #[test]
    fn what_somebody_watches_is_asked_about_within_seconds() {
        let mut pace = Pace::default();
        assert_eq!(turns(&mut pace, 1..12), [5, 10]);
        let mut while_watched = vec![];
        for tick in 12..40 {
            pace.watch(tick);
            while_watched.extend(pace.is_turn(tick, FIRST_PAUSE).then_some(tick));
        }
        assert_eq!(while_watched, [12, 14, 18, 20, 22, 26, 30, 34, 38]);
        // What was met last is still named.
        assert_eq!(turns(&mut pace, 40..60), [40, 42, 46]);
        pace.watch(61);
        assert!(pace.is_turn(61, FIRST_PAUSE));
    }
}
