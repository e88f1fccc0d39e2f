//! `coral open`: the console at a link or at what shows a piece of evidence; where stdout is no terminal, or in another form,
//! what the question of the evidence answers.

use super::ask::shown;
use super::say::print;
use super::{open_console, shows_console};
use crate::args::{Console, Global, Output};
use crate::client;
use crate::console::address::Address;
use crate::console::evidence;
use crate::failure::Failure;
use crate::place::Place;
use coral_model::diagnosis::{KeptEvidence, is_evidence_id};
use coral_model::{Answer, AnswerBody};
use coral_report::Report;
use serde_json::json;

/// Opens what was named.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(what: &str, global: &Global, options: &Console) -> Result<(), Failure> {
    if is_evidence_id(what) {
        return open_evidence(what, global, options).await;
    }
    let Some(there) = Address::read(what) else {
        return Err(Failure::usage(
            "this is neither a link of a console (coral://COLONY/PAGE?at=SECONDS&window=SECONDS) nor an evidence id (e7k2m3qx4)",
            "`y` in the console copies a link; `coral diagnose` prints ids",
        ));
    };
    if !shows_console(global) {
        let hint = "run it in a terminal, without -o and --watch";
        return Err(Failure::usage("a link opens in the console", hint));
    }
    let place = Place::called(&there.colony, global.colony.as_deref())?;
    open_console(place, Some(there), global, options).await
}

/// The view of the evidence, or the answer to its question.
async fn open_evidence(id: &str, global: &Global, options: &Console) -> Result<(), Failure> {
    if global.watch.is_some() {
        let hint = "leave --watch out";
        return Err(Failure::usage("evidence is of its moment", hint));
    }
    let place = Place::find(global.colony.as_deref())?;
    let found = client::ask(&place, &crate::console::questions::evidence(id)).await?;
    let AnswerBody::Evidence(kept) = &found.body else {
        return Err(Failure::failed("the colony sent no evidence", ""));
    };
    if shows_console(global) {
        let (there, _) = evidence::place_of(kept, found.window, place.name.as_str());
        return open_console(place, Some(there), global, options).await;
    }
    let answer = client::ask(&place, &kept.question).await?;
    tell(kept, &found, &answer, global.output)
}

/// Question and answer.
fn tell(
    kept: &KeptEvidence,
    found: &Answer,
    answer: &Answer,
    output: Output,
) -> Result<(), Failure> {
    match output {
        Output::Json | Output::Yaml => {
            let value = json!({
                "evidence": Report::from(found),
                "answer": Report::from(answer),
            });
            super::say::say(&value, output, String::new)
        }
        Output::Table => {
            let service = kept.service.as_ref().map(coral_report::text::service);
            let head = format!(
                "{}  {}  {}\n\n",
                kept.id,
                service.unwrap_or_default(),
                kept.text.visible()
            );
            print(&head)?;
            shown(answer, output, true)
        }
        _ => shown(answer, output, true),
    }
}
