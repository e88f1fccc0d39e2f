//! A colony to test against: in this process, with a clock that stands still until it is moved, or the binary.

use coral_colony::hub::Beat;
use coral_colony::identity::People;
use coral_colony::query::About;
use coral_colony::server::{Colony, Parts};
use coral_mesh::direct::{Dialer, Listener};
use coral_model::{Answer, ColonyId, Question, TimeNs};
use coral_proto::v1;
use coral_proto::v1::query_client::QueryClient;
use coral_store::{Append, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tonic::Status;
use tonic::transport::Channel;

/// The unix second at which tests begin.
pub const BEGIN: i64 = 1_800_000_000;

pub fn second(s: i64) -> TimeNs {
    TimeNs((BEGIN + s) * 1_000_000_000)
}

pub struct TestColony {
    pub socket: PathBuf,
    pub clock: Arc<AtomicI64>,
    pub stop: watch::Sender<bool>,
    pub served: tokio::task::JoinHandle<()>,
    pub dir: tempfile::TempDir,
}

impl TestColony {
    pub fn start<S: Append + Read>(store: Arc<S>, beat: Beat) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("colony.sock");
        let clock = Arc::new(AtomicI64::new(second(0).0));
        let told = clock.clone();
        let (stop, stopped) = watch::channel(false);
        let parts = Parts {
            store,
            people: People::only(nix::unistd::geteuid().as_raw()),
            clock: Arc::new(move || TimeNs(told.load(Ordering::Relaxed))),
            about: about(),
            beat,
        };
        let colony = Colony::new(parts, stopped).unwrap();
        let listener = Arc::new(Listener::bind(&socket).unwrap());
        let served = tokio::spawn(async move { colony.serve(listener).await.unwrap() });
        Self {
            socket,
            clock,
            stop,
            served,
            dir,
        }
    }

    pub fn now(&self, s: i64) {
        self.clock.store(second(s).0, Ordering::Relaxed);
    }

    pub async fn channel(&self) -> Channel {
        channel(&self.socket).await.unwrap()
    }
}

pub fn about() -> About {
    About {
        colony: ColonyId::new("test").unwrap(),
        version: "0.1.0".into(),
        started: second(0),
    }
}

pub async fn channel(socket: &Path) -> Result<Channel, coral_mesh::DialError> {
    coral_mesh::rpc::connect(Arc::new(Dialer::new(socket))).await
}

/// Asks over the wire and joins the parts.
pub async fn ask(channel: &Channel, question: &Question) -> Result<Answer, Status> {
    let mut client = QueryClient::new(channel.clone());
    let mut parts = client.run(v1::Question::from(question)).await?.into_inner();
    let mut whole = v1::AnswerPart::default();
    while let Some(part) = parts.message().await? {
        whole.head = whole.head.or(part.head);
        whole.status = whole.status.or(part.status);
        whole.services.extend(part.services);
        whole.summary.extend(part.summary);
        whole.metrics.extend(part.metrics);
        whole.nodes.extend(part.nodes);
        whole.edges.extend(part.edges);
        whole.events.extend(part.events);
        whole.host.extend(part.host);
        whole.requests.extend(part.requests);
        whole.silent.extend(part.silent);
        if let Some(table) = part.table {
            let joined = whole.table.get_or_insert_default();
            joined.columns = table.columns;
            joined.rows.extend(table.rows);
        }
    }
    Ok(Answer::try_from(whole).unwrap())
}

/// The binary, in folders of its own; killed when dropped.
pub struct Started {
    child: std::process::Child,
    pub socket: PathBuf,
}

impl Started {
    pub async fn new(home: &Path) -> Self {
        Self::with(home, &[]).await
    }

    /// With these arguments as well.
    pub async fn with(home: &Path, arguments: &[&str]) -> Self {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_coral-colony"))
            .args(["--colony", "test"])
            .args(arguments)
            .env("CORAL_HOME", home)
            .env("CORAL_LOG", "warn")
            .env_remove("LD_LIBRARY_PATH")
            .spawn()
            .unwrap();
        let socket = home.join("run/test/colony.sock");
        let started = Self { child, socket };
        for _ in 0..400 {
            if channel(&started.socket).await.is_ok() {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the colony does not answer");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
