//! A small colony inside the test: the Query and Watch services over a Unix socket, with the answers of the fixture.

use crate::fixture;
use coral_mesh::direct::Listener;
use coral_mesh::rpc;
use coral_model::Question;
use coral_proto::v1;
use coral_proto::v1::query_server::{Query, QueryServer};
use coral_proto::v1::watch_server::{Watch, WatchServer};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

type Parts<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
struct Shop;

fn answer(question: &Question) -> coral_model::Answer {
    fixture::answer_to(question, fixture::NOW)
}

#[tonic::async_trait]
impl Query for Shop {
    type RunStream = Parts<v1::AnswerPart>;
    type ExportStream = Parts<v1::ExportChunk>;

    async fn export(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let chunk = |data: &[u8]| {
            Ok(v1::ExportChunk {
                data: data.to_vec(),
            })
        };
        let chunks = match &*request.into_inner().table {
            "requests" => vec![chunk(b"at,service\n"), chunk(b"1,cart\n")],
            "broken" => vec![chunk(b"at"), Err(Status::internal("the disk is gone"))],
            _ => return Err(Status::invalid_argument("no table is named x")),
        };
        Ok(Response::new(Box::pin(tokio_stream::iter(chunks))))
    }

    /// Each service comes in a part of its own: whoever reads must join them.
    async fn run(
        &self,
        request: Request<v1::Question>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let question = Question::try_from(request.into_inner())
            .map_err(|e| Status::invalid_argument(e.to_string()))?;
        if matches!(&question, Question::Metrics { service, .. } if service == "nosuch") {
            return Err(Status::not_found("there is no service nosuch"));
        }
        let mut whole = v1::AnswerPart::from(&answer(&question));
        let rows = std::mem::take(&mut whole.services);
        let part = |row| v1::AnswerPart {
            services: vec![row],
            ..v1::AnswerPart::default()
        };
        let parts: Vec<_> = std::iter::once(whole)
            .chain(rows.into_iter().map(part))
            .map(Ok)
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }
}

#[tonic::async_trait]
impl Watch for Shop {
    type OpenStream = Parts<v1::Update>;

    /// Snapshots, then one delta; then the stream stays open.
    async fn open(
        &self,
        request: Request<v1::Topics>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let mut updates = vec![];
        for topic in request.into_inner().topics {
            let question = Question::try_from(topic.question.unwrap_or_default())
                .map_err(|e| Status::invalid_argument(e.to_string()))?;
            let kind = v1::update::Kind::Snapshot((&answer(&question)).into());
            updates.push(v1::Update {
                topic: topic.id,
                kind: Some(kind),
            });
            if matches!(question, Question::Services { .. }) {
                let fresh = fixture::services(vec![fixture::service("newcomer", None)]);
                let delta = v1::Delta {
                    changed: Some((&fresh).into()),
                    removed: vec!["/mailer".into()],
                };
                updates.push(v1::Update {
                    topic: topic.id,
                    kind: Some(v1::update::Kind::Delta(delta)),
                });
            }
        }
        let updates = tokio_stream::iter(updates.into_iter().map(Ok));
        Ok(Response::new(Box::pin(
            updates.chain(tokio_stream::pending()),
        )))
    }
}

/// A colony that serves until it is dropped.
pub struct Colony {
    _runtime: tokio::runtime::Runtime,
}

impl Colony {
    /// Serves at this socket.
    pub fn start(socket: &Path) -> Self {
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _context = runtime.enter();
        let listener = Arc::new(Listener::bind(socket).unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(QueryServer::new(Shop))
            .add_service(WatchServer::new(Shop))
            .serve_with_incoming(rpc::incoming(listener));
        runtime.spawn(server);
        drop(_context);
        Self { _runtime: runtime }
    }
}
