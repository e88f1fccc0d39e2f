//! The live link: opens the watch, turns its updates into changes, and comes back with growing pauses when it is lost.

use super::change::{Change, Topic};
use super::event::Event;
use super::questions;
use crate::client::{MESSAGE_MAX, refused};
use crate::failure::Failure;
use crate::place::Place;
use coral_mesh::{DialError, rpc};
use coral_model::{Question, Span};
use coral_proto::v1;
use coral_proto::v1::update::Kind;
use coral_proto::v1::watch_client::WatchClient;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

/// How long a link may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(3);
/// The pauses between tries; the last one stays.
const PAUSES_MS: [u64; 5] = [250, 500, 1000, 2000, 4000];

/// Over ssh there are more round trips.
fn open_limit(place: &Place) -> Duration {
    OPEN_LIMIT * if place.remote.is_some() { 4 } else { 1 }
}

/// What happens to the link.
#[derive(Debug)]
pub enum LinkEvent {
    /// The watch is open; snapshots follow.
    Open,
    /// A part of the picture changed.
    Change(Box<Change>),
    /// The link is gone.
    Lost {
        /// Why.
        why: Lost,
        /// When it is tried again.
        retry_in: Duration,
    },
}

/// Why there is no link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Nobody listens there.
    Nobody,
    /// Anything else.
    Because(Failure),
}

/// How a session ended.
enum End {
    /// The colony cut a reader that was too slow, or another window is wanted: open anew at once.
    Again,
    Lost(Lost),
    /// The console is gone.
    Closed,
}

/// Keeps the link up until the console closes its end of `events`. `nudge` ends a pause early.
pub(super) async fn follow(
    place: Place,
    mut window: watch::Receiver<Duration>,
    events: mpsc::Sender<Event>,
    nudge: Arc<Notify>,
) {
    let mut tries = 0;
    loop {
        let mut opened = false;
        let end = session(&place, &mut window, &events, &mut opened).await;
        if opened {
            tries = 0;
        }
        let why = match end {
            End::Closed => return,
            End::Again => continue,
            End::Lost(why) => why,
        };
        let retry_in = Duration::from_millis(PAUSES_MS[tries.min(PAUSES_MS.len() - 1)]);
        tries += 1;
        let lost = LinkEvent::Lost { why, retry_in };
        if events.send(Event::Link(lost)).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(retry_in) => {}
            () = nudge.notified() => tries = 0,
        }
    }
}

async fn session(
    place: &Place,
    window: &mut watch::Receiver<Duration>,
    events: &mpsc::Sender<Event>,
    opened: &mut bool,
) -> End {
    let channel = match timeout(open_limit(place), rpc::connect(place.dialer())).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(DialError::Nobody { .. })) => return End::Lost(Lost::Nobody),
        Ok(Err(error)) => return because(Failure::not_reachable(error.to_string(), "")),
        Err(_) => return because(Failure::not_reachable("the colony does not answer", "")),
    };
    let mut client = WatchClient::new(channel).max_decoding_message_size(MESSAGE_MAX);
    let topics = topics(*window.borrow_and_update());
    let mut updates = match timeout(OPEN_LIMIT, client.open(topics)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return because(refused(&status)),
        Err(_) => return because(Failure::not_reachable("the colony does not answer", "")),
    };
    if events.send(Event::Link(LinkEvent::Open)).await.is_err() {
        return End::Closed;
    }
    *opened = true;
    loop {
        let next = tokio::select! {
            next = updates.message() => next,
            changed = window.changed() => match changed {
                Ok(()) => return End::Again,
                Err(_) => return End::Closed,
            },
        };
        let update = match next {
            Ok(Some(update)) => update,
            Ok(None) => return because(Failure::not_reachable("the colony ended the watch", "")),
            Err(status) => return because(refused(&status)),
        };
        if matches!(update.kind, Some(Kind::Cut(_))) {
            return End::Again;
        }
        let change = match Change::read(update) {
            Ok(Some(change)) => change,
            Ok(None) => continue,
            Err(bad) => {
                let message = format!("the colony's update is not understood: {bad}");
                return because(Failure::failed(message, ""));
            }
        };
        let change = LinkEvent::Change(Box::new(change));
        if events.send(Event::Link(change)).await.is_err() {
            return End::Closed;
        }
    }
}

fn because(failure: Failure) -> End {
    End::Lost(Lost::Because(failure))
}

fn topics(window: Duration) -> v1::Topics {
    let span = Span::Last(window);
    let questions = [
        (Topic::Status, Question::Status),
        (Topic::Services, questions::services(span)),
        (Topic::Topology, questions::topology(span)),
    ];
    let topic = |(topic, question): &(Topic, Question)| v1::Topic {
        id: topic.id(),
        question: Some(question.into()),
    };
    v1::Topics {
        topics: questions.iter().map(topic).collect(),
    }
}
