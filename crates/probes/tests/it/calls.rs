//! Calls of probed functions of a running program, counted by the real kernel.

use coral_probes::abi::calls::{Call, Cookie, Hits, NodeKey, Probe, Take, at, end, how};
use coral_probes::arguments::{Argument, show};
use coral_probes::calls::{Calls, Links, Place};
use coral_probes::probeable::{ProbeRequest, Probeable, of_file};
use object::{Object as _, ObjectSegment as _, ObjectSymbol as _};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits for a line, does what it says so often, and tells how long that took by its own clock.
const SOURCE: &str = r#"
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#define APART __attribute__((noinline, noipa))
static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static uint64_t inner_ns, outer_ns;
APART int inner(int us, const char *name) { uint64_t a = now(); while (now() - a < us * 1000ull) {} inner_ns += now() - a; return us * 2 + (int)strlen(name); }
APART int outer(int times, int us) { uint64_t a = now(); int s = 0; for (int i = 0; i < times; i++) s += inner(us, "payment"); while (now() - a < (times + 1) * us * 1000ull) {} outer_ns += now() - a; return s; }
APART int again(int n) { return n == 0 ? 0 : again(n - 1) + 1; }
struct order { int id; const char *buyer; double price; };
enum kind { SMALL, LARGE = 7 };
APART int charge(const struct order *order, enum kind kind, long cents, const char *note) { return order->id + kind + (int)cents + (int)strlen(note); }
APART int quick(int n) { __asm__ volatile("" ::: "memory"); return n + 1; }
int main(void) {
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        char what[16]; int times = 0, us = 0; unsigned sum = 0;
        sscanf(line, "%15s %d %d", what, &times, &us);
        inner_ns = outer_ns = 0;
        for (int i = 0; i < times; i++) {
            if (!strcmp(what, "outer")) sum += outer(3, us);
            if (!strcmp(what, "charge")) { struct order o = {i, "alice", 2.5}; sum += charge(&o, i % 2 ? LARGE : SMALL, i * 100, "hello"); }
            if (!strcmp(what, "again")) sum += again(us);
            if (!strcmp(what, "quick")) sum += quick(i);
        }
        printf("%u %llu %llu\n", sum, (unsigned long long)inner_ns, (unsigned long long)outer_ns);
        fflush(stdout);
    }
    return 0;
}
"#;

/// A compiled program.
struct Built {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Built {
    fn new(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (source, path) = (folder.path().join("calls.c"), folder.path().join("calls"));
        std::fs::write(&source, SOURCE).unwrap();
        let mut cc = Command::new("cc");
        let built = cc.args(flags).arg(&source).arg("-o").arg(&path).status();
        assert!(built.unwrap().success());
        Self {
            path,
            _folder: folder,
        }
    }

    /// Where a function begins in the file.
    fn offset(&self, name: &str) -> u64 {
        offset(&self.path, name)
    }
}

fn offset(path: &Path, name: &str) -> u64 {
    let data = std::fs::read(path).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let symbol = file.symbols().find(|s| s.name() == Ok(name)).unwrap();
    let segment = file
        .segments()
        .find(|s| (s.address()..s.address() + s.size()).contains(&symbol.address()))
        .unwrap();
    symbol.address() - segment.address() + segment.file_range().0
}

/// A running program.
struct Target {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Target {
    fn start(built: &Built) -> Self {
        let mut command = Command::new(&built.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says }
    }

