//! What may not be written: DuckDB outside the store, `Display` on observed text, `mod.rs`, paths of one machine, a file
//! that does not say what it is for.

use super::Finding;
use super::source::{Source, line_of};

/// Folders of one machine. In two parts, or this file would break its own rule.
const MACHINE: [&str; 2] = [concat!("/", "root"), concat!("/", "work")];
/// A word of code, and the only place (beginning of a path) where it may stand.
const ONLY_IN: [(&str, &str); 3] = [
    ("duckdb", "crates/store/"),
    ("rig_core", "crates/ask/src/provider"),
    ("rig_agent", "crates/ask/src/provider"),
];

pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    header(source, &mut findings);
    machine_paths(source, &mut findings);
    if !source.is_rust() {
        return findings;
    }
    if source.file_name() == "mod.rs" {
        let what = "a module in mod.rs";
        findings.push(Finding::new(
            &source.path,
            1,
            what,
            "name it foo.rs, with its parts in foo/",
        ));
    }
    for (word, place) in ONLY_IN {
        for at in words(&source.code, word).filter(|_| !source.path.starts_with(place)) {
            let what = format!("`{word}` is named outside {place}");
            findings.push(found(
                source,
                at,
                &what,
                "go through the crate that owns it",
            ));
        }
    }
    for at in display_of_observed(&source.code) {
        let what = "observed text must not print by itself";
        findings.push(found(source, at, what, "use one of Observed's renderers"));
    }
    findings
}

fn found(source: &Source, at: usize, what: &str, todo: &'static str) -> Finding {
    Finding::new(&source.path, line_of(&source.text, at), what, todo)
}

/// Every source begins with what it is for.
fn header(source: &Source, findings: &mut Vec<Finding>) {
    let extension = source
        .file_name()
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let (sign, todo) = match extension {
        "rs" => (
            "//!",
            "begin it with //! and its role, what it owns, its contract",
        ),
        "proto" => ("//", "begin it with // and what it carries"),
        "sql" => ("--", "begin it with -- and what it makes"),
        "sh" => ("#", "begin it with # and what it does"),
        _ if source.text.starts_with("#!") => ("#", "begin it with # and what it does"),
        _ => return,
    };
    let first = source.text.lines().find(|line| !line.starts_with("#!/"));
    if !first.is_some_and(|line| line.starts_with(sign)) {
        findings.push(Finding::new(
            &source.path,
            1,
            "the file does not say what it is for",
            todo,
        ));
    }
}

fn machine_paths(source: &Source, findings: &mut Vec<Finding>) {
    for path in MACHINE {
        for (at, _) in source.text.match_indices(path) {
            let before = source.text[..at].chars().next_back();
            let after = source.text[at + path.len()..].chars().next();
            // Part of a longer path, such as /proc/PID and then this, is not the machine's.
            let begins = !before.is_some_and(|c| c.is_alphanumeric() || "/_-.}])*>~$".contains(c));
            let ends = !after.is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c));
            if begins && ends {
                let what = format!("a path of one machine ({path})");
                findings.push(found(
                    source,
                    at,
                    &what,
                    "take it from the environment or the configuration",
                ));
            }
        }
    }
}

/// Where `word` stands as a whole word.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            !code[..at].ends_with(inside) && !code[at + word.len()..].starts_with(inside)
        })
}

/// Where `Display` is implemented for a type named `Observed`.
fn display_of_observed(code: &str) -> impl Iterator<Item = usize> {
    words(code, "Display").filter(|at| {
        let mut next = code[at + "Display".len()..].split_whitespace();
        let target = match next.next() {
            Some("for") => next.next().unwrap_or_default(),
            _ => return false,
        };
        let path = target.split(['<', '{']).next().unwrap_or_default();
        path.rsplit("::").next() == Some("Observed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text.to_owned());
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        for (path, text, broken) in [
            ("crates/a/src/b.rs", "//! B.\n", 0),
            ("crates/a/src/b.rs", "use c;\n", 1),
            (".ci/run", "#!/usr/bin/env bash\n# Runs.\n", 0),
            (".ci/run", "#!/usr/bin/env bash\nset -e\n", 1),
            ("proto/coral/v1/a.proto", "syntax = \"proto3\";\n", 1),
            ("README.md", "Coral\n", 0),
        ] {
            assert_eq!(findings(path, text).len(), broken, "{path}: {text}");
        }
    }

    #[test]
    fn machine_paths_are_found_and_longer_paths_are_not() {
        let [root, work] = MACHINE;
        for (text, broken) in [
            (format!("see {root}/.cache"), 1),
            (format!("`{work}/main`"), 1),
            (format!("/proc/PID{root}/etc"), 0),
            (format!("/proc/{{pid}}{root}/etc"), 0),
            (format!("{work}space"), 0),
        ] {
            assert_eq!(findings("docs/a.md", &text).len(), broken, "{text}");
        }
    }

    #[test]
    fn words_belong_to_their_place() {
        let uses = "//! A.\nuse duckdb::Connection;\n";
        let broken = findings("crates/colony/src/a.rs", uses);
        assert!(
            broken[0].starts_with("crates/colony/src/a.rs:2: `duckdb`"),
            "{broken:?}"
        );
        assert_eq!(findings("crates/store/src/a.rs", uses).len(), 0);
        let mentions = "//! A.\nconst LIB: &str = \"duckdb\"; // duckdb\nlet libduckdb = 1;\n";
        assert_eq!(findings("crates/colony/src/a.rs", mentions).len(), 0);
    }

    #[test]
    fn observed_has_no_display() {
        for (line, broken) in [
            ("impl std::fmt::Display for Observed {", 1),
            ("impl Display\nfor coral_model::Observed {", 1),
            ("impl std::fmt::Debug for Observed {", 0),
            ("impl std::fmt::Display for ObservedName {", 0),
        ] {
            let text = format!("//! A.\n{line}}}\n");
            assert_eq!(findings("crates/a/src/b.rs", &text).len(), broken, "{line}");
        }
    }

    #[test]
    fn modules_have_names() {
        assert_eq!(findings("crates/a/src/b/mod.rs", "//! B.\n").len(), 1);
    }
}
