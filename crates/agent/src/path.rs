//! A path that may be kept: without query and fragment, and without the parts that are secrets by their place or look. A
//! part too many is no harm, one too few is.

use crate::chronicle::mask::{MASK, is_secret_name, is_token};
use std::borrow::Cow;

/// A part that is longer, and mixed of letters and digits, is nobody's name. UUIDs are, and stay.
const RANDOM: usize = 24;
/// After a part such as `token`, one of this length or with a digit is a secret; shorter ones are words (`/auth/login`).
const SECRET: usize = 16;

/// The path of a request line, if it has one.
pub fn masked(line: &[u8]) -> Option<String> {
    let path = target(line)?;
    let mut out = String::with_capacity(path.len());
    let mut before = None;
    for part in path.split('/') {
        if let Some(before) = before {
            out.push('/');
            out.push_str(&one(part, before));
        } else {
            out.push_str(part);
        }
        before = Some(part);
    }
    Some(out)
}

/// A part, after the one before it. Called for every request that comes singly: what is dear is looked at last.
fn one<'a>(part: &'a str, before: &str) -> Cow<'a, str> {
    let (name, parameters) = match part.split_once(';') {
        Some((name, _)) => (name, ";***"),
        None => (part, ""),
    };
    let digit = name.bytes().any(|b| b.is_ascii_digit());
    let named = || (digit || name.len() >= SECRET) && is_secret_name(before);
    let pair = name
        .split_once('=')
        .filter(|(name, _)| is_secret_name(name));
    if let Some((name, _)) = pair {
        return Cow::Owned(format!("{name}={MASK}{parameters}"));
    }
    if name.contains('@') || is_token(name) || is_random(name) || named() {
        return Cow::Owned(format!("{MASK}{parameters}"));
    }
    match parameters {
        "" => Cow::Borrowed(part),
        _ => Cow::Owned(format!("{name}{parameters}")),
    }
}

fn is_random(part: &str) -> bool {
    let letter = part.bytes().any(|b| b.is_ascii_alphabetic());
    let digit = part.bytes().any(|b| b.is_ascii_digit());
    let words = part.split(['-', '_', '.']).map(str::len).max().unwrap_or(0);
    part.len() >= RANDOM && letter && digit && words >= SECRET && !is_uuid(part)
}

fn is_uuid(part: &str) -> bool {
    let hex = |b: u8| b.is_ascii_hexdigit();
    part.len() == 36 && part.bytes().all(|b| hex(b) || b == b'-')
}

/// The path of the request line, without scheme, host, query and fragment (RFC 9112 section 3.2).
fn target(line: &[u8]) -> Option<String> {
    let mut words = line.split(|&b| b == b' ');
    let (method, target) = (words.next()?, words.next()?);
    if method == b"CONNECT" {
        return Some("(connect)".to_owned());
    }
    let target = String::from_utf8_lossy(target);
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &target,
    };
    let path = path.split(['?', '#']).next().unwrap_or("");
    Some(if path.is_empty() {
        "/".to_owned()
    } else {
        path.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_what_says_something_and_no_secret() {
        for (target, want) in [
            ("/products/42?token=x#y", "/products/42"),
            ("/auth/login", "/auth/login"),
            ("/reset-password/9f3a1", "/reset-password/***"),
            ("/token/abcdefghijklmnopqrst", "/token/***"),
            ("/u/ann@example.com/cart", "/u/***/cart"),
            ("/a;jsessionid=17/b", "/a;***/b"),
            ("/x/apikey=17/y", "/x/apikey=***/y"),
            ("/s/ghp_0123456789abcdef", "/s/***"),
            ("/f/3b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e", "/f/***"),
            (
                "/o/6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                "/o/6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            ),
            (
                "/static/index-of-2026-11-products.html",
                "/static/index-of-2026-11-products.html",
            ),
        ] {
            let line = format!("GET {target} HTTP/1.1");
            assert_eq!(masked(line.as_bytes()).as_deref(), Some(want));
        }
        assert_eq!(masked(b"\xff\xfe"), None);
    }
}
