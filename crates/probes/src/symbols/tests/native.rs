//! C: fixed, static and shared, stripped with and without a debug file, packed sections, linkage tables.

use super::build::{C, chain, compile, function, named, run};
use crate::symbols::{Identity, Missing};
use std::path::{Path, PathBuf};

#[test]
fn names_and_lines_of_every_kind_of_c_program() {
    let folder = tempfile::tempdir().unwrap();
    let kinds: [(&str, &[&str]); 6] = [
        ("pie", &["-g", "-O1"]),
        ("fixed", &["-g", "-O1", "-no-pie"]),
        ("static", &["-g", "-O1", "-static"]),
        ("shared", &["-g", "-O1", "-shared", "-fPIC"]),
        ("packed", &["-g", "-O1", "-gz=zlib"]),
        ("old", &["-gdwarf-4", "-O1", "-fdebug-types-section"]),
    ];
    for (name, flags) in kinds {
        let program = compile("cc", C, name, flags, folder.path());
        for (function_name, line) in [("inner", 3..=6), ("outer", 7..=7), ("main", 8..=8)] {
            let (start, bytes) = function(&program, function_name);
            for address in [start, start + bytes / 2, start + bytes - 1] {
                let named = named(&program, None, &[address]).remove(0);
                assert_eq!(chain(&named), [function_name], "{name}");
                let frame = &named.frames[0];
                assert!(line.contains(&frame.line.unwrap()), "{name}: {frame:?}");
                assert!(frame.file.as_ref().unwrap().ends_with(&format!("{name}.c")));
                assert!(!frame.inlined && named.missing.is_none());
            }
        }
    }
}

#[test]
fn sections_packed_in_either_way_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "program", &["-g", "-O1"], folder.path());
    let (start, _) = function(&program, "inner");
    let plain = named(&program, None, &[start]);
    assert!(plain[0].frames[0].line.is_some());
    for way in ["zlib", "zstd"] {
        let pack = format!("--compress-debug-sections={way}");
        run("objcopy", &[&pack, "program", way], folder.path());
        let packed = folder.path().join(way);
        let sections = run("readelf", &["-WS", way], folder.path());
        let info = sections
            .lines()
            .find(|line| line.contains(".debug_info"))
            .unwrap();
        assert!(info.split_whitespace().any(|flags| flags == "C"), "{info}");
        assert_eq!(named(&packed, None, &[start]), plain);
    }
}

#[test]
fn a_stripped_program_has_its_names_from_the_debug_file_that_is_proved() {
    let folder = tempfile::tempdir().unwrap();
    for (case, id) in [
        ("id", "-Wl,--build-id=sha1"),
        ("sum", "-Wl,--build-id=none"),
    ] {
        let program = compile("cc", C, case, &["-g", "-O1", id], folder.path());
        let (start, bytes) = function(&program, "inner");
        let debug = format!("{case}.debug");
        run(
            "objcopy",
            &["--only-keep-debug", case, &debug],
            folder.path(),
        );
        run("strip", &["-s", case], folder.path());
        let link = format!("--add-gnu-debuglink={debug}");
        run("objcopy", &[&link, case], folder.path());

        let file = std::fs::read(&program).unwrap();
        let debug = folder.path().join(debug);
        let debug_file = std::fs::read(&debug).unwrap();
        let identity = Identity::of(&file).unwrap();
        assert_eq!(identity.build_id.is_some(), case == "id");
        assert!(!identity.has_debug_info && identity.is_proved_by(&debug_file));
        assert!(identity.candidates(&program).contains(&debug));

        let bare = named(&program, None, &[start]).remove(0);
        assert!(
            bare.frames.is_empty() && bare.missing == Some(Missing::NoSymbols),
            "{bare:?}"
        );
        let whole = named(&program, Some(&debug), &[start, start + bytes]);
        assert_eq!(chain(&whole[0]), ["inner"]);
        assert!(whole[0].frames[0].line.is_some() && whole[0].missing.is_none());

        let other = compile(
            "cc",
            &C.replace("* 3", "* 5"),
            "other",
            &["-g", "-O1"],
            folder.path(),
        );
        assert!(!identity.is_proved_by(&std::fs::read(&other).unwrap()));
        let wrong = named(&program, Some(&other), &[start]).remove(0);
        assert_eq!(wrong.missing, Some(Missing::OtherBuild));
        assert!(wrong.frames.is_empty());
    }
}

#[test]
fn without_debug_information_symbols_name_and_the_answer_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("cc", C, "plain", &["-O1"], folder.path());
    let (start, _) = function(&program, "outer");
    let named = named(&program, None, &[start + 1, 0, u64::MAX]);
    assert_eq!(chain(&named[0]), ["outer"]);
    assert_eq!(named[0].missing, Some(Missing::NoDebugInfo));
    assert_eq!(named[1].missing, Some(Missing::OutOfRange));
    assert_eq!(named[2].missing, Some(Missing::OutOfRange));
}

/// `ADDRESS <NAME@plt>:` of a disassembly.
fn linked(program: &Path, folder: &Path) -> Vec<(u64, String)> {
    let text = run("objdump", &["-d", program.to_str().unwrap()], folder);
    let label = |line: &str| {
        let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
        let is_linked = name.ends_with("@plt") && !name.contains('+');
        Some((u64::from_str_radix(address, 16).ok()?, name.to_owned())).filter(|_| is_linked)
    };
    text.lines().filter_map(label).collect()
}

#[test]
fn entries_of_linkage_tables_are_named_after_what_they_jump_to() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[&str]); 4] = [
        ("lazy", &["-Wl,-z,lazy", "-fcf-protection=none"]),
        ("now", &["-Wl,-z,now"]),
        ("guarded", &["-fcf-protection=full", "-Wl,-z,ibtplt"]),
        ("got", &["-Wl,-z,lazy", "-DGOT"]),
    ];
    let source = C.replace(
        "puts(v[0]);",
        "void *p = puts; sink += (long)p; puts(v[0]); perror(\"\");",
    );
    for (name, flags) in cases {
        let program = compile("cc", &source, name, flags, folder.path());
        let linked = linked(&program, folder.path());
        assert!(
            linked.iter().any(|(_, name)| name == "puts@plt"),
            "{name}: {linked:?}"
        );
        for (address, label) in linked {
            for inside in [0, 5] {
                let named = named(&program, None, &[address + inside]).remove(0);
                assert_eq!(
                    chain(&named),
                    [label.split("@@").next().unwrap()],
                    "{name} {address:#x}"
                );
            }
        }
    }
}

#[test]
fn a_c_library_gives_the_names_that_people_know() {
    let libc = PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6");
    let data = std::fs::read(&libc).unwrap();
    let file = object::File::parse(&*data).unwrap();
    use object::{Object as _, ObjectSymbol as _};
    for wanted in ["malloc", "write", "puts", "qsort", "strlen", "read"] {
        let symbol = file
            .dynamic_symbols()
            .find(|symbol| symbol.name() == Ok(wanted))
            .unwrap();
        let named = named(&libc, None, &[symbol.address() + 1]).remove(0);
        assert_eq!(chain(&named), [wanted]);
    }
}
