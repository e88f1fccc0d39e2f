//! The one query layer: a question, a caller and a moment go in, an answer comes out. It is the only reader of the store
//! and the live data; gRPC (and later the tools) only carry what it says.
//!
//! Figures of the last seconds come from pulses, older ones from stored summaries. An interval of an agent whose exact
//! summaries are stored is counted from them alone, every other second from its pulses: nothing is counted twice, and
//! once the agent is quiet the sums are those of the summaries.

mod diagnose;
mod events;
mod fold;
mod functions;
mod hosts;
mod loss;
mod metrics;
mod names;
mod probe;
mod profile;
mod regressions;
mod requests;
mod scope;
mod services;
mod status;
mod summary;
mod target;
mod topology;

pub use regressions::Judged;

use crate::details::Details;
use crate::live::Live;
use coral_model::{
    Answer, AnswerBody, Caller, ColonyId, Compare, Question, Role, Span, TimeNs, Window,
};
use coral_store::sql::SqlError;
use coral_store::{Append, Format, Level, Read, Statement, StoreError};
use scope::Scope;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The caller's role is too small.
    #[error("{question} needs the role {}, you have {}", .need.name(), .has.name())]
    Forbidden {
        /// What was asked.
        question: &'static str,
        /// The least role for it.
        need: Role,
        /// The caller's.
        has: Role,
    },
    /// A question of a newer console.
    #[error("this colony does not answer {0} yet; update it")]
    NotAnswered(&'static str),
    /// No service has this name.
    #[error("no service is named {name}{}", hint(.near))]
    NoSuchService {
        /// The name, made harmless.
        name: String,
        /// The nearest names, made harmless, best first.
        near: Vec<String>,
    },
    /// No host has this name.
    #[error("no host is named {name}; {}", hosts_hint(.known))]
    NoSuchHost {
        /// The name, made harmless.
        name: String,
        /// Those that there are, made harmless.
        known: Vec<String>,
    },
    /// More than one host has a process of this number.
    #[error("process {pid} is on {}; say which with --host", .hosts.join(" and "))]
    TwoProcesses {
        /// The number.
        pid: u32,
        /// The hosts, made harmless.
        hosts: Vec<String>,
    },
    /// No second build was seen.
    #[error(
        "no build of {0} ran before this one, as far as profiles are kept; `coral query changes` shows what changed"
    )]
    NoPreviousBuild(String),
    /// Builds are a service's.
    #[error("the build before is that of one service; name it")]
    WhoseBuild,
    /// Figures know no processes.
    #[error("only profiles are compared with a process")]
    ProfilesAlone,
    /// Nobody heard of this probe.
    #[error("no probe {id} is known here; `coral debug list` shows those that there are")]
    NoSuchProbe {
        /// The id, made harmless.
        id: String,
    },
    /// The text has not the form of an id.
    #[error("this is no evidence id: those have 9 characters, such as e7k2m3qx4")]
    NoEvidenceId,
    /// Nothing is kept under this id.
    #[error("no evidence {id} is kept here; what a diagnosis found is kept for 30 days")]
    NoSuchEvidence {
        /// The id, which has the form of one.
        id: String,
    },
    /// The statement has no answer.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The window ends before anything that is kept.
    #[error("nothing is kept from before {}", coral_report::rfc3339(*.from))]
    Gone {
        /// Where what is kept begins.
        from: TimeNs,
    },
    /// The window is shorter than what is kept of its time.
    #[error("figures that old are kept by {} only; ask for a longer stretch", .level.name())]
    Coarse {
        /// As what they are kept.
        level: Level,
    },
    /// The window is none.
    #[error("the window ends before it begins")]
    Backwards,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn hint(near: &[String]) -> String {
    match near {
        [] => "; no service was seen yet".to_owned(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

fn hosts_hint(known: &[String]) -> String {
    match known {
        [] => "no agent has reported yet".to_owned(),
        names => format!("there are {}", names.join(", ")),
    }
}

/// What a colony says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its name.
    pub colony: ColonyId,
    /// The version that runs.
    pub version: String,
    /// Since when.
    pub started: TimeNs,
}

/// The query layer of one colony.
pub struct Query {
    store: Arc<dyn Read>,
    live: Arc<Live>,
    about: About,
    /// The agents that can be asked.
    details: Arc<Details>,
    /// Where what diagnoses found is kept.
    sink: Option<Arc<dyn Append>>,
    /// Held while a statement runs.
    sql: Mutex<()>,
}

/// The stretch that `status` counts services and losses in.
const STATUS_SPAN: Span = Span::Last(Duration::from_secs(15 * 60));

/// A statement in SQL may run so long.
const SQL_LONGEST: Duration = Duration::from_secs(5);

/// Windows are cut to this stretch, 1970 to 2116, in which no sum of times overflows.
const BEGINNING: TimeNs = TimeNs(0);
const END: TimeNs = TimeNs(i64::MAX / 2);

impl Query {
    /// Over this store and this live data.
    pub fn new(store: Arc<dyn Read>, live: Arc<Live>, about: About) -> Self {
        Self {
            store,
            live,
            about,
            details: Arc::default(),
            sink: None,
            sql: Mutex::default(),
        }
    }

    /// With these agents to ask.
    #[must_use]
    pub fn asking(self, details: Arc<Details>) -> Self {
        Self { details, ..self }
    }

    /// With this place to keep what diagnoses found.
    #[must_use]
    pub fn keeping(self, sink: Arc<dyn Append>) -> Self {
        let sink = Some(sink);
        Self { sink, ..self }
    }

    fn allowed(&self, question: &Question, caller: &Caller) -> Result<(), QueryError> {
        if caller.role >= question.role() {
            return Ok(());
        }
        Err(QueryError::Forbidden {
            question: question.name(),
            need: question.role(),
            has: caller.role,
        })
    }

    /// Answers. Blocks while the store reads; not for an async thread.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn run(
        &self,
        question: &Question,
        caller: &Caller,
        now: TimeNs,
    ) -> Result<Answer, QueryError> {
        self.allowed(question, caller)?;
        if let Some(complaint) = diagnose::Complaint::of(question) {
            return Ok(self.diagnosed(question, &complaint, now)?.0);
        }
        if let Question::Evidence { id } = question {
            return self.evidence(id, now);
        }
        let window = sane(span(question).resolve(now))?;
        let _turn = self.turn(question);
        let scope = self.scope(question, window, now)?;
        let body = self.body(question, &scope, caller, now)?;
        Ok(Answer {
            window: scope.window,
            complete_until: scope.complete_until(uses(question)),
            loss: loss::within(&scope)?,
            body,
        })
    }

    /// What an answer holds.
    fn body(
        &self,
        question: &Question,
        scope: &Scope<'_>,
        caller: &Caller,
        now: TimeNs,
    ) -> Result<AnswerBody, QueryError> {
        Ok(match question {
            Question::Status => AnswerBody::Status(status::answer(scope, &self.about)),
            Question::Services { trend_points, .. } => {
                AnswerBody::Services(services::answer(scope, *trend_points)?)
            }
            Question::Summary {
                service, compare, ..
            } => {
                let only = names::optional(scope, service.as_deref())?;
                let earlier = self.compared(*compare, service.as_deref(), scope, now)?;
                let rows = summary::answer(scope, earlier.as_ref(), only.as_deref())?;
                AnswerBody::Summary(rows)
            }
            Question::Metrics { service, .. } => {
                let only = names::resolve(scope, service)?;
                AnswerBody::Metrics(metrics::answer(scope, &only)?)
            }
            Question::Topology { .. } => {
                let (nodes, edges) = topology::answer(scope)?;
                AnswerBody::Topology { nodes, edges }
            }
            Question::Events {
                service,
                kinds,
                limit,
                ..
            } => {
                let only = names::optional(scope, service.as_deref())?.unwrap_or_default();
                let (rows, truncated) = events::answer(scope, only, kinds, *limit)?;
                AnswerBody::Events { rows, truncated }
            }
            Question::Host { host, .. } => AnswerBody::Host(hosts::answer(scope, host.as_deref())?),
            Question::Profile {
                target,
                kind,
                session,
                compare,
                ..
            } => {
                let (part, earlier) = self.profiles(now, scope, (target, *kind), *compare)?;
                let (earlier, before) = earlier.unzip();
                let earlier = earlier.as_ref().zip(before);
                let asked = (*kind, *session);
                AnswerBody::Profile(profile::answer((scope, part), earlier, asked)?)
            }
            Question::Probe { id, limit } => {
                AnswerBody::Probe(probe::answer(&self.live, id, *limit as usize)?)
            }
            Question::Requests { .. }
            | Question::Functions { .. }
            | Question::Diagnose { .. }
            | Question::Incident { .. }
            | Question::Evidence { .. } => {
                return Err(QueryError::NotAnswered(question.name()));
            }
            Question::Sql { text, limit } => {
                let asked = statement(text, *limit, caller, now);
                AnswerBody::Sql(scope.snapshot().sql(&asked)?)
            }
        })
    }
}

impl Query {
    /// Statements run one at a time.
    fn turn(&self, question: &Question) -> Option<MutexGuard<'_, ()>> {
        let alone = matches!(question, Question::Sql { .. });
        let turn = || self.sql.lock().unwrap_or_else(PoisonError::into_inner);
        alone.then(turn)
    }

    /// A view as a file; who may have it was decided before. Blocks.
    ///
    /// # Errors
    /// The store's.
    pub fn export(&self, view: &str, format: Format, window: Window) -> Result<File, SqlError> {
        let failed = |e: StoreError| SqlError::Failed(e.to_string());
        let snapshot = self.store.snapshot().map_err(failed)?;
        snapshot.export(view, format, window)
    }

    /// The frame that a question is answered in.
    fn scope(
        &self,
        question: &Question,
        window: Window,
        now: TimeNs,
    ) -> Result<Scope<'_>, QueryError> {
        match question {
            Question::Status
            | Question::Events { .. }
            | Question::Requests { .. }
            | Question::Probe { .. }
            | Question::Functions { .. }
            | Question::Evidence { .. }
            | Question::Sql { .. } => Ok(Scope::new(&*self.store, &self.live, window, now)?),
            Question::Services { .. }
            | Question::Summary { .. }
            | Question::Metrics { .. }
            | Question::Topology { .. }
            | Question::Profile { .. }
            | Question::Diagnose { .. }
            | Question::Incident { .. }
            | Question::Host { .. } => {
                Ok(Scope::of_figures(&*self.store, &self.live, window, now)?)
            }
        }
    }

    /// The frame of the stretch that a window is compared with.
    fn earlier(
        &self,
        compare: Compare,
        window: Window,
        now: TimeNs,
    ) -> Result<Scope<'_>, QueryError> {
        let window = match compare {
            Compare::With(window) => window,
            Compare::PreviousBuild | Compare::Process(_) => return Err(QueryError::ProfilesAlone),
            Compare::Back(ago) => Window {
                from: window.from.minus(ago),
                to: window.to.minus(ago),
            },
        };
        Scope::of_figures(&*self.store, &self.live, sane(window)?, now)
    }
}

