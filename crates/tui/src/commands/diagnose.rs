//! `coral diagnose`: what is wrong and why, of the colony or of an incident on disk; with `--watch` whenever something begins.

pub(super) mod bundle;
mod watch;
mod webhook;

use super::say::{print, written};
use crate::args::{Diagnose as Options, Global, Output};
use crate::client;
use crate::failure::Failure;
use crate::place::Place;
use coral_model::{AnswerBody, Confidence, Diagnosis, Question, Span};
use coral_report::{DiagnosisReport, diagnosis_markdown, diagnosis_text};
use jiff::tz::TimeZone;

/// Asks the colony and prints.
///
/// # Errors
/// [`Failure`]; with `--exit-code` also when a cause was found.
pub(super) async fn run(
    place: &Place,
    options: &Options,
    span: Span,
    global: &Global,
) -> Result<(), Failure> {
    if let Some(seconds) = global.watch {
        return watch::run(place, options, global.output, seconds).await;
    }
    let diagnosis = ask(place, options.service.clone(), span).await?;
    shown(&diagnosis, global.output)?;
    verdict(&diagnosis, options)
}

/// One diagnosis of the colony.
async fn ask(place: &Place, service: Option<String>, span: Span) -> Result<Diagnosis, Failure> {
    let question = Question::Diagnose {
        span,
        service,
        at: None,
    };
    match client::ask(place, &question).await?.body {
        AnswerBody::Diagnose(diagnosis) => Ok(diagnosis),
        other => Err(Failure::failed(
            format!("the colony answered {} instead", other.name()),
            "",
        )),
    }
}

fn shown(diagnosis: &Diagnosis, output: Output) -> Result<(), Failure> {
    let zone = TimeZone::system();
    let text = match output {
        Output::Md => diagnosis_markdown(diagnosis, &zone),
        _ => written(&DiagnosisReport::from(diagnosis), output, || {
            diagnosis_text(diagnosis, &zone)
        })?,
    };
    print(&text).map(drop)
}

/// A failure when a cause was found and that was asked for.
fn verdict(diagnosis: &Diagnosis, options: &Options) -> Result<(), Failure> {
    let cause = diagnosis.causes.first().filter(|_| !diagnosis.abstained);
    match cause.filter(|cause| cause.confidence > Confidence::Low) {
        Some(cause) if options.exit_code => Err(Failure::failed(
            format!(
                "a cause was found: {} ({}, {})",
                cause.service.visible(),
                cause.kind.name(),
                cause.confidence.name()
            ),
            "",
        )),
        _ => Ok(()),
    }
}
