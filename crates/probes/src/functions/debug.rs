//! Functions by debug information: where they are declared, those that have no symbol, and those that were inlined.

use super::build::Build;
use super::origin::{Attributes, Kept, Origins, Place};
use super::{Language, PartKind, parts::Part};
use crate::symbols::{Bytes, Missing};
use gimli::constants as dw;
use gimli::{AttributeValue, Dwarf, EntriesRaw, Unit};
use std::rc::Rc;
use std::time::Instant;

/// Most ranges of addresses of one function.
const MOST_RANGES: usize = 64;
/// Deepest nesting of functions.
const MOST_DEPTH: usize = 256;

type Result<T> = gimli::Result<T>;

/// Reads all units.
pub(super) struct Debug<'a, 'b> {
    origins: Origins<'a, 'b>,
    build: &'b mut Build<'a>,
    /// Where code is.
    code: Vec<std::ops::Range<u64>>,
}

/// The function that the walk is in: how deep its entry is, and the address of its code.
struct Inside {
    depth: isize,
    address: Option<u64>,
}

/// Where a function's code is.
#[derive(Default)]
struct Addresses<'a> {
    low: Option<AttributeValue<Bytes<'a>>>,
    high: Option<AttributeValue<Bytes<'a>>>,
    ranges: Option<AttributeValue<Bytes<'a>>>,
    entry: Option<AttributeValue<Bytes<'a>>>,
}

impl<'a, 'b> Debug<'a, 'b> {
    pub fn new(
        dwarf: &'b Dwarf<Bytes<'a>>,
        build: &'b mut Build<'a>,
        code: Vec<std::ops::Range<u64>>,
    ) -> Self {
        Self {
            origins: Origins::new(dwarf),
            build,
            code,
        }
    }

    /// Reads while there is time; gives what is wrong with it.
    pub fn read(mut self, until: Instant) -> Option<Missing> {
        let mut missing = None;
        for number in 0..self.origins.units() {
            if Instant::now() >= until {
                missing = Some(Missing::TimeOut);
                break;
            }
            let unit = self.origins.unit(number);
            let read = unit.and_then(|unit| unit.map_or(Ok(()), |unit| self.unit(unit)));
            if read.is_err() {
                missing = Some(Missing::Corrupt);
            }
            self.build.inlining.fold();
        }
        missing
    }

