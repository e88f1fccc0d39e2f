//! What is reckoned from stacks.

use super::*;
use coral_model::Observed;
use coral_model::profile::{FlameFunction, FlameStack};

fn flame(stacks: &[(&[u32], u64, u64)], compared: bool) -> Flame {
    let function = |name: &str| FlameFunction {
        name: Observed::new(name),
        file: None,
        line: None,
        binary: Observed::new("/bin/x"),
        inlined: false,
        kernel: name == "sys_write",
    };
    let stack = |&(frames, samples, before): &(&[u32], u64, u64)| FlameStack {
        thread: Observed::new("worker;1"),
        frames: frames.to_vec(),
        samples,
        weight_ns: samples * 10_000_000,
        before,
    };
    Flame {
        hz: 100,
        samples: stacks.iter().map(|s| s.1).sum(),
        before_samples: compared.then(|| stacks.iter().map(|s| s.2).sum()),
        functions: ["main", "a", "b", "sys_write"].map(function).to_vec(),
        stacks: stacks.iter().map(stack).collect(),
        ..Flame::default()
    }
}

#[test]
fn a_function_that_calls_itself_has_its_samples_once() {
    let flame = flame(
        &[(&[0, 1, 1, 1], 5, 0), (&[0, 1, 2], 3, 0), (&[0], 1, 0)],
        false,
    );
    let of = |name: &str| {
        let all = totals(&flame);
        let named = |t: &&Totals| flame.functions[t.function as usize].name.raw() == name;
        let found = all.iter().find(named).map(|t| (t.own, t.total));
        found.unwrap()
    };
    assert_eq!([of("main"), of("a"), of("b")], [(1, 9), (5, 8), (3, 3)]);
}

#[test]
fn chance_is_no_difference_and_a_change_is() {
    let same = flame(&[(&[0, 1], 480, 520), (&[0, 2], 520, 480)], true);
    assert_eq!(differences(&same), []);
    let grown = flame(&[(&[0, 1], 600, 300), (&[0, 2], 400, 700)], true);
    let names: Vec<u32> = differences(&grown).iter().map(|d| d.function).collect();
    assert_eq!(names, [1, 2]);
    assert!((differences(&grown)[0].grown() - 0.3).abs() < 1e-9);
}

#[test]
fn lines_cannot_be_forged_by_a_name() {
    let flame = flame(&[(&[0, 3], 2, 0)], false);
    assert_eq!(folded(&flame), "worker:1;main;sys_write_[k] 2\n");
    let picture = String::from_utf8(svg(&flame, "t <b>").unwrap()).unwrap();
    assert!(picture.contains("sys_write") && !picture.contains("<b>"));
}

#[test]
fn a_name_is_no_number_of_samples() {
    let mut flame = flame(&[(&[0, 1], 9, 0)], false);
    flame.functions[1].name = Observed::new("loop 4");
    let picture = String::from_utf8(svg(&flame, "t").unwrap()).unwrap();
    // Two numbers at the end of a line are those of two stretches.
    assert!(picture.contains("(9 samples, 100.00%)"), "{picture}");
    assert!(!picture.contains("loop ("), "{picture}");
    assert_eq!(folded(&flame), "worker:1;main;loop_4 9\n");
}

#[test]
fn what_grew_is_named_by_the_function_that_says_most() {
    // 1 calls 2, whose calls of 3 grew; 3 is called from elsewhere as well.
    let flame = flame(
        &[
            (&[0, 1, 2, 3], 500, 100),
            (&[0, 3], 400, 800),
            (&[0, 1], 100, 100),
        ],
        true,
    );
    let names: Vec<u32> = grown(&flame).iter().map(|d| d.function).collect();
    assert_eq!(names, [2]);
}
