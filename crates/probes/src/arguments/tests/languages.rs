//! Known calls in C, C++, Rust and Go.

use super::live::{Call, calls, probed};
use crate::symbols::tests::build::{compile, run};
use std::path::Path;

/// The arguments of a call as one text.
fn text(values: &[(String, String)]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    texts.join(" ")
}

fn told(call: &Call) -> String {
    let returned = call.returned.as_ref().map(|values| text(values));
    format!(
        "({}) {}",
        text(&call.arguments),
        returned.as_deref().unwrap_or("-")
    )
}

/// What was called with what, by a program that runs.
fn seen(path: &Path, name: &str, caller: &str) -> Vec<String> {
    let probed = probed(path, name);
    let calls = calls(path, &probed);
    for call in &calls {
        assert!(
            call.caller.contains(caller),
            "{name} was called by {}",
            call.caller
        );
        assert!(call.has_ended, "{name} has not ended");
    }
    calls.iter().map(told).collect()
}

const C_FLAGS: [&[&str]; 4] = [
    &["-O0", "-g"],
    &["-O2", "-g"],
    &["-O2", "-gdwarf-4", "-fdebug-types-section", "-no-pie"],
    &[
        "-O1",
        "-gdwarf-3",
        "-fno-omit-frame-pointer",
        "-fcf-protection=full",
    ],
];

#[test]
fn arguments_in_c() {
    let folder = tempfile::tempdir().unwrap();
    for (number, flags) in C_FLAGS.iter().enumerate() {
        let name = format!("values{number}");
        let path = compile(
            "cc",
            include_str!("programs/values.c"),
            &name,
            flags,
            folder.path(),
        );
        let seen = |function: &str| seen(&path, function, "main");
        assert_eq!(
            seen("numbers"),
            [
                "(c='q' s=-3 i=-70000 l=1099511627776 u=200 ul=18446744073709551615 seventh=-9 eighth=65535) ret=4165"
            ]
        );
        let big = "{a: 1099511627776, b: -7, c: 'x', name: 0x";
        let texts = seen("texts");
        let first = format!("(text=\"some text\" big={big}");
        assert!(texts[0].starts_with(&first), "{}", texts[0]);
        let end = "list: [4, 5, 6], inner: {a: 7, b: 8}} colour=BLUE yes=true pair={a: 11, b: -12} number=&77) ret=\"me text\"";
        assert!(texts[0].ends_with(end), "{}", texts[0]);
        assert!(
            texts[1].contains("bytes that are read o\"… big"),
            "{}",
            texts[1]
        );
        assert!(texts[1].contains("colour=9 yes=false"), "{}", texts[1]);
        let structs = seen("structs");
        let begin = "(point.x=3 point.y=<in a floating point register> ";
        assert!(structs[0].starts_with(begin), "{}", structs[0]);
        for part in [
            "f=<in a floating point register>",
            "two.a=-1 two.b=\"two\"",
            "after=42) ret={a: ",
        ] {
            assert!(structs[0].contains(part), "{part}: {}", structs[0]);
        }
        let larger = seen("larger");
        assert!(
            larger[0].contains("times=3) ret={a: 3298534883328, b: -7, c: 'x'"),
            "{}",
            larger[0]
        );
        assert_eq!(
            seen("fraction"),
            [
                "(d=<in a floating point register> either={i: 65, f: 9.1e-44} nothing=0x0) ret=<in a floating point register>"
            ]
        );
        assert_eq!(seen("coloured"), ["(function=0x0 unused=5) ret=BLUE"]);
        assert_eq!(seen("both"), ["(n=9) ret.a=10 ret.b=\"many\""]);
        assert!(
            seen("nothing")[0].starts_with("(list=&1 texts=&0x"),
            "{:?}",
            seen("nothing")
        );
    }
}

