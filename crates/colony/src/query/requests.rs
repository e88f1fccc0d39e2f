//! Single requests: the colony has none of them, so it asks the agents, all at once, and says who did not answer.

use super::scope::Scope;
use super::{Query, QueryError, Uses, loss, names, sane, span};
use crate::details::{Answering, Details};
use coral_model::answer::RequestRow;
use coral_model::{
    AgentId, Answer, AnswerBody, Batch, Caller, Endpoint, Item, Observed, Question, RequestRecord,
    Span, TimeNs,
};
use coral_proto::v1;
use futures::future::join_all;
use prost::Message as _;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

/// How long an agent may take. It reads its own disk; a silent one must not hold the answer of the others.
const PATIENCE: Duration = Duration::from_secs(5);
/// The kind of detail that agents are asked for.
const KIND: &str = "requests";

/// What is known before the agents are asked.
struct Prepared {
    answer: Answer,
    question: Question,
    limit: usize,
    /// Those with data in the window, and their hosts.
    agents: Vec<(AgentId, Observed)>,
}

/// What an agent said.
#[derive(Default)]
struct Said {
    rows: Vec<RequestRow>,
    /// Why it is not all.
    silent: Option<String>,
}

impl Query {
    /// Answers a question about single requests.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn requests(
        self: &Arc<Self>,
        question: Question,
        caller: Caller,
        now: TimeNs,
    ) -> Result<Answer, QueryError> {
        let query = self.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            query.allowed(&question, &caller)?;
            query.prepare(&question, now)
        });
        let ended = |_| coral_store::StoreError::Closed;
        let prepared = prepared.await.map_err(ended)??;
        let asked = prepared.agents.iter().map(|(agent, host)| {
            let spec = v1::Question::from(&prepared.question).encode_to_vec();
            ask(&self.details, agent, host, spec, prepared.limit)
        });
        let said = join_all(asked).await;
        Ok(merged(prepared, said))
    }

    fn prepare(&self, question: &Question, now: TimeNs) -> Result<Prepared, QueryError> {
        let Question::Requests { service, limit, .. } = question else {
            return Err(QueryError::NotAnswered(question.name()));
        };
        let window = sane(span(question).resolve(now))?;
        let scope = Scope::new(&*self.store, &self.live, window, now)?;
        names::resolve(&scope, service)?;
        let limit = *limit as usize;
        let in_window = scope
            .agents
            .iter()
            .filter(|(_, agent)| agent.newest >= window.from);
        let named = in_window.map(|(id, agent)| {
            let host = agent.health.as_ref().map(|h| h.host.clone());
            (id.clone(), host.unwrap_or_default())
        });
        Ok(Prepared {
            agents: named.collect(),
            question: narrowed(question, Span::Between(window)),
            limit,
            answer: Answer {
                window,
                complete_until: scope.complete_until(Uses::Pulses),
                loss: loss::within(&scope)?,
                body: AnswerBody::Requests {
                    rows: vec![],
                    truncated: false,
                    silent: vec![],
                },
            },
        })
    }
}

/// The question as an agent is asked it: about this window, and one request more than are wanted, so that it shows whether
/// there are more.
fn narrowed(question: &Question, window: Span) -> Question {
    let mut narrowed = question.clone();
    if let Question::Requests { span, limit, .. } = &mut narrowed {
        *span = window;
        *limit = limit.saturating_add(1);
    }
    narrowed
}

async fn ask(
    details: &Arc<Details>,
    agent: &AgentId,
    host: &Observed,
    spec: Vec<u8>,
    limit: usize,
) -> Said {
    let Some(mut answering) = details.ask(agent, KIND, spec, PATIENCE) else {
        return Said {
            rows: vec![],
            silent: Some(format!("{}: its agent is not connected", host.visible())),
        };
    };
    let mut said = Said::default();
    let all = all(&mut answering, agent, limit + 1, &mut said.rows);
    let why = match tokio::time::timeout(PATIENCE, all).await {
        Ok(Ok(())) => return said,
        Ok(Err(why)) => why,
        Err(_) => format!("its agent took longer than {} s", PATIENCE.as_secs()),
    };
    said.silent = Some(format!("{}: {why}", host.visible()));
    said
}

/// Reads the chunks of an answer, as many as are wanted.
async fn all(
    answering: &mut Answering,
    agent: &AgentId,
    most: usize,
    rows: &mut Vec<RequestRow>,
) -> Result<(), String> {
    loop {
        let gone = || "its agent went away".to_owned();
        let chunk = answering.next().await.ok_or_else(gone)?;
        if !chunk.data.is_empty() {
            let wrong = || "its agent said something else".to_owned();
            let batch = v1::Batch::decode(chunk.data.as_slice()).map_err(|_| wrong())?;
            let batch = Batch::try_from(batch).map_err(|_| wrong())?;
            let room = most.saturating_sub(rows.len());
            rows.extend(of_batch(agent, &batch).take(room));
            if rows.len() == most {
                return Ok(());
            }
        }
        match (chunk.last, chunk.error.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => return Err(Observed::new(chunk.error).visible().into_owned()),
            (false, _) => {}
        }
    }
}

/// The batch's requests; an agent speaks of its own processes alone.
fn of_batch<'a>(agent: &'a AgentId, batch: &'a Batch) -> impl Iterator<Item = RequestRow> + 'a {
    batch.items.iter().filter_map(move |item| match item {
        Item::Request(record) => row(agent, batch, record),
        _ => None,
    })
}

fn row(agent: &AgentId, batch: &Batch, record: &RequestRecord) -> Option<RequestRow> {
    let instance = batch.instances.get(record.instance as usize)?;
    (instance.key.agent == *agent).then(|| RequestRow {
        at: record.at,
        service: instance.service.clone(),
        host: instance.host.clone(),
        pid: instance.key.pid,
        side: record.side,
        protocol: record.protocol,
        method: record.method,
        route: record.route.clone(),
        path: record.path.clone(),
        status: record.status,
        ending: record.ending,
        duration: record.duration,
        ttfb: record.ttfb,
        peer: peer(batch, &record.peer),
    })
}

/// The other end: the service of a process of the same host, else the address; nothing when it is not known.
fn peer(batch: &Batch, peer: &Endpoint) -> Observed {
    match peer {
        Endpoint::Instance(index) => {
            let instance = batch.instances.get(*index as usize);
            instance.map(|i| i.service.name.clone()).unwrap_or_default()
        }
        Endpoint::Address { ip, .. } if ip.is_unspecified() => Observed::default(),
        Endpoint::Address { ip, port: 0 } => Observed::new(ip.to_string()),
        Endpoint::Address { ip, port } => {
            Observed::new(std::net::SocketAddr::new(*ip, *port).to_string())
        }
    }
}

fn merged(prepared: Prepared, said: Vec<Said>) -> Answer {
    let (mut rows, mut silent) = (vec![], vec![]);
    for said in said {
        rows.extend(said.rows);
        silent.extend(said.silent.map(Observed::new));
    }
    rows.sort_by_key(|row: &RequestRow| Reverse(row.at));
    let truncated = rows.len() > prepared.limit;
    rows.truncate(prepared.limit);
    let body = AnswerBody::Requests {
        rows,
        truncated,
        silent,
    };
    Answer {
        body,
        ..prepared.answer
    }
}
