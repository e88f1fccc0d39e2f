//! Every instruction that a function ends with: returns, and jumps to other functions that return in its place.

use super::code::{Code, Part, is_call, is_last, target};
use super::flow::{self, Ends, Goes, MOST_STEPS, Ways};
use super::table::{self, Entries};
use super::{Around, Exit, Exits, Extent, Function, Landing, MOST_BYTES, Obstacle};
use iced_x86::{FlowControl, Instruction, Mnemonic};
use std::cell::Cell;
use std::collections::HashMap;

/// Most parts of one function: what is rarely executed lies elsewhere.
const MOST_PARTS: usize = 8;
/// Most jumps by tables.
const MOST_TABLES: usize = 512;
/// Most exits of one function.
const MOST_EXITS: usize = 1_024;

/// All ends of a function.
pub fn exits(function: &Function<'_>, around: &dyn Around) -> Exits {
    let found = Code::of(function, around).and_then(|code| Search::of(code, around).all());
    match found {
        Ok((exits, _)) => Exits::Sites(exits),
        Err(obstacle) => Exits::Unknown(obstacle),
    }
}

/// A function that is looked through; parts and tables are found on the way.
pub(super) struct Search<'a> {
    code: Code<'a>,
    around: &'a dyn Around,
    landings: Vec<Landing>,
    tables: HashMap<u64, Vec<u64>>,
    left: Cell<usize>,
}

/// What an end turned out to be.
enum End<'a> {
    Exit(Exit),
    Inside,
    Part(Part<'a>),
    Table(u64, Vec<u64>),
}

impl<'a> Search<'a> {
    pub fn of(code: Code<'a>, around: &'a dyn Around) -> Self {
        Self {
            landings: around.landings(code.start()),
            code,
            around,
            tables: HashMap::new(),
            left: Cell::new(MOST_STEPS),
        }
    }

    /// All exits, and all that is jumped to.
    pub fn all(mut self) -> Result<(Vec<Exit>, Code<'a>), Obstacle> {
        loop {
            self.catch()?;
            let ends = flow::follow(&Ways {
                code: &self.code,
                landings: &self.landings,
                tables: &self.tables,
                left: &self.left,
            })?;
            if let Some(exits) = self.round(&ends)? {
                self.runs_on()?;
                self.code
                    .targets
                    .extend(self.tables.into_values().flatten());
                return Ok((exits, self.code));
            }
        }
    }

    /// Parts that are only come to by exceptions.
    fn catch(&mut self) -> Result<(), Obstacle> {
        let mut next = 0;
        while let Some(to) = self.landings.get(next).map(|landing| landing.to) {
            next += 1;
            if !self.code.contains(to) {
                let part = self.part(to).ok_or(Obstacle::Elsewhere(to))?;
                self.take(part)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, part: Part<'a>) -> Result<(), Obstacle> {
        if self.code.parts.len() >= MOST_PARTS {
            return Err(Obstacle::TooLarge);
        }
        self.landings.extend(self.around.landings(part.address));
        self.code.add(part)
    }

    /// The exits, if there was nothing new.
    fn round(&mut self, ends: &Ends) -> Result<Option<Vec<Exit>>, Obstacle> {
        let mut exits = Vec::new();
        for at in 0..self.code.all.len() {
            match self.end(at, ends)? {
                End::Inside => {}
                End::Exit(exit) if exits.len() < MOST_EXITS => exits.push(exit),
                End::Exit(_) => return Err(Obstacle::TooLarge),
                End::Part(part) => return self.take(part).map(|()| None),
                End::Table(jump, targets) => {
                    if self.tables.len() >= MOST_TABLES {
                        return Err(Obstacle::TooLarge);
                    }
                    self.tables.insert(jump, targets);
                    return Ok(None);
                }
            }
        }
        Ok(Some(exits))
    }

    fn end(&self, at: usize, ends: &Ends) -> Result<End<'a>, Obstacle> {
        let (instruction, known) = (&self.code.all[at], ends.get(&at));
        let address = instruction.ip();
        match instruction.flow_control() {
            FlowControl::Return => match known {
                // Not reached: behind what never returns, or where Go goes on after a panic.
                None | Some((Some(0), _)) => self.exit(instruction, false),
                Some(_) => Err(Obstacle::Return(address)),
            },
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                match (target(instruction), known) {
                    (Some(to), Some((sp, _))) => self.goes(instruction, to, *sp),
                    // What is not reached does not leave.
                    _ => Ok(End::Inside),
                }
            }
            FlowControl::IndirectBranch => match known {
                None => Ok(End::Inside),
                Some(_) if self.tables.contains_key(&address) => self.by_table(instruction),
                Some((sp, goes)) => self.indirect(at, *goes, *sp),
            },
            _ => Ok(End::Inside),
        }
    }

