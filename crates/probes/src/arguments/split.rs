//! A value in several registers or words, as one argument for each of them.

use super::convention::Part;
use super::read::{self, gone_argument, whole};
use super::{Argument, Form, Gone, MOST_WORDS, Member, Type, cut, types};

/// An argument for each part of a value.
pub(super) fn parts(name: &str, of: &Type, parts: &[Part]) -> Vec<Argument> {
    let (members, tag) = match &of.form {
        Form::Structure(members) => (members.clone(), None),
        Form::Array(element, count) => (elements(element, *count), None),
        Form::Variants { tag, all } => (types::payload(all, tag.0), Some((tag.0, all))),
        Form::Signed | Form::Unsigned => (Vec::new(), None),
        _ => return vec![gone_argument(name, of.clone(), Gone::Nowhere)],
    };
    // Of a Go interface the word that says its type.
    let is_interface = matches!(&members[..], [first, second] if second.name == "data"
        && matches!(first.name.as_str(), "tab" | "_type"));
    let mut arguments = Vec::new();
    let mut taken = 0;
    for (number, part) in parts.iter().enumerate() {
        if let Some((_, all)) = tag.filter(|(tag, _)| *tag == part.offset) {
            arguments.push(whole(name, types::tag(of, all), part.spot));
        }
        let next = parts.get(number + 1).map_or(u64::MAX, |next| next.offset);
        let window = part.offset..part.offset.saturating_add(8).min(next);
        let own = members
            .iter()
            .filter(|member| window.contains(&member.offset));
        let own: Vec<Member> = own.cloned().collect();
        let is_alone = is_interface && number > 0 || tag.is_some() && own.is_empty();
        if is_alone || part.offset < taken {
            continue;
        }
        match &own[..] {
            [only] if only.of.bytes > 8 && only.offset == part.offset => {
                taken = only.offset.saturating_add(only.of.bytes);
                let inside = parts[number..]
                    .iter()
                    .take_while(|part| part.offset < taken);
                let moved = |part: &Part| Part {
                    offset: part.offset - only.offset,
                    ..*part
                };
                let name = cut(format!("{name}.{}", only.name));
                let parts = inside.map(moved).collect();
                arguments.extend(read::arguments(&name, only.of.clone(), Ok(parts)));
            }
            own => arguments.extend(some(name, of, own, *part, number)),
        }
    }
    arguments
}

/// Elements of an array as members.
fn elements(element: &Type, count: u64) -> Vec<Member> {
    let member = |number: u64| Member {
        name: number.to_string(),
        offset: number.saturating_mul(element.bytes),
        of: element.clone(),
    };
    (0..count.min(MOST_WORDS as u64)).map(member).collect()
}

/// The argument for the members that begin in one part.
fn some(name: &str, of: &Type, own: &[Member], part: Part, number: usize) -> Option<Argument> {
    let joined: Vec<&str> = own.iter().map(|member| member.name.as_str()).collect();
    let name = cut(match joined.is_empty() {
        true => format!("{name}.{number}"),
        false => format!("{name}.{}", joined.join(",")),
    });
    let of = match own {
        // Of a number of 128 bits; what else has no members there is only padding.
        [] if !matches!(of.form, Form::Signed | Form::Unsigned) => return None,
        [] => Type::raw(),
        [only] if only.offset == part.offset => only.of.clone(),
        several => {
            let moved = |member: &Member| Member {
                offset: member.offset - part.offset,
                ..member.clone()
            };
            Type {
                name: of.name.clone(),
                bytes: (of.bytes - part.offset).min(8),
                form: Form::Structure(several.iter().map(moved).collect()),
            }
        }
    };
    Some(whole(&name, of, part.spot))
}