#[test]
fn arguments_in_cpp() {
    let folder = tempfile::tempdir().unwrap();
    let string = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";
    let view = "St17basic_string_viewIcSt11char_traitsIcEE";
    let inner = "NSt7__cxx1112basic_stringIcS1_SaIcEEE";
    for (number, flags) in [["-O0", "-g"], ["-O2", "-g"], ["-O2", "-gdwarf-4"]]
        .iter()
        .enumerate()
    {
        let name = format!("values{number}");
        let path = compile(
            "c++",
            include_str!("programs/values.cc"),
            &name,
            flags,
            folder.path(),
        );
        let seen = |function: &str| seen(&path, function, "main");
        assert_eq!(
            seen(&format!("_ZN4shop4Cart3addEiRK{string}")),
            [
                "(this={id: 9, total: 1000, kind: Large} n=5 name=\"a name that is too long to be inside\") ret=1050"
            ]
        );
        assert_eq!(
            seen("_ZN4shop4Cart4areaENS_4KindERi"),
            ["(kind=Large count=&3) ret=600"]
        );
        let joined = seen(&format!("_Z6joined{view}{inner}RKSt6vectorIiSaIiEE"));
        assert!(
            joined[0].starts_with("(left=\"left\" right=\"right\" list={_M_impl: {_M_start: 0x"),
            "{joined:?}"
        );
        assert!(joined[0].ends_with(" ret=\"leftright3\""), "{joined:?}");
        assert_eq!(
            seen(&format!("_Z5ownedN4shop5OwnerEONS_4CartEP{view}")),
            ["(owner={n: 4} cart={id: 9, total: 1041, kind: Large} view=\"seen\") ret=17"]
        );
        // The first of them catches what was thrown below it.
        assert_eq!(
            seen("_Z7catchesPKci"),
            ["(text=\"x\" n=7) ret=700", "(text=\"a\" n=1) ret=98"]
        );
    }
}

const RUST: [(&str, &[&str]); 4] = [
    (
        "strings",
        &[
            "(text=\"text\" list=[1, 70000, 3] owned=\"owned\" by=0x bytes=[1, 2, 3]) ret=\"text3ownedby reference3\"",
        ],
    ),
    (
        "options",
        &[
            "(some=Some(0x) number=Some number.__0=8 kind=Small item={id: 5, price: 2.5, kind: Large, name: […; 5], is_sold: true} flag=true letter='é') ret=Ok(8)",
            "(some=None number=None number.__0=8 kind=Large item={id: 5, price: 2.5, kind: Large, name: […; 5], is_sold: true} flag=false letter='z') ret=Err(9)",
        ],
    ),
    (
        "numbers",
        &[
            "(a=-4 b=60000 c=-1 d.0=0x0 d.1=0x40 e=<in a floating point register> pair.__0=6 pair.__1=-7) ret=Err(Large)",
            "(a=4 b=1 c=2 d.0=0x3 d.1=0x0 e=<in a floating point register> pair.__0=0 pair.__1=0) ret=Ok",
        ],
    ),
    (
        "wrapped",
        &[
            "(one=12 named=Some named.__0=\"named\" boxed={id: 5, price: 2.5, kind: Large, name: […; 5], is_sold: true}) ret=\"static\"",
        ],
    ),
];

