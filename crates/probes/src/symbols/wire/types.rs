//! Types of values, in a message: one in another, as deep as they are followed.

use super::{Reader, Writer};
use crate::arguments::{Form, MOST_NAME_BYTES, Member, Type, Variant};

/// Types in one another, at most.
const MOST_DEPTH: usize = 8;
/// Members of a structure, names of an enum, at most.
const MOST_PARTS: usize = 4_096;

pub(super) fn write(out: &mut Writer, of: &Type) {
    out.bytes(of.name.as_bytes());
    out.u64(of.bytes);
    let plain = |out: &mut Writer, number: u8| out.u8(number);
    match &of.form {
        Form::Unknown => plain(out, 0),
        Form::Signed => plain(out, 1),
        Form::Unsigned => plain(out, 2),
        Form::Raw => plain(out, 3),
        Form::Bool => plain(out, 4),
        Form::Character => plain(out, 5),
        Form::Float => plain(out, 6),
        Form::Pointer(None) => plain(out, 7),
        Form::Pointer(Some(to)) => {
            plain(out, 8);
            write(out, to);
        }
        Form::Choice(names) => {
            plain(out, 9);
            out.u32(names.len() as u32);
            for (number, name) in names {
                out.u64(*number as u64);
                out.bytes(name.as_bytes());
            }
        }
        Form::Structure(members) => {
            plain(out, 10);
            write_members(out, members);
        }
        Form::Variants { tag, all } => {
            plain(out, 11);
            out.u64(tag.0);
            out.u64(tag.1);
            out.u32(all.len() as u32);
            all.iter().for_each(|variant| write_variant(out, variant));
        }
        Form::Array(element, count) => {
            plain(out, 12);
            write(out, element);
            out.u64(*count);
        }
        Form::Sequence {
            element,
            pointer,
            length,
            is_text,
        } => {
            plain(out, 13);
            write(out, element);
            out.u64(*pointer);
            out.u64(*length);
            out.u8((*is_text).into());
        }
    }
}

fn write_members(out: &mut Writer, members: &[Member]) {
    out.u32(members.len() as u32);
    for member in members {
        out.bytes(member.name.as_bytes());
        out.u64(member.offset);
        write(out, &member.of);
    }
}

fn write_variant(out: &mut Writer, variant: &Variant) {
    out.u8(variant.tag.is_some().into());
    variant.tag.iter().for_each(|tag| out.u64(*tag));
    out.bytes(variant.name.as_bytes());
    write_members(out, &variant.members);
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Type> {
    within(reader, MOST_DEPTH)
}

fn within(reader: &mut Reader<'_>, depth: usize) -> Option<Type> {
    let depth = depth.checked_sub(1)?;
    Some(Type {
        name: reader.text(MOST_NAME_BYTES)?,
        bytes: reader.u64()?,
        form: form(reader, depth)?,
    })
}

fn form(reader: &mut Reader<'_>, depth: usize) -> Option<Form> {
    let boxed = |reader: &mut Reader<'_>| within(reader, depth).map(Box::new);
    Some(match reader.u8()? {
        0 => Form::Unknown,
        1 => Form::Signed,
        2 => Form::Unsigned,
        3 => Form::Raw,
        4 => Form::Bool,
        5 => Form::Character,
        6 => Form::Float,
        7 => Form::Pointer(None),
        8 => Form::Pointer(Some(boxed(reader)?)),
        9 => Form::Choice(reader.list(MOST_PARTS, |reader| {
            Some((reader.u64()? as i64, reader.text(MOST_NAME_BYTES)?))
        })?),
        10 => Form::Structure(members(reader, depth)?),
        11 => Form::Variants {
            tag: (reader.u64()?, reader.u64()?),
            all: reader.list(MOST_PARTS, |reader| variant(reader, depth))?,
        },
        12 => Form::Array(boxed(reader)?, reader.u64()?),
        13 => Form::Sequence {
            element: boxed(reader)?,
            pointer: reader.u64()?,
            length: reader.u64()?,
            is_text: reader.u8()? == 1,
        },
        _ => return None,
    })
}

fn members(reader: &mut Reader<'_>, depth: usize) -> Option<Vec<Member>> {
    reader.list(MOST_PARTS, |reader| {
        Some(Member {
            name: reader.text(MOST_NAME_BYTES)?,
            offset: reader.u64()?,
            of: within(reader, depth)?,
        })
    })
}

fn variant(reader: &mut Reader<'_>, depth: usize) -> Option<Variant> {
    Some(Variant {
        tag: reader.option(Reader::u64)?,
        name: reader.text(MOST_NAME_BYTES)?,
        members: members(reader, depth)?,
    })
}
