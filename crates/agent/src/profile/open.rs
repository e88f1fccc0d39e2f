//! The open interval: samples by process and stack, until the interval is closed.

use super::files::{FileNumber, Files};
use super::spaces::Place;
use crate::enrich::{InstanceId, Processes};
use coral_model::profile::{Binary, Frame, Profile, ProfileKind, Stack, StackEnd};
use coral_model::{Item, Observed, Window};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A stack with its places known.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Known {
    /// The thread's name.
    pub thread: [u8; 16],
    /// From the outermost to the innermost; of the kernel without a file.
    pub frames: Vec<Spot>,
    /// How the walk ended.
    pub end: StackEnd,
}

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spot {
    /// In a file.
    File(FileNumber, u64),
    /// In the kernel.
    Kernel(u64),
    /// Nobody can say where.
    Nowhere,
}

impl From<Option<Place>> for Spot {
    fn from(place: Option<Place>) -> Self {
        place.map_or(Self::Nowhere, |(file, address)| Self::File(file, address))
    }
}

/// Whose samples, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Whose {
    /// The process.
    pub instance: InstanceId,
    /// The wish; 0 = none.
    pub session: u64,
    /// The time that a sample stands for.
    pub period: Duration,
}

/// Which samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those that are always taken.
    Always,
    /// Those of sessions.
    Sessions,
}

/// What was met since the last close.
#[derive(Debug, Default)]
pub struct Open {
    samples: BTreeMap<Whose, HashMap<Arc<Known>, u64>>,
}

impl Open {
    /// Adds samples.
    pub fn add(&mut self, whose: Whose, stack: &Arc<Known>, samples: u64) {
        let stacks = self.samples.entry(whose).or_default();
        *stacks.entry(stack.clone()).or_default() += samples;
    }

    /// The processes that have samples.
    pub fn used(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.samples.keys().map(|whose| whose.instance)
    }

    /// All samples of a sort, as one item a process.
    pub fn close(
        &mut self,
        window: Window,
        files: &Files,
        kernel: &Binary,
        build: impl Fn(InstanceId) -> String,
        of: Of,
    ) -> Vec<Item> {
        let all = std::mem::take(&mut self.samples);
        let (samples, others): (BTreeMap<_, _>, BTreeMap<_, _>) = all
            .into_iter()
            .partition(|(whose, _)| (whose.session == 0) == (of == Of::Always));
        self.samples = others;
        let item = |(whose, stacks): (Whose, HashMap<Arc<Known>, u64>)| {
            let mut table = Table::new(files, kernel);
            let mut stacks: Vec<_> = stacks.into_iter().collect();
            stacks.sort();
            let stacks = stacks.iter().map(|(s, n)| table.stack(s, *n)).collect();
            Item::Profile(Profile {
                window,
                instance: whose.instance.0,
                kind: ProfileKind::Cpu,
                build: build(whose.instance),
                session: whose.session,
                period: whose.period,
                binaries: table.binaries,
                stacks,
            })
        };
        samples.into_iter().map(item).collect()
    }
}

/// The process behind samples: one that is known, else those of its program together.
pub fn instance_of(
    processes: &mut Processes,
    tgid: u32,
    thread: &[u8; 16],
    program: Option<&str>,
) -> InstanceId {
    processes
        .of_pid(tgid)
        .unwrap_or_else(|| processes.passing(program, thread))
}

struct Table<'a> {
    files: &'a Files,
    kernel: &'a Binary,
    binaries: Vec<Binary>,
    index: HashMap<Option<FileNumber>, u32>,
}

impl<'a> Table<'a> {
    fn new(files: &'a Files, kernel: &'a Binary) -> Self {
        Self {
            files,
            kernel,
            binaries: vec![],
            index: HashMap::new(),
        }
    }

    fn stack(&mut self, known: &Known, samples: u64) -> Stack {
        let end = known.thread.iter().position(|b| *b == 0).unwrap_or(16);
        Stack {
            thread: Observed::from_bytes(&known.thread[..end]),
            frames: known.frames.iter().map(|spot| self.frame(*spot)).collect(),
            samples,
            end: known.end,
        }
    }

    fn frame(&mut self, spot: Spot) -> Frame {
        let (file, address) = match spot {
            Spot::File(file, address) => (Some(file), address),
            Spot::Kernel(address) => (None, address),
            Spot::Nowhere => (Some(FileNumber(u32::MAX)), 0),
        };
        let binary = *self.index.entry(file).or_insert_with(|| {
            self.binaries.push(match file {
                None => self.kernel.clone(),
                Some(number) => self
                    .files
                    .get(number)
                    .map_or_else(gone, |f| f.binary.clone()),
            });
            self.binaries.len() as u32 - 1
        });
        Frame { binary, address }
    }
}

/// Stands for the code of a process that was gone before its memory could be read.
fn gone() -> Binary {
    Binary {
        build: String::new(),
        path: Observed::new("[gone]"),
    }
}
