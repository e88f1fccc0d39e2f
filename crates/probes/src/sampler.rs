//! Samples of the processors: clock events with the program on them, and what the program counted.

use crate::mapped::Mapped;
use crate::maps::Map;
use crate::{Loaded, ProbesError, perf, sys};
use aya::maps::{MapData, RingBuf};
use coral_probes_abi::profile::{Space, StackHead, StackKey, names, tally, target};
use coral_probes_abi::unwind::Block;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};

/// The name of the program.
const PROGRAM: &str = "coral_profile";
/// Which processors there are, as ranges.
const ONLINE: &str = "/sys/devices/system/cpu/online";
/// The samples that are always taken.
pub const ALWAYS: u32 = 0;

// SAFETY: integers and arrays of integers, `repr(C)`.
unsafe impl sys::Plain for StackKey {}
// SAFETY: as above.
unsafe impl sys::Plain for Space {}
// SAFETY: as above.
unsafe impl sys::Plain for Block {}

/// A stack that was not known before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStack {
    /// Whose, and how its walk ended.
    pub head: StackHead,
    /// The kernel's frames, then the program's, each innermost first.
    pub frames: Vec<u64>,
}

/// What was sampled since the last drain.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// How often each stack was met.
    pub counts: Vec<(StackKey, u64)>,
    /// The frames of those that are new since the last drain.
    pub stacks: Vec<NewStack>,
    /// Since the start: samples taken, without room, with frames that nobody knows; by [`tally`].
    pub tally: [u64; tally::COUNT as usize],
}

/// The program and its maps. Dropping it detaches everything.
pub struct Sampler {
    program: OwnedFd,
    samples: Map<StackKey, u64>,
    stacks: RingBuf<MapData>,
    spaces: Map<u32, Space>,
    targets: Map<u64, u32>,
    tally: Map<u32, u64>,
    tables: OwnedFd,
    always: Vec<Attached>,
    sessions: BTreeMap<u32, Vec<Attached>>,
    processors: Vec<u32>,
}

/// A clock event and the program on it; the link lasts as long as both descriptors.
struct Attached {
    #[expect(dead_code, reason = "held: the link ends with it")]
    event: OwnedFd,
    #[expect(dead_code, reason = "held: the program runs as long as it is there")]
    link: OwnedFd,
}

impl Sampler {
    /// Takes the sampler out of what was loaded; nothing ticks yet.
    ///
    /// # Errors
    /// [`ProbesError`] when the program or a map is not among it.
    pub fn take(loaded: &mut Loaded) -> Result<Self, ProbesError> {
        let missing = |what: &str| ProbesError::Handover(format!("{what} is missing"));
        let program = loaded.programs.remove(PROGRAM);
        let ring = loaded.maps.remove(names::STACKS);
        let tables = loaded.maps.remove(names::TABLES);
        Ok(Self {
            program: program.ok_or_else(|| missing(PROGRAM))?,
            samples: Map::take(loaded, names::SAMPLES)?,
            stacks: crate::live::open_ring(ring.ok_or_else(|| missing(names::STACKS))?)?,
            spaces: Map::take(loaded, names::SPACES)?,
            targets: Map::take(loaded, names::TARGETS)?,
            tally: Map::take(loaded, names::TALLY)?,
            tables: tables.ok_or_else(|| missing(names::TABLES))?,
            always: vec![],
            sessions: BTreeMap::new(),
            processors: processors(),
        })
    }

    /// Samples every process so many times a second and processor, from now on; 0 ends it.
    ///
    /// # Errors
    /// The system's words; nothing ticks then.
    pub fn sample_always(&mut self, hz: u32) -> Result<(), ProbesError> {
        self.always.clear();
        self.always = self.attach(hz, ALWAYS)?;
        Ok(())
    }

    /// Begins a session, which samples the processes that it is aimed at besides. Its number is not [`ALWAYS`].
    ///
    /// # Errors
    /// As [`Self::sample_always`].
    pub fn begin(&mut self, session: u32, hz: u32) -> Result<(), ProbesError> {
        let attached = self.attach(hz, session)?;
        self.sessions.insert(session, attached);
        Ok(())
    }

    /// Ends a session; what it was aimed at is to be taken back by [`Self::aim`].
    pub fn end(&mut self, session: u32) {
        self.sessions.remove(&session);
    }

    fn attach(&self, hz: u32, session: u32) -> Result<Vec<Attached>, ProbesError> {
        let failed = |call| {
            move |source| ProbesError::Call {
                call,
                what: format!("{hz} samples a second"),
                source,
            }
        };
        let mut attached = vec![];
        if hz == 0 {
            return Ok(attached);
        }
        for &processor in &self.processors {
            let event = perf::clock(processor, hz).map_err(failed("perf_event_open"))?;
            let link = sys::link_perf(self.program.as_fd(), event.as_fd(), u64::from(session));
            let link = link.map_err(failed("attach"))?;
            perf::enable(event.as_fd()).map_err(failed("enable"))?;
            attached.push(Attached { event, link });
        }
        Ok(attached)
    }

