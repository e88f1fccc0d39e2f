//! Finds the services that a name means: `name`, or `namespace/name`.

use super::QueryError;
use super::scope::Scope;
use coral_model::{Observed, ServiceKey};

/// How many names a refusal offers.
const NEAR: usize = 3;
/// As much of a name is compared; both come from outside.
const COMPARED: usize = 64;

pub(super) fn optional(
    scope: &Scope<'_>,
    name: Option<&str>,
) -> Result<Option<Vec<ServiceKey>>, QueryError> {
    name.map(|name| resolve(scope, name)).transpose()
}

/// All services of this name; known ones without data in the window are no error.
pub(super) fn resolve(scope: &Scope<'_>, name: &str) -> Result<Vec<ServiceKey>, QueryError> {
    let known = scope.snapshot().services()?;
    let found: Vec<_> = known
        .iter()
        .filter(|s| s.is_called(name))
        .cloned()
        .collect();
    if found.is_empty() {
        return Err(QueryError::NoSuchService {
            name: Observed::new(name).visible().into_owned(),
            near: nearest(name, &known),
        });
    }
    Ok(found)
}

fn nearest(name: &str, known: &[ServiceKey]) -> Vec<String> {
    let cut = |text: &str| text.chars().take(COMPARED).collect::<String>();
    let name = &cut(name);
    let mut scored: Vec<_> = known
        .iter()
        .map(|s| {
            let other = cut(s.name.raw());
            let contained = other.contains(name) || name.contains(&other);
            let steps = distance(&other, name);
            (if contained { 0 } else { steps }, steps, s)
        })
        .collect();
    scored.sort();
    let text = |s: &ServiceKey| s.name.visible().into_owned();
    scored.iter().take(NEAR).map(|(.., s)| text(s)).collect()
}

/// Levenshtein distance; names are short.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != cb))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row.last().copied().unwrap_or(0)
}
