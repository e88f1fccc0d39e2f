//! `coral doctor`: what this machine has and lacks for Coral, what each lack costs and mends it, and where every setting
//! comes from. It looks and changes nothing.

mod checks;
mod host;
pub mod offline;
mod settings;

use crate::client;
use crate::failure::{Code, Failure};
use crate::place::Place;
use checks::{Check, State};
use coral_model::{AnswerBody, Question};
use serde::Serialize;
use settings::Setting;

/// All that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Nothing is missing.
    pub ok: bool,
    settings: Vec<Setting>,
    checks: Vec<Check>,
}

/// Looks at everything.
///
/// # Errors
/// [`Failure`] when the configuration cannot be used, which then is what is wrong.
pub async fn examine(named: Option<&str>) -> Result<Report, Failure> {
    let place = Place::find(named)?;
    let settings = settings::all(named, &place)?;
    let mut checks = vec![];
    if place.remote.is_none() {
        checks.push(checks::programs());
        checks.extend(host::all());
        checks.push(checks::policy());
    }
    checks.extend(colony(&place).await);
    Ok(Report {
        ok: checks.iter().all(|check| check.state != State::Missing),
        settings,
        checks,
    })
}

/// Whether it answers, and what its agents miss.
async fn colony(place: &Place) -> Vec<Check> {
    let what = format!("colony {}", place.name);
    let answer = match client::ask(place, &Question::Status).await {
        Ok(answer) => answer,
        Err(failure) => {
            let state = match failure.code {
                Code::NotReachable => State::Note,
                _ => State::Missing,
            };
            return vec![Check::new(state, &what, failure.message).fix(failure.hint)];
        }
    };
    let AnswerBody::Status(status) = answer.body else {
        return vec![];
    };
    let found = format!("runs version {}", status.version);
    let mut checks = vec![Check::new(State::Ok, &what, found)];
    if status.version != env!("CARGO_PKG_VERSION") {
        let found = format!(
            "it is {}, this is {}",
            status.version,
            env!("CARGO_PKG_VERSION")
        );
        let check = Check::new(State::Note, "versions", found);
        checks.push(check.fix("`coral down`, then `coral up`"));
    }
    for row in &status.agents {
        let host = row.health.host.visible();
        let mode = row.health.mode.name();
        let state = coral_report::agent_state(row);
        let what = format!("agent on {host}");
        checks.push(Check::new(State::Ok, &what, format!("{state}, {mode}")));
        for missing in &row.health.missing {
            let why = missing.why.visible().into_owned();
            let what = format!("agent on {host}: {}", missing.feature);
            checks.push(Check::new(State::Missing, &what, why).fix(&missing.fix));
        }
    }
    checks
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::from("settings\n");
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names = width(&mut self.settings.iter().map(|s| s.key.len()));
        let values = width(&mut self.settings.iter().map(|s| s.value.len()));
        for Setting { key, value, origin } in &self.settings {
            out += &format!("  {key:names$}  {value:values$}  {origin}\n");
        }
        out += "\nchecks\n";
        let names = width(&mut self.checks.iter().map(|c| c.what.chars().count()));
        for check in &self.checks {
            let sign = match check.state {
                State::Ok => "✔",
                State::Note => "▲",
                State::Missing => "✖",
            };
            out += &format!("  {sign} {:names$}  {}\n", check.what, check.found);
            let indent = " ".repeat(names + 6);
            if let Some(costs) = &check.costs {
                out += &format!("{indent}without it: {costs}\n");
            }
            if let Some(fix) = &check.fix {
                out += &format!("{indent}fix: {fix}\n");
            }
        }
        let missing = |state| self.checks.iter().filter(|c| c.state == state).count();
        out += &match (missing(State::Missing), missing(State::Note)) {
            (0, 0) => "\nnothing is missing\n".to_owned(),
            (0, notes) => format!("\nnothing is missing, {notes} to know\n"),
            (lacks, notes) => format!("\n{lacks} missing, {notes} to know\n"),
        };
        out
    }
}
