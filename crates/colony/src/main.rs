//! `coral-colony`: one colony on this machine. Takes its lock, opens its store, serves its socket, and on SIGTERM or
//! SIGINT drains and folds the store's log into its file.

mod arguments;

use arguments::Arguments;
use clap::Parser as _;
use color_eyre::eyre::{Result, WrapErr as _, bail};
use coral_colony::hub::Beat;
use coral_colony::identity::People;
use coral_colony::query::About;
use coral_colony::server::{Colony, Parts, stop_on_signals};
use coral_config::{ColonyFolder, Folders, Role, private_folder};
use coral_mesh::direct::Listener;
use coral_model::{ColonyId, TimeNs};
use coral_store::Duck;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> TimeNs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    TimeNs(since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)))
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let arguments = Arguments::parse();
    let colony = ColonyId::new(&arguments.colony)?;
    arguments::log();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let folder = Folders::discover()?.colony(colony.as_str())?;
    private_folder(&folder.run)?;
    let _lock = Role::Colony.lock(&folder.run)?;
    let state = folder.store.parent().unwrap_or(&folder.run);
    private_folder(state)?;
    let started = now();
    let keeping = arguments.keeping(state);
    let store = Arc::new(Duck::open(&folder.store, keeping, started)?);
    let parts = Parts {
        store: store.clone(),
        people: People::only(nix::unistd::geteuid().as_raw()),
        clock: Arc::new(now),
        about: About {
            colony,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
        },
        beat: Beat::default(),
    };
    let served = serve(parts, &folder, arguments.metrics);
    store.close();
    served
}

#[tokio::main(worker_threads = 2)]
async fn serve(
    parts: Parts<Duck>,
    folder: &ColonyFolder,
    metrics: Option<SocketAddr>,
) -> Result<()> {
    let store = parts.store.clone();
    let mut colony = Colony::new(parts, stop_on_signals()?)?;
    if let (Some(address), Some(state)) = (metrics, folder.store.parent()) {
        let (serving, at) = colony.with_metrics(address, state).await?;
        tracing::info!(address = %at, "serving health and metrics");
        colony = serving;
    }
    let socket = &folder.socket;
    let listener = Listener::bind(socket).wrap_err_with(|| format!("bind {}", socket.display()))?;
    tracing::info!(socket = %socket.display(), "serving");
    tokio::select! {
        served = colony.serve(Arc::new(listener)) => served?,
        () = store.ended() => bail!("the store has failed; start the colony again when its disk has room"),
    }
    tracing::info!("stopped");
    Ok(())
}