    /// Aims a session at a process, or no longer; process 0 stands for all.
    ///
    /// # Errors
    /// The system's, when the map cannot be written.
    pub fn aim(&mut self, session: u32, tgid: u32, wanted: bool) -> Result<(), ProbesError> {
        match wanted {
            true => self.targets.set(&target(session, tgid), &1),
            false => self.targets.delete(&target(session, tgid)),
        }
    }

    /// Tells where the code of a process lies; `None` forgets it.
    ///
    /// # Errors
    /// The system's, when the map cannot be written.
    pub fn place(&mut self, tgid: u32, space: Option<&Space>) -> Result<(), ProbesError> {
        match space {
            Some(space) => self.spaces.set(&tgid, space),
            None => self.spaces.delete(&tgid),
        }
    }

    /// Hands a file's table to the kernel, under a number of the caller's that is not 0; bytes of kernel memory that it
    /// takes.
    ///
    /// # Errors
    /// The system's, when the map cannot be made.
    pub fn add_table(&mut self, number: u64, blocks: &[Block]) -> Result<u64, ProbesError> {
        let failed = |source| ProbesError::Call {
            call: "make",
            what: "an unwind table".to_owned(),
            source,
        };
        let table = sys::array(blocks).map_err(failed)?;
        sys::update(self.tables.as_fd(), &number, &sys::number(table.as_fd())).map_err(failed)?;
        Ok(std::mem::size_of_val(blocks) as u64)
    }

    /// Forgets a file's table.
    ///
    /// # Errors
    /// The system's, when the map cannot be written.
    pub fn remove_table(&mut self, number: u64) -> Result<(), ProbesError> {
        sys::delete(self.tables.as_fd(), &number).map_err(|source| ProbesError::Call {
            call: "delete",
            what: "an unwind table".to_owned(),
            source,
        })
    }

    /// Listens to what processes map.
    ///
    /// # Errors
    /// The system's words.
    pub fn mapped(&self) -> Result<Mapped, ProbesError> {
        Mapped::listen(&self.processors).map_err(|source| ProbesError::Call {
            call: "perf_event_open",
            what: "mapped code".to_owned(),
            source,
        })
    }

    /// Takes the frames of stacks that are new: between two drains of a busy second.
    pub fn stacks(&mut self, out: &mut Sampled) {
        while let Some(item) = self.stacks.next() {
            out.stacks.extend(NewStack::read(&item));
        }
    }

    /// Takes what was counted since the last call. The places are free again after it: a stack that comes again is new.
    ///
    /// # Errors
    /// The system's, when a map cannot be read.
    pub fn drain(&mut self, out: &mut Sampled) -> Result<(), ProbesError> {
        // Counts before frames: what is counted later is taken with its frames next time.
        out.counts.clear();
        self.samples
            .take_all(|key, count| out.counts.push((*key, *count)))?;
        self.stacks(out);
        for (index, value) in out.tally.iter_mut().enumerate() {
            *value = self.tally.get(&(index as u32))?.unwrap_or(0);
        }
        Ok(())
    }
}

impl NewStack {
    /// A record of the ring; `None` when it is not whole.
    fn read(record: &[u8]) -> Option<Self> {
        const HEAD: usize = std::mem::size_of::<StackHead>();
        let (head, rest) = record.split_at_checked(HEAD)?;
        // SAFETY: as many bytes as the head has, any bytes are one, and the read needs no alignment.
        let head: StackHead = unsafe { std::ptr::read_unaligned(head.as_ptr().cast()) };
        let words = rest
            .chunks_exact(8)
            .take(head.kernel as usize + head.user as usize);
        let frames = words.filter_map(|word| word.try_into().ok());
        Some(Self {
            head,
            frames: frames.map(u64::from_ne_bytes).collect(),
        })
    }
}

/// Clock events of all processors with nothing attached to them, which tick until they are dropped: what a tick costs by
/// itself.
///
/// # Errors
/// The system's words.
pub fn empty_ticks(hz: u32) -> std::io::Result<Vec<OwnedFd>> {
    let tick = |processor| {
        let event = perf::clock(processor, hz)?;
        perf::enable(event.as_fd())?;
        Ok(event)
    };
    processors().into_iter().map(tick).collect()
}

/// The processors that are there, from ranges like `0-3,8`; the first alone when nobody says.
fn processors() -> Vec<u32> {
    let text = fs::read_to_string(ONLINE).unwrap_or_default();
    let mut all = vec![];
    for range in text.trim().split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) {
            all.extend(from..=to.min(from.saturating_add(4096)));
        }
    }
    if all.is_empty() {
        all.push(0);
    }
    all
}
