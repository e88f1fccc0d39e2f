//! The signature of the function at an address, from debug information and the calling convention of its language.

use super::build::Builder;
use super::info::{Info, Key, Place};
use super::kept::{Convention, Described, by_convention, go_results, is_kept, merged};
use super::location;
use super::{Argument, Gone, MOST_ARGUMENTS, Signature, Type, go, read, registers, rust, system_v};
use crate::abi::calls::GIVES;
use crate::symbols::Sources;
use gimli::{AttributeValue, UnitOffset};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Most functions of a unit.
const MOST_FUNCTIONS: usize = 1 << 20;
/// Units whose functions are kept.
const MOST_KEPT: usize = 64;

/// Functions by address, with where they are described.
type Functions = Vec<(u64, UnitOffset)>;

/// Signatures of a program's functions.
pub struct Signatures<'a> {
    info: Info<'a>,
    functions: RefCell<HashMap<Key, Rc<Functions>>>,
}

impl<'a> Signatures<'a> {
    /// Reads nothing yet.
    pub fn of(sources: &'a Sources<'a>) -> Self {
        Self {
            info: Info::of(sources),
            functions: RefCell::new(HashMap::new()),
        }
    }

    /// Of the function that begins at an address. `is_go`: what holds where nothing is described.
    pub fn of_function(&self, address: u64, is_go: bool) -> Signature {
        self.described(address).unwrap_or_else(|| registers(is_go))
    }

    fn described(&self, address: u64) -> Option<Signature> {
        let unit = self.info.unit_of(address)?;
        let functions = self.functions(&unit);
        let at = functions
            .binary_search_by_key(&address, |(start, _)| *start)
            .ok()?;
        let function = unit.at(functions.get(at)?.1);
        let convention = Convention::of(&unit);
        let described = self.parameters(&function, address, convention);
        Some(self.signature(&function, described, convention))
    }

    fn functions(&self, unit: &Place<'a>) -> Rc<Functions> {
        let key = unit.key();
        let known = self.functions.borrow().get(&key).cloned();
        known.unwrap_or_else(|| {
            let functions = Rc::new(self.listed(unit));
            let mut kept = self.functions.borrow_mut();
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(key, Rc::clone(&functions));
            functions
        })
    }

    fn listed(&self, unit: &Place<'a>) -> Functions {
        let mut functions = Functions::new();
        let mut cursor = unit.unit.entries();
        while let Ok(Some(die)) = cursor.next_dfs() {
            if die.tag() != gimli::DW_TAG_subprogram || functions.len() >= MOST_FUNCTIONS {
                continue;
            }
            // The first piece is where it begins; the others are parts.
            if let Some(range) = self.info.ranges(&unit.unit, die).first() {
                functions.push((range.start, die.offset()));
            }
        }
        functions.sort_unstable_by_key(|(start, offset)| (*start, offset.0));
        functions.dedup_by_key(|(start, _)| *start);
        functions
    }

