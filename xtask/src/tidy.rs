//! `cargo xtask tidy`: the house rules as code. Reads every file that git knows and reports `file:line: what; what to do`.
//! The rules are those of docs/ARCHITECTURE.md and docs/GLOSSARY.md; it compiles nothing and needs under a second.

mod budget;
mod edges;
mod lex;
mod manifest;
mod names;
mod source;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::{house, program};
use source::Source;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    file: String,
    line: usize,
    what: String,
    todo: &'static str,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, todo: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
            todo,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; {}",
            self.file, self.line, self.what, self.todo
        )
    }
}

pub fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let aims = arguments.flag("--aims");
    arguments.finish()?;
    let root = house::root()?;
    let sources = read(&root)?;
    if aims {
        for finding in sources.iter().flat_map(budget::above_aim) {
            println!("{finding}");
        }
        return Ok(());
    }
    let findings = check(&sources);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} rules of the house are broken"))),
    }
}

fn check(sources: &[Source]) -> Vec<Finding> {
    let one_by_one = sources.iter().flat_map(|source| {
        budget::check(source)
            .into_iter()
            .chain(names::check(source))
    });
    one_by_one.chain(edges::check(sources)).collect()
}

/// Every text file that is committed or would be.
fn read(root: &Path) -> Result<Vec<Source>, Failure> {
    let listed = program::output(
        Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root),
    )
    .trying("list the files of the clone")?;
    let files = listed.split_terminator('\0');
    // What is not text, or was removed and not yet committed, has no rules.
    let texts = files.filter_map(|file| {
        let text = std::fs::read_to_string(root.join(file)).ok()?;
        Some(Source::new(file, text))
    });
    Ok(texts.collect())
}
