//! Pointers and references, and the names of what they point to.

use super::build::{Builder, MOST_LAYERS, is_layer};
use super::info::Place;
use super::{Form, Type};

impl<'a> Builder<'_, 'a> {
    /// A pointer or reference. What it points to is looked into if so wished, and if it is a plain number.
    pub(super) fn pointer(
        &self,
        place: &Place<'a>,
        mut of: Type,
        depth: usize,
        is_followed: bool,
    ) -> Type {
        of.bytes = 8;
        let tag = place.die().map(|die| die.tag());
        let is_code = tag == Some(gimli::DW_TAG_subroutine_type);
        let to = self
            .info
            .attribute(place, gimli::DW_AT_type)
            .filter(|_| !is_code);
        let to = to.and_then(|(from, value)| self.info.referred(&from, value));
        if of.name.is_empty() {
            let name = to.as_ref().and_then(|to| self.name_of(to, 0));
            let sign = match tag {
                Some(gimli::DW_TAG_reference_type) => "&",
                Some(gimli::DW_TAG_rvalue_reference_type) => "&&",
                _ => " *",
            };
            of.name = super::cut(format!("{}{sign}", name.as_deref().unwrap_or("void")));
        }
        // Numbers and characters are known at once.
        let is_plain = |to: &Place<'a>| self.is_plain(to);
        let is_data = |to: &Place<'a>| {
            to.die()
                .is_some_and(|die| die.tag() != gimli::DW_TAG_subroutine_type)
        };
        let to = to.filter(|to| is_followed && is_data(to) || is_plain(to));
        let to = to.map(|to| self.build(&to, depth + 1, false));
        let is_whole = |to: &Type| to.form != Form::Unknown && to.bytes > 0;
        of.form = Form::Pointer(to.filter(is_whole).map(Box::new));
        of
    }

    /// Whether it is a number or a character, perhaps with another name.
    fn is_plain(&self, place: &Place<'a>) -> bool {
        let mut at = Some(place.clone());
        for _ in 0..MOST_LAYERS {
            let Some((place, die)) = at.and_then(|at| Some((at.clone(), at.die()?))) else {
                return false;
            };
            if !is_layer(die.tag()) {
                return die.tag() == gimli::DW_TAG_base_type;
            }
            let under = die.attr_value(gimli::DW_AT_type);
            at = under.and_then(|value| self.info.referred(&place, value));
        }
        false
    }

    /// The name of a type that is not looked into.
    fn name_of(&self, place: &Place<'a>, depth: usize) -> Option<String> {
        if let Some(name) = self.info.name(place) {
            return Some(name);
        }
        let under = || {
            let (from, value) = self.info.attribute(place, gimli::DW_AT_type)?;
            self.name_of(&self.info.referred(&from, value)?, depth + 1)
        };
        let under = if depth < MOST_LAYERS { under() } else { None };
        match place.die()?.tag() {
            gimli::DW_TAG_pointer_type => Some(super::cut(format!(
                "{} *",
                under.as_deref().unwrap_or("void")
            ))),
            gimli::DW_TAG_subroutine_type => Some("function".to_owned()),
            _ => under,
        }
    }
}
