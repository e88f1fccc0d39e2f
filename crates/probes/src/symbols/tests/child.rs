//! The child: what it answers, what it may not do, and what its death does.

use super::build::{C, chain, compile, function, functions};
use crate::symbols::{Identity, Missing, Opened, Symbols, SymbolsError, serve};
use crate::unwind;
use std::fs::File;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The child is this program with one ignored test.
pub(crate) fn symbols(test: &str) -> Symbols {
    let test = format!("symbols::tests::child::{test}");
    let words = [
        &test,
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ];
    let words = words.iter().map(|word| word.into()).collect();
    Symbols::new(std::env::current_exe().unwrap(), words)
}

/// The socket that this process was started with, if it was.
fn socket() -> Option<UnixStream> {
    let input = std::fs::read_link("/proc/self/fd/0").ok()?;
    // SAFETY: nothing else in this process uses its standard input.
    let input = input
        .to_string_lossy()
        .starts_with("socket:")
        .then(|| unsafe { OwnedFd::from_raw_fd(0) });
    input.map(UnixStream::from)
}

#[test]
#[ignore = "the child of other tests"]
fn served() {
    if let Some(socket) = socket() {
        let result = serve(socket);
        std::process::exit(i32::from(result.is_err()));
    }
}

#[test]
#[ignore = "the child of other tests; it makes a call that is not allowed"]
fn served_and_breaks_out() {
    if let Some(socket) = socket() {
        crate::symbols::jail::enter().unwrap();
        if File::open("/etc/passwd").is_ok() {
            std::process::exit(3);
        }
        let _ = UnixStream::pair();
        drop(socket);
        std::process::exit(0);
    }
}

#[test]
#[ignore = "the child of other tests; it ends soon"]
fn served_briefly() {
    if let Some(socket) = socket() {
        let idle = Duration::from_millis(200);
        let result = crate::symbols::serve::serve_until_idle(&socket, idle);
        std::process::exit(i32::from(result.is_err()));
    }
}

#[test]
fn a_child_that_is_not_asked_ends_and_is_replaced_when_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g"], folder.path());
    let (start, _) = function(&program, "outer");
    let file = open(&program);
    let opened = Opened::only(file.as_fd());
    let mut symbols = symbols("served_briefly");
    symbols.names(1, opened, &[start]).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    let path = format!("/proc/{}/exe", symbols.pid().unwrap());
    while std::fs::read_link(&path).is_ok() {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(
        chain(&symbols.names(1, opened, &[start]).unwrap()[0]),
        ["outer"]
    );
    let counts = symbols.counts();
    assert_eq!((counts.started, counts.crashed), (2, 0));
}

#[test]
#[ignore = "the child of other tests; it does not answer"]
fn silent() {
    if let Some(_socket) = socket() {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn open(path: &Path) -> File {
    File::open(path).unwrap()
}

#[test]
fn the_child_names_and_compiles_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g", "-O1"], folder.path());
    let (start, bytes) = function(&program, "inner");
    let mut symbols = symbols("served");
    let file = open(&program);
    let addresses: Vec<u64> = (0..5000).map(|at| start + at % bytes).collect();
    let named = symbols
        .names(1, Opened::only(file.as_fd()), &addresses)
        .unwrap();
    assert_eq!(named.len(), 5000);
    assert!(named.iter().all(|named| chain(named) == ["inner"]));
    let pid = symbols.pid();

    let image = std::fs::read(&program).unwrap();
    let (table, _) = unwind::compile(&image).unwrap();
    assert_eq!(symbols.table(1, file.as_fd()).unwrap(), table);
    let identity = symbols.identity(1, file.as_fd()).unwrap();
    assert_eq!(identity, Identity::of(&image).unwrap());
    assert!(identity.build_id.is_some() && identity.has_debug_info);

    let map = folder.path().join("perf.map");
    std::fs::write(&map, "1000 10 LazyCompile:~f a.js:1\n").unwrap();
    let named = symbols
        .perf_map(2, open(&map).as_fd(), &[0x1005, 0x2000])
        .unwrap();
    assert_eq!(chain(&named[0]), ["LazyCompile:~f a.js:1"]);
    assert_eq!(named[1].missing, Some(Missing::NoSymbols));
    let list = folder.path().join("kallsyms");
    std::fs::write(&list, "ffffffff81000000 T _text\n").unwrap();
    let kernel = symbols.kernel(3, open(&list).as_fd(), &[0xffff_ffff_8100_0004]);
    assert_eq!(chain(&kernel.unwrap()[0]), ["_text"]);

    let text = folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    let refused = symbols.names(4, Opened::only(open(&text).as_fd()), &[1]);
    assert!(
        matches!(refused, Err(SymbolsError::Refused(Missing::Corrupt))),
        "{refused:?}"
    );
    // A refused file harms nobody: it is the same child all the time.
    assert_eq!((symbols.pid(), symbols.counts().started), (pid, 1));
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.unwrap())).unwrap();
    for line in [
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Uid:\t65534",
    ] {
        assert!(status.contains(line), "{line} in {status}");
    }
    drop(symbols);
    assert!(!Path::new(&format!("/proc/{}", pid.unwrap())).exists());
}

