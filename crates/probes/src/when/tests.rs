//! Expressions about functions that are compiled here, looked at in calls of theirs.

use super::*;
use crate::abi::calls::how;
use crate::arguments::registers;
use crate::arguments::tests::live::{calls, probed};
use crate::symbols::tests::build::compile;

const RAW: fn() -> Signature = || registers(false);

fn error(text: &str, signature: &Signature) -> String {
    parse(text, signature).unwrap_err().to_string()
}

#[test]
fn comparisons_of_registers() {
    let conditions = parse("arg0 > 10&&arg1==0x10 && ret!=-1&& ret.i32 <= 'a'", &RAW()).unwrap();
    let compared: Vec<_> = conditions
        .iter()
        .map(|one| (one.compare, one.number as i64))
        .collect();
    let expected = [
        (compare::MORE, 10),
        (compare::EQUAL, 16),
        (compare::UNEQUAL, -1),
        (compare::AT_MOST, 97),
    ];
    assert_eq!(compared, expected);
    let words: Vec<_> = conditions
        .iter()
        .map(|one| (one.word.how, one.word.register))
        .collect();
    assert_eq!(
        words,
        [
            (how::WORD, 5),
            (how::WORD, 4),
            (how::WORD, 0),
            (how::WORD, 0)
        ]
    );
    let ends: Vec<_> = conditions
        .iter()
        .map(|one| (one.is_at_end, one.bytes))
        .collect();
    assert_eq!(ends, [(0, 8), (0, 8), (1, 8), (1, 4)]);
    assert!(conditions[2].holds(0) && !conditions[2].holds(u64::MAX));
    assert!(parse("ret.i32 < 0", &RAW()).unwrap()[0].holds(0xffff_ffff));
}

#[test]
fn what_is_wrong_is_said_with_what_is_possible() {
    let raw = RAW();
    let cases = [
        ("", "expected the name of an argument, or `ret`, at ``"),
        ("arg0", "expected one of == != < <= > >= at ``"),
        ("arg0 >", "expected a number at ``"),
        ("arg0 > x", "expected a number at `x`"),
        ("arg0 > 1 || ret", "expected `&&` or the end at `|`"),
        (
            "arg0 > 1 &&",
            "expected the name of an argument, or `ret`, at ``",
        ),
        ("arg0 > 0x", "expected a number at `0x`"),
        ("arg0 > 0x+1", "expected a number at `0x`"),
        (
            "arg0 > 99999999999999999999",
            "expected a number at `99999999999999999999`",
        ),
        (
            "10 < arg0",
            "expected the name of an argument, or `ret`, at `10`",
        ),
        (
            "arg9 == 1",
            "the function has no `arg9`; there is arg0, arg0.i32, ",
        ),
        ("arg0.x == 1", "`arg0.x` cannot be compared: "),
        (
            "arg0.u32 == -1",
            "-1 does not fit `arg0.u32`, a number of 4 bytes without sign",
        ),
        (
            "arg0.i32 == 0x100000000",
            "4294967296 does not fit `arg0.i32`",
        ),
    ];
    for (text, begin) in cases {
        let error = error(text, &raw);
        assert!(error.starts_with(begin), "{text}: {error}");
    }
    let five = ["ret == 1"; 5].join(" && ");
    assert_eq!(parse(&five, &raw), Err(WhenError::TooLong));
    assert_eq!(parse(&" ".repeat(2_000), &raw), Err(WhenError::TooLong));
}

/// Which calls of a function an expression holds for.
fn holding(path: &std::path::Path, function: &str, text: &str) -> Vec<bool> {
    let mut probed = probed(path, function);
    let signature = &probed.signature;
    probed.conditions = parse(text, signature).unwrap_or_else(|error| panic!("{text}: {error}"));
    calls(path, &probed).iter().map(|call| call.holds).collect()
}

#[test]
fn conditions_hold_for_the_calls_that_they_are_about() {
    let folder = tempfile::tempdir().unwrap();
    let source = include_str!("../arguments/tests/programs/values.c");
    let path = compile("cc", source, "values", &["-O2", "-g"], folder.path());
    let holding = |function, text| holding(&path, function, text);
    let cases: [(&str, [bool; 2]); 12] = [
        ("colour == BLUE", [true, false]),
        ("colour < 0", [true, false]),
        ("arg2 == 9", [false, true]),
        ("yes == true", [true, false]),
        ("big.b == -7 && big.a >= 0x10000000000", [true, true]),
        ("big.b < -7", [false, false]),
        ("big.c == 'x' && pair.a == 11", [true, false]),
        ("pair.a != 11", [false, true]),
        ("text != null", [true, true]),
        ("number != 0 && yes == 0", [false, true]),
        ("ret > 0x100", [true, true]),
        ("ret == 0", [false, false]),
    ];
    for (text, expected) in cases {
        assert_eq!(holding("texts", text), expected, "{text}");
    }
    // In a register with other numbers' leavings above it, and on the stack.
    for text in [
        "s == -3 && eighth == 65535 && seventh < 0 && ret < 4166",
        "c == 'q' && u == 200",
    ] {
        assert_eq!(holding("numbers", text), [true], "{text}");
    }
    assert_eq!(holding("numbers", "ret < 0"), [false]);
}

#[test]
fn errors_know_the_function() {
    let folder = tempfile::tempdir().unwrap();
    let source = include_str!("../arguments/tests/programs/values.c");
    let path = compile("cc", source, "values", &["-O2", "-g"], folder.path());
    let texts = probed(&path, "texts").signature;
    let known = error("size > 3", &texts);
    for part in [
        "no `size`",
        "text (char *)",
        "big.b",
        "colour (colour)",
        "yes (_Bool)",
        "ret (char *)",
    ] {
        assert!(known.contains(part), "{part}: {known}");
    }
    let error = |text| error(text, &probed(&path, "fraction").signature);
    assert!(
        error("d > 1")
            .starts_with("`d` cannot be compared: in a floating point register; there is ")
    );
    let texts = |text| super::tests::error(text, &texts);
    assert!(texts("colour == PURPLE").starts_with("expected a number at `PURPLE`"));
    assert!(
        texts("yes == 300").starts_with("300 does not fit `yes`, a number of 1 bytes without sign")
    );
}

#[test]
fn texts_of_every_form_are_conditions_or_errors() {
    let seeds = [
        "arg0 > 10 && ret != 0",
        "arg1.u32 <= 0x10",
        "ret.i32 == 'é' && arg5 < -9",
        "&&==<é'.'",
    ];
    let mut state = 5u64;
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..=(round % 4) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let place = (state >> 33) as usize % bytes.len();
            bytes[place] = seeds[(state >> 8) as usize % 4].as_bytes()[(state >> 40) as usize % 9];
        }
        fuzz(&bytes);
    }
}
