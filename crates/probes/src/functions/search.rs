//! A search among a million names: most are passed over because a character of the query is not in them, the rest are
//! ranked, and the best are kept.

use super::fuzzy::Fuzzy;
use super::glob::Glob;
use super::{Function, Functions, similar};
use crate::symbols::{Missing, demangle};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Longest pattern that is looked for; of longer ones the beginning.
pub const MOST_PATTERN_BYTES: usize = 512;
/// Most functions of one answer.
pub const MOST_FOUND: usize = 1000;
/// Names that only come near, at most.
const MOST_NEAR: usize = 3;
/// So often the time is looked at.
const NAMES_A_LOOK: usize = 1 << 12;

/// How well a name matches, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The name, or its path.
    Exact,
    /// The last parts of the path.
    Tail,
    /// The name, its path or the path's last part begins so.
    Prefix,
    /// A word begins so.
    Word,
    /// It is somewhere inside.
    Inside,
    /// The beginnings of words, in their order.
    Words,
    /// The characters, in their order and near to one another.
    Scattered,
}

/// How well a name matches; second: not with the same case.
pub(super) type Match = (Class, bool);

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The best, best first.
    pub functions: Vec<Function>,
    /// How many match.
    pub total: u32,
    /// How many functions the program has.
    pub indexed: u32,
    /// When none matches: names that are written nearly so.
    pub similar: Vec<String>,
    /// What would be needed to know more functions.
    pub missing: Option<Missing>,
}

/// What is looked for.
enum Query {
    All,
    Glob(Glob),
    Fuzzy(Fuzzy),
}

impl Query {
    fn of(pattern: &str) -> Self {
        match pattern {
            "" => Self::All,
            glob if glob.contains(['*', '?']) => Self::Glob(Glob::of(glob)),
            name => Self::Fuzzy(Fuzzy::of(name)),
        }
    }

    /// Characters that every match has.
    fn letters(&self) -> u64 {
        match self {
            Self::All => 0,
            Self::Glob(glob) => glob.letters,
            Self::Fuzzy(fuzzy) => fuzzy.letters,
        }
    }
}

/// A function that matches; the least is the best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'a> {
    class: Class,
    /// What has code comes first; but a list of all is in one order.
    is_inlined_only: bool,
    /// Nothing where all names are wanted: then they are in the order of the alphabet.
    bytes: usize,
    is_other_case: bool,
    name: &'a str,
    entry: usize,
    /// The number of the name that matches.
    number: usize,
}

impl Functions<'_> {
    /// The functions whose names match: a name, a name with `*` and `?`, or part of a name; all for nothing. Gives the
    /// best, at most `limit` and [`MOST_FOUND`], and how many there are.
    pub fn search(&self, pattern: &str, limit: usize, until: Instant) -> Found {
        let pattern = pattern[..pattern.floor_char_boundary(MOST_PATTERN_BYTES)].trim();
        let (pattern, linkage) = match pattern {
            mangled if mangled.starts_with("_Z") || mangled.starts_with("_R") => {
                (demangle(mangled.as_bytes()), Some(mangled))
            }
            name => (name.to_owned(), None),
        };
        let is_linked = |entry: usize| {
            let own = || self.texts.get(self.entries[entry].text);
            linkage.is_none_or(|linkage| own() == linkage.as_bytes())
        };
        let (best, total, is_late) = match self.select(&pattern, limit, until, is_linked) {
            (_, 0, false) if linkage.is_some() => self.select(&pattern, limit, until, |_| true),
            selected => selected,
        };
        let mut similar = Vec::new();
        if total == 0 && !is_late {
            similar = similar::names(&self.names, &pattern, until);
        }
        Found {
            functions: best.iter().map(|one| self.answer(one)).collect(),
            total,
            indexed: self.entries.len() as u32,
            similar,
            missing: is_late.then_some(Missing::TimeOut).or(self.missing),
        }
    }

    /// The functions that a person means by this name: it is theirs, or the last parts of their path; by a pattern those
    /// that fit. When there is none, names that come near.
    pub fn named(&self, name: &str, limit: usize, until: Instant) -> Found {
        let mut found = self.search(name, limit, until);
        if name.contains(['*', '?']) || name.starts_with("_Z") || name.starts_with("_R") {
            return found;
        }
        let (best, _, _) = self.select(name, limit, until, |_| true);
        let meant = best.iter().filter(|one| one.class <= Class::Tail).count();
        if meant == 0 {
            let near = found.functions.iter().take(MOST_NEAR);
            found.similar.splice(0..0, near.map(|one| one.name.clone()));
        }
        found.functions.truncate(meant);
        found.total = meant as u32;
        found
    }

    /// The best matches, how many there are, and whether there was not enough time.
    fn select(
        &self,
        pattern: &str,
        limit: usize,
        until: Instant,
        is_wanted: impl Fn(usize) -> bool,
    ) -> (Vec<Candidate<'_>>, u32, bool) {
        let query = Query::of(pattern);
        let limit = limit.min(MOST_FOUND);
        let (mut best, mut total, mut is_late) = (BinaryHeap::new(), 0, false);
        let mut other = self.names.entries();
        for entry in 0..self.names.entries() {
            if entry % NAMES_A_LOOK == 0 && Instant::now() >= until {
                is_late = true;
                break;
            }
            let Some(candidate) = self.candidate(&query, entry, &mut other) else {
                continue;
            };
            if !is_wanted(entry) {
                continue;
            }
            total += 1;
            if best.len() < limit {
                best.push(candidate);
            } else if best.peek().is_some_and(|worst| candidate < *worst) {
                best.pop();
                best.push(candidate);
            }
        }
        (best.into_sorted_vec(), total, is_late)
    }

    /// A function, by the one of its names that matches best. `other` is the first that has not been looked at of those
    /// beside the entries' own.
    fn candidate(&self, query: &Query, entry: usize, other: &mut usize) -> Option<Candidate<'_>> {
        let (names, wanted) = (&self.names, query.letters());
        let mut found = None;
        if names.letters()[entry] & wanted == wanted {
            found = self.matched(query, entry).map(|class| (class, entry));
        }
        while *other < names.len() && names.entry(*other) == entry {
            if names.letters()[*other] & wanted == wanted {
                let class = self.matched(query, *other);
                let better = class.filter(|class| found.is_none_or(|(best, _)| *class < best));
                found = better.map(|class| (class, *other)).or(found);
            }
            *other += 1;
        }
        let ((class, is_other_case), number) = found?;
        let name = names.get(number);
        Some(Candidate {
            class,
            is_inlined_only: wanted != 0 && entry >= self.addressed,
            bytes: if wanted == 0 { 0 } else { name.len() },
            is_other_case,
            name,
            entry,
            number,
        })
    }

    fn matched(&self, query: &Query, number: usize) -> Option<Match> {
        let (name, shape) = (self.names.get(number), self.names.shape(number));
        match query {
            Query::All => (!name.is_empty()).then_some((Class::Exact, false)),
            Query::Glob(glob) => glob.matched(name, shape),
            Query::Fuzzy(fuzzy) => {
                let letters = self.names.letters()[number];
                fuzzy.matched(name, shape, letters, self.names.bare(number))
            }
        }
    }

    fn answer(&self, candidate: &Candidate<'_>) -> Function {
        let mut function = self.function(candidate.entry);
        if candidate.number != candidate.entry {
            function.alias = Some(candidate.name.to_owned());
        }
        function
    }
}
