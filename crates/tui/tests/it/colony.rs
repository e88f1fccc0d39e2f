//! A small colony inside the test: the Query and Watch services over a Unix socket, with the answers of a script.

#[path = "colony/wishes.rs"]
mod wishes;

use crate::fixture;
use coral_mesh::direct::Listener;
use coral_mesh::rpc;
use coral_model::{Answer, Question, TimeNs};
use coral_proto::v1;
use coral_proto::v1::query_server::{Query, QueryServer};
use coral_proto::v1::wants_server::WantsServer;
use coral_proto::v1::watch_server::{Watch, WatchServer};
use futures::{Stream, StreamExt as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};
use wishes::Wishes;

type Parts<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What a colony answers, and whether it changes each second.
#[derive(Clone, Copy)]
pub struct Script {
    pub answer: fn(&Question, TimeNs) -> Answer,
    pub live: bool,
    /// Whether one service comes and one goes right after the first picture.
    pub news: bool,
}

impl Script {
    /// The fixture's shop, which stands still.
    pub const SHOP: Self = Self {
        answer: fixture::answer_to,
        live: false,
        news: true,
    };

    /// The same, its agents just started by this machine's clock.
    pub const YOUNG: Self = Self {
        answer: fixture::young_answer,
        ..Self::SHOP
    };

    /// Names and texts that a terminal would obey.
    pub const HOSTILE: Self = Self {
        answer: fixture::hostile_answer,
        live: false,
        news: false,
    };
}

#[derive(Clone)]
struct Shop {
    script: Script,
    started: Instant,
}

impl Shop {
    /// At the fixture's moment; a live one goes on from there.
    fn answer(&self, question: &Question) -> Answer {
        let now = match self.script.live {
            true => fixture::NOW.plus(self.started.elapsed()),
            false => fixture::NOW,
        };
        (self.script.answer)(question, now)
    }

    /// Each second the whole answer to each question anew, as a delta where there is one.
    fn updates(self, topics: Vec<(u32, Question)>) -> Parts<v1::Update> {
        let ticks = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some(((), ()))
        });
        let updates = ticks.flat_map(move |()| {
            let update = |(id, question): &(u32, Question)| {
                let part = v1::AnswerPart::from(&self.answer(question));
                let kind = match question {
                    Question::Status => v1::update::Kind::Snapshot(part),
                    _ => v1::update::Kind::Delta(v1::Delta {
                        changed: Some(part),
                        removed: vec![],
                    }),
                };
                Ok(v1::Update {
                    topic: *id,
                    kind: Some(kind),
                })
            };
            futures::stream::iter(topics.iter().map(update).collect::<Vec<_>>())
        });
        Box::pin(updates)
    }
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
        if matches!(&question, Question::Evidence { id } if id == "eggggggg2") {
            return Err(Status::not_found("no evidence eggggggg2 is kept here"));
        }
        let mut whole = v1::AnswerPart::from(&self.answer(&question));
        let rows = std::mem::take(&mut whole.services);
        let part = |row| v1::AnswerPart {
            services: vec![row],
            ..v1::AnswerPart::default()
        };
        let parts: Vec<_> = std::iter::once(whole)
            .chain(rows.into_iter().map(part))
            .map(Ok)
            .collect();
        Ok(Response::new(Box::pin(futures::stream::iter(parts))))
    }
}

#[tonic::async_trait]
impl Watch for Shop {
    type OpenStream = Parts<v1::Update>;

    /// Snapshots; then, of a colony that stands still, one delta.
    async fn open(
        &self,
        request: Request<v1::Topics>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let (mut updates, mut topics) = (vec![], vec![]);
        for topic in request.into_inner().topics {
            let question = Question::try_from(topic.question.unwrap_or_default())
                .map_err(|e| Status::invalid_argument(e.to_string()))?;
            let kind = v1::update::Kind::Snapshot((&self.answer(&question)).into());
            updates.push(v1::Update {
                topic: topic.id,
                kind: Some(kind),
            });
            topics.push((topic.id, question.clone()));
            if self.script.news && matches!(question, Question::Services { .. }) {
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
        let first = futures::stream::iter(updates.into_iter().map(Ok));
        let rest: Parts<v1::Update> = match self.script.live {
            true => self.clone().updates(topics),
            false => Box::pin(futures::stream::pending()),
        };
        Ok(Response::new(Box::pin(first.chain(rest))))
    }
}

/// A colony that serves until it is dropped.
pub struct Colony {
    _runtime: tokio::runtime::Runtime,
    /// What was wished of it.
    pub wishes: Wishes,
}

impl Colony {
    /// Serves the shop at this socket.
    pub fn start(socket: &Path) -> Self {
        Self::with(socket, Script::SHOP)
    }

    /// Serves at this socket.
    pub fn with(socket: &Path, script: Script) -> Self {
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _context = runtime.enter();
        let listener = Arc::new(Listener::bind(socket).unwrap());
        let shop = Shop {
            script,
            started: Instant::now(),
        };
        let wishes = Wishes::default();
        let server = tonic::transport::Server::builder()
            .add_service(QueryServer::new(shop.clone()))
            .add_service(WatchServer::new(shop))
            .add_service(WantsServer::new(wishes.clone()))
            .serve_with_incoming(rpc::incoming(listener));
        runtime.spawn(server);
        drop(_context);
        Self {
            _runtime: runtime,
            wishes,
        }
    }
}
