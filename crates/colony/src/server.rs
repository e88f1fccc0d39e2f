//! Puts the colony together: store, live data, ingest, query, hub, the services behind the door, and the drain at the end.

use crate::Clock;
use crate::details::Details;
use crate::hub::{Beat, Hub};
use crate::identity::{Door, Identify, People};
use crate::ingest::Ingest;
use crate::live::{self, Live};
use crate::metrics::{self, Meters, MetricsError, Source};
use crate::query::{About, Query};
use crate::rpc::{desired, detail, query, ship, wants, watch};
use crate::wants::Wants;
use coral_mesh::Listener;
use coral_model::{AgentHealth, Event, TimeNs};
use coral_proto::v1::desired_server::DesiredServer;
use coral_proto::v1::detail_server::DetailServer;
use coral_proto::v1::query_server::QueryServer;
use coral_proto::v1::ship_server::ShipServer;
use coral_proto::v1::wants_server::WantsServer;
use coral_proto::v1::watch_server::WatchServer;
use coral_store::{Append, KeptConnect, Read, ShipState, StoreError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal as unix_signal};
use tokio::sync::watch as signal;
use tonic::service::Routes;

/// How long streams may take to end after the stop.
const DRAIN: Duration = Duration::from_secs(5);

/// What a colony is made of.
pub struct Parts<S> {
    /// Its store.
    pub store: Arc<S>,
    /// Who has which role.
    pub people: People,
    /// Now.
    pub clock: Clock,
    /// Its name, version and start.
    pub about: About,
    /// How its hub beats.
    pub beat: Beat,
}

/// A colony that is ready to serve.
pub struct Colony {
    /// The door before its services.
    pub identify: Identify,
    /// Its services.
    pub routes: Routes,
    /// What its metrics are made of.
    source: Source,
    stop: signal::Receiver<bool>,
}

impl Colony {
    /// Reads from the store how far agents have got, and builds the services. `stop` turning true ends all streams. Must
    /// be called inside the runtime.
    ///
    /// # Errors
    /// The store's.
    pub fn new<S: Append + Read>(
        parts: Parts<S>,
        stop: signal::Receiver<bool>,
    ) -> Result<Self, StoreError> {
        let (ships, health, connects, checks) = kept(&*parts.store, (parts.clock)())?;
        let (sink, reader): (Arc<dyn Append>, Arc<dyn Read>) = (parts.store.clone(), parts.store);
        let clock = parts.clock;
        let meters = Arc::new(Meters::default());
        let live = Arc::new(Live::new(health, &ships, checks));
        let stores = (sink.clone(), reader.clone());
        tend(stores, live.clone(), clock.clone(), &meters, &stop);
        let source = Source {
            store: reader.clone(),
            live: live.clone(),
            meters: meters.clone(),
            about: parts.about.clone(),
            clock: clock.clone(),
        };
        let wants = Arc::new(Wants::new(sink.clone(), connects));
        let wished = wants::Service {
            wants: wants.clone(),
            sink: sink.clone(),
            reader: reader.clone(),
            live: live.clone(),
            clock: clock.clone(),
        };
        let desired = desired::Service {
            wants,
            sink: sink.clone(),
            clock: clock.clone(),
            stop: stop.clone(),
        };
        let details = Arc::new(Details::default());
        let asked = Query::new(reader, live.clone(), parts.about);
        let asked = Arc::new(asked.asking(details.clone()).keeping(sink.clone()));
        let stopped = stop.clone();
        crate::regressions::start(asked.clone(), sink.clone(), clock.clone(), stopped);
        let hub = Hub::start(asked.clone(), clock.clone(), parts.beat, stop.clone());
        let ship = ship::Service {
            ingest: Arc::new(Ingest::new(sink.clone(), live.clone(), &ships)),
            live,
            sink: sink.clone(),
            clock: clock.clone(),
            meters: meters.clone(),
            stop: stop.clone(),
        };
        let detail = detail::Service {
            details,
            sink: sink.clone(),
            clock: clock.clone(),
            stop: stop.clone(),
        };
        let detail = DetailServer::new(detail).max_decoding_message_size(detail::MAX_CHUNK);
        let watch = watch::Service {
            hub,
            sink: sink.clone(),
            clock: clock.clone(),
        };
        let asked = query::Service::new(asked, sink.clone(), clock.clone(), meters);
        let ship = ShipServer::new(ship).max_decoding_message_size(ship::MAX_MESSAGE);
        let routes = Routes::new(ship)
            .add_service(QueryServer::new(asked))
            .add_service(detail)
            .add_service(WatchServer::new(watch))
            .add_service(WantsServer::new(wished))
            .add_service(DesiredServer::new(desired));
        let door = Door {
            people: parts.people,
            sink,
            clock,
        };
        Ok(Self {
            identify: Identify(Arc::new(door)),
            routes,
            source,
            stop,
        })
    }

    /// Serves health and metrics on a loopback address as well; where. `folder` holds the token.
    ///
    /// # Errors
    /// [`MetricsError`].
    pub async fn with_metrics(
        self,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<(Self, SocketAddr), MetricsError> {
        let listening = metrics::listen(address, folder, self.source.clone()).await?;
        let source = |source| MetricsError::Listen { address, source };
        let bound = listening.address().map_err(source)?;
        listening.start(self.stop.clone());
        Ok((self, bound))
    }

    /// Serves until the stop, then lets open calls end for a few seconds.
    ///
    /// # Errors
    /// The transport's.
    pub async fn serve(self, listener: Arc<dyn Listener>) -> Result<(), tonic::transport::Error> {
        let (mut stopping, mut late) = (self.stop.clone(), self.stop);
        let server = tonic::transport::Server::builder()
            .layer(self.identify)
            .add_routes(self.routes)
            .serve_with_incoming_shutdown(coral_mesh::rpc::incoming(listener), async move {
                crate::stopped(&mut stopping).await;
            });
        tokio::select! {
            served = server => served,
            () = async { crate::stopped(&mut late).await; tokio::time::sleep(DRAIN).await } => {
                tracing::warn!("some calls did not end in time and are dropped");
                Ok(())
            }
        }
    }
}

/// Starts what runs beside the services: upkeep of the store, and the look-out for what is no longer as usual.
fn tend(
    (sink, reader): (Arc<dyn Append>, Arc<dyn Read>),
    live: Arc<Live>,
    clock: Clock,
    meters: &Arc<Meters>,
    stop: &signal::Receiver<bool>,
) {
    crate::upkeep::start(sink.clone(), clock.clone(), meters.clone(), stop.clone());
    crate::anomalies::start(live, reader, sink, clock, stop.clone());
}

type Kept = (
    Vec<ShipState>,
    Vec<AgentHealth>,
    Vec<KeptConnect>,
    Vec<Event>,
);

/// What the store holds of agents, connected services and their checks.
fn kept(store: &dyn Read, now: TimeNs) -> Result<Kept, StoreError> {
    let snapshot = store.snapshot()?;
    let checks = snapshot.events(&live::health_events_until(now))?;
    let (ships, health) = (snapshot.ship_states()?, snapshot.newest_health()?);
    Ok((ships, health, snapshot.connects()?, checks))
}

/// Turns true at the first SIGTERM or SIGINT. Must be called inside the runtime.
///
/// # Errors
/// The system's.
pub fn stop_on_signals() -> std::io::Result<signal::Receiver<bool>> {
    let (stop, stopped) = signal::channel(false);
    let mut terminate = unix_signal(SignalKind::terminate())?;
    let mut interrupt = unix_signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        let _ = stop.send(true);
    });
    Ok(stopped)
}
