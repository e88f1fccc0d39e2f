//! A program that is stopped and walked: its registers and stack by ptrace, its files by its mappings.

use super::super::*;
use crate::elf::Image;
use coral_probes_abi::unwind::Regs;
use object::{Object as _, ObjectSymbol as _};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Compiles the program of these tests.
pub fn compiled(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let program = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/unwind/tests/walks.c");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-fomit-frame-pointer", "-pthread", "-w"])
        .args(flags);
    let status = cc.arg(source).arg("-o").arg(&program).status().unwrap();
    assert!(status.success());
    program
}

/// Compiles the one in Go, without symbols if so wished.
pub fn compiled_go(folder: &Path, name: &str, flags: &str) -> PathBuf {
    let program = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/unwind/tests/walks.go");
    let mut go = Command::new("go");
    go.args(["build", "-o"])
        .arg(&program)
        .arg(flags)
        .arg(source);
    assert!(go.status().unwrap().success());
    program
}

/// A stopped thread of a running program.
pub struct Traced {
    child: Child,
    thread: i32,
    space: Space,
    mappings: Mappings,
    names: HashMap<Vec<u8>, Vec<(u64, u64, String)>>,
    biases: HashMap<u64, u64>,
    pending: Cell<usize>,
    has_two_stacks: bool,
}

impl Traced {
    /// Starts a program and stops its main thread, or its second one.
    pub fn start(program: &Path, mode: &str) -> Self {
        let mut child = Command::new(program)
            .arg(mode)
            // Go interrupts what runs for long by a signal, whose handler has a stack that cannot be left.
            .env("GODEBUG", "asyncpreemptoff=1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = child.id() as i32;
        let thread = if mode == "thread" { second(pid) } else { pid };
        let traced = ptrace(libc::PTRACE_SEIZE, thread, 0) == 0;
        assert!(traced && ptrace(libc::PTRACE_INTERRUPT, thread, 0) == 0);
        wait(thread);
        let text = std::fs::read(format!("/proc/{pid}/maps")).unwrap();
        let mut traced = Self {
            child,
            thread,
            space: Space::default(),
            mappings: Mappings::parse(&text),
            names: HashMap::new(),
            biases: HashMap::new(),
            pending: Cell::new(0),
            has_two_stacks: mode == "other stack",
        };
        traced.tables();
        traced
    }

    fn tables(&mut self) {
        for mapping in self.mappings.all.clone() {
            let file = if mapping.is_vdso() {
                vdso().unwrap()
            } else if mapping.path.starts_with(b"/") {
                std::fs::read(std::str::from_utf8(&mapping.path).unwrap()).unwrap()
            } else {
                self.space.add(mapping.start, mapping.end, 0, None);
                continue;
            };
            let bias = bias(&mapping, &segments(&file).unwrap()).unwrap();
            let table = Arc::new(compile(&file).unwrap().0);
            self.space
                .add(mapping.start, mapping.end, bias, Some(table));
            self.biases.insert(mapping.start, bias);
            self.names
                .entry(mapping.path)
                .or_insert_with(|| names(&file));
        }
    }

    /// Executes one instruction.
    pub fn step(&self) {
        // What the program raises on itself is passed on to it.
        let signal = self.pending.take();
        assert_eq!(ptrace(libc::PTRACE_SINGLESTEP, self.thread, signal), 0);
        self.pending.set(wait(self.thread));
    }

    /// Walks; gives the walk, the names of its frames and what lies under the first.
    pub fn walk(&self) -> (Walk, Vec<String>, String) {
        // SAFETY: all fields are integers.
        let mut regs: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let into = &raw mut regs as usize;
        assert_eq!(ptrace(libc::PTRACE_GETREGS, self.thread, into), 0);
        let start = regs.rsp - RED_ZONE_BYTES;
        let bytes = self.stack(start);
        let stack = Stack {
            start,
            bytes: &bytes,
        };
        let by_number = [
            regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp,
            regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15,
        ];
        let start = Regs::interrupted(regs.rip, regs.rsp, regs.rbp);
        let register = |number: u8| by_number.get(number as usize).copied();
        let memory = std::fs::File::open(format!("/proc/{}/mem", self.child.id())).unwrap();
        let elsewhere = |address| {
            let mut bytes = [0; 8];
            let read = std::os::unix::fs::FileExt::read_exact_at(&memory, &mut bytes, address);
            read.ok().map(|()| u64::from_le_bytes(bytes))
        };
        // A handler may have a stack of its own; then the copy is not all that is walked.
        let walk = match self.has_two_stacks {
            true => walk(start, &self.space, register, elsewhere),
            false => walk(start, &self.space, register, |at| stack.read(at)),
        };
        let names = walk
            .frames
            .iter()
            .map(|frame| self.name(frame.sought()))
            .collect();
        let under = self.mappings.find(regs.rip).unwrap();
        let name = String::from_utf8_lossy(&under.path).into_owned();
        (walk, names, name)
    }

    /// 64 KiB from an address on, or less at the end of the mapping.
    fn stack(&self, from: u64) -> Vec<u8> {
        let memory = std::fs::File::open(format!("/proc/{}/mem", self.child.id())).unwrap();
        let mut bytes = vec![0; 64 * 1024];
        let count = std::os::unix::fs::FileExt::read_at(&memory, &mut bytes, from).unwrap();
        bytes.truncate(count);
        bytes
    }

    fn name(&self, address: u64) -> String {
        let Some(mapping) = self.mappings.find(address) else {
            return format!("{address:#x}");
        };
        let (Some(bias), Some(names)) = (
            self.biases.get(&mapping.start),
            self.names.get(&mapping.path),
        ) else {
            return "?".to_owned();
        };
        let address = address.wrapping_sub(*bias);
        let found = names
            .iter()
            .find(|(start, bytes, _)| address.wrapping_sub(*start) < (*bytes).max(1));
        found.map_or_else(|| "?".to_owned(), |(_, _, name)| name.clone())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        // A process ends when its traced threads have been waited for.
        let mut status = 0;
        // SAFETY: waits for a thread of our own child.
        unsafe { libc::waitpid(self.thread, &mut status, libc::__WALL) };
        let _ = self.child.wait();
    }
}

fn names(file: &[u8]) -> Vec<(u64, u64, String)> {
    let image = Image::parse(file).unwrap();
    let file = object::File::parse(image.data).unwrap();
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let code =
        symbols.filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.address() != 0);
    code.map(|s| (s.address(), s.size(), s.name().unwrap_or("?").to_owned()))
        .collect()
}

fn second(pid: i32) -> i32 {
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let ids = tasks.map(|task| {
            task.unwrap()
                .file_name()
                .to_string_lossy()
                .parse::<i32>()
                .unwrap()
        });
        if let Some(id) = ids.into_iter().find(|id| *id != pid) {
            return id;
        }
    }
}

fn ptrace(request: libc::c_uint, thread: i32, data: usize) -> i64 {
    // SAFETY: requests of these tests read registers into `data` or move a thread of our own child.
    unsafe { libc::ptrace(request, thread, 0usize, data) }
}

/// Waits for a stop; gives the signal that it is about, if it is about one.
fn wait(thread: i32) -> usize {
    let mut status = 0;
    // SAFETY: waits for a thread of our own child.
    let waited = unsafe { libc::waitpid(thread, &mut status, libc::__WALL) };
    assert_eq!(waited, thread);
    assert!(libc::WIFSTOPPED(status), "{status:#x}");
    let signal = libc::WSTOPSIG(status);
    let is_passed_on = signal != libc::SIGTRAP && status >> 16 == 0;
    if is_passed_on { signal as usize } else { 0 }
}
