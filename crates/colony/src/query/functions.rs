//! Functions that could be probed: the agents look for them in the files of their processes, all at once.

use super::scope::Scope;
use super::{Query, QueryError, Uses, loss, names, sane, span};
use crate::details::Details;
use coral_model::probe::{FoundFunction, Functions};
use coral_model::profile::Target;
use coral_model::{AgentId, Answer, AnswerBody, Caller, Observed, Question, TimeNs};
use coral_proto::v1;
use futures::future::join_all;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an agent may take: it reads large files when it is asked about them first.
const PATIENCE: Duration = Duration::from_secs(20);
/// The kind of detail that agents are asked for.
const KIND: &str = "functions";
/// Names that come near, at most.
const SIMILAR: usize = 5;

/// What is known before the agents are asked.
struct Prepared {
    answer: Answer,
    agents: Vec<(AgentId, Observed)>,
    limit: usize,
    spec: Vec<u8>,
}

impl Query {
    /// Answers a question about functions.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn functions(
        self: &Arc<Self>,
        question: Question,
        caller: Caller,
        now: TimeNs,
    ) -> Result<Answer, QueryError> {
        let query = self.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            query.allowed(&question, &caller)?;
            query.agents_of(&question, now)
        });
        let ended = |_| coral_store::StoreError::Closed;
        let prepared = prepared.await.map_err(ended)??;
        let asked = prepared
            .agents
            .iter()
            .map(|(agent, host)| ask(&self.details, agent, host, prepared.spec.clone()));
        let said = join_all(asked).await;
        Ok(Answer {
            body: AnswerBody::Functions(merged(said, prepared.limit)),
            ..prepared.answer
        })
    }

    fn agents_of(&self, question: &Question, now: TimeNs) -> Result<Prepared, QueryError> {
        let Question::Functions { target, limit, .. } = question else {
            return Err(QueryError::NotAnswered(question.name()));
        };
        let window = sane(span(question).resolve(now))?;
        let scope = Scope::new(&*self.store, &self.live, window, now)?;
        if let Some(service) = &target.service {
            names::resolve(&scope, service)?;
        }
        let agents = scope.agents.iter().filter_map(|(id, agent)| {
            let host = agent.health.as_ref().map(|health| health.host.clone());
            let host = host.unwrap_or_default();
            (agent.newest >= window.from && is_meant(target, id, &host)).then(|| (id.clone(), host))
        });
        Ok(Prepared {
            agents: agents.collect(),
            limit: *limit as usize,
            spec: v1::Question::from(question).encode_to_vec(),
            answer: Answer {
                window,
                complete_until: scope.complete_until(Uses::Pulses),
                loss: loss::within(&scope)?,
                body: AnswerBody::Functions(Functions::default()),
            },
        })
    }
}

/// Whether an agent's host is meant.
fn is_meant(target: &Target, agent: &AgentId, host: &Observed) -> bool {
    let is_this = |wanted: &String| wanted == host.raw() || wanted == agent.as_str();
    target.host.as_ref().is_none_or(is_this)
}

async fn ask(
    details: &Arc<Details>,
    agent: &AgentId,
    host: &Observed,
    spec: Vec<u8>,
) -> Result<Functions, (Observed, Observed)> {
    let failed = |why: &str| (host.clone(), Observed::new(why));
    let Some(mut answering) = details.ask(agent, KIND, spec, PATIENCE) else {
        return Err(failed("its agent is not connected"));
    };
    let mut bytes = vec![];
    let read = async {
        loop {
            let chunk = answering.next().await.ok_or("its agent went away")?;
            if !chunk.error.is_empty() {
                return Err(Observed::new(chunk.error).visible().into_owned());
            }
            bytes.extend(chunk.data);
            if chunk.last {
                return Ok(());
            }
        }
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    let slow = || format!("its agent took longer than {} s", PATIENCE.as_secs());
    read.map_err(|_| failed(&slow()))?
        .map_err(|why| failed(&why))?;
    let found = v1::Functions::decode(bytes.as_slice()).ok();
    let found = found.and_then(|wire| Functions::try_from(wire).ok());
    found.ok_or_else(|| failed("its agent said something else"))
}

/// The answers of all hosts; the same function of the same build is one.
fn merged(said: Vec<Result<Functions, (Observed, Observed)>>, limit: usize) -> Functions {
    let mut all = Functions::default();
    let mut seen: BTreeMap<FoundFunction, ()> = BTreeMap::new();
    for said in said {
        let found = match said {
            Ok(found) => found,
            Err(silent) => {
                all.missing.push(silent);
                continue;
            }
        };
        all.total = all.total.max(found.total);
        all.missing.extend(found.missing);
        all.similar.extend(found.similar);
        for row in found.rows {
            if seen.insert(row.clone(), ()).is_none() {
                all.rows.push(row);
            }
        }
    }
    all.rows.truncate(limit);
    all.missing.sort();
    all.missing.dedup();
    all.similar.dedup();
    all.similar.truncate(SIMILAR);
    if !all.rows.is_empty() {
        all.similar.clear();
    }
    all
}
