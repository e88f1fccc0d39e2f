//! Unwind tables in the kernel: one a file, compiled when the file is met, the least used taken out when they become too
//! large together; and where the files lie in the memory of each process that is met.

use super::clerk::{Clerk, Job};
use super::files::{FileNumber, Files};
use super::spaces::Placed;
use coral_probes::ProbesError;
use coral_probes::abi::profile::{MAPPINGS, Mapping, Space};
use coral_probes::abi::unwind::Block;
use coral_probes::sampler::Sampler;
use coral_probes::unwind;
use std::collections::BTreeMap;

/// What all tables may take in the kernel.
const BYTES_MAX: u64 = 64 << 20;
/// Tables at once: places in the kernel's map.
const TABLES_MAX: usize = 1_000;
/// The number of the table of the code that the kernel gives every process.
const VDSO: u64 = 1;
/// The number of the first file's table.
const FIRST: u64 = 2;

#[derive(Debug)]
enum State {
    /// The clerk works on it.
    Asked,
    /// There is none.
    Nothing,
    /// The kernel has it.
    Loaded { bytes: u64, used_at: u32 },
}

/// All tables.
#[derive(Debug, Default)]
pub struct Tables {
    known: BTreeMap<FileNumber, State>,
    bytes: u64,
    has_vdso: bool,
    /// Rises with each table that comes or goes.
    pub generation: u64,
}

impl Tables {
    /// With the table of what the kernel gives every process.
    pub fn new(sampler: &mut Sampler) -> Self {
        let mut tables = Self::default();
        let image = unwind::vdso().ok();
        let compiled = image.and_then(|image| unwind::compile(&image).ok());
        if let Some((table, _)) = compiled {
            tables.has_vdso = sampler.add_table(VDSO, table.blocks()).is_ok();
        }
        tables
    }

    /// Asks for the table of a file that was met.
    pub fn want(&mut self, number: FileNumber, files: &Files, clerk: &Clerk, tick: u32) {
        match self.known.get_mut(&number) {
            Some(State::Loaded { used_at, .. }) => *used_at = tick,
            Some(State::Asked | State::Nothing) => {}
            None => {
                let open = files.get(number).and_then(|f| f.file.as_ref());
                let Some(main) = open.and_then(|f| f.try_clone().ok()) else {
                    self.known.insert(number, State::Nothing);
                    return;
                };
                if clerk.ask(Job::Table { file: number, main }) {
                    self.known.insert(number, State::Asked);
                }
            }
        }
    }

    /// Loads a table that was compiled.
    ///
    /// # Errors
    /// The system's, when the kernel takes none.
    pub fn load(
        &mut self,
        file: FileNumber,
        blocks: Option<Vec<Block>>,
        sampler: &mut Sampler,
        tick: u32,
    ) -> Result<(), ProbesError> {
        let Some(blocks) = blocks else {
            self.known.insert(file, State::Nothing);
            return Ok(());
        };
        let bytes = std::mem::size_of_val(blocks.as_slice()) as u64;
        self.make_room(bytes, sampler)?;
        sampler.add_table(number(file), &blocks)?;
        let used_at = tick;
        self.known.insert(file, State::Loaded { bytes, used_at });
        self.bytes += bytes;
        self.generation += 1;
        Ok(())
    }

    fn make_room(&mut self, bytes: u64, sampler: &mut Sampler) -> Result<(), ProbesError> {
        loop {
            let loaded = self.known.iter().filter_map(|(file, state)| match state {
                State::Loaded { bytes, used_at } => Some((*used_at, *file, *bytes)),
                State::Asked | State::Nothing => None,
            });
            let all: Vec<_> = loaded.collect();
            let fits = self.bytes + bytes <= BYTES_MAX && all.len() < TABLES_MAX;
            let Some((_, file, freed)) = all.into_iter().min().filter(|_| !fits) else {
                return Ok(());
            };
            sampler.remove_table(number(file))?;
            self.known.insert(file, State::Nothing);
            self.bytes -= freed;
            tracing::debug!(
                "the unwind table of file {} was taken out for want of room",
                file.0
            );
            self.generation += 1;
        }
    }

    /// Takes out all: files have new numbers from now on.
    pub fn clear(&mut self, sampler: &mut Sampler) {
        for (file, state) in std::mem::take(&mut self.known) {
            if matches!(state, State::Loaded { .. }) {
                let _ = sampler.remove_table(number(file));
            }
        }
        self.bytes = 0;
        self.generation += 1;
    }

    /// A process's memory as the kernel side searches it.
    pub fn space(&self, placed: &[Placed]) -> Space {
        let mut space = Space::EMPTY;
        let with_table = placed.iter().filter_map(|p| Some((p, self.table_of(p)?)));
        for (place, (p, table)) in space.mappings.iter_mut().zip(with_table.take(MAPPINGS)) {
            *place = Mapping {
                start: p.start,
                end: p.end,
                bias: p.bias,
                table,
            };
        }
        space
    }

    fn table_of(&self, placed: &Placed) -> Option<u64> {
        if placed.is_vdso {
            return self.has_vdso.then_some(VDSO);
        }
        match self.known.get(&placed.file) {
            Some(State::Loaded { .. }) => Some(number(placed.file)),
            _ => None,
        }
    }
}

/// The number of a file's table.
fn number(file: FileNumber) -> u64 {
    FIRST + u64::from(file.0)
}
