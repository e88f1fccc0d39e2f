//! The wishes of the small colony: kept in memory, told back as they are, or with hostile words.

use coral_proto::v1;
use coral_proto::v1::wants_server::Wants;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tonic::{Request, Response, Status};

/// What was wished, by id.
#[derive(Clone, Default)]
pub struct Wishes(Arc<Mutex<BTreeMap<String, v1::Want>>>);

impl Wishes {
    /// All of it.
    pub fn all(&self) -> BTreeMap<String, v1::Want> {
        self.0.lock().unwrap().clone()
    }
}

fn told(id: &str, want: Option<v1::Want>) -> v1::WantState {
    v1::WantState {
        id: id.to_owned(),
        state: "attached".into(),
        reason: "200 \x1b]52;c;aGk=\x07\x1b[2J".into(),
        want,
    }
}

#[tonic::async_trait]
impl Wants for Wishes {
    async fn put(&self, request: Request<v1::Want>) -> Result<Response<v1::WantState>, Status> {
        let want = request.into_inner();
        if want.service.as_ref().is_some_and(|s| s.name == "taken") {
            let hostile = "port 80 is connected as \x1b[31mweb already";
            return Err(Status::already_exists(hostile));
        }
        let id = want.id.clone();
        self.0.lock().unwrap().insert(id.clone(), want);
        Ok(Response::new(told(&id, None)))
    }

    async fn withdraw(
        &self,
        request: Request<v1::WantId>,
    ) -> Result<Response<v1::WantState>, Status> {
        let id = request.into_inner().id;
        match self.0.lock().unwrap().remove(&id) {
            Some(_) => Ok(Response::new(told(&id, None))),
            None => Err(Status::not_found("nothing is connected under this id")),
        }
    }

    async fn list(&self, _: Request<v1::WantFilter>) -> Result<Response<v1::WantList>, Status> {
        let wants = self
            .all()
            .into_iter()
            .map(|(id, want)| told(&id, Some(want)));
        Ok(Response::new(v1::WantList {
            wants: wants.collect(),
        }))
    }
}
