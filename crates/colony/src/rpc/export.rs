//! `Query.Export`: a view as a file, streamed. Audited before anything is written; one at a time.

use super::query::Service;
use crate::{audit, identity};
use coral_model::{Observed, Question, Role, Window};
use coral_proto::v1;
use coral_store::sql::SqlError;
use coral_store::{Format, VIEWS};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use std::fs::File;
use tokio::io::AsyncReadExt as _;
use tonic::{Request, Response, Status};

/// Bytes in one part.
const CHUNK: usize = 256 << 10;

/// What is asked for.
struct Asked {
    view: &'static str,
    need: Role,
    format: Format,
    span: coral_model::Span,
}

impl TryFrom<v1::ExportRequest> for Asked {
    type Error = Status;

    fn try_from(wire: v1::ExportRequest) -> Result<Self, Status> {
        let invalid = |why: String| Status::invalid_argument(why);
        let shown = |text: &str| Observed::new(text).visible().into_owned();
        let Some(view) = VIEWS.iter().find(|v| v.name == wire.table) else {
            let known: Vec<_> = VIEWS.iter().map(|v| v.name).collect();
            let (name, known) = (shown(&wire.table), known.join(", "));
            return Err(invalid(format!(
                "no table is named {name}; there are {known}"
            )));
        };
        let format = Format::of(&wire.format).ok_or_else(|| {
            let name = shown(&wire.format);
            invalid(format!(
                "{name} is no form of a file; there are parquet, csv, json"
            ))
        })?;
        // A span is read as that of any question.
        let question = v1::Question {
            span: wire.span,
            kind: Some(v1::question::Kind::Topology(v1::TopologyQuestion {})),
            ..Default::default()
        };
        match Question::try_from(question) {
            Ok(Question::Topology { span }) => Ok(Self {
                view: view.name,
                need: if view.admin {
                    Role::Admin
                } else {
                    Role::Viewer
                },
                format,
                span,
            }),
            Ok(_) => Err(invalid("a file has a span".to_owned())),
            Err(bad) => Err(invalid(bad.to_string())),
        }
    }
}

pub(super) type Chunks = BoxStream<'static, Result<v1::ExportChunk, Status>>;

pub(super) async fn export(
    service: &Service,
    request: Request<v1::ExportRequest>,
) -> Result<Response<Chunks>, Status> {
    let caller = identity::caller(&request)?;
    let asked = Asked::try_from(request.into_inner())?;
    let now = (service.clock)();
    let rpc = "coral.v1.Query/Export";
    audit::admit(&*service.sink, now, &caller, asked.need, rpc, asked.view).await?;
    let window = asked.span.resolve(now);
    if window.to < window.from {
        return Err(Status::invalid_argument("the window ends before it begins"));
    }
    let busy = |_| Status::resource_exhausted("another file is being written; try again soon");
    let _turn = service.files.try_acquire().map_err(busy)?;
    let file = written(service, asked, window).await?;
    Ok(Response::new(chunks(file)))
}

async fn written(service: &Service, asked: Asked, window: Window) -> Result<File, Status> {
    let query = service.query.clone();
    let write = move || query.export(asked.view, asked.format, window);
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(SqlError::Refused(why))) => Err(Status::invalid_argument(why)),
        Ok(Err(SqlError::Limit(why))) => Err(Status::resource_exhausted(why)),
        Ok(Err(SqlError::Failed(why))) => Err(Status::internal(why)),
        Err(error) => Err(Status::internal(format!(
            "the writing did not end: {error}"
        ))),
    }
}

/// Reads as fast as the other end takes.
fn chunks(file: File) -> Chunks {
    let file = tokio::fs::File::from_std(file);
    stream::try_unfold(file, async |mut file| {
        let mut data = vec![0; CHUNK];
        let read = file.read(&mut data).await;
        let read = read.map_err(|e| Status::internal(format!("read the file: {e}")))?;
        data.truncate(read);
        Ok((read > 0).then_some((v1::ExportChunk { data }, file)))
    })
    .boxed()
}
