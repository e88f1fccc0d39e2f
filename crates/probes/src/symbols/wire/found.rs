//! Functions in an answer.

use super::answer::{MOST_PATH_BYTES, read_missing, write_missing};
use super::{Reader, Writer};
use crate::functions::{
    Found, Function, Inlined, Language, MOST_FOUND, MOST_INTO, MOST_LINKAGE_BYTES, MOST_PARTS,
    MOST_SIMILAR, Part, PartKind,
};
use crate::symbols::MOST_NAME_BYTES;

const RESOLVER: u8 = 1;
const VARIANT: u8 = 2;

pub(super) fn write(out: &mut Writer, found: &Found) {
    write_missing(out, found.missing);
    out.u32(found.total);
    out.u32(found.indexed);
    write_texts(out, &found.similar);
    out.u32(found.functions.len() as u32);
    found
        .functions
        .iter()
        .for_each(|one| write_function(out, one));
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Found> {
    Some(Found {
        missing: read_missing(reader)?,
        total: reader.u32()?,
        indexed: reader.u32()?,
        similar: read_texts(reader, MOST_SIMILAR)?,
        functions: reader.list(MOST_FOUND, read_function)?,
    })
}

fn write_function(out: &mut Writer, function: &Function) {
    let text = |text: &Option<String>| text.clone().map(String::into_bytes);
    out.bytes(function.name.as_bytes());
    out.option(text(&function.linkage).as_deref());
    out.option(text(&function.alias).as_deref());
    out.u64(function.address.unwrap_or(0));
    out.u32(function.bytes);
    out.option(text(&function.file).as_deref());
    out.u32(function.line.unwrap_or(0));
    out.u8(function.language as u8);
    let resolver = if function.is_resolver { RESOLVER } else { 0 };
    out.u8(resolver | if function.is_variant { VARIANT } else { 0 });
    out.u32(function.parts.len() as u32);
    for part in &function.parts {
        out.u8(part.kind as u8);
        out.u64(part.address);
        out.u32(part.bytes);
    }
    out.u32(function.inlined.sites);
    out.u32(function.inlined.functions);
    write_texts(out, &function.inlined.names);
}

fn read_function(reader: &mut Reader<'_>) -> Option<Function> {
    let text = |most| move |reader: &mut Reader<'_>| reader.text(most);
    let some = |number: u32| (number > 0).then_some(number);
    let mut function = Function {
        name: reader.text(MOST_NAME_BYTES)?,
        linkage: reader.option(text(MOST_LINKAGE_BYTES))?,
        alias: reader.option(text(MOST_NAME_BYTES))?,
        address: reader
            .u64()
            .map(|address| (address > 0).then_some(address))?,
        bytes: reader.u32()?,
        file: reader.option(text(MOST_PATH_BYTES))?,
        line: some(reader.u32()?),
        language: Language::of(reader.u8()?)?,
        ..Function::default()
    };
    let flags = reader.u8().filter(|flags| *flags <= RESOLVER | VARIANT)?;
    function.is_resolver = flags & RESOLVER != 0;
    function.is_variant = flags & VARIANT != 0;
    function.parts = reader.list(MOST_PARTS, read_part)?;
    function.inlined = Inlined {
        sites: reader.u32()?,
        functions: reader.u32()?,
        names: read_texts(reader, MOST_INTO)?,
    };
    Some(function)
}

fn read_part(reader: &mut Reader<'_>) -> Option<Part> {
    Some(Part {
        kind: PartKind::of(reader.u8()?)?,
        address: reader.u64()?,
        bytes: reader.u32()?,
    })
}

fn write_texts(out: &mut Writer, texts: &[String]) {
    out.u32(texts.len() as u32);
    texts.iter().for_each(|text| out.bytes(text.as_bytes()));
}

fn read_texts(reader: &mut Reader<'_>, most: usize) -> Option<Vec<String>> {
    reader.list(most, |reader| reader.text(MOST_NAME_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::{Missing, is_sent_whole};

    fn whole() -> Function {
        Function {
            name: "shop::total".to_owned(),
            linkage: Some("_ZN4shop5totalEv".to_owned()),
            alias: Some("other".to_owned()),
            address: Some(0x1000),
            bytes: 64,
            file: Some("/a.cc".to_owned()),
            line: Some(7),
            language: Language::Cpp,
            is_resolver: true,
            is_variant: true,
            parts: vec![Part {
                kind: PartKind::Cold,
                address: 0x2000,
                bytes: 8,
            }],
            inlined: Inlined {
                sites: 3,
                functions: 2,
                names: vec!["main".to_owned(), "f".to_owned()],
            },
        }
    }

    #[test]
    fn all_that_is_known_of_a_function_arrives() {
        let found = Found {
            functions: vec![whole(), Function::default()],
            total: 12,
            indexed: 345,
            similar: vec!["totals".to_owned()],
            missing: Some(Missing::NoDebugInfo),
        };
        assert!(is_sent_whole(found));
    }

    #[test]
    fn more_than_an_answer_may_have_is_none() {
        let functions = |count| Found {
            functions: vec![Function::default(); count],
            ..Found::default()
        };
        assert!(is_sent_whole(functions(MOST_FOUND)));
        assert!(!is_sent_whole(functions(MOST_FOUND + 1)));
        let mut long = whole();
        long.name = "x".repeat(MOST_NAME_BYTES + 1);
        let found = Found {
            functions: vec![long],
            ..Found::default()
        };
        assert!(!is_sent_whole(found));
    }
}
