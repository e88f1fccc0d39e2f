//! The filter line: words that must be in a row, `!x` that must not, `~x` in this order of letters, `err>1` on columns.

use coral_model::answer::Red;
use std::borrow::Cow;
use std::time::Duration;

/// A column that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Requests per second.
    Rate,
    /// Errors in percent.
    Errors,
    /// Median in milliseconds.
    P50,
    /// 95th percentile in milliseconds.
    P95,
    /// 99th percentile in milliseconds.
    P99,
    /// Requests in flight.
    Flight,
    /// Instances.
    Instances,
}

/// The words for the columns, as they are typed.
pub const FIELDS: &[(&str, Field)] = &[
    ("rate", Field::Rate),
    ("err", Field::Errors),
    ("p50", Field::P50),
    ("p95", Field::P95),
    ("p99", Field::P99),
    ("flight", Field::Flight),
    ("inst", Field::Instances),
];

/// The value of a column of RED figures.
pub fn figure_of(red: &Red, field: Field) -> Option<f64> {
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    match field {
        Field::Rate => red.rate_per_s,
        Field::Errors => red.error_ratio.map(|r| r * 100.0),
        Field::P50 => red.p50.map(ms),
        Field::P95 => red.p95.map(ms),
        Field::P99 => red.p99.map(ms),
        Field::Flight | Field::Instances => None,
    }
}

/// A row that can be filtered.
pub trait Subject {
    /// Its words, as they are shown.
    fn text(&self) -> Cow<'_, str>;
    /// The value of a column; `None` is unknown and fits no comparison.
    fn figure(&self, field: Field) -> Option<f64>;
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Has(String),
    Not(String),
    Fuzzy(String),
    Above(Field, f64),
    Below(Field, f64),
}

/// A parsed filter line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter line; a term that is not finished yet is no term.
    pub fn parse(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            terms: text.split_whitespace().filter_map(term).collect(),
        }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether every row passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether this row passes every term.
    pub fn passes(&self, subject: &impl Subject) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let text = subject.text().to_lowercase();
        self.passes_text(&text, |field| subject.figure(field))
    }

    /// The same for a text that is in lower case already.
    pub fn passes_text(&self, text: &str, figure: impl Fn(Field) -> Option<f64>) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Has(word) => text.contains(word.as_str()),
            Term::Not(word) => !text.contains(word.as_str()),
            Term::Fuzzy(letters) => in_order(text, letters),
            Term::Above(field, limit) => figure(*field).is_some_and(|v| v > *limit),
            Term::Below(field, limit) => figure(*field).is_some_and(|v| v < *limit),
        })
    }
}

fn term(word: &str) -> Option<Term> {
    let lower = word.to_lowercase();
    if let Some(rest) = lower.strip_prefix('!') {
        return (!rest.is_empty()).then(|| Term::Not(rest.to_owned()));
    }
    if let Some(rest) = lower.strip_prefix('~') {
        return (!rest.is_empty()).then(|| Term::Fuzzy(rest.to_owned()));
    }
    let compared = lower.find(['>', '<']).and_then(|at| {
        let (name, rest) = lower.split_at(at);
        let (_, field) = FIELDS.iter().find(|(known, _)| *known == name)?;
        Some((*field, rest))
    });
    match compared {
        None => Some(Term::Has(lower)),
        Some((field, rest)) => {
            let limit: f64 = rest[1..].parse().ok()?;
            Some(match rest.starts_with('>') {
                true => Term::Above(field, limit),
                false => Term::Below(field, limit),
            })
        }
    }
}

/// Whether the letters occur in this order, with anything between them.
fn in_order(text: &str, letters: &str) -> bool {
    let mut rest = text.chars();
    letters.chars().all(|letter| rest.any(|c| c == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, Option<f64>);

    impl Subject for Row {
        fn text(&self) -> Cow<'_, str> {
            self.0.into()
        }

        fn figure(&self, field: Field) -> Option<f64> {
            self.1.filter(|_| field == Field::P95)
        }
    }

    fn passing(filter: &str) -> Vec<&'static str> {
        let rows = [
            Row("Checkout", Some(2070.0)),
            Row("cart", Some(4.8)),
            Row("search", None),
        ];
        let filter = Filter::parse(filter);
        rows.iter()
            .filter(|r| filter.passes(*r))
            .map(|r| r.0)
            .collect()
    }

    #[test]
    fn terms_are_joined_by_and() {
        assert_eq!(passing(""), ["Checkout", "cart", "search"]);
        assert_eq!(passing("c !cart"), ["Checkout", "search"]);
        assert_eq!(passing("~ckt"), ["Checkout"]);
        assert_eq!(passing("p95>500"), ["Checkout"]);
        assert_eq!(passing("p95<500 c"), ["cart"]);
        assert_eq!(passing("CART"), ["cart"]);
    }

    #[test]
    fn what_is_being_typed_hides_nothing() {
        for unfinished in ["!", "~", "p95>", "p95>x"] {
            assert_eq!(passing(unfinished).len(), 3, "{unfinished}");
        }
        assert!(passing("unknown>5").is_empty());
    }
}
