//! Sites of a thousand functions of each of some real files, looked at again by other means: a second decoding, call
//! frame information, and `objdump`.

use super::super::*;
use crate::symbols::tests::build::run;
use crate::symbols::{Files, Sources};
use coral_probes_abi::calls::at;
use coral_probes_abi::unwind::{Rule, kind};
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, OpAccess};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::Path;

/// Functions of each file.
const FUNCTIONS: usize = 1_000;

#[derive(Default, Debug)]
struct Seen {
    functions: usize,
    emulated: usize,
    emulated_of_two: usize,
    emulated_without_values: usize,
    enumerable: usize,
    tails: usize,
    returns: usize,
    obstacles: BTreeMap<String, usize>,
    refused: BTreeMap<String, usize>,
}

fn decoded(function: &Function<'_>) -> Vec<Instruction> {
    let options = DecoderOptions::NONE;
    Decoder::with_ip(64, function.bytes, function.address, options)
        .into_iter()
        .collect()
}

/// What the words of an obstacle are without its address.
fn kind_of(obstacle: &Obstacle) -> String {
    format!("{obstacle:?}")
        .split('(')
        .next()
        .unwrap()
        .to_owned()
}

fn sampled(path: &Path, seen: &mut Seen, returns: Option<&BTreeSet<u64>>) {
    let files = Files::open(&File::open(path).unwrap(), None, None).unwrap();
    let sources = Sources::of(&files).unwrap();
    let program = Program::of(&sources);
    let (table, _) = crate::unwind::compile(sources.main.data).unwrap();
    let functions: Vec<Extent> = program
        .extents()
        .filter(|extent| extent.is_function && !extent.is_cold)
        .collect();
    let step = (functions.len() / FUNCTIONS).max(1);
    for extent in functions.iter().step_by(step).take(FUNCTIONS) {
        let function = program.function(extent.start).unwrap();
        if function.bytes.len() < 2 {
            continue;
        }
        seen.functions += 1;
        let all = Wanted::arguments(function.is_go);
        let wanted = |registers, end| Wanted { registers, end };
        let bare = plan(&function, &program, true, wanted(0, false));
        seen.emulated_without_values +=
            usize::from(bare.is_ok_and(|plan| plan.entry.kind == Kind::Emulated));
        // Of a function with two arguments.
        let two = plan(&function, &program, true, wanted(1 << 5 | 1 << 4, false));
        seen.emulated_of_two +=
            usize::from(two.is_ok_and(|plan| plan.entry.kind == Kind::Emulated));
        match plan(&function, &program, true, wanted(all, true)) {
            Ok(plan) => {
                seen.emulated += usize::from(plan.entry.kind == Kind::Emulated);
                entry_is_right(&function, &plan.entry, |address| table.find(address));
            }
            Err(obstacle) => *seen.refused.entry(kind_of(&obstacle)).or_default() += 1,
        }
        match exits(&function, &program) {
            Exits::Sites(exits) => {
                seen.enumerable += 1;
                exits_are_right(
                    &function,
                    &exits,
                    |address| table.find(address),
                    returns,
                    seen,
                );
            }
            Exits::Unknown(obstacle) => {
                *seen.obstacles.entry(kind_of(&obstacle)).or_default() += 1;
            }
        }
    }
}

/// Decoded once more: nothing in the function jumps to the site, nothing before it branches or changes an argument, and
/// the return address is where it is said to be.
fn entry_is_right(function: &Function<'_>, entry: &Entry, rule: impl Fn(u64) -> Rule) {
    let what = format!("{:#x}: {entry:x?}", function.address);
    let all = decoded(function);
    let jumps = all.iter().filter(|instruction| !instruction.is_call_near());
    let to: HashSet<u64> = jumps.map(Instruction::near_branch_target).collect();
    assert!(
        entry.at == at::UNLESS_BELOW || !to.contains(&entry.address),
        "{what}"
    );
    let registers = if function.is_go {
        &[0, 3, 1, 7, 6, 8, 9, 10, 11][..]
    } else {
        &[7, 6, 2, 1, 8, 9][..]
    };
    let (mut infos, mut is_met) = (InstructionInfoFactory::new(), false);
    for instruction in &all {
        if instruction.ip() == entry.address {
            is_met = true;
            break;
        }
        let is_conditional = function.is_go && instruction.is_jcc_short_or_near();
        let flow = instruction.flow_control() == iced_x86::FlowControl::Next;
        assert!(flow || is_conditional, "{what}");
        for used in infos.info(instruction).used_registers() {
            let register = used.register().full_register();
            let is_read = matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
            let is_argument = register.is_gpr64() && registers.contains(&register.number());
            assert!(is_read || !is_argument, "{what}: {register:?}");
        }
    }
    assert!(is_met, "{what}");
    let rule = rule(entry.address);
    if rule.kind == kind::SP {
        assert_eq!(rule.cfa - 8, entry.to_base, "{what}");
    }
}

