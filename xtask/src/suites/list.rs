//! Reads `suites.toml`: tables `[[suite]]` with string and number values, nothing more of TOML.

use crate::failure::Failure;
use std::time::Duration;

/// When a suite runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// At each commit.
    Gate,
    /// Before an issue is resolved.
    Full,
}

/// One suite.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    pub name: String,
    /// Compiles what the command needs, outside its budget.
    pub prepare: Option<String>,
    pub command: String,
    pub budget: Duration,
    pub tier: Tier,
}

impl Suite {
    /// Beyond this it fails.
    pub fn limit(&self) -> Duration {
        self.budget * 3 / 2
    }
}

/// The suites in the file's order.
pub fn parse(text: &str) -> Result<Vec<Suite>, Failure> {
    let mut tables: Vec<Vec<(usize, &str, &str)>> = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "[[suite]]" {
            tables.push(Vec::new());
            continue;
        }
        match (tables.last_mut(), line.split_once('=')) {
            (Some(table), Some((key, value))) => table.push((number, key.trim(), value.trim())),
            _ => return Err(bad(number, "expected [[suite]] or key = value")),
        }
    }
    tables.iter().map(|table| suite(table)).collect()
}

fn suite(table: &[(usize, &str, &str)]) -> Result<Suite, Failure> {
    let known = ["name", "prepare", "command", "budget_s", "tier"];
    if let Some((number, key, _)) = table.iter().find(|(_, key, _)| !known.contains(key)) {
        return Err(bad(
            *number,
            &format!("`{key}` is none of {}", known.join(", ")),
        ));
    }
    let first = table.first().map_or(0, |(number, ..)| *number);
    let raw = |key: &str| table.iter().find(|(_, name, _)| *name == key);
    let text = |key: &str| match raw(key) {
        Some((number, _, value)) => value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .map(str::to_owned)
            .ok_or_else(|| bad(*number, "expected a text in quotes")),
        None => Err(bad(first, &format!("this suite has no `{key}`"))),
    };
    let tier = match text("tier")?.as_str() {
        "gate" => Tier::Gate,
        "full" => Tier::Full,
        _ => return Err(bad(first, "`tier` is \"gate\" or \"full\"")),
    };
    let budget = raw("budget_s")
        .and_then(|(_, _, value)| value.parse().ok())
        .ok_or_else(|| bad(first, "`budget_s` is a number of seconds"))?;
    Ok(Suite {
        name: text("name")?,
        prepare: raw("prepare").map(|_| text("prepare")).transpose()?,
        command: text("command")?,
        budget: Duration::from_secs(budget),
        tier,
    })
}

fn bad(line: usize, what: &str) -> Failure {
    Failure::new(format!("xtask/suites.toml:{line}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_committed_file() {
        let suites = parse(include_str!("../../suites.toml")).unwrap();
        let names: Vec<_> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert!(
            names.contains(&"clippy") && names.contains(&"demo"),
            "{names:?}"
        );
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let good = "[[suite]]\nname = \"a\"\ncommand = \"b c\"\nbudget_s = 3\ntier = \"gate\"\n";
        assert_eq!(parse(good).unwrap()[0].limit(), Duration::from_millis(4500));
        for (from, to, expected) in [
            ("budget_s = 3", "budget_s = fast", "number of seconds"),
            ("\"gate\"", "\"gat\"", "gate"),
            ("name =", "nam =", ":2: `nam`"),
            ("command = \"b c\"\n", "", "no `command`"),
            ("[[suite]]", "[suite]", ":1:"),
        ] {
            let error = parse(&good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
