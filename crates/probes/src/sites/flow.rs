//! Follows the stack pointer and addresses through a function, along every way that its instructions can take.

use super::code::{Code, is_call, is_last, target};
use super::value::{Memory, State, Value, memory, step};
use super::{Landing, Obstacle};
use iced_x86::{
    ConditionCode, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Steps of all runs through a function together, at most.
pub(super) const MOST_STEPS: usize = 8 << 20;
/// How often a call that was thought to come back may turn out not to.
const MOST_ANEW: usize = 64;

/// Where a jump through a register or memory goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// To an address.
    To(u64),
    /// To where a word says that came from elsewhere.
    Word,
    /// By a table of distances.
    Distances(u64),
    /// By a table of addresses.
    Pointers(u64),
    /// Anywhere.
    Unknown,
}

/// What is true before the jumps and returns that are reached: how far the stack pointer is from where it was when the
/// function began, and where indirect jumps go.
pub(super) type Ends = HashMap<usize, (Option<i32>, Goes)>;

/// What the ways through a function depend on besides its instructions.
pub(super) struct Ways<'c> {
    pub code: &'c Code<'c>,
    /// Where exceptions that pass calls are caught.
    pub landings: &'c [Landing],
    /// Where jumps by tables go, by the jump's address.
    pub tables: &'c HashMap<u64, Vec<u64>>,
    /// Steps that are left, of [`MOST_STEPS`].
    pub left: &'c Cell<usize>,
}

struct Run<'c, 'a> {
    ways: &'a Ways<'c>,
    leaders: HashSet<u64>,
    before: HashMap<u64, State>,
    /// Leaders whose state came from behind a call, with the call.
    doubted: HashMap<u64, u64>,
    work: BTreeSet<u64>,
    /// From behind calls into leaders: perhaps these calls never come back.
    later: BTreeSet<(u64, u64)>,
    later_states: HashMap<u64, State>,
    infos: InstructionInfoFactory,
}

/// Follows all ways.
pub(super) fn follow(ways: &Ways<'_>) -> Result<Ends, Obstacle> {
    let mut never_back = HashSet::new();
    for _ in 0..MOST_ANEW {
        let mut run = Run::new(ways);
        match run.all(&never_back)? {
            Some(call) => never_back.insert(call),
            None => return run.ends(),
        };
    }
    Err(Obstacle::TooLarge)
}

impl<'c, 'a> Run<'c, 'a> {
    fn new(ways: &'a Ways<'c>) -> Self {
        let mut leaders = ways.code.targets.clone();
        leaders.insert(ways.code.start());
        leaders.extend(ways.landings.iter().map(|landing| landing.to));
        leaders.extend(ways.tables.values().flatten());
        Self {
            ways,
            leaders,
            before: HashMap::from([(ways.code.start(), State::begin())]),
            doubted: HashMap::new(),
            work: BTreeSet::from([ways.code.start()]),
            later: BTreeSet::new(),
            later_states: HashMap::new(),
            infos: InstructionInfoFactory::new(),
        }
    }

    /// Until nothing changes. A call that turns out to never come back ends it.
    fn all(&mut self, never_back: &HashSet<u64>) -> Result<Option<u64>, Obstacle> {
        loop {
            while let Some(leader) = self.work.pop_first() {
                if let Some(call) = self.from(leader)? {
                    return Ok(Some(call));
                }
            }
            // The calls that come first are the likeliest to come back.
            let Some((call, leader)) = self.later.pop_first() else {
                return Ok(None);
            };
            let state = self.later_states.remove(&call);
            let Some(state) = state.filter(|_| !never_back.contains(&call)) else {
                continue;
            };
            match self.before.get(&leader).map(State::sp) {
                None => {
                    self.before.insert(leader, state);
                    self.doubted.insert(leader, call);
                    self.work.insert(leader);
                }
                Some(sp) if sp == state.sp() => self.reach(leader, &state),
                // It never comes back, as others come here with another stack.
                Some(_) => {}
            }
        }
    }

    /// Executes from a leader to the next one or to the end.
    fn from(&mut self, leader: u64) -> Result<Option<u64>, Obstacle> {
        let (code, Some(mut state)) = (self.ways.code, self.before.get(&leader).copied()) else {
            return Ok(None);
        };
        let Some(first) = code.index(leader) else {
            return Ok(None);
        };
        let mut behind_call = None;
        for (at, instruction) in code.all.iter().enumerate().skip(first) {
            let address = instruction.ip();
            if at > first {
                // Behind the end of a part.
                if code.all[at - 1].next_ip() != address {
                    return Ok(None);
                }
                if self.leaders.contains(&address) {
                    return Ok(self.enter(address, &state, behind_call));
                }
            }
            let left = self.ways.left.get().checked_sub(1);
            self.ways.left.set(left.ok_or(Obstacle::TooLarge)?);
            if let Some(call) = self.branch(instruction, &state) {
                return Ok(Some(call));
            }
            if is_last(instruction) {
                return Ok(None);
            }
            if is_call(instruction) {
                behind_call = Some(address);
            } else if instruction.mnemonic() != Mnemonic::Nop {
                behind_call = None;
            }
            self.compared(at, instruction, &mut state);
            step(&mut state, instruction, &mut self.infos);
        }
        Ok(None)
    }