/// What is asked under the number of a file is answered from what was read under it first.
#[test]
fn the_child_keeps_the_functions_of_the_file_that_it_read_last() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g", "-O1"], folder.path());
    let renamed = C.replace("inner", "other");
    let other = compile("cc", &renamed, "other", &["-g", "-O1"], folder.path());
    let (start, bytes) = function(&program, "inner");
    let (program, other) = (open(&program), open(&other));
    let (program, other) = (Opened::only(program.as_fd()), Opened::only(other.as_fd()));
    let mut symbols = symbols("served");
    let found = symbols.functions(1, program, "inner", 10).unwrap();
    let inner = &found.functions[0];
    assert_eq!((inner.name.as_str(), inner.address), ("inner", Some(start)));
    assert_eq!((u64::from(inner.bytes), inner.line), (bytes, Some(3)));
    assert_eq!((found.total, found.missing), (1, None));
    for _ in 0..3 {
        assert_eq!(symbols.functions(1, other, "inner", 10).unwrap(), found);
        assert_eq!(
            chain(&symbols.names(1, other, &[start]).unwrap()[0]),
            ["inner"]
        );
    }
    let wrong = symbols.functions(2, other, "inner", 10).unwrap();
    assert_eq!(wrong.total, 0);
    let counted = symbols.functions(2, other, "ma*n", 0).unwrap();
    assert_eq!((counted.total, counted.functions.len()), (1, 0));
    let similar = symbols.functions(2, other, "mainn", 10).unwrap().similar;
    assert_eq!(similar, ["main"]);
    let again = symbols.functions(1, program, "inner", 10).unwrap();
    assert_eq!(again, found);
    assert_eq!(symbols.counts().started, 1);
}

#[test]
fn functions_have_lines_also_where_only_code_has() {
    let folder = tempfile::tempdir().unwrap();
    let source = "fn main() { println!(\"{}\", total(std::env::args().count())); }\n\n\
        #[inline(never)]\n\
        fn total(n: usize) -> usize {\n    std::hint::black_box(n) * 3\n}\n";
    let flags = ["-O", "-C", "debuginfo=line-tables-only"];
    let program = compile("rustc", source, "program", &flags, folder.path());
    let file = open(&program);
    let mut symbols = symbols("served");
    let found = symbols.functions(1, Opened::only(file.as_fd()), "program::total", 10);
    let total = &found.unwrap().functions[0];
    assert!((4..=5).contains(&total.line.unwrap()), "{total:?}");
    assert!(total.file.as_ref().unwrap().ends_with("program.rs"));
}

