//! Text of bounded width. Widths are terminal columns, so that wide characters line up as well.

use coral_model::{Observed, ServiceKey};
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Marks that a text was cut.
const CUT: char = '…';
/// More marks than this on one character would draw over the lines above and below.
const MARKS_PER_CHARACTER: usize = 2;

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, the cut marked with `…`; `text` is already visible text.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if plain && text.len() <= columns {
        return Cow::Borrowed(text);
    }
    let text = without_stacked_marks(text);
    if text.width() <= columns {
        return text;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > columns {
            break;
        }
        used += w;
        out.push(c);
    }
    if columns > 0 {
        out.push(CUT);
    }
    Cow::Owned(out)
}

fn without_stacked_marks(text: &str) -> Cow<'_, str> {
    let mut marks = 0;
    let keep = |c: &char| {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        marks <= MARKS_PER_CHARACTER
    };
    let kept: String = text.chars().filter(keep).collect();
    if kept.len() == text.len() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(kept)
    }
}

/// `text` cut or filled with spaces to exactly `columns`, flush left.
pub fn left(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let gap = columns.saturating_sub(fitted.width());
    format!("{fitted}{}", " ".repeat(gap))
}

/// `text` cut or filled with spaces to exactly `columns`, flush right.
pub fn right(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let gap = columns.saturating_sub(fitted.width());
    format!("{}{fitted}", " ".repeat(gap))
}

/// An observed text for a person, in at most `columns` columns.
pub fn shown(text: &Observed, columns: usize) -> String {
    fit(&text.visible(), columns).into_owned()
}

/// A service as people write it: its name, after its namespace when it has one.
pub fn service(key: &ServiceKey) -> String {
    if key.namespace.is_empty() {
        key.name.visible().into_owned()
    } else {
        format!("{}/{}", key.namespace.visible(), key.name.visible())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice_and_never_overflow() {
        assert_eq!(fit("数据库服务", 7), "数据库…");
        assert_eq!(fit("数据库服务", 6), "数据…");
        assert_eq!(width(&left("数据库服务", 6)), 6);
        assert_eq!(fit("abc", 0), "");
        assert_eq!(right("ab", 4), "  ab");
    }

    #[test]
    fn stacked_marks_are_thinned() {
        let stacked = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(fit(&stacked, 10).chars().count(), 4);
    }
}
