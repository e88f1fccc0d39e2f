//! Wishes to a colony: put, withdraw, list.

use super::{connect, refused};
use crate::failure::Failure;
use crate::place::Place;
use coral_model::Want;
use coral_model::observed::visible;
use coral_proto::v1;
use coral_proto::v1::wants_client::WantsClient;
use std::time::Duration;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Response, Status};

const LIMIT: Duration = Duration::from_secs(10);

/// A wish that the colony keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The id that it was put under.
    pub id: String,
    /// pending or attached.
    pub state: String,
    /// What a person should read.
    pub reason: String,
    /// What is wished.
    pub want: Want,
}

/// Wishes under the caller's own id: the same id again is the same wish.
///
/// # Errors
/// [`Failure`] in the colony's own words.
pub async fn put(channel: Channel, id: &str, want: &Want) -> Result<(), Failure> {
    let mut client = WantsClient::new(channel);
    answered(client.put(v1::Want::new(id, want)))
        .await
        .map(drop)
}

/// Takes a wish back.
///
/// # Errors
/// [`Failure`] in the colony's own words.
pub async fn withdraw(channel: Channel, id: &str) -> Result<(), Failure> {
    let id = v1::WantId { id: id.to_owned() };
    let mut client = WantsClient::new(channel);
    answered(client.withdraw(id)).await.map(drop)
}

/// Every wish that the colony keeps; what this build does not know is left out.
///
/// # Errors
/// [`Failure`] in the colony's own words.
pub async fn list(channel: Channel) -> Result<Vec<Wish>, Failure> {
    let mut client = WantsClient::new(channel);
    let filter = v1::WantFilter { mine: false };
    let list = answered(client.list(filter)).await?;
    let wish = |state: v1::WantState| {
        Some(Wish {
            want: Want::try_from(state.want?).ok()?,
            state: visible(&state.state).into_owned(),
            reason: visible(&state.reason).into_owned(),
            id: state.id,
        })
    };
    Ok(list.wants.into_iter().filter_map(wish).collect())
}

/// Opens a channel and wishes.
///
/// # Errors
/// As [`put`].
pub async fn put_at(place: &Place, id: &str, want: &Want) -> Result<(), Failure> {
    put(connect(place).await?, id, want).await
}

async fn answered<T>(
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Failure> {
    let late = |_| Failure::failed(format!("no answer within {} s", LIMIT.as_secs()), "");
    let answer = timeout(LIMIT, call).await.map_err(late)?;
    answer
        .map(Response::into_inner)
        .map_err(|status| said_no(&status))
}

/// Of wishes the colony's words say what to do.
fn said_no(status: &Status) -> Failure {
    let message = visible(status.message()).into_owned();
    match status.code() {
        tonic::Code::AlreadyExists | tonic::Code::NotFound => Failure::failed(message, ""),
        tonic::Code::Unimplemented => Failure::failed(
            "the colony does not know this wish",
            "it is older than this program: `coral down`, then `coral up`",
        ),
        _ => refused(status),
    }
}
