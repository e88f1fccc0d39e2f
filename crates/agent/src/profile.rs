//! Where the processors are: samples of stacks, taken always and for sessions, with the place of each address in the files
//! of its process. Names are found out later, in a process of their own.

mod around;
mod clerk;
mod files;
mod moments;
mod names;
mod open;
mod sessions;
mod spaces;
mod tables;

use crate::desired::ProfileWish;
use crate::enrich::{InstanceId, Processes};
pub use around::Around;
use clerk::{Clerk, Found};
use coral_model::profile::{Binary, StackEnd};
use coral_model::summary::PULSE;
use coral_model::{Item, Observed, TimeNs, Window};
use coral_probes::ProbesError;
use coral_probes::abi::profile::{StackHead, StackKey, TOO_DEEP};
use coral_probes::abi::unwind::Outcome;
use coral_probes::sampler::{ALWAYS, NewStack, Sampled, Sampler};
use files::FileNumber;
pub use files::Files;
use moments::Moments;
use names::Told;
use open::{Known, Of, Open, Spot, Whose, instance_of};
use sessions::Sessions;
pub use sessions::{Met, meant};
use spaces::Spaces;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tables::Tables;

/// How often each processor is looked at, always. A prime: programs that do something a hundred times a second are not met
/// at the same place each time.
const HZ: u32 = 19;
/// Stacks are remembered for so many ticks after they came, for counts that follow.
const STACK_TICKS: u32 = 2;
/// Processes that were not met for so many ticks are forgotten.
const SPACE_TICKS: u32 = 60;

/// The profiler of one agent.
pub struct Profiler {
    sampler: Sampler,
    clerk: Clerk,
    tables: Tables,
    told: Told,
    /// Names that were found since they were last taken.
    names: Vec<Item>,
    sampled: Sampled,
    stacks: HashMap<StackKey, (Arc<Known>, u32)>,
    files: Files,
    spaces: Spaces,
    /// What the kernel tells of mapped code; without it the code of a process that is gone cannot be placed.
    moments: Option<Moments>,
    open: Open,
    sessions: Sessions,
    /// The processes that were met.
    met: Met,
    /// The builds of the processes of the open interval.
    builds: HashMap<InstanceId, String>,
    kernel: Binary,
    tick: u32,
    /// Stands for stacks that nobody knows.
    nowhere: Arc<Known>,
}

impl Profiler {
    /// Begins to sample.
    ///
    /// # Errors
    /// The system's words, when a clock cannot be made.
    pub fn new(mut sampler: Sampler, program: &Path) -> Result<Self, ProbesError> {
        let clerk = Clerk::start(program.to_owned()).map_err(|source| ProbesError::Call {
            call: "start",
            what: "the thread that finds names".to_owned(),
            source,
        })?;
        let tables = Tables::new(&mut sampler);
        let mapped = sampler.mapped().inspect_err(|error| {
            tracing::warn!("the code of processes that live for a moment has no names: {error}");
        });
        sampler.sample_always(HZ)?;
        Ok(Self {
            clerk,
            tables,
            told: Told::default(),
            names: vec![],
            sampler,
            sampled: Sampled::default(),
            stacks: HashMap::new(),
            files: Files::default(),
            spaces: Spaces::default(),
            moments: mapped.ok().map(Moments::new),
            open: Open::default(),
            sessions: Sessions::default(),
            met: Met::new(),
            builds: HashMap::new(),
            kernel: kernel(),
            tick: 0,
            nowhere: Arc::new(Known {
                thread: [0; 16],
                frames: vec![Spot::Nowhere],
                end: StackEnd::Lost,
            }),
        })
    }

    /// Takes frames between two ticks, so that the ring does not fill up.
    pub fn between(&mut self) {
        if let Some(moments) = &mut self.moments {
            moments.take(self.tick);
        }
        self.sampler.stacks(&mut self.sampled);
    }

    /// Takes what was sampled in the last second.
    pub fn second(&mut self, processes: &mut Processes) {
        self.tick += 1;
        if let Err(error) = self.sampler.drain(&mut self.sampled) {
            tracing::warn!("{error}");
        }
        if self.files.are_too_many() {
            self.files = self.files.anew();
            self.spaces.clear();
            self.stacks.clear();
            self.told.clear();
            self.tables.clear(&mut self.sampler);
        }
        let come = self.take_found();
        if let Some(moments) = &mut self.moments {
            moments.take(self.tick);
        }
        for stack in std::mem::take(&mut self.sampled.stacks) {
            let known = Arc::new(self.known(&stack));
            self.stacks.insert(stack.head.key, (known, self.tick));
        }
        for (key, samples) in std::mem::take(&mut self.sampled.counts) {
            self.count(processes, key, samples);
        }
        let oldest = self.tick.saturating_sub(STACK_TICKS);
        self.stacks.retain(|_, (_, tick)| *tick >= oldest);
        let oldest = self.tick.saturating_sub(SPACE_TICKS);
        for gone in self.spaces.forget(oldest) {
            let _ = self.sampler.place(gone, None);
        }
        self.met.retain(|_, (_, tick)| *tick >= oldest);
        self.tell_spaces(&come);
        let (files, kernel) = (&self.files, &self.kernel);
        self.told.ask(&self.clerk, files, kernel, self.tick);
    }

    /// Takes what the clerk has found out; the files whose tables have come.
    fn take_found(&mut self) -> Vec<FileNumber> {
        let mut come = vec![];
        for found in self.clerk.found() {
            match found {
                Found::Names(symbols) => self.names.push(Item::Symbols(symbols)),
                Found::Table(file, blocks) => {
                    let loaded = self.tables.load(file, blocks, &mut self.sampler, self.tick);
                    if let Err(error) = loaded {
                        tracing::warn!("an unwind table: {error}");
                    }
                    come.push(file);
                }
            }
        }
        come
    }

