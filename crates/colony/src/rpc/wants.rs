//! `Wants`: wishes of a person or tool. Each is let in by its role and written to the audit before it is granted.

use crate::live::Live;
use crate::wants::{WantError, Wants};
use crate::{Clock, audit, identity};
use coral_model::want::WantState;
use coral_model::{ConnectTarget, Role, TimeNs, Want, Window};
use coral_proto::v1;
use coral_store::{Append, KeptConnect, Read, SeenInstance, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Who withdraws what was wished needs the role that wishing needed.
const WITHDRAW: Role = Role::Operator;
/// A process is there when it was seen so recently.
const THERE: Duration = Duration::from_secs(30);

impl From<WantError> for Status {
    fn from(error: WantError) -> Self {
        let text = error.to_string();
        match error {
            WantError::Bad(_) => Self::invalid_argument(text),
            WantError::NotGranted(_) => Self::unimplemented(text),
            WantError::Taken { .. } => Self::already_exists(text),
            WantError::Full | WantError::Busy => Self::resource_exhausted(text),
            WantError::Store(_) => Self::unavailable(text),
        }
    }
}

/// The service.
pub struct Service {
    /// What is wished.
    pub wants: Arc<Wants>,
    /// Where calls are audited.
    pub sink: Arc<dyn Append>,
    /// Where the processes are known.
    pub reader: Arc<dyn Read>,
    /// What health checks say.
    pub live: Arc<Live>,
    /// Now.
    pub clock: Clock,
}

#[tonic::async_trait]
impl v1::wants_server::Wants for Service {
    async fn put(&self, request: Request<v1::Want>) -> Result<Response<v1::WantState>, Status> {
        let caller = identity::caller(&request)?;
        let wire = request.into_inner();
        let id = wire.id.clone();
        let want = Want::try_from(wire).map_err(|bad| Status::invalid_argument(bad.to_string()))?;
        let now = (self.clock)();
        audit::admit_want(&want, &caller, now, &*self.sink).await?;
        let done = matches!(want, Want::Note { .. });
        self.wants.put(&id, want, &caller, now).await?;
        let state = if done { "stopped" } else { "pending" };
        Ok(Response::new(told(&id, state, "")))
    }

    async fn withdraw(
        &self,
        request: Request<v1::WantId>,
    ) -> Result<Response<v1::WantState>, Status> {
        let caller = identity::caller(&request)?;
        let id = request.into_inner().id;
        let (rpc, now) = ("coral.v1.Wants/Withdraw", (self.clock)());
        audit::admit(&*self.sink, now, &caller, WITHDRAW, rpc, &id).await?;
        if self.wants.leased().withdraw(&id, now) {
            return Ok(Response::new(told(&id, "stopped", "")));
        }
        let gone = self.wants.withdraw(&id).await?;
        let gone = gone.ok_or_else(|| Status::not_found("nothing is connected under this id"))?;
        let service = &gone.connect.service;
        let connects = self.wants.connects();
        if !connects
            .by_id
            .values()
            .any(|kept| kept.connect.service == *service)
        {
            self.live.forget_health(service);
        }
        Ok(Response::new(told(&id, "stopped", "")))
    }

    async fn list(
        &self,
        request: Request<v1::WantFilter>,
    ) -> Result<Response<v1::WantList>, Status> {
        let caller = identity::caller(&request)?;
        let mine = request.into_inner().mine;
        let (rpc, now) = ("coral.v1.Wants/List", (self.clock)());
        audit::admit(&*self.sink, now, &caller, Role::Viewer, rpc, "").await?;
        let seen = self.seen(now).await?;
        let connects = self.wants.connects();
        let kept = connects
            .by_id
            .values()
            .filter(|kept| !mine || kept.caller == caller.id);
        let mut wants: Vec<_> = kept.map(|kept| self.state(kept, &seen, now)).collect();
        let leased = self.wants.leased().at(now).into_iter();
        let leased = leased.filter(|(_, leased)| !mine || leased.caller == caller.id);
        wants.extend(leased.map(|(id, leased)| v1::WantState {
            want: Some(v1::Want::new(&id, &leased.want)),
            ..self.leased_state(&id)
        }));
        Ok(Response::new(v1::WantList { wants }))
    }
}

impl Service {
    /// The processes that are there.
    async fn seen(&self, now: TimeNs) -> Result<Vec<SeenInstance>, Status> {
        let reader = self.reader.clone();
        let window = Window {
            from: now.minus(THERE),
            to: now,
        };
        let read = move || reader.snapshot()?.instances(window);
        let read = tokio::task::spawn_blocking(read).await;
        let ended = |error| Status::internal(format!("the reading did not end: {error}"));
        let internal = |error: StoreError| Status::internal(error.to_string());
        read.map_err(ended)?.map_err(internal)
    }

    /// The best that any agent made of it; nothing when none has heard of it.
    fn leased_state(&self, id: &str) -> v1::WantState {
        let rank = |state: WantState| match state {
            WantState::Attached => 4,
            WantState::Refused => 3,
            WantState::Pending => 2,
            WantState::Stopped | WantState::Expired => 1,
        };
        let reports = self.live.want_reports(id);
        let best = reports.iter().map(|(_, report)| report);
        match best.max_by_key(|report| rank(report.state)) {
            Some(report) => told(id, report.state.name(), report.reason.raw()),
            None => told(
                id,
                WantState::Pending.name(),
                "no agent has heard of it yet",
            ),
        }
    }

    fn state(&self, kept: &KeptConnect, seen: &[SeenInstance], now: TimeNs) -> v1::WantState {
        let service = &kept.connect.service;
        let is_it = |seen: &&SeenInstance| {
            let of_port = match kept.connect.target {
                ConnectTarget::Port(port) => seen.instance.ports.contains(&port),
                ConnectTarget::ExePattern(_) => true,
            };
            seen.instance.service == *service && of_port
        };
        let health = self
            .live
            .health(now)
            .into_iter()
            .find(|(of, _)| of == service);
        let (state, reason) = match (seen.iter().filter(is_it).count(), health) {
            (_, Some((_, health))) => ("attached", health.text.raw().to_owned()),
            (0, None) => ("pending", "no process that an agent sees is it".to_owned()),
            (1, None) => ("attached", "1 process".to_owned()),
            (n, None) => ("attached", format!("{n} processes")),
        };
        v1::WantState {
            want: Some(v1::Want::new(
                &kept.id,
                &Want::Connect(kept.connect.clone()),
            )),
            ..told(&kept.id, state, &reason)
        }
    }
}

fn told(id: &str, state: &str, reason: &str) -> v1::WantState {
    v1::WantState {
        id: id.to_owned(),
        state: state.to_owned(),
        reason: reason.to_owned(),
        want: None,
    }
}
