//! Names that are written nearly as one that no function has: few characters to insert, leave out or replace.

use super::names::Names;
use super::scan::fold;
use super::shape::{Shape, letter};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Most names of one answer.
pub const MOST_SIMILAR: usize = 8;
/// Longest text that is compared.
const MOST_BYTES: usize = 64;
/// So often the time is looked at.
const NAMES_A_LOOK: usize = 1 << 14;

/// The names whose last part is most like that of `text`.
pub(super) fn names(names: &Names, text: &str, until: Instant) -> Vec<String> {
    let text: String = text.chars().filter(|c| !matches!(c, '*' | '?')).collect();
    let shape = Shape::of(&text);
    let word = shape.last(&text);
    if word.is_empty() || word.len() > MOST_BYTES {
        return Vec::new();
    }
    let pattern = Pattern::of(word);
    let most = (word.len() / 4 + 1).min(4);
    let wanted = word.iter().fold(0, |all, byte| all | letter(*byte));
    let mut best = BinaryHeap::new();
    for (number, letters) in names.letters().iter().enumerate() {
        if number % NAMES_A_LOOK == 0 && Instant::now() >= until {
            break;
        }
        if (wanted & !letters).count_ones() as usize > most {
            continue;
        }
        let name = names.get(number);
        let last = names.shape(number).last(name);
        if last.len().abs_diff(word.len()) > most {
            continue;
        }
        let distance = pattern.distance(last);
        if distance <= most {
            best.push((distance, name.len(), name));
            if best.len() > 4 * MOST_SIMILAR {
                best.pop();
            }
        }
    }
    let mut found: Vec<_> = best.into_sorted_vec();
    found.dedup_by_key(|one| one.2);
    let found = found.into_iter().take(MOST_SIMILAR);
    found.map(|(_, _, name)| name.to_owned()).collect()
}

/// A text to compare with others: how many changes make one of the other (Levenshtein), by Myers' bit vectors (1999) in
/// the form of Hyyrö (2001).
struct Pattern {
    /// Where each character is, as bits.
    places: Box<[u64; 256]>,
    bytes: usize,
}

impl Pattern {
    fn of(word: &[u8]) -> Self {
        let mut places = Box::new([0; 256]);
        for (at, byte) in word.iter().enumerate().take(MOST_BYTES) {
            places[usize::from(fold(*byte))] |= 1 << at;
        }
        Self {
            places,
            bytes: word.len().min(MOST_BYTES),
        }
    }

    fn distance(&self, text: &[u8]) -> usize {
        let last = 1u64 << (self.bytes - 1);
        let (mut more, mut less, mut distance) = (u64::MAX, 0u64, self.bytes);
        for byte in text {
            let equal = self.places[usize::from(fold(*byte))];
            let vertical = equal | less;
            let diagonal = (((equal & more).wrapping_add(more)) ^ more) | equal;
            let up = less | !(diagonal | more);
            let down = more & diagonal;
            distance += usize::from(up & last != 0);
            distance -= usize::from(down & last != 0);
            let (up, down) = (up << 1 | 1, down << 1);
            more = down | !(vertical | up);
            less = up & vertical;
        }
        distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table of distances, row by row.
    fn plain(a: &[u8], b: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut before = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let replaced = before + usize::from(x != y);
                before = row[j + 1];
                row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_table(a in "[a-c]{1,64}", b in "[a-c]{0,70}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            prop_assert_eq!(Pattern::of(a).distance(b), plain(a, b));
        }
    }

    #[test]
    fn the_nearest_names_come_first() {
        let all = [
            "shop::ProcessPayment",
            "ProcessPayments",
            "process_order",
            "x",
        ];
        let all = Names::of_texts(all.iter().map(|name| name.to_string()));
        let until = Instant::now() + std::time::Duration::from_secs(60);
        let found = names(&all, "shop::ProcesPaymentt", until);
        assert_eq!(found, ["ProcessPayments", "shop::ProcessPayment"]);
        assert!(names(&all, "completely_else", until).is_empty());
        assert!(names(&all, "*?", until).is_empty());
    }
}
