//! Functions of every shape, compiled here: where they begin and end, and what is said where that cannot be told.

use super::super::*;
use crate::symbols::tests::build::{compile, functions, run};
use crate::symbols::{Files, Sources};
use coral_probes_abi::calls::at;
use std::fs::File;
use std::path::{Path, PathBuf};

const BOTH: Wanted = Wanted {
    registers: 0xffff,
    end: true,
};

fn compiled(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let mut all = vec!["-O2", "-w", "-g"];
    all.extend(flags);
    compile("cc", include_str!("cases.c"), name, &all, folder)
}

/// Looks at a program through a closure.
fn with<T>(path: &Path, look: impl FnOnce(&Program<'_>) -> T) -> T {
    let files = Files::open(&File::open(path).unwrap(), None, None).unwrap();
    let sources = Sources::of(&files).unwrap();
    look(&Program::of(&sources))
}

/// Where a function begins.
fn start(path: &Path, name: &str) -> u64 {
    let all = functions(path);
    let (_, start, _) = all.iter().find(|(other, ..)| other == name).unwrap();
    *start
}

fn unwinds(path: &Path) -> bool {
    with(path, |program| program.can_unwind())
}

/// Of a function by name: the plan, and its distances from the function's start, with those of all exits.
fn planned(path: &Path, name: &str) -> (Result<Plan, Obstacle>, Exits, u64) {
    let start = start(path, name);
    with(path, |program| {
        let function = program.function(start).unwrap();
        (
            plan(&function, program, true, BOTH),
            exits(&function, program),
            start,
        )
    })
}

fn sites(path: &Path, name: &str) -> (Entry, Vec<Exit>) {
    let (plan, exits, _) = planned(path, name);
    let Exits::Sites(exits) = exits else {
        panic!("{name}: {exits:?}");
    };
    (plan.unwrap().entry, exits)
}

/// Returns in a function and its cold part, by `objdump`.
fn returns(path: &Path, name: &str) -> usize {
    let parts = functions(path);
    let parts = parts.iter().filter(|(other, ..)| {
        other == name
            || other
                .strip_prefix(name)
                .is_some_and(|r| r.starts_with(".cold"))
    });
    let count = |(_, start, bytes): &(String, u64, u64)| {
        let from = format!("--start-address={start}");
        let to = format!("--stop-address={}", start + bytes);
        let file = path.to_str().unwrap();
        let text = run(
            "objdump",
            &["-d", "--no-show-raw-insn", &from, &to, file],
            Path::new("/"),
        );
        text.lines()
            .filter(|line| line.split_whitespace().nth(1) == Some("ret"))
            .count()
    };
    parts.map(count).sum()
}

const FLAGS: [&[&str]; 4] = [
    &["-fPIE", "-pie"],
    &["-no-pie", "-fno-pie", "-fcf-protection=none"],
    &[
        "-fcf-protection=full",
        "-fstack-clash-protection",
        "-fno-omit-frame-pointer",
    ],
    &["-O0", "-fcf-protection=full"],
];

#[test]
fn every_shape_of_function_has_its_sites() {
    let folder = tempfile::tempdir().unwrap();
    for (number, flags) in FLAGS.iter().enumerate() {
        let path = compiled(folder.path(), &format!("cases{number}"), flags);
        let is_optimised = number < 3;
        for name in [
            "leaf", "other", "pushes", "fib", "split", "fails", "chosen", "large", "aligned",
            "sized", "tail", "through", "rare",
        ] {
            let (entry, exits) = sites(&path, name);
            let (plain, tails): (Vec<&Exit>, Vec<&Exit>) = exits.iter().partition(|e| !e.is_tail);
            assert_eq!(plain.len(), returns(&path, name), "{name} {flags:?}");
            assert!(
                exits.iter().all(|exit| exit.to_base == 0),
                "{name}: {exits:?}"
            );
            let has_tail = is_optimised && matches!(name, "tail" | "through" | "chosen");
            assert_eq!(!tails.is_empty(), has_tail, "{name} {flags:?}: {exits:?}");
            assert_eq!(entry.at, 0);
        }
        let entry = |name| sites(&path, name).0;
        let start = start(&path, "pushes");
        // `push`, or what comes before it in guarded code.
        assert_eq!(entry("pushes").kind, Kind::Emulated);
        assert!((start..=start + 4).contains(&entry("pushes").address));
        assert_eq!(entry("pushes").to_base, 0);
        if is_optimised && number != 2 {
            assert_eq!(entry("leaf").kind, Kind::Stepped);
            let through = sites(&path, "through").1;
            assert_eq!((through.len(), through[0].kind), (1, Kind::Stepped));
            assert_eq!(sites(&path, "tail").1[0].kind, Kind::Emulated);
        }
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = compiled(folder.path(), "cases", FLAGS[1]);
    let (plan, _, _) = planned(&path, "looped");
    assert_eq!(plan, Err(Obstacle::Loop));
    // Behind the first instruction there is a loop: the first it is, though the kernel has to step over it.
    let (entry, exits) = sites(&path, "jumped");
    assert_eq!(
        (entry.address, entry.kind),
        (start(&path, "jumped"), Kind::Stepped)
    );
    assert_eq!(exits.len(), 1);
    // Calls of the function that begins behind the first instruction are no calls of this one.
    let (entry, _) = sites(&path, "entered");
    let first = start(&path, "entered");
    assert_eq!((entry.address, entry.kind), (first, Kind::Stepped));
    assert_eq!(sites(&path, "inner").0.address, first + 4);
    let (_, exits, start) = planned(&path, "moved");
    assert_eq!(exits, Exits::Unknown(Obstacle::Return(start + 4)));
    let (_, exits, _) = planned(&path, "listed");
    assert!(
        matches!(exits, Exits::Unknown(Obstacle::Table(_))),
        "{exits:?}"
    );
    let (plan, exits, _) = planned(&path, "never");
    assert_eq!(exits, Exits::Sites(Vec::new()));
    assert_eq!(
        plan.unwrap().returns,
        Some(Returns::EntryOnly(Obstacle::NoExit))
    );
}

#[test]
fn the_kernel_replaces_return_addresses_only_where_nothing_unwinds() {
    let folder = tempfile::tempdir().unwrap();
    let path = compiled(folder.path(), "cases", &[]);
    let start = start(&path, "pushes");
    with(&path, |program| {
        assert!(!program.can_unwind());
        let function = program.function(start).unwrap();
        let plan = plan(&function, program, program.can_unwind(), BOTH).unwrap();
        assert_eq!(plan.returns, Some(Returns::Uretprobe));
        assert_eq!(plan.entry.to_base, 0);
        assert_eq!(plan.predicted_ns(), EMULATED_NS + URETPROBE_NS);
    });
    let throws =
        "#include <stdexcept>\nint main(int n, char **) { if (n > 3) throw n; return 0; }\n";
    let throws = compile("c++", throws, "throws", &["-O2"], folder.path());
    assert!(unwinds(&throws));
    let rust = compile(
        "rustc",
        "fn main() {}",
        "rust",
        &["-C", "opt-level=1"],
        folder.path(),
    );
    assert!(unwinds(&rust));
    let cancels =
        "#include <pthread.h>\nint main(void) { return pthread_cancel(pthread_self()); }\n";
    assert!(unwinds(&compile(
        "cc",
        cancels,
        "cancels",
        &[],
        folder.path()
    )));
    // Nothing is known of what is in it.
    let bare = compile(
        "cc",
        "int main(void) { return 3; }",
        "bare",
        &["-static"],
        folder.path(),
    );
    run("strip", &["-s", "bare"], folder.path());
    assert!(unwinds(&bare));
}

const CATCHES: &str = "extern int sink; int sink;\n\
__attribute__((noinline)) int thrower(int n) { if (n > 2) throw n; return n; }\n\
__attribute__((noinline)) int catcher(int n) {\n\
    try { return thrower(n) * 3; } catch (int caught) { sink = caught; return thrower(caught - 9) + 8; }\n\
}\n\
int main(int n, char **) { return catcher(n); }\n";

#[test]
fn what_catches_exceptions_is_part_of_the_function() {
    let folder = tempfile::tempdir().unwrap();
    for (name, flags) in [("split", ["-O2", "-g"]), ("whole", ["-O1", "-g"])] {
        let path = compile("c++", CATCHES, name, &flags, folder.path());
        let (_, exits) = sites(&path, "_Z7catcheri");
        let plain = exits.iter().filter(|exit| !exit.is_tail).count();
        assert_eq!(plain, returns(&path, "_Z7catcheri"), "{exits:x?}");
        let start = start(&path, "_Z7catcheri");
        let landings = with(&path, |program| program.landings(start));
        assert!(!landings.is_empty());
        let has_cold = functions(&path)
            .iter()
            .any(|(n, ..)| n == "_Z7catcheri.cold");
        assert_eq!(has_cold, name == "split");
        // Stripped, the part has no name; its exits are found all the same.
        let stripped = format!("{name}.stripped");
        run("strip", &["-s", "-o", &stripped, name], folder.path());
        let bare = with(&folder.path().join(stripped), |program| {
            exits_of(program, start)
        });
        assert_eq!(bare, Exits::Sites(exits));
    }
}

fn exits_of(program: &Program<'_>, start: u64) -> Exits {
    exits(&program.function(start).unwrap(), program)
}

const GO: &str = "package main\n\
import \"os\"\n\
//go:noinline\n\
func leaf(n int) int { return n*7 + 1 }\n\
//go:noinline\n\
func checked(n int) int { var a [40]int; for i := range a { a[i] = leaf(n + i) }; return a[n%40] + leaf(n) }\n\
//go:noinline\n\
func large(n int) int { var a [4000]int; for i := range a { a[i] = leaf(i) }; return a[n] }\n\
//go:noinline\n\
//go:nosplit\n\
func unchecked(n int) int { for n > 9 { n -= 3 }; return n }\n\
func main() { os.Exit(checked(len(os.Args)) + large(3) + unchecked(20)) }\n";

#[test]
fn go_functions_begin_where_their_stack_is_large_enough() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.go"), GO).unwrap();
    run("go", &["build", "-o", "go", "main.go"], folder.path());
    let path = folder.path().join("go");
    let entry = |name| sites(&path, name).0;
    for name in ["main.checked", "main.large", "main.main"] {
        let start = start(&path, name);
        let entry = entry(name);
        assert_eq!(
            (entry.at, entry.kind),
            (at::UNLESS_BELOW, Kind::Emulated),
            "{name}"
        );
        assert!(entry.address > start && entry.to_base == 0);
        let bytes = with(&path, |p| p.bytes(entry.address).unwrap()[..2].to_vec());
        assert!(
            bytes[0] == 0x76 || bytes == [0x0f, 0x86],
            "{name}: {bytes:x?}"
        );
    }
    for name in ["main.leaf", "main.unchecked"] {
        assert_eq!(entry(name).at, 0, "{name}");
    }
    // Whatever the file says of unwinding: the runtime moves stacks.
    let start = start(&path, "main.checked");
    with(&path, |program| {
        assert!(program.can_unwind());
        let function = program.function(start).unwrap();
        let returns = plan(&function, program, false, BOTH).unwrap().returns;
        assert!(matches!(returns, Some(Returns::Sites(exits)) if !exits.is_empty()));
    });
    super::corpus::hold(&path, 0.5, 0.97);
}

#[test]
fn bytes_of_every_form_have_sites_or_obstacles() {
    let whole = std::fs::read("/proc/self/exe").unwrap();
    let image = crate::elf::Image::parse(&whole).unwrap();
    let text = image.section(b".text").unwrap().raw();
    let mut state = 9u64;
    for _ in 0..3_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = (state >> 33) as usize % (text.len() - 2048);
        let mut bytes = text[at..at + 64 + (state >> 20) as usize % 1500].to_vec();
        for number in 0..(state >> 60) as usize {
            let place = (state >> (number * 3)) as usize % bytes.len();
            bytes[place] = (state >> (number * 2)) as u8;
        }
        fuzz(&bytes);
    }
}
