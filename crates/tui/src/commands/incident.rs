//! `coral incident`: what a diagnosis looks at, as a folder of files.

use super::say::say;
use crate::args::{IncidentExport as Options, Output};
use crate::client;
use crate::failure::Failure;
use crate::place::Place;
use coral_diagnose::bundle::FILES;
use coral_model::{AnswerBody, Question, Span};
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
