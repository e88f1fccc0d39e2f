//! The search over pages of every size and the step of every kind, against plain arithmetic.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// A table of one page at 0x7000_0000 with these rows, whose rule numbers are their places.
fn table(lows: &[u16]) -> Vec<Block> {
    let blocks = lows.len().div_ceil(BLOCK_WORDS);
    let mut words: Vec<u32> = lows
        .iter()
        .enumerate()
        .map(|(i, low)| (*low as u32) << 16 | i as u32)
        .collect();
    words.resize(blocks * BLOCK_WORDS, *words.last().unwrap());
    let rules = lows.len().div_ceil(BLOCK_RULES);
    let header = Header {
        form: FORM,
        first_page: 0x7000,
        pages: 1,
        pages_at: 1,
        rules_at: 2,
        rules: lows.len() as u32,
        blocks: (2 + rules + blocks) as u32,
        rows: lows.len() as u32,
    };
    let mut all = vec![header.block(), Block::EMPTY];
    all[1].words[0] = ((2 + rules as u32) << 12) | (blocks as u32 - 1);
    let mut rule_words: Vec<u32> = (0..lows.len())
        .flat_map(|i| Rule::new(kind::SP, fp::AT_CFA, -16, i as i32).words())
        .collect();
    rule_words.resize(rules * BLOCK_WORDS, 0);
    for chunk in rule_words
        .chunks(BLOCK_WORDS)
        .chain(words.chunks(BLOCK_WORDS))
    {
        all.push(Block {
            words: chunk.try_into().unwrap(),
        });
    }
    all
}

fn found(blocks: &[Block], address: u64) -> Rule {
    find(address, |i| blocks.get(i as usize))
}

#[test]
fn every_address_of_full_and_short_pages_has_the_last_row_that_is_not_above() {
    for (count, stride) in [(1, 1), (2, 7), (16, 3), (17, 3), (1000, 61), (65_536, 1)] {
        let lows: Vec<u16> = (0..count).map(|i| (i * stride) as u16).collect();
        let blocks = table(&lows);
        for low in 0..=u16::MAX {
            let place = lows.partition_point(|l| *l <= low) - 1;
            let rule = found(&blocks, 0x7000_0000 | low as u64);
            assert_eq!(rule.cfa, place as i32, "{count} rows, {low:#x}");
        }
        assert_eq!(found(&blocks, 0x7001_0000), Rule::NONE);
        assert_eq!(found(&blocks, 0x6fff_ffff), Rule::NONE);
        assert_eq!(found(&blocks, u64::MAX), Rule::NONE);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_searched_without_panic(words in prop::collection::vec(any::<u32>(), 0..256), address: u64) {
        let mut blocks: Vec<Block> = words
            .chunks_exact(BLOCK_WORDS)
            .map(|chunk| Block { words: chunk.try_into().unwrap() })
            .collect();
        found(&blocks, address);
        if let Some(first) = blocks.first_mut() {
            (first.words[0], first.words[3], first.words[4]) = (FORM, 1, 2);
            found(&blocks, address);
        }
    }

    #[test]
    fn any_rule_steps_without_panic(pc: u64, sp: u64, fp: u64, words: [u32; 2], value: Option<u64>) {
        let mut regs = Regs { pc, sp, fp, exact: 0, other: 0 };
        let outcome = step(&mut regs, Rule::of(words), |_| value);
        let unmoved = regs == Regs { pc, sp, fp, exact: 0, other: 0 };
        prop_assert!(outcome == Outcome::Caller || unmoved);
        prop_assert_eq!(Rule::of(words).words(), words);
    }
}

#[test]
fn each_kind_steps_as_it_is_described() {
    let memory: HashMap<u64, u64> = [
        (0x1008, 0xaaaa),
        (0x1010, 0xbbbb),
        (0x1018, 0x1100),
        (0x2000, 0xdddd),
        (0x2008, 0xcccc),
        (0x10f8, 0xeeee),
        (0x1100, 0xffff),
    ]
    .into();
    let walk = |rule: Rule, regs: Regs| {
        let mut regs = regs;
        let outcome = step(&mut regs, rule, |at| memory.get(&at).copied());
        (outcome, regs)
    };
    let at = |pc, sp, fp| Regs {
        pc,
        sp,
        fp,
        exact: 0,
        other: 0,
    };
    let from = Regs::interrupted(0x40_000a, 0x1000, 0x2000);
    let caller = |rule, regs| assert_eq!(walk(rule, from), (Outcome::Caller, regs));
    caller(
        Rule::new(kind::SP, fp::SAME, 0, 16),
        at(0xaaaa, 0x1010, 0x2000),
    );
    caller(
        Rule::new(kind::SP, fp::AT_CFA, -8, 24),
        at(0xbbbb, 0x1018, 0xbbbb),
    );
    caller(
        Rule::new(kind::FP, fp::AT_CFA, -16, 16),
        at(0xcccc, 0x2010, 0xdddd),
    );
    caller(Rule::GUESS, at(0xcccc, 0x2010, 0xdddd));
    caller(
        Rule::new(kind::SP_DEREF, fp::LOST, 0, Rule::halves(24, 8)),
        at(0xffff, 0x1108, 0),
    );
    caller(
        Rule::new(kind::FP_DEREF, fp::AT_FP, 0, Rule::halves(-0xfe8, 0)),
        at(0xeeee, 0x1100, 0xdddd),
    );
    caller(
        Rule::new(kind::PLT, fp::SAME, 11, 16),
        at(0xaaaa, 0x1010, 0x2000),
    );
    caller(
        Rule::new(kind::PLT, fp::SAME, 10, 16),
        at(0xbbbb, 0x1018, 0x2000),
    );
    let in_r11 = Rule::new(kind::REGISTER, fp::LOST, 0, Rule::register_and(11, -8));
    let mut with_r11 = from;
    with_r11.other = 0x1108;
    assert_eq!(in_r11.wants(), Some(11));
    assert_eq!(
        walk(in_r11, with_r11),
        (Outcome::Caller, at(0xeeee, 0x1100, 0))
    );
    let stops = |rule, why| assert_eq!(walk(rule, from), (why, from));
    stops(in_r11, Outcome::Unsupported);
    stops(Rule::END, Outcome::End);
    stops(Rule::NONE, Outcome::NoRow);
    stops(Rule::unsupported(1), Outcome::Unsupported);
    stops(Rule::new(kind::SP, fp::SAME, 0, 0), Outcome::NotAbove);
    stops(Rule::new(kind::SP, fp::SAME, 0, 4096), Outcome::Unreadable);
    assert_eq!(walk(Rule::GUESS, at(1, 0x1000, 0)).0, Outcome::End);
    assert_eq!(
        walk(Rule::GUESS, at(1, 0x1000, 0x1001)).0,
        Outcome::NotAbove
    );
}

#[test]
fn a_signal_frame_gives_back_what_was_interrupted() {
    let ucontext: HashMap<u64, u64> =
        [(0x9000 + 160, 0x1000), (0x9000 + 120, 5), (0x9000 + 168, 6)].into();
    let mut regs = Regs {
        pc: 1,
        sp: 0x9000,
        fp: 2,
        exact: 0,
        other: 0,
    };
    let outcome = step(&mut regs, Rule::SIGNAL, |at| ucontext.get(&at).copied());
    assert_eq!(
        (outcome, regs, regs.sought()),
        (Outcome::Caller, Regs::interrupted(6, 0x1000, 5), 6)
    );
    regs.exact = 0;
    assert_eq!(regs.sought(), 5);
}
