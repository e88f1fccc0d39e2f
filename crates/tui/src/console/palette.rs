//! The palette: everything that can be gone to or done, found by letters in their order. Pure: entries and a text go in,
//! the best entries come out.

use super::app::Page;
use super::keys::Command;
use coral_model::{AgentId, ServiceKey};

/// More hits are not listed.
pub const HITS_MAX: usize = 200;

/// Where an entry leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A page.
    Page(Page),
    /// A command of the key table.
    Command(Command),
    /// A service.
    Service(ServiceKey),
    /// An agent's host.
    Agent(AgentId),
    /// The routes of a service, filtered to one.
    Route(ServiceKey, String),
}

/// A line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing it is.
    pub kind: &'static str,
    /// What is searched and shown.
    pub label: String,
    /// More about it.
    pub note: String,
    /// Where it leads.
    pub target: Target,
}

/// What is typed, and what it finds.
#[derive(Debug, Default)]
pub struct Palette {
    /// As it was typed.
    pub text: String,
    /// The hit under the cursor.
    pub index: usize,
    entries: Vec<Entry>,
    hits: Vec<usize>,
}

impl Palette {
    /// A palette over these entries.
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut palette = Self {
            entries,
            ..Self::default()
        };
        palette.search();
        palette
    }

    /// Looks for what is typed.
    pub fn search(&mut self) {
        self.index = 0;
        let letters: Vec<char> = self
            .text
            .to_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let scored = self.entries.iter().enumerate();
        let scored = scored.filter_map(|(i, entry)| Some((score(&letters, &entry.label)?, i)));
        let mut scored: Vec<(i32, usize)> = scored.collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.hits = scored.into_iter().take(HITS_MAX).map(|s| s.1).collect();
    }

    /// What was found, the best first.
    pub fn hits(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.hits.iter().map(|&i| &self.entries[i])
    }

    /// The hit under the cursor.
    pub fn chosen(&self) -> Option<&Entry> {
        self.hits().nth(self.index)
    }
}

/// How well the letters fit, in their order; `None` when one is missing. Letters at the begin of a word and letters that
/// follow each other count most, a short label counts more than a long one.
pub fn score(letters: &[char], label: &str) -> Option<i32> {
    if letters.is_empty() {
        return Some(0);
    }
    let mut score = 0;
    let mut last: Option<usize> = None;
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let mut at = 0;
    for &letter in letters {
        let found = best_place(&label, at, letter, last)?;
        let begins = found == 0 || !label[found - 1].is_alphanumeric();
        score += match last {
            Some(last) if last + 1 == found => 12,
            _ if begins => 10,
            _ => 1,
        };
        if found == 0 {
            score += 4;
        }
        last = Some(found);
        at = found + 1;
    }
    let unused = i32::try_from(label.len().saturating_sub(letters.len())).unwrap_or(i32::MAX);
    Some(score - unused.min(30) / 3)
}

/// The next place of a letter: right behind the last one, else at the begin of a word, else the first.
fn best_place(label: &[char], from: usize, letter: char, last: Option<usize>) -> Option<usize> {
    let next = last.map_or(0, |last| last + 1);
    if label.get(next) == Some(&letter) {
        return Some(next);
    }
    let places = || (from..label.len()).filter(|&i| label[i] == letter);
    let begins = |&i: &usize| i == 0 || !label[i - 1].is_alphanumeric();
    let first = places().next()?;
    // A word far away is worth the jump only while letters are left to find there.
    Some(places().find(begins).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, labels: &[&str]) -> Vec<String> {
        let entry = |label: &&str| Entry {
            kind: "page",
            label: (*label).to_owned(),
            note: String::new(),
            target: Target::Page(Page::Services),
        };
        let mut palette = Palette::new(labels.iter().map(entry).collect());
        palette.text = text.to_owned();
        palette.search();
        palette.hits().map(|e| e.label.clone()).collect()
    }

    #[test]
    fn the_best_fit_comes_first() {
        let labels = [
            "load-generator",
            "cart",
            "checkout",
            "fraud-api.example:443",
        ];
        assert_eq!(found("", &labels), labels);
        assert_eq!(found("ch", &labels)[0], "checkout");
        assert_eq!(found("lg", &labels), ["load-generator"]);
        assert_eq!(found("443", &labels), ["fraud-api.example:443"]);
        assert_eq!(found("CART", &labels)[0], "cart");
        assert_eq!(
            found("cart", &["x-cart-service", "cart"]),
            ["cart", "x-cart-service"]
        );
        assert!(found("zz", &labels).is_empty());
    }
}
