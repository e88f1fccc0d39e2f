//! Routes from paths: parts that look like identifiers, and secrets, become `:id`, and the number of templates is bounded,
//! so that random paths cannot fill memory.

use crate::chronicle::mask::MASK;
use crate::path;
use coral_model::{Observed, Route};
use std::collections::HashSet;

/// Templates that one instance and side may have; what comes after is [`Route::Unattributed`].
pub const ROUTES_MAX: usize = 200;
/// Parts of a path that are kept; what follows is `*`.
const PARTS_MAX: usize = 8;

/// The templates seen so far of one instance and side.
#[derive(Debug, Default)]
pub struct Routes {
    known: HashSet<String>,
}

impl Routes {
    /// The route of a path that may be kept.
    pub fn of(&mut self, path: Option<&str>) -> Route {
        let Some(template) = path.map(template) else {
            return Route::Unattributed;
        };
        if !self.known.contains(&template) {
            if self.known.len() >= ROUTES_MAX {
                return Route::Unattributed;
            }
            self.known.insert(template.clone());
        }
        Route::Template(Observed::new(template))
    }
}

fn template(path: &str) -> String {
    if !path.starts_with('/') {
        return path.chars().take(64).collect();
    }
    let mut out = String::with_capacity(path.len());
    for (index, part) in path[1..].split('/').enumerate() {
        out.push('/');
        if index == PARTS_MAX {
            out.push('*');
            break;
        }
        out.push_str(if is_identifier(part) || part.contains(MASK) {
            ":id"
        } else {
            part
        });
    }
    out
}

/// Whether a part of a path stands for one of many: a number, a UUID, a long hexadecimal or mixed token, an address, or
/// anything that is escaped or very long.
fn is_identifier(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let hex = part.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = part.bytes().filter(|&b| b == b'-').count();
    let length = part.len();
    if length == 0 {
        return false;
    }
    let number = digits > 0
        && part
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':' | b','));
    let hexadecimal = digits > 0 && length >= 8 && hex + dashes == length;
    let mixed = length >= 16 && digits * 5 >= length;
    number || hexadecimal || mixed || length > 40 || part.contains(['%', '@', '='])
}

/// Fuzz target: foreign request lines; the number of routes stays bounded and nothing panics.
pub fn fuzz(data: &[u8]) {
    let mut routes = Routes::default();
    for line in data.split(|&b| b == b'\n') {
        if let Route::Template(text) = routes.of(path::masked(line).as_deref()) {
            assert!(!text.raw().contains('?'), "a query string was kept");
        }
    }
    assert!(routes.known.len() <= ROUTES_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> String {
        match Routes::default().of(path::masked(line.as_bytes()).as_deref()) {
            Route::Template(text) => text.raw().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn identifiers_become_one_template() {
        for (line, want) in [
            ("GET /users/42?token=secret HTTP/1.1", "/users/:id"),
            ("GET / HTTP/1.1", "/"),
            (
                "GET /v1/orders/3f2504e0-4f89-11d3-9a0c-0305e82c3301/items HTTP/1.1",
                "/v1/orders/:id/items",
            ),
            ("GET http://shop.example/cart/9#x HTTP/1.1", "/cart/:id"),
            ("GET http://shop.example HTTP/1.1", "/"),
            ("OPTIONS * HTTP/1.1", "*"),
            ("CONNECT a.example:443 HTTP/1.1", "(connect)"),
            ("GET /a/b/c/d/e/f/g/h/i/j HTTP/1.1", "/a/b/c/d/e/f/g/h/*"),
            ("GET /deadbeef01 HTTP/1.1", "/:id"),
            ("GET /favicon.ico HTTP/1.1", "/favicon.ico"),
            ("GET /products/blue%20shoe HTTP/1.1", "/products/:id"),
            (
                "GET /login/token/hunter2hunter2 HTTP/1.1",
                "/login/token/:id",
            ),
            ("GET /in/eyJhbGciOiJIUzI1NiJ9 HTTP/1.1", "/in/:id"),
        ] {
            assert_eq!(of(line), want, "{line}");
        }
        assert_eq!(of("garbage"), "Unattributed");
    }

    #[test]
    fn random_paths_are_bounded() {
        let mut routes = Routes::default();
        let word = |n: u32| {
            n.to_string()
                .bytes()
                .map(|b| (b - b'0' + b'a') as char)
                .collect::<String>()
        };
        let unattributed = (0..5000u32)
            .filter(|&n| routes.of(Some(&format!("/{}", word(n)))) == Route::Unattributed);
        assert_eq!(unattributed.count(), 5000 - ROUTES_MAX);
        fuzz(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
    }
}