    /// Goes where an instruction may go besides the next one.
    fn branch(&mut self, instruction: &Instruction, state: &State) -> Option<u64> {
        let code = self.ways.code;
        if let Some(to) = target(instruction).filter(|to| code.contains(*to)) {
            let to = code.instruction_at(to).ok()?;
            return self.enter(to, state, None);
        }
        let ways = self.ways;
        if let Some(targets) = ways.tables.get(&instruction.ip()) {
            let inside = targets.iter().filter(|to| code.contains(**to));
            return inside.fold(None, |found, to| found.or(self.enter(*to, state, None)));
        }
        if is_call(instruction) {
            let caught = state.caught();
            let covers = |landing: &&Landing| landing.calls.contains(&instruction.ip());
            for landing in ways.landings.iter().filter(covers) {
                let known = self.before.get(&landing.to).map(State::sp);
                if known.is_none_or(|sp| sp == caught.sp()) {
                    self.enter(landing.to, &caught, None);
                }
            }
        }
        None
    }

    /// Comes to a leader. Gives the call that was thought to come back when it is found not to.
    fn enter(&mut self, leader: u64, state: &State, behind_call: Option<u64>) -> Option<u64> {
        if let Some(call) = behind_call {
            self.later.insert((call, leader));
            self.later_states.insert(call, *state);
            return None;
        }
        let known = self.before.get(&leader).and_then(State::sp);
        if let (Some(known), Some(sp)) = (known, state.sp())
            && known != sp
            && let Some(call) = self.doubted.get(&leader)
        {
            return Some(*call);
        }
        self.reach(leader, state);
        None
    }

    fn reach(&mut self, leader: u64, state: &State) {
        let is_changed = match self.before.get_mut(&leader) {
            Some(before) => before.meet(state),
            None => self.before.insert(leader, *state).is_none(),
        };
        if is_changed {
            self.work.insert(leader);
        }
    }

    /// Loops that touch each page of a large frame end when the stack pointer is where a register says.
    fn compared(&self, at: usize, instruction: &Instruction, state: &mut State) {
        let before = at.checked_sub(1).and_then(|at| self.ways.code.all.get(at));
        let Some(before) = before.filter(|_| instruction.condition_code() == ConditionCode::ne)
        else {
            return;
        };
        let is_sp = before.mnemonic() == Mnemonic::Cmp && before.op0_register() == Register::RSP;
        if is_sp && before.op1_kind() == OpKind::Register {
            state.sp_is(before.op1_register());
        }
    }

    /// Goes through all that was reached once more.
    fn ends(mut self) -> Result<Ends, Obstacle> {
        let (mut ends, code) = (Ends::new(), self.ways.code);
        for (leader, state) in &self.before {
            let (Some(first), mut state) = (code.index(*leader), *state) else {
                continue;
            };
            for (at, instruction) in code.all.iter().enumerate().skip(first) {
                if at > first && self.leaders.contains(&instruction.ip()) {
                    break;
                }
                if instruction.flow_control() != FlowControl::Next {
                    ends.insert(at, (state.sp(), goes(&state, instruction)));
                }
                let is_gap = code
                    .all
                    .get(at + 1)
                    .is_some_and(|n| n.ip() != instruction.next_ip());
                if is_last(instruction) || is_gap {
                    break;
                }
                self.compared(at, instruction, &mut state);
                step(&mut state, instruction, &mut self.infos);
            }
        }
        Ok(ends)
    }
}

fn goes(state: &State, instruction: &Instruction) -> Goes {
    if instruction.op0_kind() == OpKind::Memory {
        return match memory(state, instruction) {
            Memory::Table(table) => Goes::Pointers(table),
            Memory::Place => Goes::Word,
            Memory::Element => Goes::Unknown,
        };
    }
    if instruction.op0_kind() != OpKind::Register {
        return Goes::Unknown;
    }
    match state.get(instruction.op0_register()) {
        Value::Address(address) => Goes::To(address),
        Value::Word => Goes::Word,
        Value::Sum(table) => Goes::Distances(table),
        Value::Pointer(table) => Goes::Pointers(table),
        _ => Goes::Unknown,
    }
}
