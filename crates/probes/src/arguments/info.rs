//! Ways through debug information: which unit describes an address, and what an entry refers to, in the file itself, in
//! its units of types, or in the file that several debug files share.

use crate::symbols::Sources;
use gimli::{
    AttributeValue, DebugInfoOffset, DwAt, EndianSlice, LittleEndian, UnitHeader, UnitOffset,
    UnitType,
};
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

pub(super) type Bytes<'a> = EndianSlice<'a, LittleEndian>;
pub(super) type Die<'a> = gimli::DebuggingInformationEntry<Bytes<'a>, usize>;
pub(super) type Unit<'a> = gimli::Unit<Bytes<'a>>;
pub(super) type Value<'a> = AttributeValue<Bytes<'a>>;

/// Most units of a file.
const MOST_UNITS: usize = 1 << 18;
/// Units that are kept read.
const MOST_KEPT: usize = 64;
/// Most pieces of code that a list of units names.
const MOST_RANGES: usize = 1 << 22;
/// Most pieces of the code of one entry.
const MOST_PIECES: usize = 65_536;
/// How often one entry may refer to another that says more.
const MOST_ORIGINS: usize = 4;

/// What tells an entry from others: the file, the section, the unit, the offset.
pub(super) type Key = (bool, bool, usize, usize);

/// An entry of debug information.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub unit: Rc<Unit<'a>>,
    pub offset: UnitOffset,
    is_shared: bool,
    is_types: bool,
}

impl<'a> Place<'a> {
    /// Another entry of the same unit.
    pub fn at(&self, offset: UnitOffset) -> Self {
        Self {
            offset,
            ..self.clone()
        }
    }

    /// What tells it from other entries.
    pub fn key(&self) -> Key {
        let unit = self.unit.header.offset().0;
        (self.is_shared, self.is_types, unit, self.offset.0)
    }

    pub fn die(&self) -> Option<Die<'a>> {
        self.unit.entry(self.offset).ok()
    }
}

/// One file's units.
struct Units<'a> {
    headers: Vec<(usize, UnitHeader<Bytes<'a>>)>,
    types: Vec<(u64, UnitOffset, UnitHeader<Bytes<'a>>)>,
}

/// Debug information.
pub(super) struct Info<'a> {
    pub dwarf: gimli::Dwarf<Bytes<'a>>,
    own: OnceCell<Units<'a>>,
    shared: OnceCell<Units<'a>>,
    ranges: OnceCell<Vec<(u64, u64, usize)>>,
    kept: RefCell<HashMap<(bool, bool, usize), Rc<Unit<'a>>>>,
}

impl<'a> Info<'a> {
    pub fn of(sources: &'a Sources<'a>) -> Self {
        Self {
            dwarf: sources.dwarf(),
            own: OnceCell::new(),
            shared: OnceCell::new(),
            ranges: OnceCell::new(),
            kept: RefCell::new(HashMap::new()),
        }
    }

