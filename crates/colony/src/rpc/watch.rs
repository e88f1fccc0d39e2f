//! `Watch.Open`: carries topics to the hub and its updates back.

use crate::hub::{Hub, HubError, Topic};
use crate::{Clock, audit, identity};
use coral_model::Question;
use coral_proto::v1;
use coral_store::Append;
use futures::stream::BoxStream;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Topics of one reader.
const MAX_TOPICS: usize = 16;

impl From<HubError> for Status {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Full => Self::resource_exhausted(error.to_string()),
            HubError::Stopped => Self::unavailable(error.to_string()),
            HubError::Query(error) => error.into(),
        }
    }
}

/// The service.
pub struct Service {
    /// Where readers subscribe.
    pub hub: Hub,
    /// Where calls are audited.
    pub sink: Arc<dyn Append>,
    /// Now.
    pub clock: Clock,
}

#[tonic::async_trait]
impl v1::watch_server::Watch for Service {
    type OpenStream = BoxStream<'static, Result<v1::Update, Status>>;

    async fn open(
        &self,
        request: Request<v1::Topics>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let caller = identity::caller(&request)?;
        let topics = topics(request.into_inner())?;
        let questions: Vec<_> = topics.iter().map(|t| &t.question).collect();
        let (rpc, now) = ("coral.v1.Watch/Open", (self.clock)());
        audit::admit_questions(rpc, &questions, &caller, now, &*self.sink).await?;
        Ok(Response::new(self.hub.open(topics).await?))
    }
}

fn topics(wire: v1::Topics) -> Result<Vec<Topic>, Status> {
    let invalid = |text: &str| Status::invalid_argument(text);
    if wire.topics.is_empty() || wire.topics.len() > MAX_TOPICS {
        return Err(invalid("a reader has 1 to 16 topics"));
    }
    let topic = |topic: v1::Topic| {
        let question = topic
            .question
            .ok_or_else(|| invalid("a topic without question"))?;
        // A live question has no deadline of its own, but the same is refused.
        super::query::deadline(&question)?;
        let question = Question::try_from(question).map_err(|bad| invalid(&bad.to_string()))?;
        if let Question::Sql { .. } | Question::Requests { .. } = question {
            return Err(invalid(
                "SQL and single requests are asked once, not followed",
            ));
        }
        let id = topic.id;
        Ok(Topic { id, question })
    };
    wire.topics.into_iter().map(topic).collect()
}
