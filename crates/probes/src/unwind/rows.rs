//! Reads `.eh_frame`: which function has which rules from which address on. Work and memory have an end on any bytes.

use super::report::Report;
use super::rule::{self, Bytes, RETURN};
use crate::elf::Image;
use coral_probes_abi::unwind::{MOST_RULES, Rule, unsupported};
use gimli::{
    BaseAddresses, CieOrFde, CommonInformationEntry, EhFrame, EhFrameHdr, EhFrameOffset,
    EndianSlice, FrameDescriptionEntry, LittleEndian, UnwindContext, UnwindSection as _,
};
use std::collections::HashMap;

/// Most functions of one file: ten times what the largest programs have.
const MOST_FUNCTIONS: usize = 4 << 20;
/// Most rows of one file, before equal ones are merged; more do not fit a table.
const MOST_ROWS: usize = 8 << 20;
/// Most bytes of a common entry: each function runs its instructions anew. Real ones have some tens.
const MOST_COMMON_BYTES: usize = 4096;
/// Most bytes of instructions of all functions, with those of their common entries again for each.
const MOST_INSTRUCTION_BYTES: usize = 512 << 20;
/// Rules by number begin with nothing and with what has no number.
pub(super) const NOTHING: u16 = 0;
const TOO_MANY: u16 = 1;

/// A function's addresses and rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    pub start: u64,
    pub end: u64,
    first_row: u32,
    rows: u32,
}

/// All functions of a file with their rows, and the rules, each once.
pub(super) struct Rows {
    pub functions: Vec<Function>,
    rows: Vec<(u64, u16)>,
    pub rules: Vec<Rule>,
    numbers: HashMap<Rule, u16>,
}

impl Rows {
    pub fn new() -> Self {
        let mut rows = Self {
            functions: Vec::new(),
            rows: Vec::new(),
            rules: Vec::new(),
            numbers: HashMap::new(),
        };
        rows.number(Rule::NONE);
        rows.number(Rule::unsupported(unsupported::TOO_MANY));
        rows
    }

    /// The number of a rule.
    pub fn number(&mut self, rule: Rule) -> u16 {
        if let Some(number) = self.numbers.get(&rule) {
            return *number;
        }
        if self.rules.len() >= MOST_RULES as usize {
            return TOO_MANY;
        }
        let number = self.rules.len() as u16;
        self.rules.push(rule);
        self.numbers.insert(rule, number);
        number
    }

    /// The rows of a function: first address and rule.
    pub fn of(&self, function: &Function) -> &[(u64, u16)] {
        let first = function.first_row as usize;
        self.rows
            .get(first..first + function.rows as usize)
            .unwrap_or_default()
    }

    /// Takes a function with these rows.
    pub fn add(&mut self, start: u64, end: u64, rules: &[(u64, Rule)]) {
        let first_row = self.rows.len() as u32;
        for (address, rule) in rules {
            let number = self.number(*rule);
            self.rows.push((*address, number));
        }
        self.functions.push(Function {
            start,
            end,
            first_row,
            rows: rules.len() as u32,
        });
    }

    pub fn is_full(&self) -> bool {
        self.functions.len() >= MOST_FUNCTIONS || self.rows.len() >= MOST_ROWS
    }
}

/// Where the call frame information of a file lies, with what its pointers are relative to.
pub(crate) fn section<'a>(image: &Image<'a>) -> Option<(EhFrame<Bytes<'a>>, BaseAddresses)> {
    let mut bases = BaseAddresses::default();
    if let Some(text) = image.section(b".text") {
        bases = bases.set_text(text.address);
    }
    if let Some(got) = image.section(b".got") {
        bases = bases.set_got(got.address);
    }
    if let Some(header) = image.eh_frame_hdr {
        bases = bases.set_eh_frame_hdr(header);
    }
    let named = image.section(b".eh_frame");
    let (address, bytes) = match named.filter(|section| !section.raw().is_empty()) {
        Some(section) => (section.address, section.raw()),
        None => {
            let header = EhFrameHdr::new(image.at(image.eh_frame_hdr?)?, LittleEndian);
            let pointer = header.parse(&bases, 8).ok()?.eh_frame_ptr();
            let address = pointer.direct().ok()?;
            (address, image.at(address)?)
        }
    };
    let mut section = EhFrame::new(bytes, LittleEndian);
    section.set_address_size(8);
    Some((section, bases.set_eh_frame(address)))
}

