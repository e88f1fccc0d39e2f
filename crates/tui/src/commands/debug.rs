//! `coral debug`: functions of running programs, watched for a while and then left as they were.

use super::ask::{answer, shown};
use super::say::{print, say};
use crate::args::{Attach, Debug, Detach, Global, Output};
use crate::client::{self, wants};
use crate::failure::Failure;
use crate::place::Place;
use coral_model::probe::{CALLS_PER_S, ProbeLog, ProbeSpec};
use coral_model::profile::Target;
use coral_model::want::{LEASE_MAX, session};
use coral_model::{Answer, AnswerBody, Question, TimeNs, Want};
use coral_report::AttachReport;
use serde::Serialize;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a probe stays when nobody says.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked whether it is attached.
const LOOK: Duration = Duration::from_millis(100);
/// How long reading a large program for the first time may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often what is seen is shown.
const STEP: Duration = Duration::from_secs(1);
/// How long after the end the last counts may take.
const LAST: Duration = Duration::from_millis(2_500);
/// Goes to the first corner and clears what follows.
const TO_THE_TOP: &str = "\x1b[H\x1b[2J";

/// Runs one of the commands.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(
    place: &Place,
    debug: Debug,
    now: TimeNs,
    global: &Global,
) -> Result<(), Failure> {
    match debug {
        Debug::Functions(options) => {
            let question = Question::Functions {
                target: Target {
                    service: options.service,
                    host: options.host,
                    pid: options.pid,
                },
                pattern: options.pattern.unwrap_or_default(),
                limit: options.limit,
            };
            answer(place, &question, global, true).await
        }
        Debug::Attach(options) => attach(place, options, now, global.output).await,
        Debug::List => list(place, global.output).await,
        Debug::Logs { id, limit } => {
            answer(place, &Question::Probe { id, limit }, global, true).await
        }
        Debug::Detach(options) => detach(place, options, global.output).await,
    }
}

fn spec(options: &Attach) -> ProbeSpec {
    ProbeSpec {
        target: Target {
            service: options.service.clone(),
            host: options.host.clone(),
            pid: options.pid,
        },
        functions: options.functions.clone(),
        min_duration: options.min_duration.unwrap_or_default(),
        when: options.when.clone().unwrap_or_default(),
        calls_per_s: options.sample.unwrap_or(CALLS_PER_S),
        has_values: !options.no_values,
        has_stacks: false,
        // The colony says who may have them.
        has_secrets: false,
    }
}

/// Attaches, and follows until the lease is over or somebody ends it.
async fn attach(
    place: &Place,
    options: Attach,
    now: TimeNs,
    output: Output,
) -> Result<(), Failure> {
    let lease = options.duration.unwrap_or(LEASE);
    if lease > LEASE_MAX {
        let hint = "--duration 1h is the most; attach again when it is over";
        return Err(Failure::usage("a probe stays at most an hour", hint));
    }
    let id = format!(
        "p{:07x}",
        session(&format!("{}/{}", now.0, std::process::id())) & 0xfff_ffff
    );
    let want = Want::Probe {
        spec: spec(&options),
        lease,
    };
    wants::put_at(place, &id, &want).await?;
    let mut interrupts = super::interrupts()?;
    let attached = tokio::select! {
        attached = attached(place, &id) => attached,
        _ = interrupts.recv() => Err(Failure::failed("nothing was attached", "")),
    };
    if let Err(failure) = attached {
        let _ = withdraw(place, &id).await;
        return Err(failure);
    }
    let begun = Instant::now();
    let (_, log) = seen(place, &id).await?;
    let report = AttachReport::new(&log, lease);
    if output != Output::Table || options.background {
        let hint = format!("{id}\n  coral debug logs {id}\n  coral debug detach {id}\n");
        say(&report, output, || hint)?;
    }
    if options.background {
        return Ok(());
    }
    let screen = output == Output::Table && std::io::stdout().is_terminal();
    while begun.elapsed() < lease {
        tokio::select! {
            () = sleep(STEP.min(lease.saturating_sub(begun.elapsed()))) => {}
            _ = interrupts.recv() => break,
        }
        let (answer, log) = seen(place, &id).await?;
        if screen {
            let left = lease.saturating_sub(begun.elapsed()).as_secs();
            print(TO_THE_TOP)?;
            shown(&answer, output, true)?;
            eprintln!("{left} s left · Ctrl-C detaches");
        }
        if is_over(&log) {
            break;
        }
    }
    let _ = withdraw(place, &id).await;
    last(place, &id, screen, output).await
}