    /// Tells the kernel side where the code of the processes lies that were met.
    fn tell_spaces(&mut self, come: &[FileNumber]) {
        let generation = self.tables.generation + 1;
        for (tgid, placed) in self.spaces.untold(self.tick, generation, come) {
            for p in placed {
                self.tables
                    .want(p.file, &self.files, &self.clerk, self.tick);
            }
            let space = self.tables.space(placed);
            if let Err(error) = self.sampler.place(tgid, Some(&space)) {
                tracing::debug!("{error}");
            }
        }
    }

    fn count(&mut self, processes: &mut Processes, key: StackKey, samples: u64) {
        // Frames that found no room in the ring: the samples are counted all the same.
        let stack = match self.stacks.get(&key) {
            Some((stack, _)) => stack.clone(),
            None => self.nowhere.clone(),
        };
        let main = self.spaces.of(key.tgid).and_then(<[_]>::first);
        let binary = main.and_then(|m| self.files.get(m.file)).map(|f| &f.binary);
        let program = binary.map(|b| b.path.raw());
        let instance = instance_of(processes, key.tgid, &stack.thread, program);
        if self.met.get(&key.tgid).is_none_or(|m| m.1 != self.tick)
            && let Some(known) = processes.get(instance)
        {
            let met = (known.service.clone(), self.tick);
            self.met.insert(key.tgid, met);
        }
        if let Some(binary) = binary {
            self.builds.insert(instance, binary.build.clone());
        }
        let always = Duration::from_nanos(1_000_000_000 / u64::from(HZ));
        let (session, period) = match key.session {
            ALWAYS => (0, always),
            // One that has just ended.
            number => match self.sessions.stored_as(number) {
                Some(stored) => stored,
                None => return,
            },
        };
        let whose = Whose {
            instance,
            session,
            period,
        };
        self.open.add(whose, &stack, samples);
    }

    /// The places of a stack's addresses.
    fn known(&mut self, stack: &NewStack) -> Known {
        let head = &stack.head;
        let (kernel, user) = stack
            .frames
            .split_at(stack.frames.len().min(head.kernel.into()));
        let (tgid, tick) = (head.key.tgid, self.tick);
        let mut frames = vec![];
        for address in user.iter().rev() {
            let place = self.spaces.place(
                (tgid, *address),
                tick,
                &mut self.files,
                self.moments.as_ref(),
            );
            frames.push(Spot::from(place));
        }
        frames.extend(kernel.iter().rev().map(|address| Spot::Kernel(*address)));
        let is_watched = head.key.session != ALWAYS;
        let told = &mut self.told;
        frames
            .iter()
            .for_each(|spot| told.met(*spot, tick, is_watched));
        Known {
            thread: head.comm,
            frames,
            end: end(head),
        }
    }

    /// Closes the interval.
    pub fn close(&mut self, window: Window) -> Vec<Item> {
        let builds = std::mem::take(&mut self.builds);
        let build = |id| builds.get(&id).cloned().unwrap_or_default();
        self.open
            .close(window, &self.files, &self.kernel, build, Of::Always)
    }

    /// Whether sessions may be taken, that the processors are sampled now and then is no session, and what this host is
    /// called in wishes.
    pub fn allow_sessions(&mut self, allowed: bool, names: Vec<String>) {
        self.sessions.is_allowed = allowed;
        self.sessions.names = names;
    }

    /// Begins what is wished, and ends what no longer is.
    pub fn wish(&mut self, wishes: Vec<ProfileWish>) {
        self.sessions.wish(wishes, &mut self.sampler);
    }

    /// What there is to tell each second: names, samples of sessions, and what became of these.
    pub fn sessions(&mut self, processes: &Processes, at: TimeNs) -> Vec<Item> {
        let window = Window {
            from: at.minus(PULSE),
            to: at,
        };
        let (files, kernel, builds) = (&self.files, &self.kernel, &self.builds);
        let build = |id| builds.get(&id).cloned().unwrap_or_default();
        let sampled = self.open.close(window, files, kernel, build, Of::Sessions);
        let reports = self.sessions.tick(processes, &self.met, &mut self.sampler);
        let named = std::mem::take(&mut self.names).into_iter();
        let reports = reports.into_iter().map(Item::Want);
        named.chain(sampled).chain(reports).collect()
    }

    /// The processes that were at work lately.
    pub const fn met(&self) -> &Met {
        &self.met
    }

    /// The processes that the open interval speaks of.
    pub fn used(&self) -> HashSet<InstanceId> {
        self.open.used().collect()
    }
}

fn end(head: &StackHead) -> StackEnd {
    let outermost = [Outcome::End as u8, Outcome::NoReturn as u8];
    match head.outcome {
        _ if head.user == 0 => StackEnd::Kernel,
        TOO_DEEP => StackEnd::TooDeep,
        outcome if outermost.contains(&outcome) => StackEnd::Outermost,
        _ => StackEnd::Lost,
    }
}

/// The kernel that runs: its addresses differ at each boot.
fn kernel() -> Binary {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let boot = read("/proc/sys/kernel/random/boot_id");
    let boot: String = boot.chars().take(8).collect();
    let release = read("/proc/sys/kernel/osrelease");
    Binary {
        build: Binary::KERNEL.to_owned(),
        path: Observed::new(format!("[kernel {} {boot}]", release.trim())),
    }
}
