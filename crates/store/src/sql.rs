//! One SELECT of somebody else's, read word by word. What is understood and allowed is written anew, so the engine never
//! sees a text that was not made here; whatever else there is in SQL is refused by not being written. Pure: no engine.
//!
//! Allowed are the views of the caller's role and the functions of [`words`]; a name in FROM is one of these views or was
//! defined by WITH before. Sizes are bounded, so that the work of reading is, too; what a query costs is watched where it runs.

mod expr;
mod select;
mod words;

use coral_model::TimeNs;
use sqlparser::ast::Statement;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The longest statement, in bytes.
const MAX_BYTES: usize = 16 << 10;
/// The most words and signs of one.
const MAX_TOKENS: usize = 2_000;
/// How deep expressions and queries may be nested.
const MAX_DEPTH: usize = 64;
/// Room for so much, also in a build that is not optimised.
const STACK: usize = 32 << 20;
/// The most tables of one statement, counted where they stand.
const MAX_TABLES: usize = 16;
/// The most `||`: each can double the length of a text.
const MAX_JOINS_OF_TEXT: usize = 8;

/// Why there is no answer to a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// It is not allowed, or no SQL.
    #[error("{0}")]
    Refused(String),
    /// It has reached a limit.
    #[error("{0}")]
    Limit(String),
    /// The engine could not run it.
    #[error("{0}")]
    Failed(String),
}

fn refuse<T>(what: impl std::fmt::Display) -> Result<T, SqlError> {
    Err(SqlError::Refused(what.to_string()))
}

/// What a statement may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// The names of views, in the schema of views.
    pub views: &'a [&'a str],
    /// At most so many rows.
    pub limit: u64,
    /// What `now()` means.
    pub now: TimeNs,
}

/// Reads a statement and writes it anew. On a thread of its own: what is nested is read by recursion, and needs room.
///
/// # Errors
/// [`SqlError::Refused`], in words for whoever wrote it.
pub(crate) fn check(text: &str, rules: Rules<'_>) -> Result<String, SqlError> {
    let failed =
        |why: &dyn std::fmt::Display| SqlError::Failed(format!("read the statement: {why}"));
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK);
        let reader = reader.spawn_scoped(scope, || read(text, rules));
        let read = reader.map_err(|e| failed(&e))?.join();
        read.map_err(|_| failed(&"the reader ended with a panic"))?
    })
}

fn read(text: &str, rules: Rules<'_>) -> Result<String, SqlError> {
    if text.len() > MAX_BYTES {
        return refuse(format_args!("a statement has at most {MAX_BYTES} bytes"));
    }
    let dialect = DuckDbDialect {};
    let bad = |error: &dyn std::fmt::Display| SqlError::Refused(format!("not understood: {error}"));
    let tokens = Tokenizer::new(&dialect, text)
        .tokenize()
        .map_err(|e| bad(&e))?;
    let words = tokens.iter().filter(|t| !matches!(t, Token::Whitespace(_)));
    if words.count() > MAX_TOKENS {
        return refuse(format_args!(
            "a statement has at most {MAX_TOKENS} words and signs"
        ));
    }
    let statements = Parser::new(&dialect)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens(tokens)
        .parse_statements()
        .map_err(|e| bad(&e))?;
    let query = match &statements[..] {
        [Statement::Query(query)] => query,
        [] => return refuse("there is no statement"),
        [_] => return refuse("only SELECT is allowed"),
        _ => return refuse("only one statement is allowed"),
    };
    let mut writer = Writer {
        rules,
        out: String::with_capacity(text.len() * 2),
        defined: BTreeSet::new(),
        depth: 0,
        tables: 0,
        joins_of_text: 0,
    };
    writer.whole(query)?;
    Ok(writer.out)
}

/// Writes the statement anew.
struct Writer<'a> {
    rules: Rules<'a>,
    out: String,
    /// Names that WITH has defined so far.
    defined: BTreeSet<String>,
    depth: usize,
    tables: usize,
    joins_of_text: usize,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A name, always in quotes: never a keyword, never a file.
    fn name(&mut self, name: &str) {
        let _ = write!(self.out, "\"{}\"", name.replace('"', "\"\""));
    }

    fn text(&mut self, text: &str) -> Result<(), SqlError> {
        if text.contains('\0') {
            return refuse("a text holds a NUL");
        }
        let _ = write!(self.out, "'{}'", text.replace('\'', "''"));
        Ok(())
    }

    /// One level deeper while `within` runs.
    fn deeper(
        &mut self,
        within: impl FnOnce(&mut Self) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        self.depth += 1;
        if self.depth > 2 * MAX_DEPTH {
            return refuse("it is nested too deeply");
        }
        within(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// Items with a separator between.
    fn list<T>(
        &mut self,
        items: &[T],
        separator: &str,
        mut one: impl FnMut(&mut Self, &T) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(separator);
            }
            one(self, item)?;
        }
        Ok(())
    }
}

/// Fuzz target: whatever is accepted is one SELECT over allowed names, and is accepted as it was written.
pub fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let rules = Rules {
        views: &["requests", "events"],
        limit: 10,
        now: TimeNs(0),
    };
    match check(text, rules) {
        Ok(written) => assert_eq!(check(&written, rules).as_ref(), Ok(&written)),
        Err(error) => assert!(matches!(error, SqlError::Refused(_)), "{error}"),
    }
}

#[cfg(test)]
mod tests;
