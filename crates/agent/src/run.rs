//! The agent's loop: one tick a second, at the whole second of its clock.

mod observer;

use crate::calls::{self, Allowed, Prober};
use crate::clock::{Clock, Clocks, Reading};
use crate::desired::{Told, follow};
use crate::identity::Identity;
use crate::profile::Profiler;
use crate::recent::{Recent, Shelf};
use crate::ship::{Outbox, ship};
use crate::spool::Spool;
use crate::{AgentError, capabilities, loader};
use coral_config::{
    AGENT_POLICY_FILE, AgentPolicy, ColonyFolder, Held, Person, Role, private_folder,
    private_folder_of, with_files_of,
};
use coral_mesh::direct::Dialer;
use coral_probes::calls::Calls;
use coral_probes::sampler::Sampler;
use coral_probes::{Live, ProbesError, Source};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use observer::Observer;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// How long the last batches may take to be acknowledged when the agent ends.
const DRAIN: Duration = Duration::from_secs(5);
/// Descriptors that the agent may need: one for each known process.
const DESCRIPTORS: u64 = 16_384;
/// How often single requests are taken, and the lifeline looked at, between two ticks.
const BETWEEN: Duration = Duration::from_millis(250);

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The colony's files on this machine.
    pub folder: ColonyFolder,
    /// End of standard input ends the agent: whoever started it is gone.
    pub lifeline: bool,
    /// The program whose `load` command loads the kernel programs: this one.
    pub loader: PathBuf,
    /// The most bytes that wait on disk for the colony.
    pub spool_bytes: u64,
    /// What tells the time.
    pub clocks: Clocks,
}

/// Observes until the lifeline or a signal ends it.
///
/// # Errors
/// [`AgentError`] when it cannot begin. Missing rights are no error: it goes on with `/proc` alone and says so.
pub async fn run(options: Options) -> Result<(), AgentError> {
    let attach = |loader: &Path| -> Result<Attached, ProbesError> {
        let mut loaded = loader::load_in_child(loader)?;
        let sampler = Sampler::take(&mut loaded);
        let calls = Calls::take(&mut loaded);
        Ok(Attached {
            source: Box::new(Live::attach(loaded)?),
            profiler: Some(sampler.and_then(|s| Profiler::new(s, loader))),
            calls: Some(calls),
        })
    };
    run_over(options, attach).await
}

/// What was attached to the kernel.
pub struct Attached {
    /// Where counts come from.
    pub source: Box<dyn Source>,
    /// What samples the processors, or why it cannot; `None` when nobody asked for it.
    pub profiler: Option<Result<Profiler, ProbesError>>,
    /// What follows calls of functions, or why it cannot; `None` when nobody asked for it.
    pub calls: Option<Result<Calls, ProbesError>>,
}

impl From<Box<dyn Source>> for Attached {
    fn from(source: Box<dyn Source>) -> Self {
        Self {
            source,
            profiler: None,
            calls: None,
        }
    }
}

/// As [`run`], with counts from wherever `attach` takes them.
///
/// # Errors
/// As [`run`].
pub async fn run_over(
    options: Options,
    attach: impl FnOnce(&Path) -> Result<Attached, ProbesError>,
) -> Result<(), AgentError> {
    raise_limit();
    private_folder(&options.folder.agent)?;
    let sudo_uid = Person::behind_sudo()?.map(|person| person.uid.as_raw());
    let own_uid = nix::unistd::geteuid().as_raw();
    let policy = AgentPolicy::load(AGENT_POLICY_FILE.as_ref(), own_uid, sudo_uid)?;
    let _held = take_role(&options.folder.run, sudo_uid.unwrap_or(own_uid))?;
    let identity = Identity::load(&options.folder.agent)?;
    let reading = options.clocks.read();
    let clock = Clock::new(reading);
    let attached = attach(&options.loader);
    let mut missing = capabilities::missing(attached.as_ref().err(), &options.loader);
    let (source, profiler, followed) = match attached {
        Ok(attached) => (
            Some(attached.source),
            attached.profiler.transpose(),
            attached.calls.transpose(),
        ),
        Err(_) => (None, Ok(None), Ok(None)),
    };
    let mut profiler = profiler.unwrap_or_else(|error| {
        missing.push(capabilities::no_profiles(&error, &options.loader));
        None
    });
    if let Some(profiler) = &mut profiler {
        let names = [identity.host.raw(), identity.agent.as_str()];
        profiler.allow_sessions(policy.allow.profile, names.map(str::to_owned).into());
    }
    let (ask, asked) = calls::door();
    let prober = prober(followed, asked, &options.loader).unwrap_or_else(|error| {
        missing.push(capabilities::no_probes(&error, &options.loader));
        None
    });
    let prober = prober.map(|prober| prober.allowing(allowed(&policy, &identity)));
    let outbox = Arc::new(outbox(&options.folder.spool, options.spool_bytes));
    let epoch = epoch(reading, &outbox);
    let hello = coral_proto::hello(
        identity.agent.as_str(),
        identity.boot.as_str(),
        epoch,
        &["http1", "requests"],
    );
    let recent = Recent::new(&options.folder.recent);
    let shelf = Shelf {
        keeper: recent.keeper(),
        functions: ask,
    };
    let dialer = Arc::new(Dialer::obeying(&options.folder.socket, policy.colony_uid));
    let shipping = tokio::spawn(ship(dialer.clone(), outbox.clone(), shelf, hello.clone()));
    let (tell, told) = watch::channel(Told::default());
    let following = tokio::spawn(follow(dialer, hello, tell));
    let mut observer = Observer::new(
        (identity, epoch),
        (clock, options.clocks),
        (source, profiler, prober),
        missing,
        recent,
        outbox.clone(),
        told,
    );
    observe(&mut observer, options.lifeline).await?;
    observer.finish();
    let _ = tokio::time::timeout(DRAIN, drained(&outbox)).await;
    shipping.abort();
    following.abort();
    outbox.close();
    Ok(())
}