    fn unit(&mut self, unit: Unit<Bytes<'a>>) -> Result<()> {
        let unit = Rc::new(unit);
        let language = language(&unit)?;
        let mut entries = unit.entries_raw(None)?;
        let mut inside: Vec<Inside> = Vec::new();
        while !entries.is_empty() {
            let place = |at| Place {
                unit: unit.clone(),
                is_shared: false,
                at,
            };
            let (at, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            while inside.last().is_some_and(|last| last.depth >= depth) {
                inside.pop();
            }
            let container = inside.last().and_then(|last| last.address);
            match abbreviation.tag() {
                dw::DW_TAG_subprogram if has_code(abbreviation) => {
                    let address =
                        self.function(&place(at), language, &mut entries, abbreviation)?;
                    if inside.len() < MOST_DEPTH {
                        inside.push(Inside { depth, address });
                    }
                }
                dw::DW_TAG_inlined_subroutine if container.is_some() => {
                    let origin = origin(&mut entries, abbreviation)?;
                    if let Some((origin, address)) = origin.zip(container) {
                        self.inlined(&place(at), language, &origin, address);
                    }
                }
                _ => entries.skip_attributes(abbreviation.attributes())?,
            }
        }
        Ok(())
    }

    /// A function with code; gives where it begins.
    fn function(
        &mut self,
        place: &Place<'a>,
        language: Language,
        entries: &mut EntriesRaw<'_, Bytes<'a>>,
        abbreviation: &gimli::Abbreviation,
    ) -> Result<Option<u64>> {
        let mut attributes = Attributes::default();
        let mut addresses = Addresses::default();
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification)?;
            match attribute.name() {
                dw::DW_AT_low_pc => addresses.low = Some(attribute.value()),
                dw::DW_AT_high_pc => addresses.high = Some(attribute.value()),
                dw::DW_AT_ranges => addresses.ranges = Some(attribute.value()),
                dw::DW_AT_entry_pc => addresses.entry = Some(attribute.value()),
                _ => attributes.take(&attribute),
            }
        }
        let ranges = self.ranges(&place.unit, &addresses)?;
        let entry = addresses
            .entry
            .and_then(|value| self.address(&place.unit, value));
        let is_entry = |range: &&(u64, u64)| Some(range.0) == entry;
        let is_known = |range: &&(u64, u64)| self.build.known(range.0).is_some();
        let first = || ranges.iter().find(is_known).or(ranges.first());
        let Some(first) = ranges.iter().find(is_entry).or_else(first).copied() else {
            return Ok(None);
        };
        let kept = &mut Kept {
            texts: &self.build.texts,
            paths: &mut self.build.paths,
        };
        let description = self.origins.describe(place, Some(attributes), kept);
        self.build.described(first, &description, language);
        for other in ranges.iter().filter(|range| **range != first) {
            self.build.add_part(Part {
                owner: first.0,
                address: other.0,
                bytes: u32::try_from(other.1 - other.0).unwrap_or(u32::MAX),
                kind: PartKind::Cold,
            });
        }
        Ok(Some(first.0))
    }

    /// The parts of a function's code, each with its end. Linkers leave the addresses of what they dropped as zero.
    fn ranges(&self, unit: &Unit<Bytes<'a>>, of: &Addresses<'a>) -> Result<Vec<(u64, u64)>> {
        let dwarf = self.origins.dwarf(false);
        let mut ranges = Vec::new();
        if let Some(low) = of.low.and_then(|value| self.address(unit, value)) {
            let high = match of.high {
                Some(AttributeValue::Udata(bytes)) => low.checked_add(bytes),
                Some(value) => self.address(unit, value),
                None => None,
            };
            ranges.extend(high.map(|high| (low, high)));
        }
        if let Some(value) = of.ranges.filter(|_| ranges.is_empty())
            && let Some(mut list) = dwarf.attr_ranges(unit, value)?
        {
            while let Some(range) = list.next()? {
                ranges.push((range.begin, range.end));
                if ranges.len() >= MOST_RANGES {
                    break;
                }
            }
        }
        let is_code = |at: u64| at != 0 && self.code.iter().any(|code| code.contains(&at));
        ranges.retain(|(begin, end)| begin < end && is_code(*begin));
        Ok(ranges)
    }

    fn address(&self, unit: &Unit<Bytes<'a>>, value: AttributeValue<Bytes<'a>>) -> Option<u64> {
        let dwarf = self.origins.dwarf(false);
        dwarf.attr_address(unit, value).ok().flatten()
    }

    /// An instance of a function in the code of another.
    fn inlined(
        &mut self,
        place: &Place<'a>,
        language: Language,
        origin: &AttributeValue<Bytes<'a>>,
        inside: u64,
    ) {
        let Some(number) = self.origins.number(place, origin) else {
            return;
        };
        let (texts, paths) = (&self.build.texts, &mut self.build.paths);
        let origins = &mut self.origins;
        self.build.inlining.add(number, inside, texts, || {
            let kept = &mut Kept { texts, paths };
            let origin = origins.follow(place, origin)?;
            Some((origins.describe(&origin, None, kept), language))
        });
    }
}

fn has_code(abbreviation: &gimli::Abbreviation) -> bool {
    let is_address = |name| matches!(name, dw::DW_AT_low_pc | dw::DW_AT_ranges);
    let mut attributes = abbreviation.attributes().iter();
    attributes.any(|one| is_address(one.name()))
}

/// What an inlined instance is of.
fn origin<'a>(
    entries: &mut EntriesRaw<'_, Bytes<'a>>,
    abbreviation: &gimli::Abbreviation,
) -> Result<Option<AttributeValue<Bytes<'a>>>> {
    let mut origin = None;
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute(*specification)?;
        if attribute.name() == dw::DW_AT_abstract_origin {
            origin = Some(attribute.value());
        }
    }
    Ok(origin)
}

/// The language of a unit.
fn language(unit: &Unit<Bytes<'_>>) -> Result<Language> {
    let root = unit.entry(unit.header.root_offset())?;
    Ok(match root.attr_value(dw::DW_AT_language) {
        Some(AttributeValue::Language(language)) => Language::of_unit(language),
        _ => Language::Unknown,
    })
}

impl Language {
    fn of_unit(language: gimli::DwLang) -> Self {
        match language {
            dw::DW_LANG_C89
            | dw::DW_LANG_C
            | dw::DW_LANG_C99
            | dw::DW_LANG_C11
            | dw::DW_LANG_C17 => Self::C,
            dw::DW_LANG_C_plus_plus
            | dw::DW_LANG_C_plus_plus_03
            | dw::DW_LANG_C_plus_plus_11
            | dw::DW_LANG_C_plus_plus_14
            | dw::DW_LANG_C_plus_plus_17
            | dw::DW_LANG_C_plus_plus_20 => Self::Cpp,
            dw::DW_LANG_Rust => Self::Rust,
            dw::DW_LANG_Go => Self::Go,
            _ => Self::Unknown,
        }
    }
}
