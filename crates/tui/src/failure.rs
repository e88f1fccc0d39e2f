//! Why a command failed: the exit code, what happened, and what to do next.

use crate::args::Output;
use serde_json::json;
use std::process::ExitCode;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It was tried and did not work.
    Failed = 1,
    /// It was asked in a way that has no meaning.
    Usage = 2,
    /// No colony answers.
    NotReachable = 3,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotReachable => "not_reachable",
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A command that failed. The hint is printed apart from the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// What happened; lower case, no full stop.
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
    /// Several lines that explain it, such as the end of a log; may be empty.
    pub detail: String,
}

impl Failure {
    /// It was tried and did not work.
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Failed, message, hint)
    }

    /// It was asked in a way that has no meaning.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::Usage, message, hint)
    }

    /// No colony answers.
    pub fn not_reachable(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::NotReachable, message, hint)
    }

    /// The same with lines that explain it.
    #[must_use]
    pub fn with_detail(mut self, detail: String) -> Self {
        self.detail = detail;
        self
    }

    fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
            detail: String::new(),
        }
    }

    /// Prints it on stderr in the form of the output.
    pub fn print(&self, output: Output) {
        match output {
            Output::Json => eprintln!("{}", self.json()),
            Output::Table | Output::Csv => {
                eprintln!("error: {}", self.message);
                if !self.detail.is_empty() {
                    eprintln!("{}", self.detail.trim_end());
                }
                if !self.hint.is_empty() {
                    eprintln!("  {}", self.hint);
                }
            }
        }
    }

    fn json(&self) -> serde_json::Value {
        let mut error = json!({
            "code": self.code.name(),
            "message": self.message,
            "hint": self.hint,
        });
        if !self.detail.is_empty() {
            error["detail"] = json!(self.detail);
        }
        json!({ "error": error })
    }
}

impl From<coral_config::ConfigError> for Failure {
    /// Configuration errors say themselves what to do.
    fn from(error: coral_config::ConfigError) -> Self {
        Self::failed(error.to_string(), "")
    }
}
