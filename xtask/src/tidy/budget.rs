//! How large things may be: a file's body without its tests, a kernel program's file, a function, `main.rs`.

use super::Finding;
use super::lex::block_end;
use super::source::{Source, line_of};
use std::ops::RangeInclusive;

struct Budget {
    aim: usize,
    hard: usize,
}

const FILE: Budget = Budget {
    aim: 250,
    hard: 500,
};
const KERNEL_FILE: Budget = Budget {
    aim: 150,
    hard: 300,
};
const FUNCTION: Budget = Budget { aim: 30, hard: 80 };
const MAIN: Budget = Budget { aim: 50, hard: 80 };

/// What is larger than it may be.
pub fn check(source: &Source) -> Vec<Finding> {
    measure(source, |budget| budget.hard)
}

/// What is larger than it should be.
pub fn above_aim(source: &Source) -> Vec<Finding> {
    measure(source, |budget| budget.aim)
}

fn measure(source: &Source, limit: impl Fn(&Budget) -> usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.is_rust() || source.is_test() {
        return findings;
    }
    let tests = test_lines(&source.code);
    let (budget, what, todo) = match source.krate() {
        Some("probes-ebpf") => (
            KERNEL_FILE,
            "a kernel program's file",
            "one program family per file",
        ),
        _ if source.file_name() == "main.rs" => (MAIN, "main.rs", "move work into modules"),
        _ => (FILE, "the file's body", "split it by concern"),
    };
    let body = source.text.lines().count()
        - tests
            .iter()
            .map(|lines| lines.clone().count())
            .sum::<usize>();
    if body > limit(&budget) {
        let what = format!("{what} has {body} lines, at most {}", limit(&budget));
        findings.push(Finding::new(&source.path, 1, what, todo));
    }
    for (name, lines) in functions(&source.code) {
        let length = lines.clone().count();
        let in_tests = tests.iter().any(|test| test.contains(lines.start()));
        if length > limit(&FUNCTION) && !in_tests {
            let what = format!(
                "function {name} has {length} lines, at most {}",
                limit(&FUNCTION)
            );
            let todo = "give its steps names of their own";
            findings.push(Finding::new(&source.path, *lines.start(), what, todo));
        }
    }
    findings
}

/// The lines of each item under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<RangeInclusive<usize>> {
    ["#[cfg(test)]", "#[cfg(all(test"]
        .iter()
        .flat_map(|attribute| code.match_indices(attribute))
        .filter_map(|(at, attribute)| {
            let end = block_end(code, at + attribute.len())?;
            Some(line_of(code, at)..=line_of(code, end))
        })
        .collect()
}

/// Each function with a body: its name and its lines.
fn functions(code: &str) -> Vec<(&str, RangeInclusive<usize>)> {
    code.match_indices("fn ")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .filter_map(|(at, word)| {
            let tail = &code[at + word.len()..];
            let length = tail.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            let end = block_end(code, at)?;
            (length > 0).then(|| (&tail[..length], line_of(code, at)..=line_of(code, end)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: String) -> Vec<String> {
        let source = Source::new(path, text);
        check(&source).iter().map(ToString::to_string).collect()
    }

    fn lines(n: usize) -> String {
        "    x();\n".repeat(n)
    }

    #[test]
    fn functions_are_measured_from_their_first_to_their_last_line() {
        let text = format!("fn a() {{\n{}}}\n", lines(78));
        assert_eq!(findings("crates/a/src/b.rs", text), Vec::<String>::new());
        let text = format!(
            "//! b\n\npub const fn a<T>(x: [T; 2])\nwhere T: Copy {{\n{}}}\n",
            lines(78)
        );
        assert_eq!(
            findings("crates/a/src/b.rs", text),
            [
                "crates/a/src/b.rs:3: function a has 81 lines, at most 80; give its steps names of their own"
            ]
        );
    }

    #[test]
    fn tests_do_not_count() {
        let test = format!(
            "#[cfg(test)]\nmod tests {{\n    fn t() {{\n{}    }}\n}}\n",
            lines(600)
        );
        assert_eq!(
            findings("crates/a/src/b.rs", test.clone()),
            Vec::<String>::new()
        );
        assert_eq!(
            findings("crates/a/tests/it/main.rs", lines(600)),
            Vec::<String>::new()
        );
        let body = format!("{}{test}", "const A: u8 = 1;\n".repeat(501));
        assert_eq!(findings("crates/a/src/b.rs", body).len(), 1);
    }

    #[test]
    fn main_and_kernel_files_have_budgets_of_their_own() {
        let text = || "const A: u8 = 1;\n".repeat(81);
        assert_eq!(findings("crates/a/src/main.rs", text()).len(), 1);
        assert_eq!(findings("crates/a/src/lib.rs", text()).len(), 0);
        assert_eq!(
            findings("crates/probes-ebpf/src/red.rs", text().repeat(4)).len(),
            1
        );
    }

    #[test]
    fn words_in_comments_and_pointers_are_no_functions() {
        let code =
            super::super::lex::code("// fn a() {\nlet f: fn (u8) = g; trait T { fn b(&self); }");
        assert_eq!(functions(&code).len(), 0);
    }
}
