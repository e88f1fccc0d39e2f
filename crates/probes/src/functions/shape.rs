//! The parts of a name of any language: where its path begins behind a type of return values, where the last part of the
//! path is, where parameters begin. `int shop::Cart<int>::total<3>(int) const` has the path `shop::Cart<int>::total`,
//! whose last part is `total`.

/// Where parts of a name are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shape {
    /// Where the path begins.
    pub path: u16,
    /// Where its last part begins.
    pub last: u16,
    /// Where both end.
    pub end: u16,
}

impl Shape {
    /// Looks through a name once.
    pub fn of(name: &str) -> Self {
        let mut scan = Scan::default();
        let name = &name.as_bytes()[..name.len().min(usize::from(u16::MAX))];
        let mut at = 0;
        while at < name.len() {
            at += scan.step(name, at);
        }
        let end = scan.end.unwrap_or(name.len());
        Self {
            path: scan.path as u16,
            last: scan.last as u16,
            end: end.max(scan.last) as u16,
        }
    }

    /// The path of the name.
    pub fn path<'a>(&self, name: &'a str) -> &'a [u8] {
        let range = usize::from(self.path)..usize::from(self.end);
        name.as_bytes().get(range).unwrap_or_default()
    }

    /// The last part of the path.
    pub fn last<'a>(&self, name: &'a str) -> &'a [u8] {
        let range = usize::from(self.last)..usize::from(self.end);
        name.as_bytes().get(range).unwrap_or_default()
    }
}

/// How far a name was read.
#[derive(Default)]
struct Scan {
    depth: u32,
    path: usize,
    last: usize,
    end: Option<usize>,
    has_parameters: bool,
}

impl Scan {
    /// Takes what is at a place; gives how many bytes that is.
    fn step(&mut self, name: &[u8], at: usize) -> usize {
        let is_first = at == self.last;
        match name[at] {
            b'>' if at > 0 && matches!(name[at - 1], b'-' | b'=') => {}
            b')' | b']' | b'}' | b'>' => self.depth = self.depth.saturating_sub(1),
            open @ (b'(' | b'[' | b'{' | b'<') => {
                if self.depth == 0 && !is_first {
                    self.end.get_or_insert(at);
                    self.has_parameters |= open == b'(';
                }
                self.depth += 1;
            }
            _ if self.depth > 0 => {}
            b':' if name.get(at + 1) == Some(&b':') => {
                self.begin(at + 2);
                return 2;
            }
            b'.' | b'/' if !self.has_parameters => self.begin(at + 1),
            b' ' if !self.has_parameters => {
                self.begin(at + 1);
                self.path = at + 1;
            }
            b'o' if is_first && is_operator(&name[at..]) => {
                let bytes = operator(&name[at..]);
                self.end = Some(at + bytes);
                // Its arguments may be apart: `operator<< <char>`.
                return bytes + usize::from(name[at + bytes..].starts_with(b" <"));
            }
            _ => {}
        }
        1
    }

    fn begin(&mut self, at: usize) {
        self.last = at;
        self.end = None;
        self.has_parameters = false;
    }
}

fn is_operator(name: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    name.strip_prefix(b"operator")
        .and_then(|rest| rest.first())
        .is_some_and(|next| !is_word(next) && *next != b':' && *next != b'.')
}

/// Bytes of a C++ operator's name: a sign, or a type that is converted to.
fn operator(name: &[u8]) -> usize {
    let word = b"operator".len();
    let rest = &name[word..];
    if rest.starts_with(b"()") || rest.starts_with(b"[]") {
        return word + 2;
    }
    let length = match rest.first() {
        Some(b' ') => rest.iter().position(|byte| *byte == b'('),
        _ => rest
            .iter()
            .position(|byte| !b"<>=!+-*/%^&|~,".contains(byte)),
    };
    word + length.unwrap_or(rest.len())
}

/// So much of a path is looked at without its arguments.
const MOST_BARE_BYTES: usize = 256;

/// A path without the arguments of its parts: of `shop::Cart<int>::total` it is `shop::Cart::total`. What stands for a part
/// itself stays, as in `<Cart as Drop>::drop` and `main.(*Cart).Total`.
pub(super) struct Bare {
    bytes: [u8; MOST_BARE_BYTES],
    count: usize,
}

