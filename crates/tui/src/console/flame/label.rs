//! Names in little room: shortened from the middle, because a path begins with whose function it is and ends with which.

use coral_report::text::{fit, width};
use unicode_width::UnicodeWidthChar as _;

/// No name has more columns.
const LONGEST: usize = 4096;
/// In less room only the last part of a name says anything.
const NARROW: usize = 10;

/// Visible text in at most `columns` columns, what is cut out of its middle marked with `…`.
pub fn middle(text: &str, columns: usize) -> String {
    let text = fit(text, LONGEST);
    if width(&text) <= columns || columns < 3 {
        return fit(&text, columns).into_owned();
    }
    let room = columns - 1;
    let head = taken(text.chars(), room * 2 / 5);
    let mut tail: Vec<char> = taken(text.chars().rev(), room - columns_of(&head));
    tail.reverse();
    // A mark belongs to the character before it.
    let marks = tail.iter().take_while(|c| c.width() == Some(0)).count();
    let parts = head
        .into_iter()
        .chain(['…'])
        .chain(tail.into_iter().skip(marks));
    parts.collect()
}

/// The name of a function for a box: whole where it fits, else shortened; in little room its last part.
pub fn short(name: &str, columns: usize) -> String {
    match columns < NARROW && width(name) > columns {
        true => fit(last_part(name), columns).into_owned(),
        false => middle(name, columns),
    }
}

/// What follows the last `::` or `/` that is in no bracket.
fn last_part(name: &str) -> &str {
    let (mut depth, mut start, mut before) = (0_i32, 0, ' ');
    for (at, c) in name.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' | ')' | ']' | '}' => depth -= 1,
            ':' if before == ':' && depth <= 0 => start = at + 1,
            '/' if depth <= 0 => start = at + 1,
            _ => {}
        }
        before = c;
    }
    match &name[start..] {
        "" => name,
        part => part,
    }
}

fn taken(chars: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    chars.take_while(fits).collect()
}

fn columns_of(chars: &[char]) -> usize {
    chars.iter().map(|c| c.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(middle("checkout::pay", 20), "checkout::pay");
        assert_eq!(
            middle("alloc::collections::btree::map::insert", 16),
            "alloc:…p::insert"
        );
        assert_eq!(middle("abcdef", 2), "a…");
        for columns in 0..40 {
            let cut = middle("数据库服务::名前::とても長い::run", columns);
            assert!(width(&cut) <= columns, "{columns}: {cut}");
        }
    }

    #[test]
    fn in_little_room_the_last_part_stands() {
        assert_eq!(short("tokio::runtime::park", 6), "park");
        assert_eq!(short("net/http.(*conn).serve", 7), "http.(…");
        assert_eq!(short("<a::B as c::D>::run", 5), "run");
        assert_eq!(short("main", 4), "main");
        assert_eq!(short("main", 0), "");
    }
}
