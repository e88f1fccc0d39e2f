//! Types from debug information.

use super::info::{Bytes, Die, Info, Place};
use super::{Form, Member, Type};
use gimli::AttributeValue;
use std::cell::Cell;

/// Types in types.
const MOST_DEPTH: usize = 10;
/// Entries that are looked at for one function.
const MOST_ENTRIES: usize = 8_192;
/// Members of one structure.
const MOST_MEMBERS: usize = 64;
/// Names of one enum, variants of another.
pub(super) const MOST_NAMES: usize = 256;
/// `typedef`, `const` and so on, one on the other.
pub(super) const MOST_LAYERS: usize = 16;

/// Builds types for one function.
pub(super) struct Builder<'b, 'a> {
    pub info: &'b Info<'a>,
    left: Cell<usize>,
}

impl<'b, 'a> Builder<'b, 'a> {
    pub fn new(info: &'b Info<'a>) -> Self {
        Self {
            info,
            left: Cell::new(MOST_ENTRIES),
        }
    }

    /// The type that an entry's `DW_AT_type` names, with what a pointer points to. `None`: it has none, as `void`.
    pub fn type_of(&self, place: &Place<'a>) -> Option<Type> {
        let (from, value) = self.info.attribute(place, gimli::DW_AT_type)?;
        let of = self.info.referred(&from, value)?;
        Some(self.build(&of, 0, true))
    }

    /// Whether C++ passes values of an entry's type by their address.
    pub fn is_by_reference(&self, place: &Place<'a>) -> bool {
        let under = |place: &Place<'a>| {
            let (from, value) = self.info.attribute(place, gimli::DW_AT_type)?;
            self.info.referred(&from, value)
        };
        let mut at = under(place);
        for _ in 0..MOST_LAYERS {
            let Some((place, die)) = at.and_then(|at| Some((at.clone(), at.die()?))) else {
                return false;
            };
            if matches!(
                die.tag(),
                gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type
            ) {
                return self.is_special(&place, &die);
            }
            if !is_layer(die.tag()) {
                return false;
            }
            at = under(&place);
        }
        false
    }

    /// Whether a class says so, or has a destructor.
    fn is_special(&self, place: &Place<'a>, die: &Die<'a>) -> bool {
        if let Some(AttributeValue::CallingConvention(convention)) =
            die.attr_value(gimli::DW_AT_calling_convention)
        {
            return convention == gimli::DW_CC_pass_by_reference;
        }
        let mut has_destructor = false;
        self.info.children(place, |child, die| {
            let is_function = die.tag() == gimli::DW_TAG_subprogram;
            has_destructor |=
                is_function && self.info.name(&child).is_some_and(|n| n.starts_with('~'));
            !has_destructor
        });
        has_destructor
    }

    pub(super) fn build(&self, place: &Place<'a>, depth: usize, is_followed: bool) -> Type {
        let mut place = place.clone();
        let mut name = None;
        for _ in 0..MOST_LAYERS {
            let left = self.left.get().checked_sub(1);
            let (Some(left), Some(die)) = (left.filter(|_| depth < MOST_DEPTH), place.die()) else {
                return Type::unknown();
            };
            self.left.set(left);
            let own = || self.info.name(&place);
            // What is said in a unit of its own.
            let elsewhere = die.attr_value(gimli::DW_AT_signature);
            if let Some(of) = elsewhere.and_then(|value| self.info.referred(&place, value)) {
                place = of;
                continue;
            }
            if !is_layer(die.tag()) {
                let name = name.or_else(own).unwrap_or_default();
                return self.built(&place, &die, name, depth, is_followed);
            }
            if die.tag() == gimli::DW_TAG_typedef {
                name = name.or_else(own);
            }
            let under = die.attr_value(gimli::DW_AT_type);
            match under.and_then(|value| self.info.referred(&place, value)) {
                Some(under) => place = under,
                None => break,
            }
        }
        Type::unknown()
    }

    fn built(
        &self,
        place: &Place<'a>,
        die: &Die<'a>,
        name: String,
        depth: usize,
        is_followed: bool,
    ) -> Type {
        // A declaration has no size, nor has a pointer in some.
        let bytes = self.info.number(place, gimli::DW_AT_byte_size);
        let mut of = Type {
            name,
            bytes: bytes.unwrap_or_default(),
            form: Form::Unknown,
        };
        match die.tag() {
            gimli::DW_TAG_base_type => of.form = base(die, &of.name),
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type
            | gimli::DW_TAG_subroutine_type
            | gimli::DW_TAG_ptr_to_member_type => {
                return self.pointer(place, of, depth, is_followed);
            }
            gimli::DW_TAG_enumeration_type => {
                let of_type = |value| self.info.referred(place, value);
                let under = die.attr_value(gimli::DW_AT_type).and_then(of_type);
                let signed = under.map(|under| self.build(&under, depth + 1, false));
                let is_signed = signed.is_none_or(|under| under.form == Form::Signed);
                of.form = Form::Choice(self.names(place, is_signed));
            }
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type
                if bytes.is_some() =>
            {
                of.form = self.structure(place, &of, depth);
            }
            gimli::DW_TAG_array_type => return self.array(place, of, depth),
            gimli::DW_TAG_unspecified_type => {}
            _ => {}
        }
        of
    }

    fn structure(&self, place: &Place<'a>, of: &Type, depth: usize) -> Form {
        let (mut members, mut variants, mut parameter) = (Vec::new(), None, None);
        self.info.children(place, |child, die| {
            match die.tag() {
                gimli::DW_TAG_member => members.extend(self.member(&child, die, depth)),
                gimli::DW_TAG_inheritance => {
                    members.extend(
                        self.member(&child, die, depth)
                            .into_iter()
                            .flat_map(inherited),
                    );
                }
                gimli::DW_TAG_variant_part => variants = self.variants(&child, die, depth),
                gimli::DW_TAG_template_type_parameter if parameter.is_none() => {
                    let value = die.attr_value(gimli::DW_AT_type);
                    parameter = value.and_then(|value| self.info.referred(&child, value));
                }
                _ => {}
            }
            members.len() < MOST_MEMBERS
        });
        if let Some(variants) = variants {
            return variants;
        }
        let element = || parameter.map(|of| self.build(&of, depth + 1, false));
        super::sequence::of(of, &members, element).unwrap_or(Form::Structure(members))
    }

    pub(super) fn member(&self, place: &Place<'a>, die: &Die<'a>, depth: usize) -> Option<Member> {
        let is_bit_field = die.attr_value(gimli::DW_AT_bit_size).is_some();
        let is_static = die.attr_value(gimli::DW_AT_external).is_some();
        if is_bit_field || is_static {
            return None;
        }
        let offset = match die.attr_value(gimli::DW_AT_data_member_location) {
            None => 0,
            Some(AttributeValue::Exprloc(expression)) => added(expression, place)?,
            Some(value) => value.udata_value()?,
        };
        let of = self
            .info
            .referred(place, die.attr_value(gimli::DW_AT_type)?)?;
        let name = self.info.name(place).unwrap_or_default();
        // The pointer of a list says what is in it.
        let is_followed = matches!(name.as_str(), "data_ptr" | "array" | "str");
        Some(Member {
            name,
            offset,
            of: self.build(&of, depth + 1, is_followed),
        })
    }

    fn array(&self, place: &Place<'a>, mut of: Type, depth: usize) -> Type {
        let element = self.info.attribute(place, gimli::DW_AT_type);
        let element = element.and_then(|(from, value)| self.info.referred(&from, value));
        let Some(element) = element.map(|of| self.build(&of, depth + 1, false)) else {
            return of;
        };
        let mut count = Some(1u64);
        self.info.children(place, |_, die| {
            if die.tag() == gimli::DW_TAG_subrange_type {
                let number = |name| die.attr_value(name).and_then(|value| value.udata_value());
                let last = || number(gimli::DW_AT_upper_bound).and_then(|last| last.checked_add(1));
                let own = number(gimli::DW_AT_count).or_else(last);
                count = count
                    .zip(own)
                    .and_then(|(count, own)| count.checked_mul(own));
            }
            true
        });
        let Some(count) = count.filter(|count| element.bytes.checked_mul(*count).is_some()) else {
            return of;
        };
        of.bytes = element.bytes * count;
        if of.name.is_empty() {
            of.name = super::cut(format!("{}[{count}]", element.name));
        }
        of.form = Form::Array(Box::new(element), count);
        of
    }
}

