//! `coral note`: writes something down on the timeline.

use super::say::say;
use crate::args::{Note as Options, Output};
use crate::client::wants;
use crate::failure::Failure;
use crate::place::Place;
use coral_model::{Observed, TimeNs, Want};
use jiff::tz::TimeZone;
use serde_json::json;

/// The longest that a colony takes, in bytes.
const TEXT_MAX: usize = 1_000;

/// Writes it down.
pub(super) async fn run(
    place: &Place,
    options: Options,
    now: TimeNs,
    output: Output,
) -> Result<(), Failure> {
    let text = options.text.join(" ");
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_MAX {
        let message = format!("a note has 1 to {TEXT_MAX} bytes, this one {}", text.len());
        return Err(Failure::usage(message, ""));
    }
    let at = match options.at {
        Some(at) => Some(at.moment(now, &TimeZone::system())?),
        None => None,
    };
    let service = options
        .service
        .as_deref()
        .map(crate::console::questions::key_of);
    let want = Want::Note {
        at,
        service,
        text: Observed::new(text),
    };
    wants::put_at(place, &id(now), &want).await?;
    let written = coral_report::rfc3339(at.unwrap_or(now));
    let value = json!({ "note": coral_model::observed::visible(text), "at": written });
    say(&value, output, || format!("written down at {written}\n"))
}

/// One command is one note, however often it is sent.
pub(crate) fn id(now: TimeNs) -> String {
    format!("note/{}/{}", now.0, std::process::id())
}
