//! What a `coral query` asks.

use crate::args::Query;
use coral_model::{EventKind, Question, Span};

/// What `coral query changes` shows.
const CHANGES: [EventKind; 5] = [
    EventKind::Change,
    EventKind::Restart,
    EventKind::Start,
    EventKind::Crash,
    EventKind::OutOfMemory,
];

/// The question, and whether its table shows all classes.
pub(super) fn of(query: Query, span: Span) -> (Question, bool) {
    let events = |service, kinds, limit| Question::Events {
        span,
        service,
        kinds,
        limit,
    };
    match query {
        Query::Summary { service, all } => {
            let all = all.all || service.is_some();
            let question = Question::Summary {
                span,
                service,
                compare: None,
            };
            (question, all)
        }
        Query::Metrics { service } => (Question::Metrics { span, service }, true),
        Query::Events { service, limit } => (events(service, vec![], limit), true),
        Query::Changes { service, limit } => (events(service, CHANGES.to_vec(), limit), true),
        Query::Host { host } => (Question::Host { span, host }, true),
    }
}
