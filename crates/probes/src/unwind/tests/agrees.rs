//! Every row of real files: the table's answer is gimli's own.

use super::super::*;
use crate::elf::Image;
use crate::unwind::rows;
use coral_probes_abi::unwind::{Rule, fp, kind};
use gimli::{CfaRule, CieOrFde, Register, RegisterRule, UnwindContext, UnwindSection as _};
use std::path::Path;
use std::time::Instant;

const RBP: Register = Register(6);
const RSP: Register = Register(7);
const RIP: Register = Register(16);
type Row = gimli::UnwindTableRow<usize>;
type Frames<'a> = gimli::EhFrame<gimli::EndianSlice<'a, gimli::LittleEndian>>;

/// Registers and memory for an evaluation: memory is a function of the address, so that no two places look alike.
const SP: u64 = 0x7ffd_1234_5000;
const FP: u64 = 0x7ffd_1234_6008;

fn memory(address: u64) -> u64 {
    address.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 0x100
}

/// CFA, caller's rbp and return address by gimli's rules, evaluated here.
fn truth(frames: &Frames<'_>, row: &Row, pc: u64) -> Option<(u64, Option<u64>, Option<u64>)> {
    let register = |register: Register| match register {
        RBP => Some(FP),
        RSP => Some(SP),
        RIP => Some(pc),
        Register(other) => Some(SP + 0x100 * u64::from(other)),
    };
    let evaluate = |expression: &gimli::UnwindExpression<usize>, cfa: Option<u64>| {
        let encoding = gimli::Encoding {
            address_size: 8,
            format: gimli::Format::Dwarf32,
            version: 4,
        };
        let mut evaluation = expression.get(frames).unwrap().evaluation(encoding);
        if let Some(cfa) = cfa {
            evaluation.set_initial_value(cfa);
        }
        let mut state = evaluation.evaluate().unwrap();
        loop {
            state = match state {
                gimli::EvaluationResult::Complete => break,
                gimli::EvaluationResult::RequiresRegister {
                    register: wanted, ..
                } => {
                    let value = gimli::Value::Generic(register(wanted)?);
                    evaluation.resume_with_register(value).unwrap()
                }
                gimli::EvaluationResult::RequiresMemory { address, .. } => {
                    let value = gimli::Value::Generic(memory(address));
                    evaluation.resume_with_memory(value).unwrap()
                }
                other => panic!("{other:?}"),
            };
        }
        match evaluation.result()[0].location {
            gimli::Location::Address { address } => Some(address),
            _ => None,
        }
    };
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset {
            register: r,
            offset,
        } => register(*r)?.wrapping_add(*offset as u64),
        CfaRule::Expression(expression) => evaluate(expression, None)?,
    };
    let caller = |which: Register| match row.register(which) {
        None | Some(RegisterRule::SameValue) => register(which),
        Some(RegisterRule::Offset(offset)) => Some(memory(cfa.wrapping_add(offset as u64))),
        Some(RegisterRule::Expression(at)) => Some(memory(evaluate(&at, Some(cfa))?)),
        _ => None,
    };
    Some((cfa, caller(RBP), caller(RIP)))
}

/// The same three by the table: a step from a low stack pointer, so that no answer counts as "not above".
fn answer(rule: Rule, pc: u64) -> Option<(u64, u64, u64)> {
    use coral_probes_abi::unwind::{Outcome, Regs, step};
    let mut regs = Regs::interrupted(pc, SP, FP);
    regs.other = rule
        .wants()
        .map_or(0, |number| SP + 0x100 * u64::from(number));
    let outcome = step(&mut regs, rule, |address| Some(memory(address)));
    (outcome == Outcome::Caller).then_some((regs.sp, regs.fp, regs.pc))
}

#[derive(Default, Debug)]
struct Compared {
    pcs: u64,
    equal: u64,
    ends: u64,
    unsupported: u64,
    fp_lost: u64,
    not_above: u64,
}

fn compare(file: &[u8], table: &Table, name: &str) -> Compared {
    let image = Image::parse(file).unwrap();
    let (frames, bases) = rows::section(&image).unwrap();
    let (mut compared, mut context) = (Compared::default(), UnwindContext::new());
    let mut entries = frames.entries(&bases);
    while let Some(entry) = entries.next().unwrap() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let function = partial.parse(|s, b, at| s.cie_from_offset(b, at)).unwrap();
        let mut rows = function.rows(&frames, &bases, &mut context).unwrap();
        while let Some(row) = rows.next_row().unwrap() {
            let (start, end) = (row.start_address(), row.end_address());
            let inside = [start, start + (end - start) / 2, start + 11, end - 1];
            for pc in inside.into_iter().filter(|pc| (start..end).contains(pc)) {
                check(&frames, row, pc, table.find(pc), &mut compared, name);
            }
        }
    }
    compared
}

fn check(frames: &Frames<'_>, row: &Row, pc: u64, rule: Rule, compared: &mut Compared, name: &str) {
    compared.pcs += 1;
    if matches!(row.register(RIP), Some(RegisterRule::Undefined)) {
        assert_eq!(rule, Rule::END, "{name} {pc:#x}");
        compared.ends += 1;
        return;
    }
    if rule.kind == kind::UNSUPPORTED {
        compared.unsupported += 1;
        return;
    }
    let Some((cfa, rbp, rip)) = truth(frames, row, pc) else {
        panic!("{name} {pc:#x}: {rule:?} for a row that cannot be evaluated: {row:?}");
    };
    let Some((sp, fp, pc_of_caller)) = answer(rule, pc) else {
        // A frame address at or below the stack pointer: a frame pointer that is not set up yet.
        assert!(cfa <= SP, "{name} {pc:#x}: {rule:?}");
        compared.not_above += 1;
        return;
    };
    assert_eq!(
        (sp, Some(pc_of_caller)),
        (cfa, rip),
        "{name} {pc:#x}: {rule:?}"
    );
    if rule.fp == fp::LOST {
        compared.fp_lost += 1;
    } else {
        assert_eq!(Some(fp), rbp, "{name} {pc:#x}: {rule:?}");
    }
    compared.equal += 1;
}

/// Of addresses looked at, the largest share whose row no rule may hold: one in a thousand.
const MOST_UNSUPPORTED: f64 = 0.001;

const FILES: [&str; 12] = [
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    "/usr/sbin/nginx",
    "/usr/bin/redis-server",
    "/usr/bin/python3.11",
    "/usr/bin/node",
    "/usr/bin/git",
    "/usr/lib/postgresql/15/bin/postgres",
    "/proc/self/exe",
];

#[test]
fn every_row_of_real_files_is_as_gimli_evaluates_it() {
    for path in FILES {
        let Ok(file) = std::fs::read(path) else {
            assert!(!path.contains("libc.so"), "libc is everywhere");
            println!("{path}: not installed");
            continue;
        };
        let begun = Instant::now();
        let (table, report) = compile(&file).unwrap();
        let ms = begun.elapsed().as_millis();
        let name = Path::new(path).file_name().unwrap().to_string_lossy();
        let compared = compare(&file, &table, &name);
        println!("{name}: {ms} ms {report:?}");
        println!("{name}: {compared:?}");
        let unsupported = compared.unsupported as f64 / compared.pcs as f64;
        assert!(unsupported <= MOST_UNSUPPORTED, "{name}: {unsupported}");
        assert!(
            compared.equal + compared.ends + compared.unsupported + compared.not_above
                == compared.pcs
        );
        assert_eq!(
            (report.malformed, report.functions_dropped),
            (0, 0),
            "{name}"
        );
        assert!(compared.equal > 100);
    }
}
