//! One file of the clone, and for Rust the same text without comments, strings and characters.

use super::lex;

/// A text file; its path is relative to the root, with `/`.
pub struct Source {
    pub path: String,
    pub text: String,
    /// Of a Rust file: as long as `text`, with blanks for all that is not code. Of others: empty.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: String) -> Self {
        let code = if path.ends_with(".rs") {
            lex::code(&text)
        } else {
            String::new()
        };
        Self {
            path: path.to_owned(),
            text,
            code,
        }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is tests.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/benches/")
    }

    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// `store` for a file below `crates/store`, `proto` and `xtask` for theirs.
    pub fn krate(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next()? {
            "crates" => parts.next(),
            top @ ("proto" | "xtask") => Some(top),
            _ => None,
        }
    }
}

/// The number of the line in which this byte lies, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}