/// What a class has from its base.
fn inherited(base: Member) -> Vec<Member> {
    let Form::Structure(members) = base.of.form else {
        return vec![base];
    };
    let moved = |member: Member| Member {
        offset: member.offset.saturating_add(base.offset),
        ..member
    };
    members.into_iter().map(moved).collect()
}

/// Whether it only names or qualifies another type.
pub(super) fn is_layer(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_typedef
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_atomic_type
    )
}

fn base(die: &Die<'_>, name: &str) -> Form {
    let encoding = die.attr_value(gimli::DW_AT_encoding);
    let Some(AttributeValue::Encoding(encoding)) = encoding else {
        return Form::Unknown;
    };
    match encoding {
        gimli::DW_ATE_boolean => Form::Bool,
        gimli::DW_ATE_address => Form::Pointer(None),
        gimli::DW_ATE_UTF => Form::Character,
        // Only this one is meant for text; the others are small numbers.
        gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char if name == "char" => {
            Form::Character
        }
        gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Form::Signed,
        gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char => Form::Unsigned,
        gimli::DW_ATE_float => Form::Float,
        _ => Form::Unknown,
    }
}

/// The offset of a member by old compilers: `DW_OP_plus_uconst`.
fn added(expression: gimli::Expression<Bytes<'_>>, place: &Place<'_>) -> Option<u64> {
    match expression.operations(place.unit.encoding()).next() {
        Ok(Some(gimli::Operation::PlusConstant { value })) => Some(value),
        _ => None,
    }
}
