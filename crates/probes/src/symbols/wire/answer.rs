//! What the child answers.

use super::{MOST_ADDRESSES, MOST_ANSWER_BYTES, Reader, Writer, found, probeable};
use crate::functions::Found;
use crate::probeable::Probeables;
use crate::symbols::{Frame, Identity, MOST_NAME_BYTES, Missing, Named};
use crate::unwind::Table;

/// Most inlined frames of an address.
const MOST_FRAMES: usize = 64;
/// Longest path of a source file.
pub(super) const MOST_PATH_BYTES: usize = 1024;
/// Longest text of an identity.
const MOST_IDENTITY_BYTES: usize = 4096;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Nothing can be said of the file.
    Refused(Missing),
    /// One for each address.
    Named(Vec<Named>),
    Table(Table),
    Identity(Identity),
    Found(Found),
    Probeables(Probeables),
}

impl Answer {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Refused(missing) => {
                out.u8(0);
                out.u8(*missing as u8);
            }
            Self::Named(all) => {
                out.u8(1);
                out.u32(all.len() as u32);
                all.iter().for_each(|named| write_named(&mut out, named));
            }
            Self::Table(table) => {
                out.u8(2);
                out.bytes(&table.to_bytes());
            }
            Self::Identity(identity) => {
                out.u8(3);
                write_identity(&mut out, identity);
            }
            Self::Found(found) => {
                out.u8(4);
                found::write(&mut out, found);
            }
            Self::Probeables(all) => {
                out.u8(5);
                probeable::write(&mut out, all);
            }
        }
        out.0
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let answer = match reader.u8()? {
            0 => Self::Refused(Missing::of(reader.u8()?)?),
            1 => Self::Named(reader.list(MOST_ADDRESSES, read_named)?),
            2 => Self::Table(Table::from_bytes(reader.bytes(MOST_ANSWER_BYTES)?).ok()?),
            3 => Self::Identity(read_identity(&mut reader)?),
            4 => Self::Found(found::read(&mut reader)?),
            5 => Self::Probeables(probeable::read(&mut reader)?),
            _ => return None,
        };
        reader.is_empty().then_some(answer)
    }
}

fn write_named(out: &mut Writer, named: &Named) {
    write_missing(out, named.missing);
    out.u32(named.frames.len() as u32);
    for frame in &named.frames {
        out.u8(u8::from(frame.inlined));
        out.u32(frame.line.unwrap_or(0));
        out.option(frame.file.as_deref().map(str::as_bytes));
        out.bytes(frame.function.as_bytes());
    }
}

fn read_named(reader: &mut Reader<'_>) -> Option<Named> {
    let missing = read_missing(reader)?;
    let frames = reader.list(MOST_FRAMES, |reader| {
        Some(Frame {
            inlined: reader.u8()? == 1,
            line: reader.u32().map(|line| (line > 0).then_some(line))?,
            file: reader.option(|reader| reader.text(MOST_PATH_BYTES))?,
            function: reader.text(MOST_NAME_BYTES)?,
        })
    })?;
    Some(Named { frames, missing })
}

pub(super) fn write_missing(out: &mut Writer, missing: Option<Missing>) {
    out.u8(missing.map_or(0, |missing| missing as u8));
}

pub(super) fn read_missing(reader: &mut Reader<'_>) -> Option<Option<Missing>> {
    Some(match reader.u8()? {
        0 => None,
        number => Some(Missing::of(number)?),
    })
}

fn write_identity(out: &mut Writer, identity: &Identity) {
    out.option(identity.build_id.as_deref());
    out.u8(u8::from(identity.link.is_some()));
    if let Some((name, sum)) = &identity.link {
        out.bytes(name);
        out.u32(*sum);
    }
    out.u8(u8::from(identity.shared.is_some()));
    if let Some((path, id)) = &identity.shared {
        out.bytes(path);
        out.bytes(id);
    }
    out.u8(u8::from(identity.has_debug_info));
}

fn read_identity(reader: &mut Reader<'_>) -> Option<Identity> {
    let text = |reader: &mut Reader<'_>| Some(reader.bytes(MOST_IDENTITY_BYTES)?.to_vec());
    Some(Identity {
        build_id: reader.option(text)?,
        link: reader.option(|reader| Some((text(reader)?, reader.u32()?)))?,
        shared: reader.option(|reader| Some((text(reader)?, text(reader)?)))?,
        has_debug_info: reader.u8()? == 1,
    })
}
