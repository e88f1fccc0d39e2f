//! Calls of a running program, seen by breakpoints at the chosen sites. What is read is read as the kernel program reads it.

use crate::abi::calls::{Condition, ON_STACK, Take, VALUE_BYTES, at, how};
use crate::arguments::{Argument, Signature, Signatures, show};
use crate::sites::{self, Entry, Exit, Exits, Program, Wanted};
use crate::symbols::tests::build::functions;
use crate::symbols::{Files, Sources};
use crate::unwind::{self, Mappings};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

type Registers = libc::user_regs_struct;
const BREAKPOINT: u8 = 0xcc;
/// Carry and zero.
const BELOW: u64 = 0x41;

/// A call that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// What it was called with.
    pub arguments: Vec<(String, String)>,
    /// What it gave back; `None`: it ended by a jump to another function, or not at all.
    pub returned: Option<Vec<(String, String)>>,
    /// The function that its return address is in.
    pub caller: String,
    /// Whether it ended.
    pub has_ended: bool,
    /// Whether the conditions held that were asked for.
    pub holds: bool,
    base: u64,
}

/// What is known of a function before it runs.
pub struct Probed {
    pub signature: Signature,
    pub entry: Entry,
    pub exits: Vec<Exit>,
    /// Looked at in each call.
    pub conditions: Vec<Condition>,
    is_go: bool,
    functions: Vec<(String, u64, u64)>,
}

/// Looks a function up as a probe does.
pub fn probed(path: &Path, name: &str) -> Probed {
    let files = Files::open(&File::open(path).unwrap(), None, None).unwrap();
    let sources = Sources::of(&files).unwrap();
    let program = Program::of(&sources);
    let functions = functions(path);
    let start = functions
        .iter()
        .find(|(other, ..)| other == name || is_named(other, name));
    let start = start.unwrap_or_else(|| panic!("no {name}")).1;
    let function = program.function(start).unwrap();
    let signature = Signatures::of(&sources).of_function(start, function.is_go);
    let wanted = Wanted {
        registers: signature.registers(),
        end: true,
    };
    let plan = sites::plan(&function, &program, true, wanted).unwrap();
    let Exits::Sites(exits) = sites::exits(&function, &program) else {
        panic!("{name} has no exits");
    };
    Probed {
        signature,
        entry: plan.entry,
        conditions: Vec::new(),
        is_go: function.is_go,
        exits,
        functions,
    }
}

/// Rust's names have a path and a hash around them.
fn is_named(mangled: &str, name: &str) -> bool {
    mangled.starts_with("_ZN") && mangled.contains(&format!("{}{name}17h", name.len()))
}

/// Runs a program, and gives all calls of a function.
pub fn calls(path: &Path, probed: &Probed) -> Vec<Call> {
    let mut run = Run::start(path);
    let exits: HashMap<u64, bool> = probed
        .exits
        .iter()
        .map(|exit| (exit.address, exit.is_tail))
        .collect();
    for address in exits.keys().copied().chain([probed.entry.address]) {
        run.put(address);
    }
    let mut calls: Vec<Call> = Vec::new();
    assert_eq!(ptrace(libc::PTRACE_CONT, run.child.id() as i32, 0), 0);
    while let Some((thread, address)) = run.hit() {
        let regs = run.registers(thread);
        if address == probed.entry.address {
            let is_below = regs.eflags & BELOW != 0;
            if probed.entry.at & at::UNLESS_BELOW == 0 || !is_below {
                calls.push(run.begun(probed, &regs));
            }
        }
        if let Some(is_tail) = exits.get(&address) {
            let base = run.lasting(probed, &regs, regs.rsp);
            let of = |call: &&mut Call| !call.has_ended && call.base == base;
            let call = calls
                .iter_mut()
                .rev()
                .find(of)
                .expect("an end without a call");
            call.has_ended = true;
            call.holds &= run.holds(probed, 1, &regs, regs.rsp);
            let returns = &probed.signature.returns;
            call.returned = (!is_tail).then(|| run.values(returns, &regs, regs.rsp));
        }
        run.go_on(thread, address);
    }
    calls
}

struct Run {
    child: Child,
    memory: File,
    bias: u64,
    kept: HashMap<u64, u8>,
}

