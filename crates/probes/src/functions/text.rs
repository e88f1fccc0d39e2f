//! Texts that stay where they are: in the string tables of the mapped files. A place takes five bytes, a copy would take
//! as many as the text has.

/// Longest text that is read.
const MOST_TEXT_BYTES: usize = 16 * 1024;

/// A place in one of the tables; the default is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Text {
    table: u8,
    at: u32,
}

impl Text {
    pub fn new(table: u8, at: u32) -> Self {
        Self { table, at }
    }
}

/// The tables.
#[derive(Default)]
pub(super) struct Texts<'a>(Vec<&'a [u8]>);

impl<'a> Texts<'a> {
    /// Takes a table; gives its number, unless there are too many.
    pub fn add(&mut self, table: &'a [u8]) -> Option<u8> {
        let number = u8::try_from(self.0.len() + 1).ok()?;
        self.0.push(table);
        Some(number)
    }

    /// The text at a place, up to a zero.
    pub fn get(&self, text: Text) -> &'a [u8] {
        let table = self.0.get(usize::from(text.table).wrapping_sub(1)).copied();
        let rest = table.and_then(|table| table.get(text.at as usize..));
        let rest = rest.unwrap_or_default();
        let rest = &rest[..rest.len().min(MOST_TEXT_BYTES)];
        let end = rest.iter().position(|byte| *byte == 0);
        &rest[..end.unwrap_or(rest.len())]
    }

    /// The place of a part of one of the tables.
    pub fn find(&self, part: &[u8]) -> Option<Text> {
        let at = part.as_ptr() as usize;
        self.0.iter().zip(1..).find_map(|(table, number)| {
            let inside = at.checked_sub(table.as_ptr() as usize)?;
            let text = || Some(Text::new(number, u32::try_from(inside).ok()?));
            (inside < table.len()).then(text).flatten()
        })
    }
}
