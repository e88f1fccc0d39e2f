//! Updates of the watch, checked at the door and turned into changes of the picture.

use coral_model::{Answer, Loss, Protocol, ServiceKey};
use coral_proto::Bad;
use coral_proto::v1;
use coral_proto::v1::update::Kind;

/// What is watched; the id is this reader's own word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each watches the question of that name")]
pub enum Topic {
    Status,
    Services,
    Topology,
}

impl Topic {
    /// The id on the wire.
    pub const fn id(self) -> u32 {
        match self {
            Self::Status => 1,
            Self::Services => 2,
            Self::Topology => 3,
        }
    }

    fn from_id(id: u32) -> Option<Self> {
        [Self::Status, Self::Services, Self::Topology]
            .into_iter()
            .find(|topic| topic.id() == id)
    }
}

/// A change of one topic.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The whole answer.
    Snapshot(Topic, Answer),
    /// Rows that are new or changed, and the keys of those that are gone.
    Delta(Topic, Answer, Vec<String>),
    /// What was not seen meanwhile.
    Loss(Topic, Loss),
}

impl Change {
    /// Reads an update; `None` for one that says nothing to this reader.
    ///
    /// # Errors
    /// [`Bad`] when a field does not fit.
    pub fn read(update: v1::Update) -> Result<Option<Self>, Bad> {
        let Some(topic) = Topic::from_id(update.topic) else {
            return Ok(None);
        };
        Ok(match update.kind {
            Some(Kind::Snapshot(part)) => Some(Self::Snapshot(topic, part.try_into()?)),
            Some(Kind::Delta(delta)) => {
                let changed = delta.changed.unwrap_or_default();
                if topic == Topic::Status && changed.status.is_none() {
                    return Ok(None);
                }
                Some(Self::Delta(topic, changed.try_into()?, delta.removed))
            }
            Some(Kind::Loss(loss)) => Some(Self::Loss(topic, loss.into())),
            Some(Kind::Cut(_)) | None => None,
        })
    }
}

/// A row's key in a delta: `namespace/name`.
pub fn service_key(service: &ServiceKey) -> String {
    format!("{}/{}", service.namespace.raw(), service.name.raw())
}

/// An edge's key in a delta: `caller|callee|protocol`.
pub fn edge_key(caller: &ServiceKey, callee: &ServiceKey, protocol: Protocol) -> String {
    let (caller, callee) = (service_key(caller), service_key(callee));
    format!("{caller}|{callee}|{}", protocol.name())
}
