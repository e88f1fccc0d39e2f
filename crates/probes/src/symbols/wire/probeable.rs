//! Functions to be probed, in a message.

use super::{Reader, Writer, types};
use crate::arguments::{Argument, Gone, MOST_ARGUMENTS};
use crate::calls::Place;
use crate::probeable::{MOST_EXITS, ProbeRequest, Probeable, Probeables};
use crate::symbols::MOST_NAME_BYTES;
use coral_probes_abi::calls::{CONDITIONS, Condition, Cookie, Take};

/// Functions that are named in a request, at most.
const MOST_NAMES: usize = 1_000;
/// Functions of an answer, at most.
const MOST_FUNCTIONS: usize = 1_024;
/// Names that come near, at most.
const MOST_SIMILAR: usize = 16;
const MOST_TEXT_BYTES: usize = 1_024;

pub(super) fn write_request(out: &mut Writer, request: &ProbeRequest) {
    out.u32(request.functions.len() as u32);
    request
        .functions
        .iter()
        .for_each(|name| out.bytes(name.as_bytes()));
    out.bytes(request.when.as_bytes());
    out.u8(request.has_values.into());
    out.u8(request.can_unwind.into());
    out.u32(request.most);
}

pub(super) fn read_request(reader: &mut Reader<'_>) -> Option<ProbeRequest> {
    Some(ProbeRequest {
        functions: reader.list(MOST_NAMES, |reader| reader.text(MOST_TEXT_BYTES))?,
        when: reader.text(MOST_TEXT_BYTES)?,
        has_values: reader.u8()? == 1,
        can_unwind: reader.u8()? == 1,
        most: reader.u32()?,
    })
}

pub(super) fn write(out: &mut Writer, all: &Probeables) {
    out.u32(all.functions.len() as u32);
    all.functions.iter().for_each(|one| write_one(out, one));
    out.u32(all.similar.len() as u32);
    all.similar
        .iter()
        .for_each(|name| out.bytes(name.as_bytes()));
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Probeables> {
    Some(Probeables {
        functions: reader.list(MOST_FUNCTIONS, read_one)?,
        similar: reader.list(MOST_SIMILAR, |reader| reader.text(MOST_NAME_BYTES))?,
    })
}

fn write_one(out: &mut Writer, one: &Probeable) {
    out.bytes(one.name.as_bytes());
    out.option(one.file.as_deref().map(str::as_bytes));
    out.u32(one.line.unwrap_or(0));
    out.u64(one.offset);
    out.u8(one.begin.is_some().into());
    one.begin.iter().for_each(|place| write_place(out, place));
    out.u32(one.ends.len() as u32);
    one.ends.iter().for_each(|place| write_place(out, place));
    out.u8(one.end);
    out.u8(one.is_go.into());
    out.u64(one.predicted_ns);
    out.bytes(one.note.as_bytes());
    out.u32(one.arguments.len() as u32);
    one.arguments
        .iter()
        .for_each(|argument| write_argument(out, argument));
    out.u32(one.returned.len() as u32);
    one.returned
        .iter()
        .for_each(|returned| write_argument(out, returned));
    out.u32(one.conditions.len() as u32);
    one.conditions
        .iter()
        .for_each(|condition| write_condition(out, condition));
}

fn read_one(reader: &mut Reader<'_>) -> Option<Probeable> {
    Some(Probeable {
        name: reader.text(MOST_NAME_BYTES)?,
        file: reader.option(|reader| reader.text(MOST_TEXT_BYTES))?,
        line: reader.u32().map(|line| (line > 0).then_some(line))?,
        offset: reader.u64()?,
        begin: reader.option(read_place)?,
        ends: reader.list(MOST_EXITS, read_place)?,
        end: reader.u8()?,
        is_go: reader.u8()? == 1,
        predicted_ns: reader.u64()?,
        note: reader.text(MOST_TEXT_BYTES)?,
        arguments: reader.list(MOST_ARGUMENTS, read_argument)?,
        returned: reader.list(MOST_ARGUMENTS, read_argument)?,
        conditions: reader.list(CONDITIONS, read_condition)?,
    })
}

fn write_place(out: &mut Writer, place: &Place) {
    out.u64(place.offset);
    out.u64(place.cookie.pack());
}

fn read_place(reader: &mut Reader<'_>) -> Option<Place> {
    Some(Place {
        offset: reader.u64()?,
        cookie: Cookie::unpack(reader.u64()?),
    })
}

fn write_argument(out: &mut Writer, argument: &Argument) {
    out.bytes(argument.name.as_bytes());
    out.bytes(argument.type_name.as_bytes());
    match &argument.take {
        Ok(take) => {
            out.u8(0);
            write_take(out, take);
        }
        Err(Gone::OptimisedOut) => out.u8(1),
        Err(Gone::Float) => out.u8(2),
        Err(Gone::Nowhere) => out.u8(3),
    }
    types::write(out, &argument.of);
}

/// What can be compared of it is of no interest any more: conditions are made already.
fn read_argument(reader: &mut Reader<'_>) -> Option<Argument> {
    Some(Argument {
        name: reader.text(MOST_NAME_BYTES)?,
        type_name: reader.text(MOST_NAME_BYTES)?,
        take: match reader.u8()? {
            0 => Ok(read_take(reader)?),
            1 => Err(Gone::OptimisedOut),
            2 => Err(Gone::Float),
            3 => Err(Gone::Nowhere),
            _ => return None,
        },
        of: types::read(reader)?,
        words: vec![],
    })
}

fn write_take(out: &mut Writer, take: &Take) {
    for byte in [
        take.how,
        take.register,
        take.length_register,
        take.is_inside,
    ] {
        out.u8(byte);
    }
    out.u32(take.offset as u32);
    out.u32(take.length_offset as u32);
    out.u32(take.bytes);
}

fn read_take(reader: &mut Reader<'_>) -> Option<Take> {
    Some(Take {
        how: reader.u8()?,
        register: reader.u8()?,
        length_register: reader.u8()?,
        is_inside: reader.u8()?,
        offset: reader.u32()? as i32,
        length_offset: reader.u32()? as i32,
        bytes: reader.u32()?,
    })
}

fn write_condition(out: &mut Writer, condition: &Condition) {
    write_take(out, &condition.word);
    out.u64(condition.number);
    for byte in [
        condition.compare,
        condition.is_at_end,
        condition.is_signed,
        condition.bytes,
    ] {
        out.u8(byte);
    }
}

fn read_condition(reader: &mut Reader<'_>) -> Option<Condition> {
    Some(Condition {
        word: read_take(reader)?,
        number: reader.u64()?,
        compare: reader.u8()?,
        is_at_end: reader.u8()?,
        is_signed: reader.u8()?,
        bytes: reader.u8()?,
        unused: 0,
    })
}