fn exits_are_right(
    function: &Function<'_>,
    exits: &[Exit],
    rule: impl Fn(u64) -> Rule,
    returns: Option<&BTreeSet<u64>>,
    seen: &mut Seen,
) {
    let end = function.address + function.bytes.len() as u64;
    let inside = |address: &u64| (function.address..end).contains(address);
    for exit in exits {
        let rule = rule(exit.address);
        if rule.kind == kind::SP {
            assert_eq!(
                rule.cfa - 8,
                exit.to_base,
                "{:#x}: {exit:x?}",
                function.address
            );
        }
    }
    let (tails, plain): (Vec<&Exit>, Vec<&Exit>) = exits.iter().partition(|exit| exit.is_tail);
    seen.tails += tails.len();
    seen.returns += plain.len();
    let plain: BTreeSet<u64> = plain
        .iter()
        .map(|exit| exit.address)
        .filter(inside)
        .collect();
    if let Some(returns) = returns {
        let others: BTreeSet<u64> = returns.range(function.address..end).copied().collect();
        assert_eq!(plain, others, "{:#x}", function.address);
    }
}

/// Addresses of all returns, by `objdump`.
fn returns(path: &Path) -> BTreeSet<u64> {
    let arguments = ["-d", "--no-show-raw-insn", path.to_str().unwrap()];
    let text = run("objdump", &arguments, Path::new("/"));
    let is_return = |text: &str| {
        let mut words = text
            .split_whitespace()
            .skip_while(|w| matches!(*w, "repz" | "bnd"));
        words.next() == Some("ret")
    };
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.filter(|(_, text)| is_return(text));
    found
        .filter_map(|(address, _)| u64::from_str_radix(address.trim(), 16).ok())
        .collect()
}

/// A file, and the smallest shares of its functions with a cheap entry, with known exits.
const FILES: [(&str, f64, f64); 5] = [
    ("/lib/x86_64-linux-gnu/libc.so.6", 0.45, 0.97),
    ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 0.55, 0.97),
    ("/usr/bin/redis-server", 0.6, 0.97),
    ("/usr/sbin/nginx", 0.7, 0.97),
    ("/proc/self/exe", 0.3, 0.95),
];

#[test]
fn sites_in_real_files_hold_when_looked_at_again() {
    for (path, cheap, enumerable) in FILES {
        let Ok(path) = std::fs::canonicalize(path) else {
            assert!(!path.contains("libc.so"), "libc is everywhere");
            println!("{path}: not installed");
            continue;
        };
        hold(&path, cheap, enumerable);
    }
}

/// Of a thousand functions of a file at least such shares have a cheap entry and known exits; all sites are right.
pub fn hold(path: &Path, cheap: f64, enumerable: f64) {
    let begun = std::time::Instant::now();
    // The file of these tests is too large to be disassembled each time.
    let is_small = std::fs::metadata(path).unwrap().len() < 8 << 20;
    let returns = is_small.then(|| returns(path));
    let disassembled = begun.elapsed();
    let mut seen = Seen::default();
    sampled(path, &mut seen, returns.as_ref());
    let share = |part: usize| part as f64 / seen.functions as f64;
    println!("{path:?}: {seen:?}");
    println!(
        "  emulated {:.3} (two arguments {:.3}, none {:.3}), known exits {:.3}; {:?} after {disassembled:?}",
        share(seen.emulated),
        share(seen.emulated_of_two),
        share(seen.emulated_without_values),
        share(seen.enumerable),
        begun.elapsed() - disassembled,
    );
    assert!(
        seen.functions > 100 && share(seen.emulated) >= cheap,
        "{path:?}"
    );
    assert!(share(seen.enumerable) >= enumerable, "{path:?}");
}