impl Bare {
    pub fn of(path: &[u8]) -> Self {
        let mut bare = Self {
            bytes: [0; MOST_BARE_BYTES],
            count: 0,
        };
        let (mut depth, mut before) = (0u32, b' ');
        for byte in path.iter().copied() {
            let is_open = matches!(byte, b'<' | b'(' | b'[' | b'{');
            let is_arrow = byte == b'>' && matches!(before, b'-' | b'=');
            let is_close = matches!(byte, b'>' | b')' | b']' | b'}') && !is_arrow;
            if depth > 0 || is_open && (before.is_ascii_alphanumeric() || before == b'_') {
                depth = depth + u32::from(is_open) - u32::from(is_close);
            } else if bare.count < MOST_BARE_BYTES {
                bare.bytes[bare.count] = byte;
                bare.count += 1;
            } else {
                break;
            }
            before = byte;
        }
        bare
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

/// The bit of a character: letters without case, digits, and the others together.
pub(super) fn letter(byte: u8) -> u64 {
    let number = match byte.to_ascii_lowercase() {
        lower @ b'a'..=b'z' => lower - b'a',
        digit @ b'0'..=b'9' => digit - b'0' + 26,
        b'_' => 36,
        other => 37 + other % 27,
    };
    1 << number
}

/// Whether a word begins at a place: after a sign, and with each hump of `camelCase` and `HTTPServer`.
pub(super) fn is_word_start(name: &[u8], at: usize) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let byte = name[at];
    let Some(before) = at.checked_sub(1).map(|before| name[before]) else {
        return is_part(byte);
    };
    let is_hump = || {
        let is_lower_next = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        byte.is_ascii_uppercase() && (!before.is_ascii_uppercase() || is_lower_next)
    };
    is_part(byte) && (!is_part(before) || is_hump())
}

/// Where words of a name begin.
pub(super) fn word_starts(name: &[u8]) -> impl Iterator<Item = usize> {
    (0..name.len()).filter(|at| is_word_start(name, *at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_languages_have_a_path_and_a_last_part() {
        let names = [
            ("main", "main", "main"),
            (
                "int shop::Cart<int>::total<3>(int) const",
                "shop::Cart<int>::total",
                "total",
            ),
            (
                "(anonymous namespace)::f(char (*)(int))",
                "(anonymous namespace)::f",
                "f",
            ),
            (
                "main::{lambda(int)#1}::operator()(int) const",
                "main::{lambda(int)#1}::operator()",
                "operator()",
            ),
            (
                "f(int)::{lambda()#2}::g() const",
                "f(int)::{lambda()#2}::g",
                "g",
            ),
            (
                "std::ostream& std::operator<< <char>(std::ostream&)",
                "std::operator<<",
                "operator<<",
            ),
            (
                "a::B::operator bool() const",
                "a::B::operator bool",
                "operator bool",
            ),
            ("a::B::operator->()", "a::B::operator->", "operator->"),
            (
                "operator new(unsigned long)",
                "operator new",
                "operator new",
            ),
            ("shop::operators(int)", "shop::operators", "operators"),
            (
                "core::ptr::drop_in_place::{{closure}}",
                "core::ptr::drop_in_place::{{closure}}",
                "{{closure}}",
            ),
            (
                "<alloc::vec::Vec<u8> as core::ops::Drop>::drop",
                "<alloc::vec::Vec<u8> as core::ops::Drop>::drop",
                "drop",
            ),
            (
                "core::ops::function::FnOnce::call_once<fn() -> i32>",
                "core::ops::function::FnOnce::call_once",
                "call_once",
            ),
            ("main.(*Cart).Total", "main.(*Cart).Total", "Total"),
            (
                "github.com/a/b.v2.Map[go.shape.int_0]",
                "github.com/a/b.v2.Map",
                "Map",
            ),
            ("main.main.func1", "main.main.func1", "func1"),
            ("", "", ""),
            ("a::", "a::", ""),
            ("<<((", "<<((", "<<(("),
        ];
        for (name, path, last) in names {
            let shape = Shape::of(name);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(
                (text(shape.path(name)), text(shape.last(name))),
                (path.to_owned(), last.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_bare_path_has_no_arguments() {
        let names = [
            ("shop::Cart<std::vector<int> >::total", "shop::Cart::total"),
            (
                "<alloc::vec::Vec<u8> as core::ops::Drop>::drop",
                "<alloc::vec::Vec as core::ops::Drop>::drop",
            ),
            ("main.(*Cart).Total", "main.(*Cart).Total"),
            ("f(int)::{lambda(int)#1}::g", "f::{lambda#1}::g"),
            ("call<fn() -> i32>::x", "call::x"),
            ("operator<", "operator"),
            (">)a", ">)a"),
        ];
        for (name, wanted) in names {
            assert_eq!(Bare::of(name.as_bytes()).bytes(), wanted.as_bytes());
        }
        assert_eq!(Bare::of(&[b'x'; 5000]).bytes().len(), MOST_BARE_BYTES);
    }

    #[test]
    fn words_begin_after_signs_and_with_humps() {
        let words = |name: &str| word_starts(name.as_bytes()).collect::<Vec<_>>();
        assert_eq!(words("processPayment"), [0, 7]);
        assert_eq!(words("HTTPServer_next2::a.b"), [0, 4, 11, 18, 20]);
        assert_eq!(words("__x"), [2]);
    }
}
