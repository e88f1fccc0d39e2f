//! A small agent: opens a stream, ships batches, waits for acknowledgements.

use crate::colony::second;
use coral_model::summary::Counts;
use coral_model::*;
use coral_proto::v1;
use coral_proto::v1::ship_client::ShipClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

pub struct Agent {
    batches: mpsc::Sender<v1::Batch>,
    acks: Streaming<v1::Ack>,
}

impl Agent {
    /// Opens a stream; the number of the last batch that the colony holds.
    pub async fn open(channel: Channel, id: &str, epoch: u64) -> Result<(Self, u64), Status> {
        let (batches, out) = mpsc::channel(16);
        let hello = v1::Batch {
            hello: Some(coral_proto::hello(id, "b00t", epoch, &[])),
            epoch,
            ..Default::default()
        };
        batches.send(hello).await.unwrap();
        let mut client = ShipClient::new(channel);
        let acks = client.stream(ReceiverStream::new(out)).await?.into_inner();
        let mut agent = Self { batches, acks };
        let last = agent.acked().await?;
        Ok((agent, last))
    }

    pub async fn send(&self, batch: v1::Batch) -> bool {
        self.batches.send(batch).await.is_ok()
    }

    pub async fn acked(&mut self) -> Result<u64, Status> {
        let ack = self.acks.message().await?;
        ack.map(|a| a.seq)
            .ok_or_else(|| Status::unavailable("the stream ended"))
    }

    /// Ships one batch and waits until it is stored.
    pub async fn ship(&mut self, batch: &Batch) -> Result<u64, Status> {
        if !self.send(batch.into()).await {
            return Err(Status::unavailable("the stream ended"));
        }
        self.acked().await
    }
}

pub fn instance(agent: &str, pid: u32, service: &str) -> Instance {
    Instance {
        key: InstanceKey {
            agent: AgentId::new(agent).unwrap(),
            boot: BootId::new("b00t").unwrap(),
            pid,
            start_ticks: 1,
        },
        service: ServiceKey::plain(service),
        class: ServiceClass::App,
        host: "host".into(),
        started: None,
        ports: vec![80],
    }
}

/// An empty batch of the agent with one instance, `shop`, and its health.
pub fn batch(agent: &str, epoch: u64, seq: u64, at: TimeNs) -> Batch {
    let health = AgentHealth {
        id: AgentId::new(agent).unwrap(),
        host: "host".into(),
        version: "0.1.0".into(),
        mode: AgentMode::Ebpf,
        missing: vec![],
        rss_bytes: 1,
        cpu_percent: 0.5,
        loss: Loss::default(),
        listening: 1,
        started: second(0),
        at,
    };
    Batch {
        epoch: Epoch(epoch),
        seq: Seq(seq),
        clock: at,
        instances: vec![instance(agent, 1, "shop")],
        items: vec![Item::Health(health)],
        unknown: 0,
    }
}

/// So many requests of instance 0 in the ten seconds before `to`.
pub fn exact(to: TimeNs, requests: u64) -> Item {
    let mut durations = Histogram::default();
    (0..requests).for_each(|i| durations.record(1_000_000 * (i + 1)));
    Item::Summary(Summary {
        window: Window {
            from: to.minus(summary::SUMMARY),
            to,
        },
        instance: 0,
        side: Side::Server,
        protocol: Protocol::Http1,
        route: Route::All,
        method: Method::Other,
        status_class: StatusClass::Success,
        counts: Counts {
            requests,
            errors: 0,
            client_errors: 0,
        },
        durations,
    })
}

/// So many requests of instance 0 in the second before `at`.
pub fn pulse(at: TimeNs, requests: u64) -> Item {
    let mut durations = Histogram::default();
    (0..requests).for_each(|_| durations.record(1_000_000));
    Item::Pulse(Pulse {
        at,
        instance: 0,
        side: Side::Server,
        protocol: Protocol::Http1,
        counts: Counts {
            requests,
            errors: 0,
            client_errors: 0,
        },
        in_flight: 0,
        oldest_in_flight: None,
        durations,
    })
}
