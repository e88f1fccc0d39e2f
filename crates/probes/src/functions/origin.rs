//! What debug information says of a function: name, name for linkers, place of its declaration. The entry of a function
//! with code often only refers to another one, which may be of another unit or in the file that debug files share.

use super::paths::Paths;
use super::text::{Text, Texts};
use crate::symbols::Bytes;
use gimli::constants as dw;
use gimli::{AttributeValue, DebugInfoOffset, Dwarf, Unit, UnitHeader, UnitOffset};
use std::collections::HashMap;
use std::rc::Rc;

/// Most units of one file.
const MOST_UNITS: usize = 1 << 18;
/// Most units that are kept because others refer to them.
const MOST_KEPT: usize = 256;
/// Longest chain of entries that refer to one another.
const MOST_HOPS: usize = 8;

/// What an entry of debug information says.
type Value<'a> = AttributeValue<Bytes<'a>>;

/// What is said of a function.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Description {
    pub linkage: Option<Text>,
    pub name: Option<Text>,
    /// Number of the path.
    pub file: u32,
    pub line: u32,
}

/// Where an entry is.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub unit: Rc<Unit<Bytes<'a>>>,
    /// In the file that debug files share.
    pub is_shared: bool,
    pub at: UnitOffset,
}

impl Place<'_> {
    /// A number that no other entry has.
    pub fn number(&self) -> u64 {
        let unit = self.unit.header.debug_info_offset().map_or(0, |at| at.0);
        (unit as u64 + self.at.0 as u64) << 1 | u64::from(self.is_shared)
    }
}

/// Finds entries by what refers to them.
pub(super) struct Origins<'a, 'b> {
    dwarf: &'b Dwarf<Bytes<'a>>,
    own: Vec<UnitHeader<Bytes<'a>>>,
    shared: Vec<UnitHeader<Bytes<'a>>>,
    kept: HashMap<(bool, usize), Rc<Unit<Bytes<'a>>>>,
}

impl<'a, 'b> Origins<'a, 'b> {
    pub fn new(dwarf: &'b Dwarf<Bytes<'a>>) -> Self {
        Self {
            dwarf,
            own: headers(dwarf),
            shared: dwarf.sup().map(headers).unwrap_or_default(),
            kept: HashMap::new(),
        }
    }

    /// The units of the file itself.
    pub fn units(&self) -> usize {
        self.own.len()
    }

    /// A unit by number.
    pub fn unit(&self, number: usize) -> gimli::Result<Option<Unit<Bytes<'a>>>> {
        let header = self.own.get(number).copied();
        header.map(|header| self.dwarf.unit(header)).transpose()
    }

    /// The file that a place is in.
    pub fn dwarf(&self, is_shared: bool) -> &'b Dwarf<Bytes<'a>> {
        match self.dwarf.sup() {
            Some(shared) if is_shared => shared,
            _ => self.dwarf,
        }
    }

    /// The number of the place that an entry at `from` refers to.
    pub fn number(&self, from: &Place<'a>, value: &Value<'a>) -> Option<u64> {
        let (at, is_shared) = match *value {
            AttributeValue::UnitRef(at) => return Some(Place { at, ..from.clone() }.number()),
            AttributeValue::DebugInfoRef(at) => (at, from.is_shared),
            AttributeValue::DebugInfoRefSup(at) => (at, true),
            _ => return None,
        };
        Some((at.0 as u64) << 1 | u64::from(is_shared))
    }

    /// The place that an entry at `from` refers to.
    pub fn follow(&mut self, from: &Place<'a>, value: &Value<'a>) -> Option<Place<'a>> {
        match *value {
            AttributeValue::UnitRef(at) => Some(Place { at, ..from.clone() }),
            AttributeValue::DebugInfoRef(at) => self.place(from.is_shared, at),
            AttributeValue::DebugInfoRefSup(at) => self.place(true, at),
            _ => None,
        }
    }

    fn place(&mut self, is_shared: bool, to: DebugInfoOffset) -> Option<Place<'a>> {
        let headers = if is_shared { &self.shared } else { &self.own };
        let start = |header: &UnitHeader<Bytes<'a>>| header.debug_info_offset().map(|at| at.0);
        let after = headers.partition_point(|header| start(header) <= Some(to.0));
        let header = *headers.get(after.checked_sub(1)?)?;
        let at = to.to_unit_offset(&header)?;
        let key = (is_shared, start(&header)?);
        if let Some(unit) = self.kept.get(&key) {
            let unit = unit.clone();
            return Some(Place {
                unit,
                is_shared,
                at,
            });
        }
        let unit = Rc::new(self.dwarf(is_shared).unit(header).ok()?);
        if self.kept.len() >= MOST_KEPT {
            self.kept.clear();
        }
        self.kept.insert(key, unit.clone());
        Some(Place {
            unit,
            is_shared,
            at,
        })
    }
}

