//! Health checks of connected services: every ten seconds, against this host's loopback alone. A port is checked from the
//! moment on that something listens there; a host on which the service never ran says nothing of it.

mod probe;

use coral_model::{Check, Connect, ConnectTarget, HealthCheck, Observed, ServiceKey, TimeNs};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const EVERY_NS: u64 = 10_000_000_000;
/// Results that wait for the next tick; more cannot be, each check waits for its last.
const WAITING: usize = 256;

/// A result, and whose.
type Ended = (Key, Result<String, String>, Duration);
type Key = (ServiceKey, u16);

/// The checks of this host.
#[derive(Debug)]
pub struct Checks {
    wanted: BTreeMap<Key, Check>,
    /// Ports that something has listened on since this agent runs.
    seen: HashSet<u16>,
    /// When each is due, on the boot clock.
    due: HashMap<Key, u64>,
    running: HashSet<Key>,
    results: (mpsc::Sender<Ended>, mpsc::Receiver<Ended>),
}

impl Checks {
    pub fn new() -> Self {
        Self {
            wanted: BTreeMap::new(),
            seen: HashSet::new(),
            due: HashMap::new(),
            running: HashSet::new(),
            results: mpsc::channel(WAITING),
        }
    }

    /// From now on these.
    pub fn set(&mut self, connects: &[Connect]) {
        let wanted =
            connects
                .iter()
                .filter_map(|connect| match (&connect.target, &connect.check) {
                    (ConnectTarget::Port(port), Some(check)) => {
                        Some(((connect.service.clone(), *port), check.clone()))
                    }
                    _ => None,
                });
        self.wanted = wanted.collect();
        self.due.retain(|key, _| self.wanted.contains_key(key));
    }

    /// Starts what is due and gives what has ended. Must be called inside the runtime.
    pub fn tick(
        &mut self,
        at: TimeNs,
        boot_ns: u64,
        listens: impl Fn(u16) -> bool,
    ) -> Vec<HealthCheck> {
        let ports = self.wanted.keys().map(|(_, port)| *port);
        self.seen.extend(ports.filter(|&port| listens(port)));
        for (key, check) in &self.wanted {
            let due = self.due.get(key).is_none_or(|due| *due <= boot_ns);
            if !due || !self.seen.contains(&key.1) || self.running.contains(key) {
                continue;
            }
            self.due.insert(key.clone(), boot_ns + EVERY_NS);
            self.running.insert(key.clone());
            let (key, check, results) = (key.clone(), check.clone(), self.results.0.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                let said = probe::run(key.1, &check).await;
                // The agent has ended when nobody takes it.
                let _ = results.send((key, said, began.elapsed())).await;
            });
        }
        self.ended(at)
    }

    fn ended(&mut self, at: TimeNs) -> Vec<HealthCheck> {
        let mut ended = vec![];
        while let Ok((key, said, duration)) = self.results.1.try_recv() {
            self.running.remove(&key);
            if !self.wanted.contains_key(&key) {
                continue;
            }
            let (Ok(text) | Err(text)) = &said;
            ended.push(HealthCheck {
                at,
                service: key.0,
                healthy: said.is_ok(),
                duration,
                text: Observed::new(text.as_str()),
            });
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(port: u16) -> Connect {
        Connect {
            service: ServiceKey::plain("web"),
            target: ConnectTarget::Port(port),
            check: Some(Check::Tcp),
            kind: Observed::default(),
        }
    }

    /// The next result, or nothing within a while.
    async fn next(checks: &mut Checks, boot_ns: u64, listens: bool) -> Option<HealthCheck> {
        for _ in 0..300 {
            if let Some(result) = checks.tick(TimeNs(1), boot_ns, |_| listens).pop() {
                return Some(result);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    #[tokio::test]
    async fn a_port_is_checked_once_something_listened_there() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut checks = Checks::new();
        checks.set(&[connect(port)]);
        assert!(checks.tick(TimeNs(1), 1, |_| false).is_empty());
        assert!(checks.running.is_empty(), "it was never seen here");
        assert!(next(&mut checks, 1, true).await.unwrap().healthy);
        checks.tick(TimeNs(1), EVERY_NS, |_| true);
        assert!(checks.running.is_empty(), "not due yet");
        drop(listener);
        let failed = next(&mut checks, 1 + EVERY_NS, false).await.unwrap();
        assert!(
            !failed.healthy && failed.text.raw().contains("refused"),
            "{failed:?}"
        );
    }

    #[tokio::test]
    async fn what_is_withdrawn_says_nothing_any_more() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut checks = Checks::new();
        checks.set(&[connect(listener.local_addr().unwrap().port())]);
        checks.tick(TimeNs(1), 1, |_| true);
        assert_eq!(checks.running.len(), 1);
        checks.set(&[]);
        while !checks.running.is_empty() {
            assert!(checks.tick(TimeNs(1), 2, |_| true).is_empty());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(checks.due.is_empty());
    }
}