    /// Does something so often; the sum of what was returned, and the times by its own clock.
    fn does(&mut self, what: &str, times: u32, us: u32) -> [u64; 3] {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{what} {times} {us}").unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        numbers.try_into().unwrap()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NUMBER: u32 = 7;

/// Probes of functions of a C program, whose ends are seen by their return.
fn probe(
    calls: &mut Calls,
    built: &Built,
    names: &[&str],
    change: impl Fn(&mut Probe),
) -> Vec<Links> {
    calls.open(0, u64::MAX, 1_000).unwrap();
    let file = File::open(&built.path).unwrap();
    let mut places = vec![];
    for (index, name) in names.iter().enumerate() {
        let mut probe = Probe {
            session: 0,
            number: NUMBER,
            end: end::RETURN,
            ..Probe::NOTHING
        };
        change(&mut probe);
        calls.set(index as u32, &probe).unwrap();
        places.push((index as u16, built.offset(name)));
    }
    let place = |at: u8, to_base: i32| {
        let one = move |(probe, offset): &(u16, u64)| Place {
            offset: *offset,
            cookie: Cookie {
                probe: *probe,
                at,
                to_base,
            },
        };
        places.iter().map(one).collect::<Vec<_>>()
    };
    let (begins, ends) = (place(0, 0), place(at::EXIT | at::RETURNED, -8));
    vec![
        calls.attach(file.as_fd(), &begins, false).unwrap(),
        calls.attach(file.as_fd(), &ends, true).unwrap(),
    ]
}

fn calls() -> Calls {
    Calls::take(&mut coral_probes::load().unwrap()).unwrap()
}

fn all(calls: &mut Calls) -> Vec<Call> {
    calls.single(usize::MAX)
}

fn text(call: &Call, at: usize) -> String {
    let bytes = usize::from(call.values.bytes[at]);
    String::from_utf8_lossy(&call.values.values[at][..bytes]).into_owned()
}

fn number(call: &Call, at: usize) -> i32 {
    i32::from_ne_bytes(call.values.values[at][..4].try_into().unwrap())
}

#[test]
fn calls_are_counted_exactly_with_their_times_and_their_callers() {
    let (built, mut calls) = (Built::new(&["-O2"]), calls());
    let mut target = Target::start(&built);
    let _links = probe(&mut calls, &built, &["inner", "outer"], |probe| {
        probe.take[0] = Take {
            how: how::WORD,
            register: 5,
            ..Take::NOTHING
        };
        probe.take[1] = Take {
            how: how::TEXT,
            register: 4,
            ..Take::NOTHING
        };
        probe.takes = 2;
        probe.has_stack = 1;
    });
    calls.admit(NUMBER, target.child.id(), true).unwrap();
    let [sum, inner_ns, outer_ns] = target.does("outer", 40, 300);
    assert_eq!(sum, 40 * 3 * (600 + 7));
    let (inner, outer) = (calls.hits(0).unwrap(), calls.hits(1).unwrap());
    assert_eq!(
        (inner.hits, inner.returned, inner.unreturned),
        (120, 120, 0)
    );
    assert_eq!((outer.hits, outer.returned, outer.unreturned), (40, 40, 0));
    let near = |measured: u64, told: u64| (measured as f64 / told as f64 - 1.0).abs() < 0.05;
    assert!(near(inner.total_ns, inner_ns), "{inner:?} {inner_ns}");
    assert!(near(outer.total_ns, outer_ns), "{outer:?} {outer_ns}");
    assert!(near(outer.self_ns, outer_ns - inner_ns), "{outer:?}");

    let counted = calls.counted().unwrap();
    let nodes: BTreeMap<NodeKey, _> = counted.nodes.iter().copied().collect();
    let [of_inner, of_outer] = [0, 1].map(|probe| {
        let mut own = nodes.iter().filter(|(key, _)| key.probe == probe);
        let one = own.next().unwrap();
        assert_eq!(own.count(), 0);
        one
    });
    assert_eq!((of_outer.1.parent, of_outer.1.calls), (0, 40));
    assert_eq!(
        (of_inner.1.parent, of_inner.1.calls),
        (of_outer.0.path, 120)
    );
    assert_eq!(
        of_inner.1.total_ns + of_outer.1.self_ns,
        of_outer.1.total_ns
    );
    let in_histogram: u64 = counted.times.iter().flat_map(|(_, part)| part).sum();
    assert_eq!(in_histogram, 160);

    let single = all(&mut calls);
    assert_eq!(single.len(), 160);
    for call in single.iter().filter(|call| call.probe == 0) {
        assert_eq!(
            (number(call, 0), text(call, 1)),
            (300, "payment".to_owned())
        );
        assert_eq!(call.returned[0] as i32, 607);
        assert_eq!((call.tgid, call.has_ended), (target.child.id(), 1));
        assert!(call.duration_ns >= 300_000 && call.frames > 1, "{call:?}");
    }
}

/// Probes functions as they are found in the file of a program, with their values.
fn probe_found(
    calls: &mut Calls,
    built: &Built,
    request: &ProbeRequest,
) -> (Vec<Probeable>, Vec<Links>) {
    calls.open(0, u64::MAX, 1_000).unwrap();
    let file = File::open(&built.path).unwrap();
    let found = of_file(&file, request).unwrap().functions;
    let mut links = vec![];
    for (index, one) in found.iter().enumerate() {
        let mut probe = Probe {
            number: NUMBER,
            end: one.end,
            ..Probe::NOTHING
        };
        let takes = one
            .arguments
            .iter()
            .filter_map(|argument| argument.take.ok());
        for (to, from) in probe.take.iter_mut().zip(takes) {
            *to = from;
            probe.takes += 1;
        }
        for (to, from) in probe
            .give
            .iter_mut()
            .zip(one.returned.iter().filter_map(|r| r.take.ok()))
        {
            *to = from;
            probe.gives += 1;
        }
        for (to, from) in probe.condition.iter_mut().zip(&one.conditions) {
            *to = *from;
            probe.conditions += 1;
        }
        calls.set(index as u32, &probe).unwrap();
        let own = |place: &Place| {
            let mut place = *place;
            place.cookie.probe = index as u16;
            place
        };
        let begin: Vec<Place> = one.begin.iter().map(own).collect();
        let ends: Vec<Place> = one.ends.iter().map(own).collect();
        assert!(!begin.is_empty() && !ends.is_empty(), "{one:#?}");
        links.push(
            calls
                .attach(file.as_fd(), &ends, one.end == end::RETURN)
                .unwrap(),
        );
        links.push(calls.attach(file.as_fd(), &begin, false).unwrap());
    }
    (found, links)
}

/// The values of a call as they are shown.
fn shown(one: &Probeable, call: &Call) -> Vec<String> {
    let value = |(at, argument): (usize, &Argument)| {
        let bytes = usize::from(call.values.bytes[at]);
        let value = call.values.values[at].get(..bytes);
        format!(
            "{}={}",
            argument.name,
            show(argument, value, call.values.lengths[at])
        )
    };
    one.arguments.iter().enumerate().map(value).collect()
}

#[test]
fn arguments_and_results_are_those_of_the_program() {
    for flags in [
        &["-O2", "-g"][..],
        &["-O0", "-g"],
        &["-O2", "-g", "-static", "-no-pie"],
    ] {
        let (built, mut calls) = (Built::new(flags), calls());
        let mut target = Target::start(&built);
        let request = ProbeRequest {
            functions: vec!["charge".to_owned()],
            when: "cents >= 500".to_owned(),
            has_values: true,
            can_unwind: false,
            most: 10,
        };
        let (found, _links) = probe_found(&mut calls, &built, &request);
        calls.admit(NUMBER, target.child.id(), true).unwrap();
        target.does("charge", 10, 0);
        let hits = calls.hits(0).unwrap();
        assert_eq!(
            (hits.hits, hits.returned, hits.matched),
            (10, 10, 5),
            "{flags:?}"
        );
        let single = all(&mut calls);
        assert_eq!(single.len(), 5);
        for (call, i) in single.iter().zip(5..10) {
            let kind = if i % 2 == 1 { "LARGE" } else { "SMALL" };
            let values = shown(&found[0], call).join(" ");
            for part in [
                format!("id: {i}"),
                "price: 2.5".to_owned(),
                format!("kind={kind}"),
                format!("cents={}", i * 100),
                "note=\"hello\"".to_owned(),
            ] {
                assert!(values.contains(&part), "{flags:?} {part}: {values}");
            }
            let kind = if i % 2 == 1 { 7 } else { 0 };
            assert_eq!(call.returned[0] as i32, i + kind + i * 100 + 5);
        }
    }
}

#[test]
fn a_function_that_calls_itself_is_followed_as_deep_as_there_is_room() {
    let (built, mut calls) = (Built::new(&["-O1", "-fno-optimize-sibling-calls"]), calls());
    let mut target = Target::start(&built);
    let _links = probe(&mut calls, &built, &["again"], |_| {});
    calls.admit(NUMBER, target.child.id(), true).unwrap();
    assert_eq!(target.does("again", 10, 30)[0], 300);
    let hits = calls.hits(0).unwrap();
    assert_eq!((hits.hits, hits.returned, hits.unreturned), (310, 310, 0));
    assert_eq!(target.does("again", 1, 99)[0], 99);
    let deep = calls.hits(0).unwrap();
    assert_eq!((deep.hits, deep.returned, deep.unreturned), (410, 374, 36));
    let counted = calls.counted().unwrap();
    let [(_, node)] = counted.nodes[..] else {
        panic!("{:?}", counted.nodes)
    };
    assert_eq!(node.calls, 374);
}

#[test]
fn others_are_not_counted_and_too_many_hits_end_it() {
    let (built, mut calls) = (Built::new(&["-O2"]), calls());
    let (mut meant, mut other) = (Target::start(&built), Target::start(&built));
    let _links = probe(&mut calls, &built, &["quick"], |_| {});
    calls.admit(NUMBER, meant.child.id(), true).unwrap();
    meant.does("quick", 1_000, 0);
    other.does("quick", 500, 0);
    let hits = calls.hits(0).unwrap();
    assert_eq!((hits.hits, hits.returned), (1_000, 1_000));
    // Begin and end of each.
    assert_eq!(hits.foreign, 1_000);
    assert!(!calls.is_off(0).unwrap());
    calls.bound(0, 5_000, 0).unwrap();
    meant.does("quick", 200_000, 0);
    assert!(calls.is_off(0).unwrap());
    let last = calls.hits(0).unwrap();
    assert!(last.hits < 1_000 + 20_000, "{last:?}");
    meant.does("quick", 1_000, 0);
    assert_eq!(calls.hits(0).unwrap(), Hits { ..last });
}

#[test]
fn nothing_is_left_when_the_links_are_dropped() {
    let (built, mut calls) = (Built::new(&["-O2"]), calls());
    let mut target = Target::start(&built);
    // Its program is mapped when it answers, not yet when it is started.
    target.does("quick", 1, 0);
    let at = built.offset("quick");
    let code = || code(target_code(&built, target.child.id(), at));
    let before = code();
    let links = probe(&mut calls, &built, &["quick"], |_| {});
    assert_ne!(code(), before, "no breakpoint is set");
    drop(links);
    let start = Instant::now();
    while code() != before {
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "a breakpoint is left"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    calls.close(NUMBER, &[target.child.id()]).unwrap();
    assert_eq!(target.does("quick", 100, 0)[0], (1..=100).sum::<u64>());
    assert_eq!(calls.hits(0).unwrap().hits, 0);
}

/// Where in a process a place of its program lies.
fn target_code(built: &Built, pid: u32, offset: u64) -> (u32, u64) {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let path = built.path.to_str().unwrap();
    for line in maps.lines().filter(|line| line.ends_with(path)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (from, to) = words[0].split_once('-').unwrap();
        let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let (from, to, begins) = (hex(from), hex(to), hex(words[2]));
        if (begins..begins + to - from).contains(&offset) {
            return (pid, from + offset - begins);
        }
    }
    panic!("{maps}");
}

fn code((pid, address): (u32, u64)) -> [u8; 16] {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = [0; 16];
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    memory.read_exact_at(&mut bytes, address).unwrap();
    bytes
}
