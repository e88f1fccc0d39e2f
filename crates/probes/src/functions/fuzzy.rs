//! How well a name matches what somebody typed, without regard to case.

use super::names::Letters;
use super::scan::{Needle, fold};
use super::search::{Class, Match};
use super::shape::{Bare, Shape, is_word_start, letter};
use super::tail::is_tail;

/// Most characters of a query that may be spread over a name.
const MOST_SPREAD: usize = 63;
/// In so many bytes of a name the beginnings of words must be, for each character, and some more.
const MOST_OF_WORDS: (usize, usize) = (12, 16);
/// In so many bytes of a name scattered characters must be, for each.
const MOST_SCATTERED: usize = 3;

/// A query.
pub(super) struct Fuzzy {
    text: String,
    shape: Shape,
    needle: Needle,
    all_letters: u64,
    /// Letters and digits alone, folded: these may be spread over a name.
    spread: Vec<u8>,
    /// The first of these.
    first: Needle,
    /// Where each character is in `spread`, as bits.
    places: Box<[u64; 256]>,
    /// Characters that every match has.
    pub letters: u64,
}

impl Fuzzy {
    pub fn of(text: &str) -> Self {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
        let spread = text.bytes().filter(is_part).map(fold);
        let spread: Vec<u8> = spread.take(MOST_SPREAD).collect();
        let mut places = Box::new([0; 256]);
        for (at, byte) in spread.iter().enumerate() {
            places[usize::from(*byte)] |= 1 << at;
            places[usize::from(byte.to_ascii_uppercase())] |= 1 << at;
        }
        let letters = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | letter(*byte));
        let all_letters = letters(text.as_bytes());
        Self {
            shape: Shape::of(text),
            needle: Needle::of(text.as_bytes()),
            all_letters,
            letters: match spread.is_empty() {
                true => all_letters,
                false => letters(&spread),
            },
            first: Needle::of(&spread[..spread.len().min(1)]),
            spread,
            places,
            text: text.to_owned(),
        }
    }

    /// `letters` are those of the name, `bare` those of its path.
    pub fn matched(&self, name: &str, shape: Shape, letters: u64, bare: Letters) -> Option<Match> {
        let bytes = name.as_bytes();
        let mut best = self.tail(name, shape);
        if letters & self.all_letters == self.all_letters {
            let inside = || self.inside(bytes, bare.initials);
            let found = self.begins(bytes, shape).or_else(inside);
            best = best.into_iter().chain(found).min();
        }
        best.or_else(|| self.spread(shape.path(name), bare))
    }

    /// Whether the query is a whole name, or begins one.
    fn begins(&self, name: &[u8], shape: Shape) -> Option<Match> {
        let (path, last) = (usize::from(shape.path), usize::from(shape.last));
        let is_path = |at: usize, end: usize| at == path && end == usize::from(shape.end);
        let at = |at: usize| {
            let end = at + self.text.len();
            let part = name.get(at..end)?;
            let is_whole = is_path(at, end) || at == 0 && end == name.len();
            let class = if is_whole {
                Class::Exact
            } else {
                Class::Prefix
            };
            let is_counted = at == path || at == last || is_whole;
            let is_equal = part.eq_ignore_ascii_case(self.text.as_bytes());
            (is_equal && is_counted).then_some((class, part != self.text.as_bytes()))
        };
        [0, path, last].into_iter().filter_map(at).min()
    }

    /// Whether the query is somewhere inside.
    fn inside(&self, name: &[u8], initials: u64) -> Option<Match> {
        let may_begin = self.text.bytes().next().map(letter)? & initials != 0;
        let mut best = None;
        for at in self.needle.find_all(name) {
            let is_word = may_begin && is_word_start(name, at);
            let class = if is_word { Class::Word } else { Class::Inside };
            let is_other_case = name[at..at + self.text.len()] != *self.text.as_bytes();
            best = best.into_iter().chain([(class, is_other_case)]).min();
            if is_word || !may_begin {
                break;
            }
        }
        best
    }

    /// Whether the query is the last parts of the path, arguments of templates left out.
    fn tail(&self, name: &str, shape: Shape) -> Option<Match> {
        let (last, wanted) = (shape.last(name), self.shape.last(&self.text));
        if last.len() != wanted.len() || !last.eq_ignore_ascii_case(wanted) || last.is_empty() {
            return None;
        }
        let query = self.shape.path(&self.text);
        let is_whole_query = query.len() == self.text.len();
        (is_whole_query && is_tail(query, shape.path(name)))
            .then_some((Class::Tail, last != wanted))
    }

    /// Characters in their order: each follows the one before or begins a word, or else they are near to one another. The
    /// first begins a word. Arguments are passed over.
    fn spread(&self, path: &[u8], bare: Letters) -> Option<Match> {
        let first = letter(*self.spread.first()?);
        let may_be = bare.initials & first != 0 && bare.all & self.letters == self.letters;
        if !may_be || self.text.len() > MOST_SPREAD {
            return None;
        }
        let bare = Bare::of(path);
        let name = bare.bytes();
        let starts = || {
            let all = self.first.find_all(name);
            all.filter(|at| is_word_start(name, *at))
        };
        if starts().any(|at| self.is_of_words(name, at)) {
            return Some((Class::Words, false));
        }
        let is_scattered = starts().any(|at| self.is_scattered(&name[at..]));
        is_scattered.then_some((Class::Scattered, false))
    }

    /// Runs all ways to match at once: bit n of a set says that n characters have matched.
    fn is_of_words(&self, name: &[u8], start: usize) -> bool {
        let done = 1u64 << self.spread.len();
        let most = self.spread.len() * MOST_OF_WORDS.0 + MOST_OF_WORDS.1;
        let (mut matched, mut just_now) = (2u64, 2u64);
        for at in start + 1..name.len().min(start + most) {
            let places = self.places[usize::from(name[at])];
            if places & matched == 0 {
                just_now = 0;
                continue;
            }
            let from = just_now | if is_word_start(name, at) { matched } else { 0 };
            just_now = (from & places) << 1;
            matched |= just_now;
            if matched & done != 0 {
                return true;
            }
        }
        matched & done != 0
    }

    /// As early as can be.
    fn is_scattered(&self, name: &[u8]) -> bool {
        let mut wanted = self.spread.iter();
        let mut next = wanted.next();
        for byte in name.iter().take(self.spread.len() * MOST_SCATTERED) {
            if next == Some(&fold(*byte)) {
                next = wanted.next();
            }
        }
        next.is_none()
    }
}