#[test]
fn programs_without_functions_and_of_other_machines_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let stripped = compile("cc", C, "stripped", &["-s"], folder.path());
    let mut symbols = symbols("served");
    let file = open(&stripped);
    let found = symbols.functions(1, Opened::only(file.as_fd()), "main", 10);
    assert_eq!(found.unwrap().missing, Some(Missing::NoSymbols));
    let old = folder.path().join("old");
    std::fs::write(&old, [&b"\x7fELF\x01\x01\x01"[..], &[0; 45]].concat()).unwrap();
    let file = open(&old);
    let refused = symbols.functions(2, Opened::only(file.as_fd()), "main", 10);
    let Err(error) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(
        error,
        SymbolsError::Refused(Missing::OtherMachine)
    ));
    assert_eq!(
        error.to_string(),
        "the file is not read: not a 64-bit x86 program"
    );
    let text = folder.path().join("text");
    std::fs::write(&text, "#!/bin/sh\n").unwrap();
    let file = open(&text);
    let refused = symbols.functions(3, Opened::only(file.as_fd()), "main", 10);
    assert!(matches!(
        refused,
        Err(SymbolsError::Refused(Missing::Corrupt))
    ));
    assert_eq!(symbols.counts().started, 1);
}

#[test]
fn a_child_that_does_what_it_may_not_is_killed_and_its_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &[], folder.path());
    let file = open(&program);
    let mut symbols = symbols("served_and_breaks_out");
    let opened = Opened::only(file.as_fd());
    let first = symbols.names(7, opened, &[1]);
    let Err(SymbolsError::Crashed(status)) = first else {
        panic!("{first:?}");
    };
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(status.signal(), Some(libc::SIGSYS));
    assert!(matches!(
        symbols.names(7, opened, &[1]),
        Err(SymbolsError::Quarantined)
    ));
    let counts = symbols.counts();
    assert_eq!(
        (counts.started, counts.crashed, counts.quarantined),
        (1, 1, 1)
    );
}

#[test]
fn a_child_that_is_too_slow_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &[], folder.path());
    let file = open(&program);
    let mut symbols = symbols("silent").with_answer_time(Duration::from_millis(700));
    let result = symbols.names(7, Opened::only(file.as_fd()), &[1]);
    assert!(matches!(result, Err(SymbolsError::TimedOut)), "{result:?}");
    assert_eq!(symbols.counts().timed_out, 1);
    assert_eq!(symbols.pid(), None);
}

#[test]
fn a_child_that_is_killed_between_two_requests_costs_only_that_request() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g"], folder.path());
    let (start, _) = function(&program, "outer");
    let file = open(&program);
    let opened = Opened::only(file.as_fd());
    let mut symbols = symbols("served");
    symbols.names(1, opened, &[start]).unwrap();
    // SAFETY: a signal to our own child.
    unsafe { libc::kill(symbols.pid().unwrap() as i32, libc::SIGKILL) };
    assert!(matches!(
        symbols.names(2, opened, &[start]),
        Err(SymbolsError::Crashed(_))
    ));
    assert_eq!(
        chain(&symbols.names(1, opened, &[start]).unwrap()[0]),
        ["outer"]
    );
    assert_eq!(symbols.counts().started, 2);
    assert!(functions(&program).len() > 3);
}

#[test]
fn files_that_are_no_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut symbols = symbols("served");
    let (pipe, _end) = std::io::pipe().unwrap();
    let refused = symbols.names(1, Opened::only(pipe.as_fd()), &[1]);
    assert!(
        matches!(refused, Err(SymbolsError::Refused(Missing::Corrupt))),
        "{refused:?}"
    );
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let refused = symbols.table(2, open(&empty).as_fd());
    assert!(
        matches!(refused, Err(SymbolsError::Refused(Missing::Corrupt))),
        "{refused:?}"
    );
    let huge = folder.path().join("huge");
    File::create(&huge).unwrap().set_len(3 << 30).unwrap();
    let refused = symbols.table(3, open(&huge).as_fd());
    assert!(
        matches!(refused, Err(SymbolsError::Refused(Missing::TooBig))),
        "{refused:?}"
    );
}
