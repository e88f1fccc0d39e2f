//! One question to a colony, and its answer; wishes in `wants`.

pub mod wants;

use crate::failure::Failure;
use crate::place::Place;
use coral_mesh::{DialError, rpc};
use coral_model::observed::visible;
use coral_model::{Answer, Question};
use coral_proto::v1;
use coral_proto::v1::query_client::QueryClient;
use std::time::Duration;
use tokio::time::timeout;
use tonic::transport::Channel;

/// How long a link may take to open.
const DIAL_LIMIT: Duration = Duration::from_secs(3);
/// The same over ssh.
const REMOTE_DIAL_LIMIT: Duration = Duration::from_secs(12);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Answers of long windows over many services are larger than the default of 4 MiB.
pub(crate) const MESSAGE_MAX: usize = 64 << 20;

/// Opens a channel to the colony.
///
/// # Errors
/// [`Failure`] with code "not reachable".
pub async fn connect(place: &Place) -> Result<Channel, Failure> {
    let limit = if place.remote.is_some() {
        REMOTE_DIAL_LIMIT
    } else {
        DIAL_LIMIT
    };
    match timeout(limit, rpc::connect(place.dialer())).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(unreachable_because(&error, place)),
        Err(_) => Err(Failure::not_reachable(
            format!("colony {} does not accept connections", place.name),
            place.hang_hint(),
        )),
    }
}

fn unreachable_because(error: &DialError, place: &Place) -> Failure {
    let hint = match error {
        DialError::Nobody { .. } => place.start_hint(),
        DialError::Forbidden { .. } => {
            "it belongs to another user; run as that user, or as root".to_owned()
        }
        DialError::Io { .. } if place.remote.is_some() => {
            "try `ssh` to it by hand: it must work without a password, and find coral-daemon"
                .to_owned()
        }
        DialError::WrongPeer { .. } | DialError::Io { .. } => String::new(),
    };
    Failure::not_reachable(error.to_string(), hint)
}

/// Asks the colony.
///
/// # Errors
/// [`Failure`] that says what to do.
pub async fn ask(place: &Place, question: &Question) -> Result<Answer, Failure> {
    let channel = connect(place).await?;
    ask_over(channel, question).await
}

/// Asks over a channel that is open.
///
/// # Errors
/// [`Failure`] that says what to do.
pub async fn ask_over(channel: Channel, question: &Question) -> Result<Answer, Failure> {
    let whole = timeout(ANSWER_LIMIT, run(channel, question))
        .await
        .map_err(|_| {
            let limit = ANSWER_LIMIT.as_secs();
            Failure::failed(
                format!("no answer to {} within {limit} s", question.name()),
                "a shorter window (--since 15m) is answered faster",
            )
        })??;
    Answer::try_from(whole).map_err(|bad| {
        Failure::failed(
            format!("the colony's answer is not understood: {bad}"),
            "`coral version` and `coral status` show the two versions",
        )
    })
}

async fn run(channel: Channel, question: &Question) -> Result<v1::AnswerPart, Failure> {
    let mut client = QueryClient::new(channel).max_decoding_message_size(MESSAGE_MAX);
    let refused = |status| refused(&status);
    let mut parts = client
        .run(v1::Question::from(question))
        .await
        .map_err(refused)?
        .into_inner();
    let mut whole = v1::AnswerPart::default();
    while let Some(part) = parts.message().await.map_err(refused)? {
        append(&mut whole, part);
    }
    Ok(whole)
}

/// The head comes with the first part, rows in any.
fn append(whole: &mut v1::AnswerPart, part: v1::AnswerPart) {
    whole.head = whole.head.take().or(part.head);
    whole.status = whole.status.take().or(part.status);
    whole.services.extend(part.services);
    whole.summary.extend(part.summary);
    whole.metrics.extend(part.metrics);
    whole.nodes.extend(part.nodes);
    whole.edges.extend(part.edges);
    whole.events.extend(part.events);
    whole.host.extend(part.host);
    whole.requests.extend(part.requests);
    whole.silent.extend(part.silent);
    whole.probe = whole.probe.take().or(part.probe);
    whole.functions = whole.functions.take().or(part.functions);
    whole.diagnosis = whole.diagnosis.take().or(part.diagnosis);
    whole.evidence = whole.evidence.take().or(part.evidence);
    if let Some(more) = part.bundle {
        let joined = whole.bundle.get_or_insert_default();
        joined.incident += &more.incident;
        joined.metrics += &more.metrics;
        joined.edges += &more.edges;
        joined.events += &more.events;
    }
    if let Some(more) = part.flame {
        match &mut whole.flame {
            Some(joined) => {
                joined.stacks.extend(more.stacks);
                joined.functions.extend(more.functions);
            }
            None => whole.flame = Some(more),
        }
    }
    if let Some(table) = part.table {
        let joined = whole.table.get_or_insert_default();
        joined.columns = table.columns;
        joined.rows.extend(table.rows);
    }
}

/// What the colony refused, in its own words.
pub(crate) fn refused(status: &tonic::Status) -> Failure {
    use tonic::Code;
    // Only a transport has a source: the colony did not answer this, the link broke.
    if std::error::Error::source(status).is_some() {
        return Failure::not_reachable("the link broke", "`coral status` tells whether it is back");
    }
    let message = visible(status.message()).into_owned();
    match status.code() {
        Code::Unavailable => Failure::not_reachable(
            format!("the colony went away: {message}"),
            "`coral status` tells whether it is back",
        ),
        Code::NotFound if message.starts_with("no host") => {
            Failure::failed(message, "`coral status` lists the hosts")
        }
        Code::NotFound if message.starts_with("no evidence") => {
            Failure::failed(message, "`coral diagnose` says what is wrong now, with ids")
        }
        Code::NotFound => Failure::failed(message, "`coral services --all` lists what there is"),
        Code::ResourceExhausted => Failure::failed(message, ""),
        Code::OutOfRange => Failure::failed(message, "choose another --since or --until"),
        Code::InvalidArgument => Failure::usage(message, ""),
        Code::PermissionDenied | Code::Unauthenticated => {
            Failure::failed(message, "the colony's owner decides who may ask this")
        }
        Code::Unimplemented => Failure::failed(
            "the colony does not know this question",
            "it is older than this program: `coral down`, then `coral up`",
        ),
        code => Failure::failed(format!("{code}: {message}"), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_one_answer() {
        let row = |name: &str| v1::ServiceRow {
            service: Some(v1::Service {
                namespace: String::new(),
                name: name.into(),
            }),
            ..Default::default()
        };
        let head = v1::AnswerHead {
            window: Some(v1::Range::default()),
            kind: "services".into(),
            ..Default::default()
        };
        let mut whole = v1::AnswerPart::default();
        append(
            &mut whole,
            v1::AnswerPart {
                head: Some(head),
                services: vec![row("a")],
                ..Default::default()
            },
        );
        append(
            &mut whole,
            v1::AnswerPart {
                services: vec![row("b")],
                ..Default::default()
            },
        );
        let answer = Answer::try_from(whole).unwrap();
        assert!(matches!(answer.body, coral_model::AnswerBody::Services(rows) if rows.len() == 2));
    }
}
