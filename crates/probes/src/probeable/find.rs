//! Finds the functions of a file that are meant, and where each is probed.

use super::{MOST_EXITS, ProbeRequest, Probeable, Probeables};
use crate::arguments::Signatures;
use crate::calls::Place;
use crate::functions::{Function, Functions, Language};
use crate::sites::{self, Exit, Plan, Program, Returns, Wanted};
use crate::symbols::Sources;
use crate::when;
use coral_probes_abi::calls::{Cookie, at, end};
use std::time::Instant;

/// Notes are this long at most.
const NOTE_BYTES: usize = 300;

/// Finds them; each once, whatever number of names it has.
pub(crate) fn find(
    sources: &Sources<'_>,
    functions: &Functions<'_>,
    request: &ProbeRequest,
    until: Instant,
) -> Probeables {
    let of = Of {
        sources,
        program: Program::of(sources),
        signatures: Signatures::of(sources),
        request,
    };
    let mut all = Probeables::default();
    let mut seen = vec![];
    for pattern in &request.functions {
        let found = functions.named(pattern, request.most as usize, until);
        all.similar.extend(found.similar);
        for function in found.functions {
            if function.is_resolver || seen.contains(&(function.address, function.name.clone())) {
                continue;
            }
            seen.push((function.address, function.name.clone()));
            if all.functions.len() < request.most as usize && Instant::now() < until {
                all.functions.push(one(&of, function));
            }
        }
    }
    if !all.functions.is_empty() {
        all.similar.clear();
    }
    all
}

/// What a function is probed by.
struct Of<'a> {
    sources: &'a Sources<'a>,
    program: Program<'a>,
    signatures: Signatures<'a>,
    request: &'a ProbeRequest,
}

fn one(of: &Of<'_>, function: Function) -> Probeable {
    let mut probeable = Probeable {
        is_go: function.language == Language::Go,
        line: function.line,
        ..Probeable::default()
    };
    let placed = match function.address {
        Some(address) => placed(of, address, &mut probeable),
        None => Err(inlined(&function)),
    };
    if let Err(note) = placed {
        probeable.note = note;
    }
    probeable
        .note
        .truncate(probeable.note.floor_char_boundary(NOTE_BYTES));
    Probeable {
        name: function.name,
        file: function.file,
        ..probeable
    }
}

fn inlined(function: &Function) -> String {
    match function.inlined.names.first() {
        Some(into) => format!(
            "it has no code of its own, the compiler put it into {into} and {} others; probe one of those",
            function.inlined.functions.saturating_sub(1)
        ),
        None => "it has no code of its own: the compiler put it into its callers".to_owned(),
    }
}

/// Where it begins and ends; why not.
fn placed(of: &Of<'_>, address: u64, probeable: &mut Probeable) -> Result<(), String> {
    let (program, request) = (&of.program, of.request);
    let code = program.function(address).map_err(|o| o.to_string())?;
    probeable.is_go = code.is_go;
    let signature = of.signatures.of_function(address, code.is_go);
    if !request.when.is_empty() {
        let parsed = when::parse(&request.when, &signature);
        probeable.conditions = parsed.map_err(|error| format!("--when: {error}"))?;
    }
    let reads = request.has_values || !request.when.is_empty();
    let wanted = Wanted {
        registers: if reads { signature.registers() } else { 0 },
        end: true,
    };
    let can_unwind = request.can_unwind || program.can_unwind();
    let plan = sites::plan(&code, program, can_unwind, wanted);
    let plan = plan.map_err(|obstacle| obstacle.to_string())?;
    let offset = |address: u64| {
        let inside = |s: &&crate::elf::Segment| address.wrapping_sub(s.address) < s.file_bytes;
        let segment = of.sources.main.segments.iter().find(inside);
        segment.map(|s| address - s.address + s.offset)
    };
    let elsewhere = || "its code is not in the file".to_owned();
    probeable.offset = offset(address).ok_or_else(elsewhere)?;
    probeable.predicted_ns = plan.predicted_ns();
    ends(&plan, offset, probeable);
    probeable.begin = Some(Place {
        offset: offset(plan.entry.address).ok_or_else(elsewhere)?,
        cookie: Cookie {
            probe: 0,
            at: plan.entry.at,
            to_base: plan.entry.to_base,
        },
    });
    if request.has_values {
        (probeable.arguments, probeable.returned) = (signature.arguments, signature.returns);
    }
    Ok(())
}

fn ends(plan: &Plan, offset: impl Fn(u64) -> Option<u64>, probeable: &mut Probeable) {
    let place = |address: u64, at: u8, to_base: i32| {
        Some(Place {
            offset: offset(address)?,
            cookie: Cookie {
                probe: 0,
                at,
                to_base,
            },
        })
    };
    match &plan.returns {
        Some(Returns::Uretprobe) => {
            // The return address has been taken from the stack where the kernel calls the program.
            let end_ = place(plan.entry.address, at::EXIT | at::RETURNED, -8);
            probeable.end = end::RETURN;
            probeable.ends.extend(end_);
        }
        Some(Returns::Sites(exits)) if exits.len() <= MOST_EXITS => {
            let at = |exit: &Exit| match exit.is_tail {
                true => at::EXIT | at::PASSED_ON,
                false => at::EXIT,
            };
            let sites = exits.iter().map(|e| place(e.address, at(e), e.to_base));
            let sites: Option<Vec<Place>> = sites.collect();
            probeable.end = if sites.is_some() {
                end::SITES
            } else {
                end::UNSEEN
            };
            probeable.ends = sites.unwrap_or_default();
        }
        Some(Returns::EntryOnly(obstacle)) => {
            probeable.note = format!("its ends are not seen: {obstacle}");
        }
        Some(Returns::Sites(_)) | None => probeable.note = "its ends are not seen".to_owned(),
    }
}