/// What follows calls, when it can and somebody asked for it.
fn prober(
    followed: Result<Option<Calls>, ProbesError>,
    asked: mpsc::Receiver<calls::Asked>,
    program: &Path,
) -> Result<Option<Prober>, ProbesError> {
    let calls = followed?;
    calls
        .map(|calls| Prober::new(calls, program, asked))
        .transpose()
}

/// What of probes the policy of this host allows.
fn allowed(policy: &AgentPolicy, identity: &Identity) -> Allowed {
    let names = [identity.host.raw(), identity.agent.as_str()];
    Allowed {
        probes: policy.allow.probe,
        values: policy.allow.arguments,
        names: names.map(str::to_owned).into(),
    }
}

/// The run folder is the person's whom this agent works for, and root's agent touches it with their rights alone.
fn take_role(run: &Path, owner: u32) -> Result<Held, AgentError> {
    with_files_of(owner, || {
        private_folder_of(run, owner)?;
        Ok(Role::Agent.lock(run)?)
    })
}

/// A known process costs a descriptor, and the usual limit is 1024.
fn raise_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(now, most)| {
        let wanted = most.min(DESCRIPTORS).max(now);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, most)
    });
    if let Err(errno) = raised {
        tracing::debug!("raise the limit of descriptors: {errno}");
    }
}

/// Over the spool that the last run left; in memory alone when it cannot be opened.
fn outbox(folder: &Path, most_bytes: u64) -> Outbox {
    let opened = private_folder(folder)
        .map_err(io::Error::other)
        .and_then(|()| Spool::open(folder, most_bytes));
    match opened {
        Ok((spool, left)) => Outbox::over(spool, left),
        Err(error) => {
            tracing::warn!("the spool {} cannot be used: {error}", folder.display());
            Outbox::in_memory(error.into())
        }
    }
}

/// The number of this run: its start, and larger than that of every run that still waits, whatever the wall says.
fn epoch(reading: Reading, outbox: &Outbox) -> u64 {
    let start = u64::try_from(reading.wall_ns).unwrap_or(0);
    start.max(outbox.newest_run().map_or(1, |newest| newest + 1))
}

async fn observe(observer: &mut Observer, lifeline: bool) -> Result<(), AgentError> {
    let signals = |kind| {
        signal(kind).map_err(|source| AgentError::File {
            what: "listen to",
            path: "signals".into(),
            source,
        })
    };
    let (mut terminate, mut interrupt) = (
        signals(SignalKind::terminate())?,
        signals(SignalKind::interrupt())?,
    );
    let mut next = observer.next_tick();
    loop {
        let pause = next.min(BETWEEN);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
        if lifeline && stdin_ended() {
            return Ok(());
        }
        if pause == next {
            observer.tick();
        } else {
            observer.between();
        }
        next = observer.next_tick();
    }
}

/// Whether the other end of standard input is gone.
fn stdin_ended() -> bool {
    let stdin = std::io::stdin();
    let mut polled = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let ready = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|n| n > 0);
    ready
        && polled[0]
            .revents()
            .is_some_and(|r| r.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
}

async fn drained(outbox: &Outbox) {
    while !outbox.is_empty() {
        let _ = tokio::time::timeout(Duration::from_millis(100), outbox.changed()).await;
    }
}