impl Run {
    fn start(path: &Path) -> Self {
        let mut command = Command::new(path);
        command
            .stdout(Stdio::null())
            .env("GODEBUG", "asyncpreemptoff=1")
            .process_group(0);
        let trace = || match ptrace(libc::PTRACE_TRACEME, 0, 0) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        };
        // SAFETY: one system call, which is safe between fork and exec.
        let child = unsafe { command.pre_exec(trace) }.spawn().unwrap();
        let pid = child.id() as i32;
        wait(pid);
        let options = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
        assert_eq!(ptrace(libc::PTRACE_SETOPTIONS, pid, options as usize), 0);
        let segments = unwind::segments(&std::fs::read(path).unwrap()).unwrap();
        let maps = Mappings::parse(&std::fs::read(format!("/proc/{pid}/maps")).unwrap());
        let path = std::fs::canonicalize(path).unwrap();
        let own = path.to_str().unwrap().as_bytes();
        let own = maps.all.iter().filter(|mapping| mapping.path == own);
        let bias = own
            .filter_map(|mapping| unwind::bias(mapping, &segments))
            .next();
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{pid}/mem"));
        Self {
            child,
            memory: memory.unwrap(),
            bias: bias.unwrap(),
            kept: HashMap::new(),
        }
    }

    fn put(&mut self, address: u64) {
        let mut byte = [0];
        let place = address.wrapping_add(self.bias);
        self.memory.read_exact_at(&mut byte, place).unwrap();
        self.kept.insert(address, byte[0]);
        self.memory.write_all_at(&[BREAKPOINT], place).unwrap();
    }

    /// Goes on until a thread comes to a breakpoint, or the program ends.
    fn hit(&mut self) -> Option<(i32, u64)> {
        let group = -(self.child.id() as i32);
        loop {
            let (thread, status) = wait(group)?;
            if !libc::WIFSTOPPED(status) {
                if thread == self.child.id() as i32 {
                    assert!(
                        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
                        "{status:#x}"
                    );
                    return None;
                }
                continue;
            }
            let signal = libc::WSTOPSIG(status);
            let is_event = status >> 16 != 0;
            if signal == libc::SIGTRAP && !is_event {
                let at = self
                    .registers(thread)
                    .rip
                    .wrapping_sub(1)
                    .wrapping_sub(self.bias);
                assert!(self.kept.contains_key(&at), "a trap at {at:#x}");
                return Some((thread, at));
            }
            // New threads begin with a stop; other signals are the program's own.
            let is_own = !is_event && signal != libc::SIGSTOP;
            ptrace(
                libc::PTRACE_CONT,
                thread,
                if is_own { signal as usize } else { 0 },
            );
        }
    }

    /// Executes what is under a breakpoint.
    fn go_on(&mut self, thread: i32, address: u64) {
        let place = address.wrapping_add(self.bias);
        self.memory
            .write_all_at(&[self.kept[&address]], place)
            .unwrap();
        let mut regs = self.registers(thread);
        regs.rip = place;
        assert_eq!(
            ptrace(libc::PTRACE_SETREGS, thread, &raw const regs as usize),
            0
        );
        assert_eq!(ptrace(libc::PTRACE_SINGLESTEP, thread, 0), 0);
        wait(thread);
        self.memory.write_all_at(&[BREAKPOINT], place).unwrap();
        assert_eq!(ptrace(libc::PTRACE_CONT, thread, 0), 0);
    }

    fn registers(&self, thread: i32) -> Registers {
        // SAFETY: all fields are integers.
        let mut regs: Registers = unsafe { std::mem::zeroed() };
        assert_eq!(
            ptrace(libc::PTRACE_GETREGS, thread, &raw mut regs as usize),
            0
        );
        regs
    }

    fn begun(&self, probed: &Probed, regs: &Registers) -> Call {
        let base = regs.rsp.wrapping_add(probed.entry.to_base as i64 as u64);
        let caller = self.word(base).unwrap().wrapping_sub(self.bias);
        let inside = |(_, start, bytes): &&(String, u64, u64)| caller.wrapping_sub(*start) < *bytes;
        let caller = probed.functions.iter().find(inside);
        Call {
            arguments: self.values(&probed.signature.arguments, regs, base),
            returned: None,
            caller: caller.map_or_else(|| "?".to_owned(), |(name, ..)| name.clone()),
            has_ended: false,
            holds: self.holds(probed, 0, regs, base),
            base: self.lasting(probed, regs, base),
        }
    }

    /// Where a return address lies, also when Go has moved the stack: how far below its end (`g.stack.hi`).
    fn lasting(&self, probed: &Probed, regs: &Registers, base: u64) -> u64 {
        match probed.is_go {
            true => self.word(regs.r14 + 8).unwrap().wrapping_sub(base),
            false => base,
        }
    }

    fn values(&self, all: &[Argument], regs: &Registers, base: u64) -> Vec<(String, String)> {
        let value = |argument: &Argument| {
            let read = argument
                .take
                .ok()
                .and_then(|take| self.value(&take, regs, base));
            let (bytes, length) = match &read {
                Some((bytes, length)) => (Some(&bytes[..]), *length),
                None => (None, 0),
            };
            (argument.name.clone(), show(argument, bytes, length))
        };
        all.iter().map(value).collect()
    }

    fn holds(&self, probed: &Probed, is_at_end: u8, regs: &Registers, base: u64) -> bool {
        let now = probed
            .conditions
            .iter()
            .filter(|condition| condition.is_at_end == is_at_end);
        let holds = |condition: &Condition| {
            let (bytes, _) = self.value(&condition.word, regs, base).unwrap();
            condition.holds(u64::from_le_bytes(*bytes.first_chunk().unwrap()))
        };
        now.into_iter().all(holds)
    }

    fn word(&self, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        self.memory.read_exact_at(&mut word, address).ok()?;
        Some(u64::from_le_bytes(word))
    }

    fn source(&self, register: u8, offset: i32, regs: &Registers, base: u64) -> Option<u64> {
        if register == ON_STACK {
            return self.word(base.wrapping_add(8).wrapping_add(offset as i64 as u64));
        }
        let all = [
            regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp,
            regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15,
        ];
        Some(all[register as usize])
    }

    fn value(&self, take: &Take, regs: &Registers, base: u64) -> Option<(Vec<u8>, u32)> {
        let word = self.source(take.register, take.offset, regs, base)?;
        let word = match take.is_inside {
            1 => self.word(word.wrapping_add(take.offset as i64 as u64))?,
            _ => word,
        };
        if take.how == how::WORD {
            return Some((word.to_le_bytes().to_vec(), 0));
        }
        let is_added = take.is_inside == 0 && take.register != ON_STACK;
        let address = word.wrapping_add(if is_added {
            take.offset as i64 as u64
        } else {
            0
        });
        if take.how == how::TEXT {
            let mut text = Vec::new();
            while text.len() < VALUE_BYTES - 1 {
                let mut byte = [0];
                self.memory
                    .read_exact_at(&mut byte, address + text.len() as u64)
                    .ok()?;
                if byte[0] == 0 {
                    break;
                }
                text.push(byte[0]);
            }
            let length = text.len() as u32;
            return Some((text, length));
        }
        let (mut wanted, mut length) = (u64::from(take.bytes), 0);
        if take.how == how::COUNTED {
            let count = match take.is_inside {
                1 => {
                    let holder = self.source(take.register, take.offset, regs, base)?;
                    self.word(holder.wrapping_add(take.length_offset as i64 as u64))?
                }
                _ => self.source(take.length_register, take.length_offset, regs, base)?,
            };
            length = count as u32;
            wanted = count.saturating_mul(u64::from(take.bytes));
        }
        let mut bytes = vec![0; wanted.min(VALUE_BYTES as u64) as usize];
        self.memory.read_exact_at(&mut bytes, address).ok()?;
        Some((bytes, length))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ptrace(request: libc::c_uint, thread: i32, data: usize) -> i64 {
    // SAFETY: requests of these tests read or write registers at `data`, or move threads of our own child.
    unsafe { libc::ptrace(request, thread, 0usize, data) }
}

/// Waits for a thread, or for one of a group; `None`: there is none any more.
fn wait(which: i32) -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: waits for threads of our own child.
    let thread = unsafe { libc::waitpid(which, &mut status, libc::__WALL) };
    (thread > 0).then_some((thread, status))
}