    /// What is described as argument or result, in order.
    fn parameters(
        &self,
        function: &Place<'a>,
        address: u64,
        convention: Convention,
    ) -> Vec<Described> {
        let builder = Builder::new(&self.info);
        let own = self.children(function);
        let origin = function.die().and_then(|die| {
            let is_abstract = die.has_attr(gimli::DW_AT_abstract_origin);
            self.info.origin(function, &die).filter(|_| is_abstract)
        });
        let mut all = origin
            .map(|origin| self.children(&origin))
            .unwrap_or_default();
        // What this instance says of a parameter is more than what is said of all.
        for place in own {
            let of = place.die().and_then(|die| self.info.origin(&place, &die));
            let same =
                |other: &&mut Place<'a>| of.as_ref().is_some_and(|of| of.key() == other.key());
            match all.iter_mut().find(same) {
                Some(other) => *other = place,
                None => all.push(place),
            }
        }
        all.truncate(MOST_ARGUMENTS);
        let is_cfa = self.is_cfa(function);
        let described = |place: Place<'a>| Described {
            name: self.info.name(&place).unwrap_or_else(|| "_".to_owned()),
            of: builder.type_of(&place).unwrap_or_else(Type::unknown),
            is_by_reference: convention == Convention::Cpp && builder.is_by_reference(&place),
            is_result: self
                .info
                .attribute(&place, gimli::DW_AT_variable_parameter)
                .is_some_and(|(_, value)| value == AttributeValue::Flag(true)),
            located: location::at(&self.info, &place, address, is_cfa),
        };
        all.into_iter().map(described).collect()
    }

    fn children(&self, function: &Place<'a>) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        self.info.children(function, |place, die| {
            if die.tag() == gimli::DW_TAG_formal_parameter {
                places.push(place);
            }
            places.len() < MOST_ARGUMENTS
        });
        places
    }

    /// Whether frame offsets count from behind the return address.
    fn is_cfa(&self, function: &Place<'a>) -> bool {
        let base = function
            .die()
            .and_then(|die| die.attr_value(gimli::DW_AT_frame_base));
        let Some(AttributeValue::Exprloc(base)) = base else {
            return false;
        };
        let first = base.operations(function.unit.encoding()).next();
        matches!(first, Ok(Some(gimli::Operation::CallFrameCFA)))
    }

    fn signature(
        &self,
        function: &Place<'a>,
        described: Vec<Described>,
        convention: Convention,
    ) -> Signature {
        let (results, arguments): (Vec<_>, Vec<_>) = described
            .into_iter()
            .partition(|described| described.is_result);
        let (mut returns, is_pointed_to) = match convention {
            Convention::Go => (go_results(&results), false),
            _ => self.returned(function, convention),
        };
        let mut left = match convention {
            Convention::Go => go::left(),
            Convention::Rust => rust::left(),
            Convention::C | Convention::Cpp => system_v::left(),
        };
        if is_pointed_to {
            left.integer();
        }
        let kept: Vec<_> = by_convention(&mut left, &arguments, convention);
        let is_external = self
            .info
            .attribute(function, gimli::DW_AT_external)
            .is_some();
        let is_own = self.has_own_convention(function);
        let is_kept = !is_own && is_kept(&arguments, &kept, is_external);
        let mut all = Vec::new();
        for (described, kept) in arguments.into_iter().zip(kept) {
            let parts = merged(described.located, kept, is_kept);
            let parts = parts.map(|parts| parts.ok_or(Gone::Nowhere));
            all.extend(read::arguments(
                &described.name,
                described.of,
                parts.unwrap_or(Err(Gone::OptimisedOut)),
            ));
        }
        all.truncate(MOST_ARGUMENTS);
        if is_own {
            for given in &mut returns {
                given.take = Err(Gone::Nowhere);
                given.words.clear();
            }
        }
        Signature {
            arguments: all,
            returns,
            is_typed: true,
        }
    }

    /// Whether the compiler has changed how the function is called, as LLVM says of functions that only it knows of.
    fn has_own_convention(&self, function: &Place<'a>) -> bool {
        let convention = function
            .die()
            .and_then(|die| die.attr_value(gimli::DW_AT_calling_convention));
        convention == Some(AttributeValue::CallingConvention(gimli::DW_CC_nocall))
    }

    /// What is given back. Second: whether the caller says where to put it.
    fn returned(&self, function: &Place<'a>, convention: Convention) -> (Vec<Argument>, bool) {
        let builder = Builder::new(&self.info);
        let Some(of) = builder.type_of(function) else {
            return (Vec::new(), false);
        };
        let found = match convention {
            Convention::Rust => rust::returned(&of),
            _ => {
                let is_cpp = convention == Convention::Cpp;
                system_v::returned(&of, is_cpp && builder.is_by_reference(function))
            }
        };
        let (parts, is_pointed_to) = match found {
            Some((parts, is_pointed_to)) => (Ok(parts), is_pointed_to),
            None => (Err(Gone::Nowhere), false),
        };
        let mut returns = read::arguments("ret", of, parts);
        returns.truncate(GIVES);
        (returns, is_pointed_to)
    }
}
