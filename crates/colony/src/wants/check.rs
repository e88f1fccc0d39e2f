//! What a wish must be like, whoever sends it. Each refusal says the form.

use super::WantError;
use coral_model::probe::ProbeSpec;
use coral_model::want::LEASE_MAX;
use coral_model::{Check, Connect, ConnectTarget, Observed};
use regex_lite::RegexBuilder;
use std::time::Duration;

const ID_MAX: usize = 300;
const NAME_MAX: usize = 63;
const PATH_MAX: usize = 200;
const FUNCTION_MAX: usize = 1_000;
const WHEN_MAX: usize = 500;
const KIND_MAX: usize = 20;
const PATTERN_MAX: usize = 200;
/// What a compiled pattern may take.
const PATTERN_BYTES: usize = 100_000;

fn bad(text: impl Into<String>) -> WantError {
    WantError::Bad(text.into())
}

fn shown(text: &str) -> String {
    Observed::new(text).visible().into_owned()
}

/// The client's id is a plain text.
pub(super) fn id(id: &str) -> Result<(), WantError> {
    let plain = |c: char| !c.is_control();
    match !id.is_empty() && id.len() <= ID_MAX && id.chars().all(plain) {
        true => Ok(()),
        false => Err(bad(format!("a wish needs an id of 1 to {ID_MAX} bytes"))),
    }
}

pub(super) fn lease(lease: Duration) -> Result<(), WantError> {
    match lease > Duration::ZERO && lease <= LEASE_MAX {
        true => Ok(()),
        false => Err(bad("a lease is at least a millisecond and at most an hour")),
    }
}

/// Functions that are named, and a filter that can be read.
pub(super) fn probe(spec: &ProbeSpec) -> Result<(), WantError> {
    let is_sane = |name: &String| !name.is_empty() && name.len() <= FUNCTION_MAX;
    if spec.functions.is_empty() || !spec.functions.iter().all(is_sane) {
        return Err(bad(format!(
            "a probe needs functions: names or patterns of 1 to {FUNCTION_MAX} bytes"
        )));
    }
    if spec.when.len() > WHEN_MAX {
        return Err(bad(format!(
            "a condition has at most {WHEN_MAX} bytes, such as `arg0 > 10`"
        )));
    }
    Ok(())
}

pub(super) fn connect(connect: &Connect) -> Result<(), WantError> {
    let name = connect.service.name.raw();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(plain) {
        return Err(bad(format!(
            "`{}` is no name: 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`",
            shown(name)
        )));
    }
    if !connect.service.namespace.raw().is_empty() {
        return Err(bad("a connected service has no namespace"));
    }
    let kind = connect.kind.raw();
    if kind.len() > KIND_MAX || !kind.chars().all(plain) {
        return Err(bad(format!(
            "`{}` is no type: a word such as http",
            shown(kind)
        )));
    }
    if let ConnectTarget::ExePattern(pattern) = &connect.target {
        self::pattern(pattern)?;
        if connect.check.is_some() {
            return Err(bad(
                "a health check needs a port: connect NAME:PORT:/health",
            ));
        }
    }
    match &connect.check {
        Some(Check::Http(path)) => self::path(path),
        Some(Check::Tcp) | None => Ok(()),
    }
}

/// A path as it may stand in a request: no blank and no control character could become another header.
fn path(path: &str) -> Result<(), WantError> {
    let fits = path.starts_with('/') && path.len() <= PATH_MAX;
    match fits && path.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(bad(format!(
            "`{}` is no path of a health check: such as /healthz, at most {PATH_MAX} characters",
            shown(path)
        ))),
    }
}

/// A pattern that compiles within bounds; agents run it over paths of programs.
fn pattern(pattern: &str) -> Result<(), WantError> {
    if pattern.is_empty() || pattern.len() > PATTERN_MAX {
        return Err(bad(format!("a pattern has 1 to {PATTERN_MAX} characters")));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
    let why = |error: regex_lite::Error| {
        bad(format!(
            "`{}` is no regular expression: {error}",
            shown(pattern)
        ))
    };
    compiled.map(drop).map_err(why)
}
