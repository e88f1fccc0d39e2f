//! Who did what. The role check and the row of the audit log are one step, and it comes before the answer leaves: what
//! cannot be written down is refused. [`admit_want`] is the only door for wishes, [`admit_questions`] for questions.

use coral_model::{AuditOutcome, AuditRow, Caller, Observed, Question, Role, TimeNs, Want};
use coral_store::{Append, StoreError};
use std::borrow::Cow;
use tonic::Status;

/// Why it is not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The caller's role is too small.
    #[error("{action} needs the role {}, {caller} has {}", .need.name(), .has.name())]
    Role {
        /// What was asked.
        action: String,
        /// By whom.
        caller: String,
        /// The least role for it.
        need: Role,
        /// The caller's.
        has: Role,
    },
    /// The audit log cannot be written.
    #[error("refused, because the audit log cannot be written: {0}")]
    Unaudited(#[from] StoreError),
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Role { .. } => Self::permission_denied(refused.to_string()),
            Refused::Unaudited(_) => Self::unavailable(refused.to_string()),
        }
    }
}

/// Lets a wish in: the caller has its role and the row is written, or it is refused.
///
/// # Errors
/// [`Refused`].
pub async fn admit_want(
    want: &Want,
    caller: &Caller,
    now: TimeNs,
    sink: &dyn Append,
) -> Result<(), Refused> {
    let service = match want {
        Want::Capture { service, .. } => Some(service),
        Want::Connect(connect) => Some(&connect.service),
        Want::Note { service, .. } => service.as_ref(),
        Want::Profile { .. } | Want::Probe { .. } => None,
    };
    let target = match want {
        Want::Profile { target, .. } => target.text(),
        Want::Probe { spec, .. } => format!("{}: {}", spec.target.text(), spec.functions.join(" ")),
        _ => service.map_or_else(String::new, |service| service.name.raw().to_owned()),
    };
    let action = format!("coral.v1.Wants/Put {}", want.name());
    admit(sink, now, caller, want.role(), &action, &target).await
}

/// Lets questions of one call in: one row for all of them.
///
/// # Errors
/// [`Refused`].
pub async fn admit_questions(
    rpc: &str,
    questions: &[&Question],
    caller: &Caller,
    now: TimeNs,
    sink: &dyn Append,
) -> Result<(), Refused> {
    let need = questions.iter().map(|q| q.role()).max();
    let names: Vec<_> = questions.iter().map(|q| q.name()).collect();
    let targets: Vec<_> = questions.iter().filter_map(|q| target(q)).collect();
    let action = format!("{rpc} {}", names.join(","));
    let need = need.unwrap_or(Role::Viewer);
    admit(sink, now, caller, need, &action, &targets.join(",")).await
}

/// The service or host that a question names, or its statement.
fn target(question: &Question) -> Option<Cow<'_, str>> {
    let named = match question {
        Question::Status | Question::Services { .. } | Question::Topology { .. } => None,
        Question::Summary { service, .. }
        | Question::Events { service, .. }
        | Question::Diagnose { service, .. }
        | Question::Incident { service, .. } => service.as_deref(),
        Question::Metrics { service, .. } | Question::Requests { service, .. } => {
            Some(service.as_str())
        }
        Question::Profile { target, .. } | Question::Functions { target, .. } => {
            return Some(target.text().into());
        }
        Question::Host { host, .. } => host.as_deref(),
        Question::Evidence { id } | Question::Probe { id, .. } => Some(id.as_str()),
        Question::Sql { text, .. } => Some(text.as_str()),
    };
    named.map(Cow::from)
}

/// Checks the role and writes the row, whichever way it goes.
///
/// # Errors
/// [`Refused`].
pub async fn admit(
    sink: &dyn Append,
    now: TimeNs,
    caller: &Caller,
    need: Role,
    action: &str,
    target: &str,
) -> Result<(), Refused> {
    if caller.role < need {
        let refusal = Refused::Role {
            action: action.to_owned(),
            caller: caller.id.clone(),
            need,
            has: caller.role,
        };
        let why = refusal.to_string();
        refused(sink, now, caller.clone(), action, target, &why).await;
        return Err(refusal);
    }
    let row = AuditRow {
        at: now,
        caller: caller.clone(),
        action: action.to_owned(),
        target: Observed::new(target),
        outcome: AuditOutcome::Allowed,
    };
    Ok(sink.audit(row).await?)
}

/// Writes a refusal down. It stays refused when that fails.
pub(crate) async fn refused(
    sink: &dyn Append,
    now: TimeNs,
    caller: Caller,
    action: &str,
    target: &str,
    why: &str,
) {
    let row = AuditRow {
        at: now,
        caller,
        action: action.to_owned(),
        target: Observed::new(target),
        outcome: AuditOutcome::Refused(why.to_owned()),
    };
    if let Err(error) = sink.audit(row).await {
        tracing::error!(%error, "a refusal could not be written to the audit log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::Via;
    use coral_model::profile::Target;
    use coral_store::{Appended, Keep, Memory, Pending, Read, StoredBatch, Upkeep};
    use std::time::Duration;

    struct Full;

    impl Append for Full {
        fn append(&self, _: StoredBatch) -> Pending<Appended> {
            Box::pin(std::future::ready(Err(StoreError::Closed)))
        }

        fn audit(&self, _: AuditRow) -> Pending<()> {
            Box::pin(std::future::ready(Err(StoreError::Closed)))
        }

        fn keep(&self, _: Keep) -> Pending<()> {
            Box::pin(std::future::ready(Err(StoreError::Closed)))
        }

        fn maintain(&self, _: TimeNs) -> Pending<Upkeep> {
            Box::pin(std::future::ready(Err(StoreError::Closed)))
        }
    }

    fn caller(role: Role) -> Caller {
        Caller {
            id: "uid:7".into(),
            role,
            via: Via::Unix,
        }
    }

    fn want() -> Want {
        Want::Profile {
            target: Target::service("shop"),
            hz: 99,
            lease: Duration::from_secs(30),
        }
    }

    #[tokio::test]
    async fn a_wish_needs_its_role_and_leaves_a_row_either_way() {
        let sink = Memory::default();
        let ask = |role| {
            let sink = &sink;
            async move { admit_want(&want(), &caller(role), TimeNs(5), sink).await }
        };
        assert!(matches!(
            ask(Role::Viewer).await,
            Err(Refused::Role {
                need: Role::Operator,
                ..
            })
        ));
        assert!(ask(Role::Operator).await.is_ok());
        let rows = sink.snapshot().unwrap().audit(10).unwrap();
        assert_eq!(rows[0].outcome, AuditOutcome::Allowed);
        assert_eq!(rows[0].action, "coral.v1.Wants/Put profile");
        assert!(matches!(&rows[1].outcome, AuditOutcome::Refused(why) if why.contains("operator")));
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_is_refused() {
        let refused = admit_want(&want(), &caller(Role::Admin), TimeNs(5), &Full).await;
        assert!(matches!(refused, Err(Refused::Unaudited(_))));
        let (rpc, admin) = ("coral.v1.Query/Run", caller(Role::Admin));
        let refused = admit_questions(rpc, &[&Question::Status], &admin, TimeNs(5), &Full).await;
        assert!(matches!(refused, Err(Refused::Unaudited(_))));
    }
}
