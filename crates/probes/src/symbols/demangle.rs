//! Names as people wrote them: Rust's two manglings without hash, C++, and all others as they are. Input and output have
//! an end, and so has the work between.

use std::fmt::{self, Write as _};

/// Longest name that is shown; the rest is cut.
pub const MOST_NAME_BYTES: usize = 2048;
/// Longest name that is demangled.
const MOST_MANGLED_BYTES: usize = 16 * 1024;
/// Deepest nesting of a C++ name.
const MOST_DEPTH: u32 = 96;

/// The name of a symbol.
pub fn demangle(raw: &[u8]) -> String {
    let raw = &raw[..raw.len().min(MOST_MANGLED_BYTES)];
    let text = String::from_utf8_lossy(raw);
    rust(&text).or_else(|| cpp(&text)).unwrap_or_else(|| {
        let mut out = Cut::default();
        // A cut is not a failure.
        let _ = out.write_str(&text);
        out.text
    })
}

fn rust(text: &str) -> Option<String> {
    if !text.starts_with("_R") && !text.starts_with("_ZN") {
        return None;
    }
    let name = rustc_demangle::try_demangle(text).ok()?;
    let mut out = Cut::default();
    write!(out, "{name:#}").is_ok().then_some(())?;
    Some(out.text)
}

fn cpp(text: &str) -> Option<String> {
    if !text.starts_with("_Z") {
        return None;
    }
    let parse = cpp_demangle::ParseOptions::default().recursion_limit(MOST_DEPTH);
    let symbol = cpp_demangle::BorrowedSymbol::with_tail_and_options(text.as_bytes(), &parse);
    let (symbol, rest) = symbol.ok()?;
    let print = cpp_demangle::DemangleOptions::default().recursion_limit(MOST_DEPTH);
    let mut out = Cut::default();
    let printed = symbol.structured_demangle(&mut out, &print);
    if out.text.is_empty() || (printed.is_err() && !out.is_full) {
        return None;
    }
    // What follows is the compiler's: `.cold`, `.part.0`.
    let _ = out.write_str(&String::from_utf8_lossy(rest));
    Some(out.text)
}

/// Keeps so much of what is written and then refuses, which ends the writer's work.
#[derive(Default)]
struct Cut {
    text: String,
    is_full: bool,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let left = MOST_NAME_BYTES.saturating_sub(self.text.len());
        if part.len() <= left {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..part.floor_char_boundary(left)]);
        self.is_full = true;
        Err(fmt::Error)
    }
}

/// Any bytes have a name that is not too long.
pub fn fuzz(bytes: &[u8]) {
    assert!(demangle(bytes).len() <= MOST_NAME_BYTES);
    let mut prefixed = b"_Z".to_vec();
    prefixed.extend_from_slice(bytes);
    assert!(demangle(&prefixed).len() <= MOST_NAME_BYTES);
    prefixed.splice(..2, *b"_R");
    assert!(demangle(&prefixed).len() <= MOST_NAME_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_three_languages() {
        let names = [
            ("main", "main"),
            (
                "_ZN4core3ptr13drop_in_place17h0123456789abcdefE",
                "core::ptr::drop_in_place",
            ),
            ("_RNvCskwGfYPst2Cb_3foo3bar", "foo::bar"),
            (
                "_ZNSt6vectorIiSaIiEE9push_backERKi",
                "std::vector<int, std::allocator<int> >::push_back(int const&)",
            ),
            ("_Z1fv.cold", "f() [clone .cold]"),
            ("main.(*T).Method", "main.(*T).Method"),
            ("_Zgarbage", "_Zgarbage"),
        ];
        for (raw, name) in names {
            assert_eq!(demangle(raw.as_bytes()), name);
        }
    }

    #[test]
    fn names_that_grow_without_end_are_cut() {
        // Each substitution doubles what was there.
        let mut bomb = "_Z1fI1AIiiEE".to_owned();
        bomb.push_str(&"S_IS0_S0_E".repeat(200));
        assert!(demangle(bomb.as_bytes()).len() <= MOST_NAME_BYTES);
        let deep = format!("_Z{}", "N".repeat(10_000));
        assert!(demangle(deep.as_bytes()).len() <= MOST_NAME_BYTES);
        assert_eq!(demangle("é".repeat(5000).as_bytes()).len(), MOST_NAME_BYTES);
    }
}
