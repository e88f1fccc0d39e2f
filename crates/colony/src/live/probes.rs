//! What agents tell of probed functions: of each session the newest counts of each host, and its last single calls.

use coral_model::AgentId;
use coral_model::probe::{Call, CallPath, ProbedFunction};
use std::collections::{BTreeMap, VecDeque};

/// Sessions that are remembered; the oldest goes first.
const SESSIONS: usize = 64;
/// Hosts of one.
const HOSTS: usize = 1_000;
/// Ways of calls of one host.
const PATHS: usize = 8_192;
/// Single calls of one session; the oldest goes first.
const CALLS: usize = 2_000;

/// What one host told.
#[derive(Debug, Clone, Default)]
pub struct HostProbes {
    /// The functions, by their number there.
    pub functions: BTreeMap<u32, ProbedFunction>,
    /// The ways of calls.
    pub paths: BTreeMap<u64, CallPath>,
}

/// A session.
#[derive(Debug, Clone, Default)]
pub struct ProbeSession {
    /// By agent.
    pub hosts: BTreeMap<AgentId, HostProbes>,
    /// Oldest first.
    pub calls: VecDeque<(AgentId, Call)>,
}

/// All that are remembered.
#[derive(Debug, Default)]
pub(super) struct Probes {
    by_session: BTreeMap<u64, ProbeSession>,
    order: VecDeque<u64>,
}

impl Probes {
    fn session(&mut self, session: u64) -> &mut ProbeSession {
        if !self.by_session.contains_key(&session) {
            self.order.push_back(session);
            if self.order.len() > SESSIONS
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_session.remove(&oldest);
            }
        }
        self.by_session.entry(session).or_default()
    }

    fn host(&mut self, session: u64, agent: &AgentId) -> Option<&mut HostProbes> {
        let hosts = &mut self.session(session).hosts;
        let has_room = hosts.len() < HOSTS || hosts.contains_key(agent);
        has_room.then(|| hosts.entry(agent.clone()).or_default())
    }

    pub fn function(&mut self, agent: &AgentId, probed: &ProbedFunction) {
        if let Some(host) = self.host(probed.session, agent)
            && host.functions.len() < coral_model::probe::FUNCTIONS_MAX
        {
            host.functions.insert(probed.probe, probed.clone());
        }
    }

    pub fn path(&mut self, agent: &AgentId, path: &CallPath) {
        if let Some(host) = self.host(path.session, agent)
            && (host.paths.len() < PATHS || host.paths.contains_key(&path.path))
        {
            host.paths.insert(path.path, *path);
        }
    }

    pub fn call(&mut self, agent: &AgentId, call: &Call) {
        let session = self.session(call.session);
        session.calls.push_back((agent.clone(), call.clone()));
        if session.calls.len() > CALLS {
            session.calls.pop_front();
        }
    }

    pub fn of(&self, session: u64) -> Option<ProbeSession> {
        self.by_session.get(&session).cloned()
    }
}
