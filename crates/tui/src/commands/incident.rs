//! `coral incident`: what a diagnosis looks at, as a folder of files, and such a folder in the console.

use super::say::say;
use super::{console_config, diagnose, shows_console};
use crate::args::{Console, Global, IncidentExport as Options, IncidentImport, Output};
use crate::client;
use crate::console::{self, Replay};
use crate::failure::Failure;
use crate::place::Place;
use coral_diagnose::Incident;
use coral_diagnose::bundle::FILES;
use coral_model::{Answer, AnswerBody, Loss, Question, Span, TimeNs, Window};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// Writes the files of the bundle.
///
/// # Errors
/// [`Failure`].
pub(super) async fn export(
    place: &Place,
    options: &Options,
    span: Span,
    output: Output,
) -> Result<(), Failure> {
    let question = Question::Incident {
        span,
        service: options.service.clone(),
        at: None,
    };
    let answer = client::ask(place, &question).await?;
    let AnswerBody::Incident(bundle) = answer.body else {
        return Err(Failure::failed("the colony sent no incident", ""));
    };
    folder(&options.to, options.force)?;
    let contents = [
        &bundle.incident,
        &bundle.metrics,
        &bundle.edges,
        &bundle.events,
    ];
    for (name, content) in FILES.iter().zip(contents) {
        write(&options.to.join(name), content, options.force)?;
    }
    let bytes: usize = contents.iter().map(|content| content.len()).sum();
    let shown = options.to.display();
    let value = json!({ "folder": shown.to_string(), "bytes": bytes });
    say(&value, output, || {
        format!("{shown}: {bytes} bytes\n  coral diagnose --bundle {shown}\n")
    })
}

/// Shows the diagnosis of a folder in the console.
///
/// # Errors
/// [`Failure`]: the folder holds no bundle that can be read, or there is no terminal.
pub(super) async fn import(
    options: &IncidentImport,
    global: &Global,
    looks: &Console,
) -> Result<(), Failure> {
    let (incident, diagnosis) = diagnose::bundle::diagnosed(&options.folder)?;
    if !shows_console(global) {
        let folder = options.folder.display();
        let hint = format!("without a terminal: coral diagnose --bundle {folder}");
        return Err(Failure::usage("a bundle opens in the console", hint));
    }
    let place = Place::find(global.colony.as_deref())?;
    let mut config = console_config(&place, global, looks)?;
    config.replay = Some(Replay {
        name: incident.name.clone(),
        folder: options.folder.display().to_string(),
        answer: Ok(Answer {
            window: whole(&incident),
            complete_until: None,
            loss: Loss::default(),
            body: AnswerBody::Diagnose(diagnosis),
        }),
    });
    console::run(place, config).await
}

/// From the first point to the last.
fn whole(incident: &Incident) -> Window {
    let moment = |seconds: Option<&f64>| {
        let ns = seconds.map_or(0.0, |s| s * 1e9);
        // A cast of a float that does not fit is the nearest that does.
        TimeNs(ns as i64)
    };
    Window {
        from: moment(incident.times.first()),
        to: moment(incident.times.last()),
    }
}

fn folder(path: &Path, force: bool) -> Result<(), Failure> {
    match std::fs::create_dir(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && force => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(Failure::failed(
            format!("{} exists", path.display()),
            "name another folder, or write into it with --force",
        )),
        Err(e) => Err(failed(path, &e)),
    }
}

fn write(path: &Path, content: &str, force: bool) -> Result<(), Failure> {
    let mut open = OpenOptions::new();
    open.write(true);
    match force {
        true => open.create(true).truncate(true),
        false => open.create_new(true),
    };
    let written = open
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(|e| failed(path, &e))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("write {}: {error}", path.display()), "")
}
