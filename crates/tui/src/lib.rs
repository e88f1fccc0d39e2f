//! The person's side of Coral: the full-screen console and every command of `coral`.
//!
//! What was typed becomes [`args::Args`], checked and immutable; `commands` answers and leaves, `console` stays. Both reach
//! the colony through `client` and change this machine only through `lifecycle` (`up`, `down`).

pub mod args;
mod behind_sudo;
pub mod client;
mod commands;
pub mod compare;
pub mod console;
pub mod doctor;
pub mod failure;
pub mod lifecycle;
pub mod place;
pub mod single;
mod suggest;
pub mod when;

use args::{Args, Output};
use clap::Parser as _;
use failure::{Code, Failure};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `coral` with these arguments, the first being the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = match Args::try_parse_from(&args) {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&error, wants_json(&args)),
    };
    let output = parsed.global.output;
    let starts_agent = matches!(parsed.command, Some(args::Command::Up(_)));
    let ready = behind_sudo::step_back(starts_agent).and_then(|()| guard_the_terminal(&parsed));
    match ready
        .and_then(|()| runtime())
        .and_then(|runtime| runtime.block_on(commands::run(parsed)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(output);
            failure.code.into()
        }
    }
}

/// Whoever shows the console has its terminal guarded.
fn guard_the_terminal(parsed: &Args) -> Result<(), Failure> {
    if parsed.command.is_some() {
        return Ok(());
    }
    console::guard::start()
        .map_err(|e| Failure::failed(format!("start what guards the terminal: {e}"), ""))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("start the runtime: {e}"), ""))
}

/// Help and version go to stdout; what does not parse is usage.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        Failure::usage(message, suggest::hint(error)).print(Output::Json);
    } else if error.print().is_err() {
        return Code::Failed.into();
    }
    if error.use_stderr() {
        Code::Usage.into()
    } else {
        ExitCode::SUCCESS
    }
}

/// Whether JSON was asked for in arguments that do not parse.
fn wants_json(args: &[OsString]) -> bool {
    let texts: Vec<_> = args.iter().map(|a| a.to_string_lossy()).collect();
    let joined = texts
        .iter()
        .any(|a| matches!(a.as_ref(), "-ojson" | "-o=json" | "--output=json"));
    let apart = texts
        .windows(2)
        .any(|pair| matches!(pair[0].as_ref(), "-o" | "--output") && pair[1] == "json");
    joined || apart
}
