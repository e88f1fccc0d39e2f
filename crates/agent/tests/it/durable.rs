//! Kills of the agent and of the colony: no batch lost, none twice, sums equal.

use crate::colony::Colony;
use crate::process::{Home, eventually};
use coral_proto::v1::item::Kind;
use std::time::Duration;

async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_millis(n * 1000 + 300)).await;
}

/// Numbers of each run are 1 to n, none came twice, and each run's sum is what it counted; of a run that was killed the
/// last second may be missing.
fn assert_exact(colony: &Colony, runs: &[(Vec<u64>, bool)]) {
    let held = colony.held();
    assert_eq!(held.twice, 0);
    assert_eq!(held.runs.len(), runs.len());
    for ((epoch, batches), (counted, killed)) in held.runs.iter().zip(runs) {
        let numbers: Vec<u64> = batches.keys().copied().collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        let (sum, want) = (held.requests(*epoch), counted.iter().sum::<u64>());
        let last = counted.last().copied().unwrap_or(0);
        let lost_second = *killed && sum + last == want;
        assert!(sum == want || lost_second, "{sum} of {want}: {counted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_agent_and_colony_lose_no_batch_and_double_none() {
    let (mut home, colony) = (Home::new(), Colony::default());
    let socket = home.colony().socket;
    let mut runs = vec![];
    // The colony is there.
    let serving = colony.listen(&socket);
    let agent = home.start().await;
    colony.held().breaks_after = Some(2);
    seconds(3).await;
    runs.push((agent.kill(), true));
    // It is gone: two runs live and die without it.
    serving.abort();
    for lives in [12, 2] {
        let agent = home.start().await;
        seconds(lives).await;
        runs.push((agent.kill(), true));
    }
    // It comes back while the next run lives.
    let agent = home.start().await;
    seconds(1).await;
    let serving = colony.listen(&socket);
    let last = |epochs: usize| {
        let held = colony.held();
        held.runs.len() == epochs && held.runs.values().all(|run| !run.is_empty())
    };
    eventually("all runs arrived", || last(4)).await;
    runs.push((agent.end(), false));
    assert_exact(&colony, &runs);
    // What the runs left is gone, and the next one begins with nothing.
    let left = std::fs::read_dir(home.colony().spool).unwrap();
    let left = left.filter(|f| f.as_ref().unwrap().path().extension().unwrap() == "batches");
    assert_eq!(left.count(), 0);
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_and_the_agents_own_figures_arrive() {
    let (mut home, colony) = (Home::new(), Colony::default());
    let serving = colony.listen(&home.colony().socket);
    let agent = home.start().await;
    let pid = agent.pid();
    let arrived = || {
        let held = colony.held();
        let host = held.items().any(|item| {
            matches!(item, Kind::Host(h) if h.gauges.iter().any(|g| g.name == "cpu.busy_ratio"))
        });
        let of_agent = held
            .runs
            .values()
            .flat_map(|run| run.values())
            .any(|batch| {
                let own = |index: u32| {
                    let key = batch.instances.get(index as usize)?.key.as_ref()?;
                    Some(key.pid == pid)
                };
                let sample = |kind: &Kind| match kind {
                    Kind::Process(p) => own(p.instance) == Some(true) && p.rss_bytes > 0,
                    _ => false,
                };
                batch
                    .items
                    .iter()
                    .filter_map(|i| i.kind.as_ref())
                    .any(sample)
            });
        host && of_agent
    };
    eventually("samples of host and process", arrived).await;
    agent.end();
    serving.abort();
}

/// A small file system over a folder; gone with this.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// `None` where none can be mounted.
    fn mount(folder: &std::path::Path) -> Option<Self> {
        use nix::mount::{MsFlags, mount};
        coral_config::private_folder(folder).unwrap();
        let options = Some("size=256k,mode=700");
        let flags = MsFlags::empty();
        mount(Some("none"), folder, Some("tmpfs"), flags, options).ok()?;
        Some(Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_the_agent_goes_on_says_so_once_and_recovers() {
    let (mut home, colony) = (Home::new(), Colony::default());
    let Some(disk) = SmallDisk::mount(&home.colony().spool) else {
        eprintln!("NOT RUN: no file system can be mounted here");
        return;
    };
    let ballast = disk.0.join("ballast");
    assert!(std::fs::write(&ballast, vec![1; 1 << 20]).is_err());
    let serving = colony.listen(&home.colony().socket);
    let agent = home.start().await;
    let full = |kind: &Kind| matches!(kind, Kind::Event(e) if e.kind == 9);
    let missing = |kind: &Kind| match kind {
        Kind::Health(health) => Some(health.missing.iter().any(|m| m.feature == "spool")),
        _ => None,
    };
    let lacks = || colony.held().items().filter_map(missing).last();
    eventually("the full disk is told", || {
        colony.held().items().any(full) && lacks() == Some(true)
    })
    .await;
    seconds(3).await;
    std::fs::remove_file(&ballast).unwrap();
    eventually("it writes again", || lacks() == Some(false)).await;
    let counted = agent.end();
    assert_exact(&colony, &[(counted, false)]);
    assert_eq!(colony.held().items().filter(|item| full(item)).count(), 1);
    serving.abort();
}
