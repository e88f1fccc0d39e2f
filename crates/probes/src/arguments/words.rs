//! What of an argument can be compared, and how the word is read.

use super::read::{distance, word};
use super::{Form, MOST_WORDS, Member, Type, Word};
use crate::abi::calls::{ON_STACK, Take, how};

/// What can be compared of a value in one word.
pub(super) fn of(of: &Type, take: &Take) -> Vec<Word> {
    let plain = Take {
        how: how::WORD,
        is_inside: 0,
        length_offset: 0,
        bytes: 0,
        offset: if take.register == ON_STACK {
            take.offset
        } else {
            0
        },
        ..*take
    };
    let is_stack = take.register == ON_STACK;
    let own = |take| {
        let (bytes, is_signed) = of.number()?;
        Some(Word {
            member: String::new(),
            take,
            bytes,
            is_signed,
        })
    };
    let mut words = Vec::new();
    match &of.form {
        Form::Structure(members) => words.extend(first(members, plain)),
        Form::Pointer(Some(to)) if !is_stack => {
            let is_reference = of.name.starts_with('&') || of.name.ends_with('&');
            match to.number().filter(|_| is_reference) {
                Some((bytes, is_signed)) => words.push(Word {
                    member: String::new(),
                    take: word(take.register, 0, true),
                    bytes,
                    is_signed,
                }),
                None => words.extend(own(plain)),
            }
            words.extend(inside(to, take.register, 0, &Take::NOTHING));
        }
        _ => words.extend(own(plain)),
    }
    words.truncate(MOST_WORDS);
    words
}

/// The member that a word begins with.
fn first(members: &[Member], take: Take) -> Option<Word> {
    let member = members.iter().find(|member| member.offset == 0)?;
    let (bytes, is_signed) = member.of.number()?;
    Some(Word {
        member: member.name.clone(),
        take,
        bytes,
        is_signed,
    })
}

/// What can be compared of a value in memory.
pub(super) fn inside(of: &Type, register: u8, offset: i32, take: &Take) -> Vec<Word> {
    let mut words = Vec::new();
    let mut push = |member: &str, at: u64, number: Option<(u8, bool)>| {
        if let (Ok(at), Some((bytes, is_signed))) = (distance(at, offset), number) {
            words.push(Word {
                member: member.to_owned(),
                take: word(register, at, true),
                bytes,
                is_signed,
            });
        }
    };
    match &of.form {
        Form::Structure(members) => {
            for member in members.iter().take(MOST_WORDS) {
                push(&member.name, member.offset, member.of.number());
            }
        }
        Form::Sequence { length, .. } => push("len", *length, Some((8, false))),
        _ if take.how == how::WORD => push("", 0, of.number()),
        _ => {}
    }
    words
}