    fn exit(&self, instruction: &Instruction, is_tail: bool) -> Result<End<'a>, Obstacle> {
        let refused = Obstacle::RefusedExit(instruction.ip());
        Ok(End::Exit(Exit {
            address: instruction.ip(),
            to_base: 0,
            kind: self.code.kind(instruction).ok_or(refused)?,
            is_tail,
        }))
    }

    /// A jump to an address.
    fn goes(&self, jump: &Instruction, to: u64, sp: Option<i32>) -> Result<End<'a>, Obstacle> {
        if self.code.contains(to) {
            return self.code.instruction_at(to).map(|_| End::Inside);
        }
        let address = jump.ip();
        let is_always = jump.flow_control() != FlowControl::ConditionalBranch;
        let is_down = sp == Some(0);
        let Some(extent) = self.around.extent(to) else {
            return match is_always && is_down {
                true => self.exit(jump, true),
                false => Err(Obstacle::Leaves(address)),
            };
        };
        let is_start = extent.start == to && !extent.is_cold;
        if is_start && is_always && is_down {
            return self.exit(jump, true);
        }
        if extent.is_function && !extent.is_cold {
            return Err(match (is_start, is_always) {
                (false, _) => Obstacle::Elsewhere(address),
                (true, false) => Obstacle::Conditional(address),
                (true, true) => Obstacle::Leaves(address),
            });
        }
        let part = self.part(to).ok_or(Obstacle::Elsewhere(address))?;
        Ok(End::Part(part))
    }

    /// Code elsewhere that belongs to no function with a name.
    fn part(&self, to: u64) -> Option<Part<'a>> {
        let extent: Extent = self.around.extent(to)?;
        let bytes = usize::try_from(extent.end.checked_sub(extent.start)?).ok()?;
        if bytes > MOST_BYTES || self.code.has(&extent) || extent.is_function && !extent.is_cold {
            return None;
        }
        Some(Part {
            address: extent.start,
            bytes: self.around.bytes(extent.start)?.get(..bytes)?,
        })
    }

    fn by_table(&self, jump: &Instruction) -> Result<End<'a>, Obstacle> {
        let targets = self.tables.get(&jump.ip()).into_iter().flatten();
        for to in targets {
            if !self.code.contains(*to) {
                let part = self.part(*to).ok_or(Obstacle::Table(jump.ip()))?;
                return Ok(End::Part(part));
            }
            self.code.instruction_at(*to)?;
        }
        Ok(End::Inside)
    }

    fn indirect(&self, at: usize, goes: Goes, sp: Option<i32>) -> Result<End<'a>, Obstacle> {
        let jump = &self.code.all[at];
        let (table, entries) = match goes {
            Goes::To(to) => return self.goes(jump, to, sp),
            Goes::Word if sp == Some(0) && !self.has_labels() => return self.exit(jump, true),
            Goes::Word | Goes::Unknown => return Err(Obstacle::Jump(jump.ip())),
            Goes::Distances(table) => (table, Entries::Distances),
            Goes::Pointers(table) => (table, Entries::Pointers),
        };
        let targets = table::read(&self.code, self.around, at, table, entries)?;
        Ok(End::Table(jump.ip(), targets))
    }

    /// Whether it takes addresses of its own code, as interpreters do that jump from label to label.
    fn has_labels(&self) -> bool {
        let label = |instruction: &Instruction| {
            let is_taken = instruction.mnemonic() == Mnemonic::Lea;
            is_taken && instruction.is_ip_rel_memory_operand() && {
                let to = instruction.ip_rel_memory_address();
                to != self.code.start() && self.code.contains(to)
            }
        };
        self.code.all.iter().any(label)
    }

    /// The last instruction that does something has to be a jump, a return, or a call that may never return.
    fn runs_on(&self) -> Result<(), Obstacle> {
        for part in &self.code.parts {
            let end = part.address + part.bytes.len() as u64;
            let after = self.code.all.partition_point(|other| other.ip() < end);
            let before = self.code.all[..after].iter().rev();
            let mut before = before.skip_while(|other| other.mnemonic() == Mnemonic::Nop);
            let is_end = |last: &Instruction| is_last(last) || is_call(last);
            if !before.next().is_some_and(is_end) {
                return Err(Obstacle::RunsOn);
            }
        }
        Ok(())
    }
}
