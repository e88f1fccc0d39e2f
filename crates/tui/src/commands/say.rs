//! Prints what a command has to say in the form that was asked for.

use crate::args::Output;
use crate::failure::Failure;
use coral_report::forms;
use serde::Serialize;
use std::io::{ErrorKind, Write as _};

/// The value in this form; a table is the text for people.
pub(super) fn written(
    value: &impl Serialize,
    output: Output,
    table: impl FnOnce() -> String,
) -> Result<String, Failure> {
    if output == Output::Table {
        return Ok(table());
    }
    let bad = |e| Failure::failed(format!("write the answer: {e}"), "");
    let value = serde_json::to_value(value).map_err(bad)?;
    Ok(match output {
        Output::Csv => coral_report::csv_of(&value),
        Output::Yaml => forms::yaml(&value),
        Output::Md => forms::markdown(&value),
        Output::Json | Output::Table => serde_json::to_string_pretty(&value).map_err(bad)? + "\n",
        Output::Folded | Output::Svg | Output::Pprof => {
            let message = "folded, svg and pprof are forms of profiles";
            return Err(Failure::usage(
                message,
                "`coral profile cpu SERVICE -o svg`",
            ));
        }
    })
}

/// The same, printed.
pub(super) fn say(
    value: &impl Serialize,
    output: Output,
    table: impl FnOnce() -> String,
) -> Result<(), Failure> {
    print(&written(value, output, table)?).map(drop)
}

/// Prints; false when the reader has closed the pipe (`| head`), which is no failure.
pub(super) fn print(text: &str) -> Result<bool, Failure> {
    print_bytes(text.as_bytes())
}

/// The same of what need not be text.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::failed(format!("write to stdout: {e}"), "")),
    }
}