/// What was counted last, when every host has told it.
async fn last(place: &Place, id: &str, screen: bool, output: Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut found = seen(place, id).await?;
    while !is_over(&found.1) && begun.elapsed() < LAST {
        sleep(LOOK).await;
        found = seen(place, id).await?;
    }
    if screen {
        print(TO_THE_TOP)?;
    }
    shown(&found.0, output, true)
}

/// No host has it attached any more.
fn is_over(log: &ProbeLog) -> bool {
    use coral_model::want::WantState::{Attached, Pending};
    let is_on = |state| matches!(state, Attached | Pending);
    !log.hosts.is_empty() && !log.hosts.iter().any(|(_, state, _)| is_on(*state))
}

/// Waits until a host has attached it and told of it; that all refused is the end.
async fn attached(place: &Place, id: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut said = String::new();
    while begun.elapsed() < PATIENCE {
        sleep(LOOK).await;
        let all = wants::list(client::connect(place).await?).await?;
        let Some(wish) = all.into_iter().find(|wish| wish.id == id) else {
            return Err(Failure::failed(
                "the probe was taken back",
                "`coral query events` shows by whom",
            ));
        };
        match wish.state.as_str() {
            "refused" => {
                return Err(Failure::failed(
                    format!("not attached: {}", wish.reason),
                    "`coral debug functions SERVICE PATTERN` shows what there is",
                ));
            }
            "attached" if !seen(place, id).await?.1.functions.is_empty() => return Ok(()),
            "stopped" | "expired" => {
                return Err(Failure::failed(format!("it ended: {}", wish.reason), ""));
            }
            _ => said = wish.reason,
        }
    }
    let hint = "`coral status` shows the agents; a service needs a process that runs";
    Err(Failure::failed(
        format!("not attached within {} s: {said}", PATIENCE.as_secs()),
        hint,
    ))
}

async fn seen(place: &Place, id: &str) -> Result<(Answer, ProbeLog), Failure> {
    let question = Question::Probe {
        id: id.to_owned(),
        limit: 0,
    };
    let answer = match client::ask(place, &question).await {
        Ok(answer) => answer,
        Err(failure) => return Err(failure),
    };
    let AnswerBody::Probe(log) = &answer.body else {
        return Err(Failure::failed("the colony answered another question", ""));
    };
    let log = log.clone();
    Ok((answer, log))
}

async fn withdraw(place: &Place, id: &str) -> Result<(), Failure> {
    wants::withdraw(client::connect(place).await?, id).await
}

/// A probe that is attached or wants to be.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    state: String,
    reason: String,
    target: String,
    functions: Vec<String>,
    lease_s: f64,
}

#[derive(Debug, Serialize)]
struct List {
    probes: Vec<Listed>,
}

async fn probes(place: &Place) -> Result<Vec<Listed>, Failure> {
    let all = wants::list(client::connect(place).await?).await?;
    let listed = |wish: wants::Wish| match wish.want {
        Want::Probe { spec, lease } => Some(Listed {
            id: wish.id,
            state: wish.state,
            reason: wish.reason,
            target: spec.target.text(),
            functions: spec.functions,
            lease_s: lease.as_secs_f64(),
        }),
        _ => None,
    };
    Ok(all.into_iter().filter_map(listed).collect())
}

async fn list(place: &Place, output: Output) -> Result<(), Failure> {
    let list = List {
        probes: probes(place).await?,
    };
    say(&list, output, || {
        let line = |l: &Listed| {
            format!(
                "{}  {}  {}  {}  {}\n",
                l.id,
                l.target,
                l.functions.join(" "),
                l.state,
                l.reason
            )
        };
        match list.probes.is_empty() {
            true => "no probe is attached\n".to_owned(),
            false => list.probes.iter().map(line).collect(),
        }
    })
}

#[derive(Debug, Serialize)]
struct Detached {
    detached: Vec<String>,
}

async fn detach(place: &Place, options: Detach, output: Output) -> Result<(), Failure> {
    let ids = match options.id {
        Some(id) => vec![id],
        None => probes(place).await?.into_iter().map(|l| l.id).collect(),
    };
    for id in &ids {
        withdraw(place, id).await?;
    }
    let detached = Detached { detached: ids };
    say(&detached, output, || match detached.detached.is_empty() {
        true => "no probe was attached\n".to_owned(),
        false => format!("detached {}\n", detached.detached.join(" ")),
    })
}
