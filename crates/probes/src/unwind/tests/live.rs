//! Live threads, walked after each instruction: the walk ends where the thread began, whatever the instruction was, and
//! passes through what must be on the stack.

use super::traced::{Traced, compiled, compiled_go};
use coral_probes_abi::unwind::Outcome;
use std::collections::HashMap;

/// Instructions that are walked of each program.
const STEPS: usize = 3000;

struct Seen {
    /// How often each function was the innermost.
    innermost: HashMap<String, usize>,
    /// How often the innermost frame was in each file.
    files: HashMap<String, usize>,
    /// Every different list of names.
    stacks: Vec<Vec<String>>,
}

fn walked(program: &std::path::Path, mode: &str, last: &str) -> Seen {
    let traced = Traced::start(program, mode);
    let mut seen = Seen {
        innermost: HashMap::new(),
        files: HashMap::new(),
        stacks: Vec::new(),
    };
    for number in 0..STEPS {
        traced.step();
        let (walk, names, file) = traced.walk();
        let what = || format!("{mode}, instruction {number}: {walk:x?} {names:?}");
        assert_eq!(walk.outcome, Outcome::End, "{}", what());
        if last != "?" {
            assert_eq!(names.last().map(String::as_str), Some(last), "{}", what());
            assert!(names.iter().any(|name| name == "main"), "{}", what());
        }
        *seen.innermost.entry(names[0].clone()).or_default() += 1;
        *seen.files.entry(file).or_default() += 1;
        if !seen.stacks.contains(&names) {
            seen.stacks.push(names);
        }
    }
    seen
}

/// Whether these names follow each other, from the innermost on, in one of the stacks.
fn has(seen: &Seen, names: &[&str]) -> bool {
    let follows = |stack: &Vec<String>| stack.windows(names.len()).any(|window| window == names);
    seen.stacks.iter().any(follows)
}

#[test]
fn walks_end_at_the_start_whatever_the_instruction() {
    let folder = tempfile::tempdir().unwrap();
    let variants: [(&str, &[&str]); 6] = [
        ("pie", &["-pie", "-fPIE"]),
        ("fixed", &["-no-pie", "-fno-pie"]),
        ("static", &["-static"]),
        (
            "lazy",
            &["-pie", "-fPIE", "-Wl,-z,lazy", "-fcf-protection=none"],
        ),
        // Linkage tables that the linker wrote nothing about.
        (
            "bare",
            &[
                "-Wl,-z,lazy",
                "-Wl,--no-ld-generated-unwind-info",
                "-fcf-protection=none",
            ],
        ),
        (
            "guarded",
            &[
                "-Wl,-z,ibtplt",
                "-Wl,--no-ld-generated-unwind-info",
                "-fcf-protection=full",
            ],
        ),
    ];
    for (name, flags) in variants {
        let program = compiled(folder.path(), name, flags);
        let seen = walked(&program, "recursion", "_start");
        let chain = [
            "leaf", "c", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "main",
        ];
        assert!(has(&seen, &chain), "{name}: {:?}", seen.stacks);
        let seen = walked(&program, "frames", "_start");
        assert!(
            has(&seen, &["leaf", "on_stack", "main"]),
            "{:?}",
            seen.stacks
        );
        assert!(
            has(&seen, &["leaf", "rounded", "main"]),
            "{:?}",
            seen.stacks
        );
        let seen = walked(&program, "noreturn", "_start");
        assert!(
            has(&seen, &["leaf", "c", "forever", "never", "main"]),
            "{:?}",
            seen.stacks
        );
        walked(&program, "clock", "_start");
    }
}

#[test]
fn walks_pass_through_libraries_linkage_tables_and_the_vdso() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled(folder.path(), "shared", &["-Wl,-z,lazy"]);
    let seen = walked(&program, "sort", "_start");
    let is_through = |stack: &Vec<String>| {
        let at = |wanted: &str| stack.iter().position(|name| name == wanted);
        // Between the callback and who sorts there are frames of the C library.
        matches!((at("compare"), at("sorted")), (Some(callback), Some(caller)) if caller > callback + 1)
    };
    assert!(seen.stacks.iter().any(is_through), "{:?}", seen.stacks);
    let seen = walked(&program, "clock", "_start");
    println!("{:?}", seen.files);
    assert!(
        seen.files.get("[vdso]").is_some_and(|count| *count > 100),
        "{:?}",
        seen.files
    );
    // An entry of a linkage table has no symbol; its caller is the next frame.
    assert!(has(&seen, &["?", "timed", "main"]), "{:?}", seen.stacks);
}

#[test]
fn walks_pass_through_signal_frames() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled(folder.path(), "signals", &[]);
    for mode in ["signal", "other stack"] {
        let seen = walked(&program, mode, "_start");
        let is_through = |stack: &Vec<String>| {
            let at = |wanted: &str| stack.iter().position(|name| name == wanted);
            matches!((at("handler"), at("raised")), (Some(handler), Some(below)) if below > handler + 1)
        };
        assert!(
            seen.stacks.iter().any(is_through),
            "{mode}: {:?}",
            seen.stacks
        );
    }
}

#[test]
fn walks_of_threads_end_where_the_thread_began() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled(folder.path(), "threads", &[]);
    let seen = walked(&program, "thread", "?");
    assert!(
        has(
            &seen,
            &["leaf", "c", "b", "a", "b", "a", "b", "a", "thread"]
        ),
        "{:?}",
        seen.stacks
    );
}

#[test]
fn walks_of_go_programs_have_every_caller() {
    let folder = tempfile::tempdir().unwrap();
    for (name, flags) in [("fixed", "-buildmode=exe"), ("pie", "-buildmode=pie")] {
        let program = compiled_go(folder.path(), name, flags);
        let traced = Traced::start(&program, "");
        let mut walked = 0;
        for number in 0..20_000 {
            traced.step();
            let (walk, names, _) = traced.walk();
            let what = || format!("{name}, instruction {number}: {walk:x?} {names:?}");
            // The runtime's own doings between are on a stack of their own.
            if !names[0].starts_with("main.") {
                continue;
            }
            let calls = [
                ("main.leaf", "main.c"),
                ("main.c", "main.b"),
                ("main.b", "main.a"),
            ];
            for (callee, caller) in calls {
                for pair in names.windows(2).filter(|pair| pair[0] == callee) {
                    assert_eq!(pair[1], caller, "{}", what());
                }
            }
            let last = names.last().unwrap().trim_end_matches(".abi0");
            assert_eq!(
                (walk.outcome, last),
                (Outcome::End, "runtime.goexit"),
                "{}",
                what()
            );
            assert_eq!(names[names.len() - 3], "main.main", "{}", what());
            walked += 1;
            if walked == STEPS {
                break;
            }
        }
        println!("{name}: {walked} instructions");
        assert!(walked > 300);
    }
}
