//! Whether one path is the end of another, when arguments of templates are left out: `Cart::total` of
//! `shop::Cart<int>::total`, `Vec::push` of `<alloc::vec::Vec<u8>>::push`.

/// Deepest nesting of types that stand for the part before a path's last.
const MOST_DEPTH: u32 = 8;

/// Whether `path` ends with the parts of `query`, without regard to case.
pub(super) fn is_tail(query: &[u8], path: &[u8]) -> bool {
    ends(query, path, MOST_DEPTH)
}

fn ends(mut query: &[u8], mut path: &[u8], depth: u32) -> bool {
    loop {
        let Some((last, rest)) = query.split_last() else {
            return path.is_empty() || path.last().is_some_and(|byte| is_separator(*byte));
        };
        let Some((own, before)) = path.split_last() else {
            return false;
        };
        if own.eq_ignore_ascii_case(last) {
            (query, path) = (rest, before);
            continue;
        }
        let Some(inside) = group(path) else {
            return false;
        };
        path = &path[..path.len() - inside.len() - 2];
        let is_apart = path.last().is_none_or(|byte| is_separator(*byte));
        if is_apart && depth > 0 && ends(query, self_type(inside), depth - 1) {
            return true;
        }
        // Rust may write `Vec::<u8>::new`.
        path = match path.strip_suffix(b"::") {
            Some(before) => before,
            None if is_apart => return false,
            None => path,
        };
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b':' | b'.' | b'/' | b' ' | b'&' | b'*')
}

/// What is in the brackets with which a path ends.
fn group(path: &[u8]) -> Option<&[u8]> {
    if !matches!(path.last(), Some(b'>' | b']' | b')')) {
        return None;
    }
    let mut depth = 0u32;
    for (at, byte) in path.iter().enumerate().rev() {
        match byte {
            b'>' if at > 0 && matches!(path[at - 1], b'-' | b'=') => {}
            b'>' | b']' | b')' => depth += 1,
            b'<' | b'[' | b'(' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(&path[at + 1..path.len() - 1]);
                }
            }
            _ => {}
        }
    }
    None
}

/// `A` of `A as B`, and of `impl B for A`.
fn self_type(inside: &[u8]) -> &[u8] {
    let mut depth = 0u32;
    let is_impl = inside.starts_with(b"impl ");
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            b'<' | b'[' | b'(' => depth += 1,
            b'>' | b']' | b')' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 && inside[at..].starts_with(b" as ") => return &inside[..at],
            b' ' if depth == 0 && is_impl && inside[at..].starts_with(b" for ") => {
                return &inside[at + b" for ".len()..];
            }
            _ => {}
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_end_with_whole_parts() {
        let is = |query: &str, path: &str| is_tail(query.as_bytes(), path.as_bytes());
        assert!(is("total", "shop::Cart<int>::total"));
        assert!(is("Cart::total", "shop::Cart<int>::total"));
        assert!(is("cart<int>::total", "shop::Cart<int>::total"));
        assert!(is("Vec::push", "alloc::vec::Vec<T,A>::push"));
        assert!(is("Vec::push", "<alloc::vec::Vec<u8>>::push"));
        assert!(is("vec::Vec::push", "<alloc::vec::Vec<u8>>::push"));
        assert!(is(
            "Vec::drop",
            "<alloc::vec::Vec<T> as core::ops::Drop>::drop"
        ));
        assert!(is("Vec::new", "alloc::vec::Vec::<u8>::new"));
        assert!(is("Cart.Total", "main.(*Cart).Total"));
        assert!(is(
            "i32::fmt",
            "core::fmt::num::<impl core::fmt::Display for i32>::fmt"
        ));
        assert!(is("main.Map", "main.Map"));
        assert!(!is("Cart<long>::total", "shop::Cart<int>::total"));
        assert!(!is("art::total", "shop::Cart<int>::total"));
        assert!(!is(
            "Drop::drop",
            "<alloc::vec::Vec<T> as core::ops::Drop>::drop"
        ));
        assert!(!is("a::shop::Cart::total", "shop::Cart<int>::total"));
        assert!(!is("x>", "a::>"));
    }
}
