//! Enums: numbers with names, and values that a number tells apart.

use super::build::{Builder, MOST_NAMES};
use super::info::{Bytes, Die, Place};
use super::{Form, Variant};
use gimli::AttributeValue;

impl<'a> Builder<'_, 'a> {
    /// The numbers of an enum, with their names.
    pub(super) fn names(&self, place: &Place<'a>, is_signed: bool) -> Vec<(i64, String)> {
        let mut names = Vec::new();
        self.info.children(place, |child, die| {
            let value = die.attr_value(gimli::DW_AT_const_value);
            if let (gimli::DW_TAG_enumerator, Some(value)) = (die.tag(), value) {
                let number = constant(value, is_signed);
                names.extend(number.zip(self.info.name(&child)));
            }
            names.len() < MOST_NAMES
        });
        names
    }

    /// The values of an enum that has values.
    pub(super) fn variants(&self, part: &Place<'a>, die: &Die<'a>, depth: usize) -> Option<Form> {
        let tag = match die.attr_value(gimli::DW_AT_discr) {
            Some(value) => {
                let tag = self.info.referred(part, value)?;
                let tag = self.member(&tag, &tag.die()?, depth)?;
                (tag.offset, tag.of.bytes)
            }
            // One variant only.
            None => (0, 0),
        };
        let mut all = Vec::new();
        self.info.children(part, |child, die| {
            if die.tag() == gimli::DW_TAG_variant {
                all.extend(self.variant(&child, die, tag.1, depth));
            }
            all.len() < MOST_NAMES
        });
        Some(Form::Variants { tag, all })
    }

    fn variant(
        &self,
        place: &Place<'a>,
        die: &Die<'a>,
        bytes: u64,
        depth: usize,
    ) -> Option<Variant> {
        let value = die.attr_value(gimli::DW_AT_discr_value);
        let tag = value.and_then(|value| constant(value, false)).map(|tag| {
            let bits = (bytes * 8).clamp(8, 64) as u32;
            tag as u64 & (u64::MAX >> (64 - bits))
        });
        let mut found = None;
        self.info.children(place, |child, die| {
            if die.tag() == gimli::DW_TAG_member {
                found = self.member(&child, die, depth);
            }
            found.is_none()
        });
        let member = found?;
        let members = match member.of.form {
            Form::Structure(members) => members,
            _ => Vec::new(),
        };
        Some(Variant {
            tag,
            name: member.name,
            members,
        })
    }
}

/// A constant. Forms of a fixed size do not say whether they have a sign.
fn constant(value: AttributeValue<Bytes<'_>>, is_signed: bool) -> Option<i64> {
    match value {
        AttributeValue::Data1(value) if is_signed => Some(i64::from(value as i8)),
        AttributeValue::Data2(value) if is_signed => Some(i64::from(value as i16)),
        AttributeValue::Data4(value) if is_signed => Some(i64::from(value as i32)),
        AttributeValue::Udata(value) | AttributeValue::Data8(value) => Some(value as i64),
        AttributeValue::Sdata(value) => Some(value),
        other => other.udata_value().map(|value| value as i64),
    }
}
