//! C: every way of linking, stripped with and without a debug file, and files that are no programs.

use super::build::{found, names, one, with};
use crate::elf::ElfError;
use crate::functions::{Functions, Language};
use crate::symbols::tests::build::{compile, function, run};
use crate::symbols::{Files, Missing, Sources};
use std::path::Path;

/// `tiny` is inlined everywhere, `hidden` is seen in its own file only.
const C: &str = "#include <stdio.h>\n\
volatile int sink;\n\
static inline __attribute__((always_inline)) int tiny(int n) { sink += n; return n + 1; }\n\
__attribute__((noinline)) int inner(int n) { return tiny(n) * tiny(3); }\n\
__attribute__((noipa)) static int hidden(int n) { return tiny(n) + sink; }\n\
__attribute__((noinline)) int outer(int n) { return inner(n) + hidden(n) + tiny(2); }\n\
int main(int n, char **v) { puts(v[0]); return outer(n); }\n";

#[test]
fn every_kind_of_c_program_has_its_functions_once() {
    let folder = tempfile::tempdir().unwrap();
    let kinds: [(&str, &[&str]); 6] = [
        ("pie", &["-g", "-O2"]),
        ("fixed", &["-g", "-O2", "-no-pie"]),
        ("static", &["-g", "-O2", "-static"]),
        ("shared", &["-g", "-O2", "-shared", "-fPIC"]),
        ("packed", &["-g", "-O2", "-gz=zlib"]),
        ("old", &["-gdwarf-3", "-O2"]),
    ];
    for (name, flags) in kinds {
        let program = compile("cc", C, name, flags, folder.path());
        for (wanted, line) in [("inner", 4), ("hidden", 5), ("outer", 6), ("main", 7)] {
            let found = one(&program, None, wanted);
            let (address, bytes) = function(&program, wanted);
            let at = (found.address, u64::from(found.bytes));
            assert_eq!(at, (Some(address), bytes), "{name}");
            assert_eq!(
                (found.line, found.language),
                (Some(line), Language::C),
                "{name}: {found:?}"
            );
            let file = format!("{}/{name}.c", folder.path().display());
            assert_eq!(found.file, Some(file));
            assert!(found.linkage.is_none() && found.alias.is_none() && found.parts.is_empty());
            assert!(!found.is_inlined_only() && !found.is_variant && !found.is_resolver);
            with(&program, None, |all| {
                assert_eq!(all.at(address), Some(found))
            });
        }
        let tiny = one(&program, None, "tiny");
        assert!(
            tiny.is_inlined_only() && tiny.bytes == 0 && tiny.line == Some(3),
            "{tiny:?}"
        );
        assert_eq!(
            (tiny.inlined.sites, tiny.inlined.functions),
            (4, 3),
            "{name}"
        );
        let mut into = tiny.inlined.names;
        into.sort();
        assert_eq!(into, ["hidden", "inner", "outer"]);
        let missing = found(&program, None, "inner").missing;
        assert_eq!(missing, None, "{name}");
        // What a linkage table jumps to is not in this file, and its entries are no functions.
        if name != "static" {
            assert_eq!(found(&program, None, "puts*").total, 0, "{name}");
        }
    }
}

#[test]
fn a_stripped_program_has_the_functions_of_its_debug_file_and_none_alone() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "whole", &["-g", "-O2"], folder.path());
    let whole = ["inner", "hidden", "tiny"].map(|name| one(&program, None, name));
    run(
        "objcopy",
        &["--only-keep-debug", "whole", "debug"],
        folder.path(),
    );
    run("strip", &["-s", "whole", "-o", "stripped"], folder.path());
    let (stripped, debug) = (folder.path().join("stripped"), folder.path().join("debug"));
    for wanted in &whole {
        let found = one(&stripped, Some(&debug), &wanted.name);
        assert_eq!(found, *wanted);
    }
    let alone = found(&stripped, None, "inner");
    assert_eq!((alone.total, alone.indexed), (0, 0));
    assert_eq!(alone.missing, Some(Missing::NoSymbols));
    assert_eq!(
        alone.missing.map(|m| m.to_string()),
        Some("no symbols".to_owned())
    );
    assert!(alone.similar.is_empty());

    let other = compile(
        "cc",
        &C.replace("* tiny", "+ tiny"),
        "other",
        &["-g"],
        folder.path(),
    );
    let wrong = found(&stripped, Some(&other), "inner");
    assert_eq!((wrong.total, wrong.missing), (0, Some(Missing::OtherBuild)));
}