fn headers<'a>(dwarf: &Dwarf<Bytes<'a>>) -> Vec<UnitHeader<Bytes<'a>>> {
    let (mut units, mut headers) = (dwarf.units(), Vec::new());
    while let Ok(Some(header)) = units.next() {
        if headers.len() >= MOST_UNITS {
            break;
        }
        headers.push(header);
    }
    headers
}

/// Where texts and paths are kept that descriptions refer to.
pub(super) struct Kept<'a, 'b> {
    pub texts: &'b Texts<'a>,
    pub paths: &'b mut Paths,
}

/// The attributes that describe a function.
#[derive(Default, Clone, Copy)]
pub(super) struct Attributes<'a> {
    linkage: Option<Value<'a>>,
    name: Option<Value<'a>>,
    file: Option<u64>,
    line: Option<u64>,
    /// The entry that says more.
    pub origin: Option<Value<'a>>,
}

impl<'a> Attributes<'a> {
    pub fn take(&mut self, attribute: &gimli::Attribute<Bytes<'a>>) {
        let value = attribute.value();
        match attribute.name() {
            dw::DW_AT_linkage_name | dw::DW_AT_MIPS_linkage_name => self.linkage = Some(value),
            dw::DW_AT_name => self.name = Some(value),
            dw::DW_AT_decl_line => self.line = value.udata_value(),
            dw::DW_AT_decl_file => {
                self.file = match value {
                    AttributeValue::FileIndex(index) => Some(index),
                    other => other.udata_value(),
                };
            }
            dw::DW_AT_abstract_origin | dw::DW_AT_specification => self.origin = Some(value),
            _ => {}
        }
    }

    fn read(place: &Place<'a>) -> gimli::Result<Self> {
        let mut attributes = Self::default();
        let mut entries = place.unit.entries_raw(Some(place.at))?;
        if let Some(abbreviation) = entries.read_abbreviation()? {
            for specification in abbreviation.attributes() {
                attributes.take(&entries.read_attribute(*specification)?);
            }
        }
        Ok(attributes)
    }
}

impl<'a> Origins<'a, '_> {
    /// All that the entry at a place says, with what those say that it refers to.
    pub fn describe(
        &mut self,
        place: &Place<'a>,
        own: Option<Attributes<'a>>,
        kept: &mut Kept<'a, '_>,
    ) -> Description {
        let mut description = Description::default();
        let (mut place, mut own) = (place.clone(), own);
        for _ in 0..MOST_HOPS {
            let attributes = own.take().map_or_else(|| Attributes::read(&place), Ok);
            let Ok(attributes) = attributes else {
                break;
            };
            self.fill(&mut description, &place, &attributes, kept);
            let is_placed = description.line > 0 && description.file > 0;
            let is_whole = description.linkage.is_some() && is_placed;
            let next = attributes.origin.filter(|_| !is_whole);
            match next.and_then(|value| self.follow(&place, &value)) {
                Some(next) => place = next,
                None => break,
            }
        }
        description
    }

    fn fill(
        &self,
        description: &mut Description,
        place: &Place<'a>,
        attributes: &Attributes<'a>,
        kept: &mut Kept<'a, '_>,
    ) {
        let dwarf = self.dwarf(place.is_shared);
        let text = |value: Option<Value<'a>>| {
            let text = dwarf.attr_string(&place.unit, value?).ok()?;
            kept.texts.find(text.slice())
        };
        description.linkage = description.linkage.or_else(|| text(attributes.linkage));
        description.name = description.name.or_else(|| text(attributes.name));
        if let Some(line) = attributes.line.filter(|_| description.line == 0) {
            description.line = u32::try_from(line).unwrap_or(0);
        }
        // A definition does not repeat the file of its declaration.
        if let Some(index) = attributes.file.filter(|_| description.file == 0) {
            let unit = Place {
                at: UnitOffset(0),
                ..place.clone()
            };
            description.file = kept.paths.of_unit(dwarf, &place.unit, unit.number(), index);
        }
    }
}