/// Whether each value is the expected one, or said not to be there. Addresses are any.
fn agrees(seen: &str, expected: &str, gone: &mut usize) -> bool {
    let words = |text: &str| {
        text.split([' ', ')'])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let plain = |text: &str| {
        let mut plain = text.to_owned();
        for word in ["<optimised out>", "<not where it can be read>"] {
            plain = plain.replace(word, "<gone>");
        }
        words(&plain)
    };
    let (seen, mut expected) = (plain(seen), words(expected).into_iter());
    seen.iter().all(|word| {
        if let Some((name, _)) = word.split_once("=<gone>") {
            *gone += 1;
            return expected.any(|other| other.starts_with(&format!("{name}=")));
        }
        expected.any(|other| match other.split_once("0x") {
            Some((begin, "")) => word.starts_with(begin),
            _ => *word == other,
        })
    })
}

#[test]
fn arguments_in_rust() {
    let folder = tempfile::tempdir().unwrap();
    for (level, most_gone) in [("0", 1), ("1", 5), ("3", 14)] {
        let (option, name) = (format!("opt-level={level}"), format!("level{level}"));
        let flags = ["-C", &option, "-C", "debuginfo=2"];
        let path = compile(
            "rustc",
            include_str!("programs/values.rs"),
            &name,
            &flags,
            folder.path(),
        );
        let mut gone = 0;
        for (function, expected) in RUST {
            let seen = seen(&path, function, "main");
            assert_eq!(seen.len(), expected.len());
            for (seen, expected) in seen.iter().zip(expected) {
                println!("{level}: {function}{seen}");
                assert!(
                    agrees(seen, expected, &mut gone),
                    "{level}: {seen}\n{expected}"
                );
            }
        }
        println!("{gone} gone");
        assert!(gone <= most_gone);
        let panics = probed(&path, "panics");
        let calls = calls(&path, &panics);
        let told: Vec<String> = calls.iter().map(told).collect();
        let ends: Vec<bool> = calls.iter().map(|call| call.has_ended).collect();
        assert_eq!(ends, [true, false], "{told:?}");
    }
}

#[test]
fn arguments_in_go() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("main.go"),
        include_str!("programs/values.go"),
    )
    .unwrap();
    for (name, flags) in [("optimised", ""), ("plain", "-gcflags=all=-N -l")] {
        let mut arguments = vec!["build", "-o", name];
        arguments.extend(Some(flags).filter(|flags| !flags.is_empty()));
        arguments.push("main.go");
        run("go", &arguments, folder.path());
        let path = folder.path().join(name);
        let seen = |function: &str| seen(&path, function, "main.");
        assert_eq!(
            seen("main.(*Cart).Add"),
            [
                "(c={total: 100, kind: 200, on: true, price: 1.5} n=5 name=\"a name\" list=[1, 65535, 3]) ret=114"
            ]
        );
        let mixed = seen("main.mixed");
        let begin = "(p.X=1 p.Y=-2 p.Name=\"point\" f=<in a floating point register> b=98 on=true any._type=0x";
        assert!(mixed[0].starts_with(begin), "{mixed:?}");
        assert!(
            mixed[0].ends_with(" err.tab=0x0) ret0=\"text point\" ret1=101"),
            "{mixed:?}"
        );
        let many = seen("main.many");
        assert!(
            many[0]
                .starts_with("(a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11) ret0=11 ret1.tab=0x"),
            "{many:?}"
        );
        assert_eq!(
            many[1],
            "(a=6 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11) ret0=71 ret1.tab=0x0"
        );
        assert_eq!(
            seen("main.array"),
            ["(list.0=7 list.1=8 list.2=9 last=3) ret=10"]
        );
        // Its stack grows, and so moves, while it is called.
        let deep = seen("main.deep");
        assert_eq!(deep.len(), 21);
        assert_eq!(
            (deep[0].as_str(), deep[20].as_str()),
            ("(n=20) ret=427", "(n=0) ret=7")
        );
    }
}

#[test]
fn without_debug_information_there_are_registers() {
    let folder = tempfile::tempdir().unwrap();
    let path = compile(
        "cc",
        include_str!("programs/values.c"),
        "values",
        &["-O2"],
        folder.path(),
    );
    let probed = probed(&path, "coloured");
    assert!(!probed.signature.is_typed);
    let told: Vec<String> = calls(&path, &probed).iter().map(told).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("(arg0=0x0 arg1=0x5 arg2=0x"),
        "{told:?}"
    );
    assert!(
        told[0].ends_with(" ret=0xfffffffd") || told[0].ends_with(" ret=0xfffffffffffffffd"),
        "{told:?}"
    );
}
