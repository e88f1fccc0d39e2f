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
fn symbols(test: &str) -> Symbols {
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
