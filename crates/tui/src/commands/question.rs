//! What a `coral query` asks.

use crate::args::Query;
use crate::console::questions::CHANGES;
use crate::failure::Failure;
use coral_model::{Question, Span, TimeNs};
use jiff::tz::TimeZone;

/// The question, and whether its table shows all classes.
///
/// # Errors
/// [`Failure`] for a stretch that cannot be compared with.
pub(super) fn of(query: Query, span: Span, now: TimeNs) -> Result<(Question, bool), Failure> {
    let events = |service, kinds, limit| Question::Events {
        span,
        service,
        kinds,
        limit,
    };
    Ok(match query {
        Query::Summary {
            service,
            compare,
            all,
        } => {
            let all = all.all || service.is_some();
            let question = Question::Summary {
                span,
                service,
                compare: compare
                    .map(|c| c.resolve(now, &TimeZone::system()))
                    .transpose()?,
            };
            (question, all)
        }
        Query::Metrics { service } => (Question::Metrics { span, service }, true),
        Query::Requests(requests) => (requests.question(span), true),
        Query::Events { service, limit } => (events(service, vec![], limit), true),
        Query::Changes { service, limit } => (events(service, CHANGES.to_vec(), limit), true),
        Query::Sql { statement, limit } => {
            let text = statement;
            (Question::Sql { text, limit }, true)
        }
        Query::Host { host } => (Question::Host { span, host }, true),
    })
}
