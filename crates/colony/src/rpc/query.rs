//! `Query.Run`: carries a question to the query layer and the answer back, in parts of bounded size.

use crate::metrics::Meters;
use crate::query::{Query, QueryError};
use crate::{Clock, audit, identity};
use coral_model::{Answer, Caller, Question};
use coral_proto::v1;
use coral_store::Append;
use coral_store::sql::SqlError;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// Rows in one part; a part stays far below the size that clients accept.
const ROWS: usize = 500;
/// Cells of a table in one part.
const CELLS: usize = 4_000;
/// Bytes of one file in one part.
const TEXT: usize = 512 << 10;
/// Questions that are answered at a time; others wait.
const AT_A_TIME: usize = 8;
/// The longest that a question may take, whatever deadline it names.
const LONGEST: Duration = Duration::from_secs(30);

impl From<QueryError> for Status {
    fn from(error: QueryError) -> Self {
        let text = error.to_string();
        match error {
            QueryError::Forbidden { .. } => Self::permission_denied(text),
            QueryError::NoSuchService { .. }
            | QueryError::NoSuchHost { .. }
            | QueryError::NoSuchEvidence { .. }
            | QueryError::NoSuchProbe { .. }
            | QueryError::NoPreviousBuild(_) => Self::not_found(text),
            QueryError::Gone { .. } | QueryError::Coarse { .. } => Self::out_of_range(text),
            QueryError::Sql(SqlError::Limit(_)) => Self::resource_exhausted(text),
            QueryError::NotAnswered(_) => Self::unimplemented(text),
            QueryError::Backwards
            | QueryError::NoEvidenceId
            | QueryError::TwoProcesses { .. }
            | QueryError::WhoseBuild
            | QueryError::ProfilesAlone
            | QueryError::Sql(_) => Self::invalid_argument(text),
            QueryError::Store(_) => Self::internal(text),
        }
    }
}

/// Answers off the async threads.
///
/// # Errors
/// [`QueryError`]'s status.
pub async fn answer(
    query: &Arc<Query>,
    question: Question,
    caller: Caller,
    now: coral_model::TimeNs,
) -> Result<Answer, Status> {
    if let Question::Requests { .. } = question {
        return Ok(query.requests(question, caller, now).await?);
    }
    if let Question::Functions { .. } = question {
        return Ok(query.functions(question, caller, now).await?);
    }
    if let Question::Diagnose { .. } = question {
        return Ok(query.diagnose(question, caller, now).await?);
    }
    let query = query.clone();
    let run = move || query.run(&question, &caller, now);
    match tokio::task::spawn_blocking(run).await {
        Ok(answer) => Ok(answer?),
        Err(error) => Err(Status::internal(format!("the query did not end: {error}"))),
    }
}

/// The service.
pub struct Service {
    pub(super) query: Arc<Query>,
    pub(super) sink: Arc<dyn Append>,
    pub(super) clock: Clock,
    meters: Arc<Meters>,
    turns: Semaphore,
    /// Files are written one at a time.
    pub(super) files: Semaphore,
}

impl Service {
    /// Over this query layer; calls are audited in `sink`.
    pub fn new(
        query: Arc<Query>,
        sink: Arc<dyn Append>,
        clock: Clock,
        meters: Arc<Meters>,
    ) -> Self {
        Self {
            query,
            sink,
            clock,
            meters,
            turns: Semaphore::new(AT_A_TIME),
            files: Semaphore::new(1),
        }
    }
}

#[tonic::async_trait]
impl v1::query_server::Query for Service {
    type RunStream = BoxStream<'static, Result<v1::AnswerPart, Status>>;
    type ExportStream = super::export::Chunks;

    async fn export(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        super::export::export(self, request).await
    }

    async fn run(
        &self,
        request: Request<v1::Question>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let caller = identity::caller(&request)?;
        let wire = request.into_inner();
        let deadline = deadline(&wire)?;
        let question =
            Question::try_from(wire).map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        let now = (self.clock)();
        let rpc = "coral.v1.Query/Run";
        audit::admit_questions(rpc, &[&question], &caller, now, &*self.sink).await?;
        let work = async {
            let closed = |_| Status::unavailable("the colony is stopping");
            let _turn = self.turns.acquire().await.map_err(closed)?;
            answer(&self.query, question, caller, now).await
        };
        let late = |_| Status::deadline_exceeded("the answer took longer than the question allows");
        let begin = std::time::Instant::now();
        let answer = tokio::time::timeout(deadline, work).await;
        let took = begin.elapsed().as_micros() as u64;
        self.meters.question_us.fetch_add(took, Ordering::Relaxed);
        Meters::count(match answer {
            Ok(Ok(_)) => &self.meters.questions,
            _ => &self.meters.questions_failed,
        });
        let answer = answer.map_err(late)??;
        let parts = parts(v1::AnswerPart::from(&answer));
        Ok(Response::new(
            stream::iter(parts.into_iter().map(Ok)).boxed(),
        ))
    }
}

