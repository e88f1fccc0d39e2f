//! Runs one command, prints its answer, leaves.

use crate::args::{All, Args, Command, Console, Global, Output, Query, Up};
use crate::console::look::Terminal;
use crate::failure::Failure;
use crate::lifecycle::{self, down, privilege, up};
use crate::place::Place;
use crate::{client, console, when};
use coral_model::{Answer, Question, Span, TimeNs};
use coral_report::{Report, TableStyle};
use jiff::tz::TimeZone;
use serde_json::json;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs what was typed.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let global = &args.global;
    let command = match args.command {
        Some(Command::Version) => return version(global.output),
        Some(command) => command,
        None if shows_console(global) => return open_console(global, &args.console).await,
        None => Command::Status,
    };
    let place = Place::find(global.colony.as_deref())?;
    let span = span(global)?;
    match command {
        Command::Up(options) => start(&place, options, global.output).await,
        Command::Down => stop(&place, global.output).await,
        Command::Status | Command::Version => {
            answer(&place, &Question::Status, global.output, false).await
        }
        Command::Services(All { all }) => {
            let trend_points = 0;
            let question = Question::Services { span, trend_points };
            answer(&place, &question, global.output, all).await
        }
        Command::Topology(All { all }) => {
            answer(&place, &Question::Topology { span }, global.output, all).await
        }
        Command::Query(query) => {
            let (question, all) = question(query, span);
            answer(&place, &question, global.output, all).await
        }
    }
}

fn question(query: Query, span: Span) -> (Question, bool) {
    match query {
        Query::Summary { service, all } => {
            let all = all.all || service.is_some();
            (Question::Summary { span, service }, all)
        }
        Query::Metrics { service } => (Question::Metrics { span, service }, true),
        Query::Events { service, limit } => {
            let question = Question::Events {
                span,
                service,
                limit,
            };
            (question, true)
        }
    }
}

fn shows_console(global: &Global) -> bool {
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    terminal && global.output == Output::Table
}

async fn open_console(global: &Global, options: &Console) -> Result<(), Failure> {
    let place = Place::find(global.colony.as_deref())?;
    let Span::Last(window) = span(global)? else {
        return Err(Failure::usage(
            "the console shows the time up to now",
            "give --since as a length, such as 15m, and no --until",
        ));
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let look = Terminal::read(global.no_color, variable).look(&options.theme);
    let mut config = console::Config::new(&place, window, look, TimeZone::system());
    config.read_only = options.read_only;
    console::run(place, config).await
}

fn span(global: &Global) -> Result<Span, Failure> {
    when::span(global.since, global.until, now(), &TimeZone::system())
}

/// The clock, read once a command.
fn now() -> TimeNs {
    let now = jiff::Timestamp::now().as_nanosecond();
    TimeNs(i64::try_from(now).unwrap_or(i64::MAX))
}

async fn answer(
    place: &Place,
    question: &Question,
    output: Output,
    all: bool,
) -> Result<(), Failure> {
    let answer = client::ask(place, question).await?;
    print(&written(&answer, output, all)?)
}

fn written(answer: &Answer, output: Output, all: bool) -> Result<String, Failure> {
    match output {
        Output::Json => json_text(&Report::from(answer)),
        Output::Table => {
            let zone = TimeZone::system();
            Ok(coral_report::table(answer, &TableStyle { zone, all }))
        }
    }
}

fn json_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| Failure::failed(format!("write JSON: {e}"), ""))
}

/// A reader that closes the pipe early (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("write to stdout: {e}"), ""))
        }
        _ => Ok(()),
    }
}

fn version(output: Output) -> Result<(), Failure> {
    let (version, wire) = (env!("CARGO_PKG_VERSION"), coral_proto::WIRE_REVISION);
    match output {
        Output::Json => print(&json_text(
            &json!({ "version": version, "wire_revision": wire }),
        )?),
        Output::Table => print(&format!("coral {version} (wire {wire})\n")),
    }
}

async fn start(place: &Place, options: Up, output: Output) -> Result<(), Failure> {
    let shop = options.demo.then_some(up::Shop {
        fault: options.fault,
    });
    // Ctrl-C at the password prompt refuses root; only a later one ends the command.
    let at_the_prompt = interrupts()?;
    let agent = privilege::settle(&lifecycle::agent_command(place)?);
    let mut later = interrupts()?;
    drop(at_the_prompt);
    let plan = up::Plan {
        place: place.clone(),
        shop,
        agent,
    };
    let done = tokio::select! {
        done = up::up(&plan) => done?,
        _ = later.recv() => return Err(Failure::failed(
            "interrupted; what was started goes on",
            "`coral status` shows it, `coral down` stops it",
        )),
    };
    match output {
        Output::Json => print(&json_text(&Report::from(&done.status))?),
        Output::Table => print(&done.text(&plan)),
    }
}

fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt())
        .map_err(|e| Failure::failed(format!("wait for signals: {e}"), ""))
}

async fn stop(place: &Place, output: Output) -> Result<(), Failure> {
    let done = down::down(place).await?;
    match output {
        Output::Json => print(&json_text(
            &json!({ "colony": place.name.as_str(), "stopped": done.stopped }),
        )?),
        Output::Table => print(&done.text(place)),
    }
}