#[test]
fn functions_without_a_symbol_are_known_by_debug_information() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g", "-O2"], folder.path());
    let wanted = one(&program, None, "hidden");
    run("strip", &["-N", "hidden", "program"], folder.path());
    assert_eq!(one(&program, None, "hidden"), wanted);
}

#[test]
fn debug_information_that_there_is_no_time_to_read_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g", "-O2"], folder.path());
    let file = std::fs::File::open(&program).unwrap();
    let files = Files::open(&file, None, None).unwrap();
    let sources = Sources::of(&files).unwrap();
    let functions = Functions::of(&sources, std::time::Instant::now());
    assert_eq!(functions.missing(), Some(Missing::TimeOut));
    let hidden = functions.search("hidden", 1, super::build::later());
    assert_eq!((hidden.total, hidden.functions[0].line), (1, None));
}

/// The function is described in one unit and inlined in another.
#[test]
fn functions_that_were_inlined_across_files_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let far = "extern volatile int sink; int far(int n) { sink += n; return sink * n; }\n";
    compile(
        "cc",
        far,
        "far.o",
        &["-g", "-O2", "-flto", "-c"],
        folder.path(),
    );
    let near = "volatile int sink; int far(int);\n\
        __attribute__((noinline)) int near(int n) { return far(n) + 1; }\n\
        int main(int n, char **v) { return near(n); }\n";
    let flags = ["-g", "-O2", "-flto", "far.o"];
    let program = compile("cc", near, "program", &flags, folder.path());
    let far = one(&program, None, "far");
    assert!(far.is_inlined_only() && far.line == Some(1), "{far:?}");
    assert_eq!(
        (far.inlined.names, far.inlined.sites),
        (vec!["near".to_owned()], 1)
    );
    assert_eq!(one(&program, None, "near").line, Some(2));
}

#[test]
fn without_debug_information_symbols_are_listed_and_the_answer_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "plain", &["-O2"], folder.path());
    let found = found(&program, None, "hidden");
    assert_eq!(names(&found), ["hidden"]);
    assert_eq!(found.missing, Some(Missing::NoDebugInfo));
    let hidden = &found.functions[0];
    assert_eq!((hidden.line, hidden.language), (None, Language::Unknown));
}

#[test]
fn of_a_stripped_library_only_what_others_may_use_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["-O2", "-shared", "-fPIC", "-s"];
    let library = compile("cc", C, "library", &flags, folder.path());
    let all = found(&library, None, "");
    let mut all_names = names(&all);
    all_names.retain(|name| !name.starts_with('_'));
    assert_eq!(all_names, ["inner", "main", "outer"]);
    assert_eq!(all.missing, Some(Missing::NoSymbols));
}

#[test]
fn a_c_library_has_each_function_once_under_the_name_that_people_know() {
    let library = Path::new("/lib/x86_64-linux-gnu/libc.so.6");
    for name in ["malloc", "write", "puts", "qsort"] {
        let malloc = one(library, None, name);
        assert!(malloc.address.is_some() && malloc.bytes > 0);
    }
    let aliased = found(library, None, "__write");
    assert_eq!(aliased.functions[0].name, "write");
    assert_eq!(aliased.functions[0].alias.as_deref(), Some("__write"));
    assert_eq!(
        aliased.functions[0],
        found(library, None, "__write").functions[0]
    );
    assert!(one(library, None, "strlen").is_resolver);
    with(library, None, |all| {
        assert!(all.len() > 1500);
        let listed = all.search("", 1000, super::build::later());
        assert_eq!(listed.total as usize, all.len());
        assert!(listed.functions.iter().all(|one| !one.name.contains('@')));
    });
}

#[test]
fn a_program_of_another_machine_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let of_32_bits = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x03\0\x01\0\0\0";
    let mut of_arm = std::fs::read("/proc/self/exe").unwrap()[..4096].to_vec();
    of_arm[18] = 183;
    for (bytes, wanted) in [
        (&of_32_bits[..], ElfError::OtherMachine),
        (
            &[&of_32_bits[..], &[0; 28]].concat(),
            ElfError::OtherMachine,
        ),
        (&of_arm, ElfError::OtherMachine),
        (b"#!/usr/bin/python3\n", ElfError::NotElf),
    ] {
        let file = folder.path().join("file");
        std::fs::write(&file, bytes).unwrap();
        let file = std::fs::File::open(file).unwrap();
        let files = Files::open(&file, None, None).unwrap();
        assert_eq!(Sources::of(&files).err(), Some(wanted));
    }
}
