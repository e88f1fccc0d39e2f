//! One thing that was looked at, and the checks that are neither of the host nor of the colony.

use coral_config::{AGENT_POLICY_FILE, AgentPolicy};
use serde::Serialize;
use std::path::Path;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is lost by it.
    Note,
    /// Something does not work because of it.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub what: String,
    pub state: State,
    pub found: String,
    /// What does not work without it.
    pub costs: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    pub fn new(state: State, what: &str, found: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            state,
            found: found.into(),
            costs: None,
            fix: None,
        }
    }

    /// Something that is there, or is missing at this cost.
    pub fn there(what: &str, there: bool, found: impl Into<String>, costs: &str) -> Self {
        let state = if there { State::Ok } else { State::Missing };
        let check = Self::new(state, what, found);
        if there { check } else { check.costs(costs) }
    }

    pub fn costs(mut self, costs: &str) -> Self {
        self.costs = Some(costs.to_owned());
        self
    }

    /// What to do; nothing is done about what is well.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        let fix = fix.into();
        self.fix = (self.state != State::Ok && !fix.is_empty()).then_some(fix);
        self
    }
}

/// The programs that `coral up` starts lie beside this one.
pub(super) fn programs() -> Check {
    let own = std::env::current_exe().and_then(std::fs::canonicalize);
    let lacking: Vec<_> = ["coral-daemon", "coral-colony"]
        .into_iter()
        .filter(|name| {
            let beside = own.as_ref().map(|own| own.with_file_name(name));
            !beside.is_ok_and(|path| path.is_file())
        })
        .collect();
    let found = match lacking[..] {
        [] => "coral-daemon and coral-colony lie beside coral".to_owned(),
        _ => format!("beside coral there is no {}", lacking.join(", no ")),
    };
    Check::there("programs", lacking.is_empty(), found, "`coral up`")
        .fix("install all of them into one folder, or cargo build --workspace --bins")
}

/// Whom a root agent obeys.
pub(super) fn policy() -> Check {
    let path = Path::new(AGENT_POLICY_FILE);
    let own = nix::unistd::geteuid().as_raw();
    let sudo = std::env::var("SUDO_UID")
        .ok()
        .and_then(|uid| uid.parse().ok());
    let what = "whom the agent obeys";
    match AgentPolicy::load(path, own, sudo) {
        Ok(policy) => {
            let origin = if path.exists() {
                AGENT_POLICY_FILE
            } else {
                "who starts it; there is no file"
            };
            let found = format!("a colony of uid {} ({origin})", policy.colony_uid);
            Check::new(State::Ok, what, found)
        }
        // The error says itself what to run.
        Err(error) => Check::new(State::Missing, what, error.to_string()).costs("every agent"),
    }
}