/// What is asked in SQL, as the store is asked it.
fn statement(text: &str, limit: u32, caller: &Caller, now: TimeNs) -> Statement {
    Statement {
        text: text.to_owned(),
        admin: caller.role == Role::Admin,
        limit,
        longest: SQL_LONGEST,
        now,
    }
}

/// The window within the stretch that time can be reckoned in.
fn sane(window: Window) -> Result<Window, QueryError> {
    if window.to < window.from {
        return Err(QueryError::Backwards);
    }
    Ok(Window {
        from: window.from.clamp(BEGINNING, END),
        to: window.to.clamp(BEGINNING, END),
    })
}

/// Which data a question's figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    /// Summaries, and pulses for what they do not cover yet.
    Pulses,
    /// Whole intervals alone: pulses know no route and no other end.
    Intervals,
}

fn uses(question: &Question) -> Uses {
    match question {
        Question::Metrics { .. }
        | Question::Topology { .. }
        | Question::Profile { .. }
        | Question::Diagnose { .. }
        | Question::Incident { .. }
        | Question::Host { .. } => Uses::Intervals,
        Question::Status
        | Question::Services { .. }
        | Question::Summary { .. }
        | Question::Events { .. }
        | Question::Requests { .. }
        | Question::Probe { .. }
        | Question::Functions { .. }
        | Question::Evidence { .. }
        | Question::Sql { .. } => Uses::Pulses,
    }
}

fn span(question: &Question) -> Span {
    match question {
        Question::Status
        | Question::Probe { .. }
        | Question::Functions { .. }
        | Question::Evidence { .. }
        | Question::Sql { .. } => STATUS_SPAN,
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Host { span, .. }
        | Question::Requests { span, .. }
        | Question::Profile { span, .. }
        | Question::Diagnose { span, .. }
        | Question::Incident { span, .. }
        | Question::Events { span, .. } => *span,
    }
}

#[cfg(test)]
mod tests;