/// How long the answer may take. What a question asks for and would not get is refused, not passed over.
pub(super) fn deadline(wire: &v1::Question) -> Result<Duration, Status> {
    use v1::question::Kind;
    let limited = matches!(
        wire.kind,
        Some(
            Kind::Events(_)
                | Kind::Requests(_)
                | Kind::Sql(_)
                | Kind::Probe(_)
                | Kind::Functions(_)
        )
    );
    if wire.limit != 0 && !limited {
        return Err(Status::invalid_argument(
            "only events, requests, functions, probes and SQL take a limit",
        ));
    }
    if !wire.cursor.is_empty() {
        return Err(Status::invalid_argument("no answer has a cursor yet"));
    }
    let asked = match wire.deadline_ms {
        0 => LONGEST,
        ms => Duration::from_millis(ms),
    };
    Ok(asked.min(LONGEST))
}

/// Cuts an answer into parts; the head is in the first.
fn parts(mut whole: v1::AnswerPart) -> Vec<v1::AnswerPart> {
    let mut parts = vec![];
    loop {
        let part = v1::AnswerPart {
            head: whole.head.take(),
            status: whole.status.take(),
            services: front(&mut whole.services),
            summary: front(&mut whole.summary),
            metrics: front(&mut whole.metrics),
            nodes: front(&mut whole.nodes),
            edges: front(&mut whole.edges),
            events: front(&mut whole.events),
            host: front(&mut whole.host),
            table: front_of_table(&mut whole.table),
            requests: front(&mut whole.requests),
            silent: front(&mut whole.silent),
            flame: front_of_flame(&mut whole.flame),
            probe: whole.probe.take(),
            functions: whole.functions.take(),
            diagnosis: whole.diagnosis.take(),
            bundle: front_of_bundle(&mut whole.bundle),
            evidence: whole.evidence.take(),
        };
        parts.push(part);
        if whole == v1::AnswerPart::default() {
            return parts;
        }
    }
}

/// The next rows of a table; each part names the columns.
fn front_of_table(table: &mut Option<v1::Table>) -> Option<v1::Table> {
    let whole = table.as_mut()?;
    let rows = (CELLS / whole.columns.len().max(1)).clamp(1, ROWS);
    let rest = whole.rows.split_off(whole.rows.len().min(rows));
    let part = v1::Table {
        columns: whole.columns.clone(),
        rows: std::mem::replace(&mut whole.rows, rest),
    };
    if whole.rows.is_empty() {
        *table = None;
    }
    Some(part)
}

/// The next stacks and functions of a profile; what there is once is in the first part.
fn front_of_flame(flame: &mut Option<v1::Flame>) -> Option<v1::Flame> {
    let mut part = flame.take()?;
    let rest = v1::Flame {
        stacks: part.stacks.split_off(part.stacks.len().min(ROWS)),
        functions: part.functions.split_off(part.functions.len().min(ROWS)),
        ..v1::Flame::default()
    };
    *flame = (rest != v1::Flame::default()).then_some(rest);
    Some(part)
}

/// The next piece of each file of a bundle.
fn front_of_bundle(bundle: &mut Option<v1::Bundle>) -> Option<v1::Bundle> {
    let mut part = bundle.take()?;
    let rest = v1::Bundle {
        incident: rest_of(&mut part.incident),
        metrics: rest_of(&mut part.metrics),
        edges: rest_of(&mut part.edges),
        events: rest_of(&mut part.events),
    };
    *bundle = (rest != v1::Bundle::default()).then_some(rest);
    Some(part)
}

/// Cuts a text at a character near the most that a part holds of it.
fn rest_of(text: &mut String) -> String {
    text.split_off(text.floor_char_boundary(TEXT))
}

fn front<T>(rows: &mut Vec<T>) -> Vec<T> {
    let rest = rows.split_off(rows.len().min(ROWS));
    std::mem::replace(rows, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_comes_in_parts_and_in_order() {
        let rows = 2 * ROWS + 1;
        let row = |i: usize| v1::Event {
            at_ns: i64::try_from(i).unwrap(),
            ..Default::default()
        };
        let whole = v1::AnswerPart {
            head: Some(v1::AnswerHead::default()),
            events: (0..rows).map(row).collect(),
            ..Default::default()
        };
        let parts = parts(whole);
        assert_eq!(parts.len(), 3);
        assert!(parts[0].head.is_some() && parts[1].head.is_none());
        let times: Vec<_> = parts
            .iter()
            .flat_map(|p| &p.events)
            .map(|e| e.at_ns)
            .collect();
        assert_eq!(times, (0..i64::try_from(rows).unwrap()).collect::<Vec<_>>());
        assert_eq!(super::parts(v1::AnswerPart::default()).len(), 1);
    }
}