    fn file(&self, is_shared: bool) -> Option<&gimli::Dwarf<Bytes<'a>>> {
        if is_shared {
            self.dwarf.sup()
        } else {
            Some(&self.dwarf)
        }
    }

    fn units(&self, is_shared: bool) -> Option<&Units<'a>> {
        let dwarf = self.file(is_shared)?;
        let units = if is_shared { &self.shared } else { &self.own };
        Some(units.get_or_init(|| Units::of(dwarf)))
    }

    /// The unit at an address of the program.
    pub fn unit_of(&self, address: u64) -> Option<Place<'a>> {
        let ranges = self.ranges.get_or_init(|| self.listed());
        let after = ranges.partition_point(|(start, ..)| *start <= address);
        let before = ranges[..after].iter().rev().take(32);
        let mut inside = before.filter(|(_, end, _)| address < *end);
        self.unit_at(false, inside.next()?.2)
    }

    /// The pieces of an entry's code, as it lists them. gimli's own way adds sizes without looking.
    pub fn ranges(&self, unit: &Unit<'a>, die: &Die<'a>) -> Vec<Range<u64>> {
        let list = die.attr_value(gimli::DW_AT_ranges);
        let list = list.and_then(|list| self.dwarf.attr_ranges(unit, list).ok().flatten());
        if let Some(mut list) = list {
            let mut all = Vec::new();
            while let Ok(Some(range)) = list.next() {
                all.push(range.begin..range.end);
                if all.len() >= MOST_PIECES {
                    break;
                }
            }
            return all;
        }
        let address = |value| self.dwarf.attr_address(unit, value).ok().flatten();
        let low = die.attr_value(gimli::DW_AT_low_pc).and_then(address);
        let range = low.and_then(|low| {
            let high = match die.attr_value(gimli::DW_AT_high_pc)? {
                AttributeValue::Udata(bytes) => low.checked_add(bytes),
                value => address(value),
            };
            Some(low..high?)
        });
        range.into_iter().collect()
    }

    /// The code of all units, sorted: by `.debug_aranges`, and of units that are not in it by themselves, as not every
    /// compiler writes it.
    fn listed(&self) -> Vec<(u64, u64, usize)> {
        let (mut ranges, mut listed) = (Vec::new(), HashSet::new());
        let mut headers = self.dwarf.debug_aranges.headers();
        while let Ok(Some(header)) = headers.next() {
            let offset = header.debug_info_offset().0;
            listed.insert(offset);
            let mut entries = header.entries();
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                if ranges.len() < MOST_RANGES {
                    ranges.push((range.begin, range.end, offset));
                }
            }
        }
        let units = self
            .units(false)
            .map(|units| &units.headers[..])
            .unwrap_or_default();
        for (offset, header) in units.iter().filter(|(offset, _)| !listed.contains(offset)) {
            let unit = self.dwarf.unit(*header).ok();
            let root = unit.and_then(|unit| Some((unit.entry(header.root_offset()).ok()?, unit)));
            let own = root
                .map(|(root, unit)| self.ranges(&unit, &root))
                .unwrap_or_default();
            let room = MOST_RANGES.saturating_sub(ranges.len());
            ranges.extend(
                own.iter()
                    .take(room)
                    .map(|own| (own.start, own.end, *offset)),
            );
        }
        ranges.sort_unstable();
        ranges
    }

    /// The root of the unit that begins at an offset.
    fn unit_at(&self, is_shared: bool, offset: usize) -> Option<Place<'a>> {
        let units = self.units(is_shared)?;
        let at = units
            .headers
            .binary_search_by_key(&offset, |(offset, _)| *offset)
            .ok()?;
        let (_, header) = units.headers.get(at)?;
        self.place(is_shared, false, offset, *header, header.root_offset())
    }

    fn place(
        &self,
        is_shared: bool,
        is_types: bool,
        number: usize,
        header: UnitHeader<Bytes<'a>>,
        offset: UnitOffset,
    ) -> Option<Place<'a>> {
        let key = (is_shared, is_types, number);
        let known = self.kept.borrow().get(&key).cloned();
        let unit = match known {
            Some(unit) => unit,
            None => {
                let unit = Rc::new(self.file(is_shared)?.unit(header).ok()?);
                let mut kept = self.kept.borrow_mut();
                if kept.len() >= MOST_KEPT {
                    kept.clear();
                }
                kept.insert(key, Rc::clone(&unit));
                unit
            }
        };
        Some(Place {
            unit,
            offset,
            is_shared,
            is_types,
        })
    }

    /// What an attribute refers to.
    pub fn referred(&self, from: &Place<'a>, value: Value<'a>) -> Option<Place<'a>> {
        match value {
            AttributeValue::UnitRef(offset) => Some(from.at(offset)),
            AttributeValue::DebugInfoRef(offset) => self.inside(from.is_shared, offset),
            AttributeValue::DebugInfoRefSup(offset) => self.inside(true, offset),
            AttributeValue::DebugTypesRef(signature) => self.typed(from.is_shared, signature.0),
            _ => None,
        }
    }

    fn inside(&self, is_shared: bool, offset: DebugInfoOffset) -> Option<Place<'a>> {
        let units = self.units(is_shared)?;
        let after = units
            .headers
            .partition_point(|(begin, _)| *begin <= offset.0);
        let (begin, header) = units.headers.get(after.checked_sub(1)?)?;
        let offset = offset.to_unit_offset(header)?;
        self.place(is_shared, false, *begin, *header, offset)
    }

    fn typed(&self, is_shared: bool, signature: u64) -> Option<Place<'a>> {
        let units = self.units(is_shared)?;
        let at = units
            .types
            .binary_search_by_key(&signature, |(number, ..)| *number)
            .ok()?;
        let (_, offset, header) = units.types.get(at)?;
        self.place(is_shared, true, at, *header, *offset)
    }

    /// An attribute of an entry, or of the entries that it completes.
    pub fn attribute(&self, place: &Place<'a>, name: DwAt) -> Option<(Place<'a>, Value<'a>)> {
        let mut place = place.clone();
        for _ in 0..MOST_ORIGINS {
            let die = place.die()?;
            if let Some(value) = die.attr_value(name) {
                return Some((place, value));
            }
            place = self.origin(&place, &die)?;
        }
        None
    }

    /// The entry that this one completes.
    pub fn origin(&self, place: &Place<'a>, die: &Die<'a>) -> Option<Place<'a>> {
        let origin = die.attr_value(gimli::DW_AT_abstract_origin);
        let origin = origin.or_else(|| die.attr_value(gimli::DW_AT_specification))?;
        self.referred(place, origin)
    }

    /// A name, cut.
    pub fn name(&self, place: &Place<'a>) -> Option<String> {
        let (place, value) = self.attribute(place, gimli::DW_AT_name)?;
        let dwarf = self.file(place.is_shared)?;
        let name = dwarf.attr_string(&place.unit, value).ok()?;
        let name = name.slice();
        let name = String::from_utf8_lossy(&name[..name.len().min(super::MOST_NAME_BYTES)]);
        Some(name[..name.floor_char_boundary(super::MOST_NAME_BYTES)].to_owned())
    }

    /// An unsigned number.
    pub fn number(&self, place: &Place<'a>, name: DwAt) -> Option<u64> {
        self.attribute(place, name)?.1.udata_value()
    }

    /// The children of an entry, with their tags; `each` says whether to go on.
    pub fn children(&self, place: &Place<'a>, mut each: impl FnMut(Place<'a>, &Die<'a>) -> bool) {
        let Ok(mut cursor) = place.unit.entries_at_offset(place.offset) else {
            return;
        };
        match cursor.next_dfs() {
            Ok(Some(parent)) if parent.has_children() => {}
            _ => return,
        }
        let mut next = cursor.next_dfs().ok().flatten().is_some();
        while next {
            let Some(child) = cursor.current().filter(|child| child.depth() == 1) else {
                return;
            };
            if !each(place.at(child.offset()), child) {
                return;
            }
            next = matches!(cursor.next_sibling(), Ok(Some(_)));
        }
    }
}

impl<'a> Units<'a> {
    fn of(dwarf: &gimli::Dwarf<Bytes<'a>>) -> Self {
        let mut units = Self {
            headers: Vec::new(),
            types: Vec::new(),
        };
        let mut headers = dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            if units.headers.len() >= MOST_UNITS {
                break;
            }
            units.take_type(&header);
            let offset = header.debug_info_offset().map(|offset| offset.0);
            units.headers.extend(offset.map(|offset| (offset, header)));
        }
        let mut types = dwarf.type_units();
        while let Ok(Some(header)) = types.next() {
            units.take_type(&header);
        }
        units
            .types
            .sort_unstable_by_key(|(signature, ..)| *signature);
        units
    }

    fn take_type(&mut self, header: &UnitHeader<Bytes<'a>>) {
        if let UnitType::Type {
            type_signature,
            type_offset,
        } = header.type_()
            && self.types.len() < MOST_UNITS
        {
            self.types.push((type_signature.0, type_offset, *header));
        }
    }
}