type Common<'a> = HashMap<usize, CommonInformationEntry<Bytes<'a>>>;

/// Reads the rows of every function.
pub(super) fn read(
    section: &EhFrame<Bytes<'_>>,
    bases: &BaseAddresses,
    report: &mut Report,
) -> Rows {
    let mut rows = Rows::new();
    let mut common = Common::new();
    let mut context = UnwindContext::new();
    let mut entries = section.entries(bases);
    let (mut rules, mut work) = (Vec::new(), 0usize);
    loop {
        let partial = match entries.next() {
            Ok(Some(CieOrFde::Fde(partial))) => partial,
            Ok(Some(CieOrFde::Cie(_))) => continue,
            Ok(None) => break,
            Err(_) => {
                report.malformed += 1;
                break;
            }
        };
        let parsed = partial.parse(|section, bases, at| entry(&mut common, section, bases, at));
        let Ok(function) = parsed else {
            report.malformed += 1;
            continue;
        };
        let (start, end) = (function.initial_address(), function.end_address());
        if start == 0 || end <= start {
            continue;
        }
        work = work.saturating_add(function.entry_len() + function.cie().entry_len());
        if rows.is_full() || work > MOST_INSTRUCTION_BYTES {
            report.functions_dropped += 1;
            break;
        }
        rules.clear();
        evaluate(section, bases, &mut context, &function, &mut rules, report);
        rows.add(start, end, &rules);
    }
    report.functions = rows.functions.len() as u64;
    rows
}

fn entry<'a>(
    common: &mut Common<'a>,
    section: &EhFrame<EndianSlice<'a, LittleEndian>>,
    bases: &BaseAddresses,
    at: EhFrameOffset,
) -> gimli::Result<CommonInformationEntry<Bytes<'a>>> {
    if let Some(entry) = common.get(&at.0) {
        return Ok(entry.clone());
    }
    let entry = section.cie_from_offset(bases, at)?;
    if common.len() < 65_536 {
        common.insert(at.0, entry.clone());
    }
    Ok(entry)
}

fn evaluate(
    section: &EhFrame<Bytes<'_>>,
    bases: &BaseAddresses,
    context: &mut UnwindContext<usize>,
    function: &FrameDescriptionEntry<Bytes<'_>>,
    rules: &mut Vec<(u64, Rule)>,
    report: &mut Report,
) {
    let start = function.initial_address();
    let common = function.cie();
    let is_ours = common.return_address_register() == RETURN;
    if !is_ours || common.entry_len() > MOST_COMMON_BYTES {
        rules.push((start, Rule::unsupported(unsupported::MALFORMED)));
        return;
    }
    let Ok(mut table) = function.rows(section, bases, context) else {
        report.malformed += 1;
        rules.push((start, Rule::unsupported(unsupported::MALFORMED)));
        return;
    };
    loop {
        let at = match table.next_row() {
            Ok(Some(row)) => {
                let (rule, is_lost) = rule::of_row(section, row);
                report.rows_fp_lost += u64::from(is_lost);
                (row.start_address(), rule)
            }
            Ok(None) => return,
            Err(_) => {
                report.malformed += 1;
                let at = rules.last().map_or(start, |(at, _)| at.saturating_add(1));
                rules.push((at, Rule::unsupported(unsupported::MALFORMED)));
                return;
            }
        };
        rules.push(at);
    }
}
