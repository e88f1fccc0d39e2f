//! Runs one command, prints its answer, leaves.

mod ask;
mod colonies;
mod completion;
mod connect;
mod debug;
mod diagnose;
mod export;
mod incident;
mod kept;
pub(crate) mod note;
mod open;
mod profile;
mod question;
mod say;

use crate::args::{All, Args, Command, Console, Export, Global, Incident, Output, Profile, Up};
use crate::console::address::Address;
use crate::console::look::Terminal;
use crate::failure::Failure;
use crate::lifecycle::{self, down, privilege, up};
use crate::place::Place;
use crate::{console, doctor, when};
use ask::answer;
use coral_model::{Question, Span, TimeNs};
use coral_report::Report;
use jiff::tz::TimeZone;
use say::say;
use serde_json::json;
use std::io::IsTerminal as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs what was typed.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let global = &args.global;
    let command = match args.command {
        Some(Command::Open { what }) => return open::run(&what, global, &args.console).await,
        Some(Command::Incident(Incident::Import(options))) => {
            return incident::import(&options, global, &args.console).await;
        }
        Some(command) if !asks(&command) => return tell(command, global).await,
        Some(command) => command,
        None if shows_console(global) => {
            let place = Place::find(global.colony.as_deref())?;
            return open_console(place, None, global, &args.console).await;
        }
        None => Command::Status,
    };
    let place = Place::find(global.colony.as_deref())?;
    let span = span(global)?;
    match command {
        Command::Services(All { all }) => {
            let trend_points = 0;
            let question = Question::Services { span, trend_points };
            answer(&place, &question, global, all).await
        }
        Command::Topology(All { all }) => {
            answer(&place, &Question::Topology { span }, global, all).await
        }
        Command::Query(query) => {
            let (question, all) = question::of(query, span, now())?;
            answer(&place, &question, global, all).await
        }
        Command::Debug(debug) => debug::run(&place, debug, now(), global).await,
        Command::Diagnose(options) => diagnose::run(&place, &options, span, global).await,
        Command::Profile(Profile::Cpu(options)) => {
            profile::run(&place, options, span, now(), global).await
        }
        _ => answer(&place, &Question::Status, global, false).await,
    }
}

/// Whether the command is a question to the colony, so that it can be asked again.
const fn asks(command: &Command) -> bool {
    matches!(
        command,
        Command::Status
            | Command::Services(_)
            | Command::Topology(_)
            | Command::Query(_)
            | Command::Profile(_)
            | Command::Debug(_)
    ) || matches!(command, Command::Diagnose(options) if options.bundle.is_none())
}

/// Runs a command that is no question.
async fn tell(command: Command, global: &Global) -> Result<(), Failure> {
    if global.watch.is_some() {
        let hint = "it is for status, services, topology, query and diagnose";
        return Err(Failure::usage("--watch asks the colony again", hint));
    }
    let (named, output) = (global.colony.as_deref(), global.output);
    match command {
        Command::Up(options) => start(&Place::find(named)?, options, output).await,
        Command::Down => stop(&Place::find(named)?, output).await,
        Command::Init(options) => colonies::init(options, output),
        Command::Use(options) => colonies::choose(options, output),
        Command::Colonies => colonies::list(named, output),
        Command::Doctor(options) if options.offline => {
            let found = doctor::offline::examine();
            say(&found, output, || found.text())?;
            found.verdict()
        }
        Command::Doctor(_) => {
            let report = doctor::examine(named).await?;
            say(&report, output, || report.text())
        }
        Command::Export(options) => {
            save(&Place::find(named)?, options, span(global)?, output).await
        }
        Command::Connect(options) => connect::run(&Place::find(named)?, options, output).await,
        Command::Diagnose(options) => diagnose::bundle::run(&options, output),
        Command::Incident(Incident::Export(options)) => {
            incident::export(&Place::find(named)?, &options, span(global)?, output).await
        }
        Command::Note(options) => note::run(&Place::find(named)?, options, now(), output).await,
        Command::Completion { shell } => completion::print(shell),
        _ => version(output),
    }
}

fn shows_console(global: &Global) -> bool {
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    terminal && global.output == Output::Table && global.watch.is_none()
}

async fn open_console(
    place: Place,
    open_at: Option<Address>,
    global: &Global,
    options: &Console,
) -> Result<(), Failure> {
    let mut config = console_config(&place, global, options)?;
    config.open_at = open_at;
    console::run(place, config).await
}

/// What the console is told by the options.
fn console_config(
    place: &Place,
    global: &Global,
    options: &Console,
) -> Result<console::Config, Failure> {
    let Span::Last(window) = span(global)? else {
        return Err(Failure::usage(
            "the console shows the time up to now",
            "give --since as a length, such as 15m, and no --until",
        ));
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let look = Terminal::read(global.no_color, variable).look(&options.theme);
    let mut config = console::Config::new(place, window, look, TimeZone::system());
    config.read_only = options.read_only;
    Ok(config)
}

fn span(global: &Global) -> Result<Span, Failure> {
    when::span(global.since, global.until, now(), &TimeZone::system())
}

/// The clock, read once a command.
pub(crate) fn now() -> TimeNs {
    let now = jiff::Timestamp::now().as_nanosecond();
    TimeNs(i64::try_from(now).unwrap_or(i64::MAX))
}

fn version(output: Output) -> Result<(), Failure> {
    let (version, wire) = (env!("CARGO_PKG_VERSION"), coral_proto::WIRE_REVISION);
    let value = json!({ "version": version, "wire_revision": wire });
    say(&value, output, || {
        format!("coral {version} (wire {wire})\n")
    })
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
    say(&Report::from(&done.status), output, || done.text(&plan))
}

async fn save(place: &Place, options: Export, span: Span, output: Output) -> Result<(), Failure> {
    let plan = export::Plan {
        table: options.table,
        to: options.to,
        force: options.force,
        span,
    };
    let mut interrupts = interrupts()?;
    let bytes = tokio::select! {
        bytes = export::run(place, &plan) => bytes?,
        _ = interrupts.recv() => return Err(Failure::failed("interrupted; no file was written", "")),
    };
    let file = plan.to.display();
    let value = json!({ "table": plan.table, "file": file.to_string(), "bytes": bytes });
    say(&value, output, || format!("{file}: {bytes} bytes\n"))
}

fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt())
        .map_err(|e| Failure::failed(format!("wait for signals: {e}"), ""))
}

async fn stop(place: &Place, output: Output) -> Result<(), Failure> {
    let done = down::down(place).await?;
    let value = json!({ "colony": place.name.as_str(), "stopped": done.stopped });
    say(&value, output, || done.text(place))
}
