//! "Did you mean": the nearest of the names that there are.

use clap::error::{ContextKind, ContextValue};

/// The names that are near to what was typed, best first, at most two.
pub(crate) fn near<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(far, name)| *far <= 1 + name.chars().count() / 4 || name.starts_with(typed))
        .collect();
    found.sort_unstable();
    found.into_iter().take(2).map(|(_, name)| name).collect()
}

/// `did you mean a or b?`, or the other text when nothing is near.
pub(crate) fn question(near: &[&str], otherwise: &str) -> String {
    if near.is_empty() {
        return otherwise.to_owned();
    }
    let names: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("did you mean {}?", names.join(" or "))
}

/// What to do about arguments that do not parse.
pub(crate) fn hint(error: &clap::Error) -> String {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    let names = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(name) => Some(vec![name.as_str()]),
        ContextValue::Strings(names) => Some(names.iter().map(String::as_str).collect()),
        _ => None,
    });
    let otherwise = "`coral --help` lists commands and options";
    question(&names.unwrap_or_default(), otherwise)
}

/// How many letters must be changed, added, left out or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["payments", "catalog", "cart"];
        assert_eq!(near("payemnts", known), ["payments"]);
        assert_eq!(near("cat", known), ["cart", "catalog"]);
        assert!(near("frontend", known).is_empty());
        assert_eq!(question(&["a", "b"], "x"), "did you mean `a` or `b`?");
        assert_eq!(question(&[], "x"), "x");
        assert_eq!(distance("ab", "ba"), 1);
    }
}
