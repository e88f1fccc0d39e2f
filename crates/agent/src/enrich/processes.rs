//! The processes that were learned: named once, watched until they end.

use super::connected::Connected;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::naming;
use crate::proc::exit::{self, Exit};
use crate::proc::facts;
use crate::proc::pidfd::{self, PidFd};
use coral_model::{Instance, InstanceKey, ServiceClass, ServiceKey, TimeNs};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// A process, as this run of the agent numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

/// A process that only asks others must live this long before its start is an event: scripts start many.
const WORTH_AN_EVENT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Process {
    instance: Instance,
    life: Option<PidFd>,
    alive: bool,
    learned: TimeNs,
    announced: bool,
    /// The file it runs, as the link said when it was learned.
    program: Option<String>,
    /// What it is called when nobody gave it a name.
    own: (ServiceKey, ServiceClass),
    /// The name that its program was given.
    by_program: Option<ServiceKey>,
}

impl Process {
    /// Calls it by the name that it was given, else by its own. Coral's processes keep theirs.
    fn rename(&mut self, connected: &Connected) {
        let given = connected
            .by_port(&self.instance.ports)
            .or(self.by_program.as_ref())
            .filter(|_| self.own.1 != ServiceClass::Coral);
        let (service, class) = match given {
            Some(service) => (service, ServiceClass::App),
            None => (&self.own.0, self.own.1),
        };
        if self.instance.service != *service {
            self.instance.service = service.clone();
        }
        self.instance.class = class;
    }
}

/// A process that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Which.
    pub id: InstanceId,
    /// How, when somebody says.
    pub exit: Option<Exit>,
    /// Whether its end is worth an event: its start was, or would have been.
    pub announced: bool,
}

/// A process that is worth an event by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Which.
    pub id: InstanceId,
    /// When it started.
    pub started: TimeNs,
    /// Whether it is younger than the agent; older ones make no event.
    pub new: bool,
    /// Whether it listens.
    pub listens: bool,
}

/// Every process that a listener or a series named.
#[derive(Debug)]
pub struct Processes {
    identity: Identity,
    agent_started: TimeNs,
    known: BTreeMap<InstanceId, Process>,
    by_key: HashMap<(u32, u64), InstanceId>,
    by_pid: HashMap<u32, InstanceId>,
    next: u32,
    /// Programs whose processes are not known one by one.
    passing: HashMap<ServiceKey, InstanceId>,
    /// Names that people gave.
    connected: Connected,
}

impl Processes {
    /// Knows none yet. Processes that are older than the agent make no start event.
    pub fn new(identity: Identity, agent_started: TimeNs) -> Self {
        Self {
            identity,
            agent_started,
            known: BTreeMap::new(),
            by_key: HashMap::new(),
            by_pid: HashMap::new(),
            next: 0,
            passing: HashMap::new(),
            connected: Connected::default(),
        }
    }

    /// From now on these names hold.
    pub fn connect(&mut self, connected: Connected) {
        self.connected = connected;
        for process in self.known.values_mut() {
            let program = process.program.as_deref();
            process.by_program = self.connected.by_program(program).cloned();
            process.rename(&self.connected);
        }
    }

    /// A process by its number.
    pub fn get(&self, id: InstanceId) -> Option<&Instance> {
        self.known.get(&id).map(|p| &p.instance)
    }

    /// Whether it was alive at the last look.
    pub fn is_alive(&self, id: InstanceId) -> bool {
        self.known.get(&id).is_some_and(|p| p.alive)
    }

    /// All that live.
    pub fn living(&self) -> impl Iterator<Item = InstanceId> + '_ {
        self.known
            .iter()
            .filter(|(_, p)| p.alive)
            .map(|(id, _)| *id)
    }

    /// All that live and were found in `/proc`, with their pids.
    pub fn living_pids(&self) -> impl Iterator<Item = (InstanceId, u32)> + '_ {
        self.known
            .iter()
            .filter(|(_, p)| p.alive && p.life.is_some())
            .map(|(id, p)| (*id, p.instance.key.pid))
    }

    /// The one of these processes that started first: the master of forked workers.
    pub fn learn_oldest(&mut self, pids: &[u32], clock: &Clock) -> Option<InstanceId> {
        let oldest = pids
            .iter()
            .filter_map(|&pid| facts::read(pid))
            .min_by_key(|f| (f.start_ticks, f.pid))?;
        Some(self.learn(&oldest, clock))
    }

    /// The process that opened a connection; when it is gone already, the kernel's name for it is all there is.
    pub fn learn_client(&mut self, pid: u32, comm: &[u8; 16], clock: &Clock) -> InstanceId {
        if let Some(&id) = self.by_pid.get(&pid).filter(|id| self.is_alive(**id)) {
            return id;
        }
        match facts::read(pid) {
            Some(facts) => self.learn(&facts, clock),
            None if comm[0] == 0 => self.unknown_client(),
            None => {
                let (service, class) = naming::name_by_comm(comm);
                self.add((pid, 0), service, class, None)
            }
        }
    }

    /// The pids of the living processes of some services.
    pub fn pids_of(&self, is_meant: impl Fn(&ServiceKey) -> bool) -> BTreeSet<u32> {
        let of = |(id, _): &(InstanceId, u32)| self.get(*id).is_some_and(|i| is_meant(&i.service));
        self.living_pids().filter(of).map(|(_, pid)| pid).collect()
    }

    /// A living process that is known.
    pub fn of_pid(&self, pid: u32) -> Option<InstanceId> {
        let known = self.by_pid.get(&pid).copied();
        known.filter(|id| self.is_alive(*id))
    }

    /// Stands for the processes of one program of which none is known for itself: most live a moment only.
    pub fn passing(&mut self, program: Option<&str>, comm: &[u8; 16]) -> InstanceId {
        let (service, _) = match program.and_then(|p| p.rsplit('/').next()) {
            Some(name) if !name.is_empty() => (ServiceKey::plain(name), ServiceClass::System),
            _ => naming::name_by_comm(comm),
        };
        let key = self.passing.get(&service).copied();
        if let Some(id) = key.filter(|id| self.known.contains_key(id)) {
            return id;
        }
        // No process starts at such a tick: it stands for the program.
        let number = 1 << 63 | coral_model::want::session(service.name.raw());
        let id = self.add((0, number), service.clone(), ServiceClass::System, None);
        if let Some(process) = self.known.get_mut(&id) {
            process.alive = false;
        }
        self.passing.insert(service, id);
        id
    }

    /// Stands for the client of a connection whose process was never found.
    pub fn unknown_client(&mut self) -> InstanceId {
        self.add(
            (0, 0),
            ServiceKey::plain("unknown"),
            ServiceClass::App,
            None,
        )
    }

    /// Stands for the server of a port whose listener was never found.
    pub fn unknown_server(&mut self, port: u16) -> InstanceId {
        self.add(
            (0, port.into()),
            ServiceKey::plain(&format!("port {port}")),
            ServiceClass::App,
            None,
        )
    }

    fn learn(&mut self, facts: &facts::Facts, clock: &Clock) -> InstanceId {
        let (service, class) = naming::name(facts);
        let started = facts::started(facts.start_ticks, clock);
        let key = (facts.pid, facts.start_ticks);
        let id = self.add(key, service, class, Some(started));
        if let Some(process) = self.known.get_mut(&id) {
            process.program.clone_from(&facts.exe);
            let program = process.program.as_deref();
            process.by_program = self.connected.by_program(program).cloned();
            process.rename(&self.connected);
        }
        id
    }

    fn add(
        &mut self,
        (pid, start_ticks): (u32, u64),
        service: ServiceKey,
        class: ServiceClass,
        started: Option<TimeNs>,
    ) -> InstanceId {
        if let Some(&id) = self.by_key.get(&(pid, start_ticks)) {
            return id;
        }
        let id = InstanceId(self.next);
        self.next += 1;
        let (agent, boot) = (self.identity.agent.clone(), self.identity.boot.clone());
        let key = InstanceKey {
            agent,
            boot,
            pid,
            start_ticks,
        };
        let host = self.identity.host.clone();
        let life = started.and_then(|_| PidFd::open(pid));
        let alive = life.is_some() || pid == 0;
        let own = (service.clone(), class);
        let instance = Instance {
            key,
            service,
            class,
            host,
            started,
            ports: vec![],
        };
        let learned = started.unwrap_or_default();
        self.known.insert(
            id,
            Process {
                instance,
                life,
                alive,
                learned,
                announced: false,
                program: None,
                own,
                by_program: None,
            },
        );
        self.by_key.insert((pid, start_ticks), id);
        if pid != 0 {
            self.by_pid.insert(pid, id);
        }
        id
    }

    /// Notes which ports each process listens on.
    pub fn set_ports(&mut self, ports: &BTreeMap<InstanceId, BTreeSet<u16>>) {
        for (id, process) in &mut self.known {
            process.instance.ports = ports
                .get(id)
                .map(|p| p.iter().copied().collect())
                .unwrap_or_default();
            process.rename(&self.connected);
        }
    }

    /// Notices processes that ended.
    pub fn ended(&mut self) -> Vec<Gone> {
        let watched: Vec<(InstanceId, &PidFd)> = self
            .known
            .iter()
            .filter(|(_, p)| p.alive)
            .filter_map(|(id, p)| Some((*id, p.life.as_ref()?)))
            .collect();
        let lives: Vec<&PidFd> = watched.iter().map(|(_, life)| *life).collect();
        let gone: Vec<InstanceId> = pidfd::ended(&lives)
            .into_iter()
            .map(|i| watched[i].0)
            .collect();
        let end = |id: InstanceId| {
            let process = self.known.get_mut(&id)?;
            process.alive = false;
            let (life, key) = (process.life.take()?, &process.instance.key);
            Some(Gone {
                id,
                exit: exit::of(&life, key.pid, key.start_ticks),
                announced: process.announced,
            })
        };
        gone.into_iter().filter_map(end).collect()
    }

    /// Processes that listen since now, or have asked others for a while; each once.
    pub fn begun(&mut self, now: TimeNs, listening: &HashSet<InstanceId>) -> Vec<Begun> {
        let mut begun = vec![];
        for (&id, process) in self
            .known
            .iter_mut()
            .filter(|(_, p)| p.alive && !p.announced)
        {
            let Some(started) = process.instance.started else {
                continue;
            };
            if process.instance.class == ServiceClass::Coral {
                continue;
            }
            let listens = listening.contains(&id);
            if listens || now.since(process.learned) >= WORTH_AN_EVENT {
                process.announced = true;
                let new = started > self.agent_started;
                begun.push(Begun {
                    id,
                    started,
                    new,
                    listens,
                });
            }
        }
        begun
    }

    /// The file that a process runs.
    pub fn program(&self, id: InstanceId) -> Option<&str> {
        self.known.get(&id)?.program.as_deref()
    }

    /// Forgets processes that ended, except those in `used`.
    pub fn forget_ended(&mut self, used: &HashSet<InstanceId>) {
        let gone: Vec<InstanceId> = self
            .known
            .iter()
            .filter(|(id, p)| !p.alive && !used.contains(id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            if let Some(process) = self.known.remove(&id) {
                let key = &process.instance.key;
                self.by_key.remove(&(key.pid, key.start_ticks));
                if self.by_pid.get(&key.pid) == Some(&id) {
                    self.by_pid.remove(&key.pid);
                }
            }
        }
        let known = &self.known;
        self.passing.retain(|_, id| known.contains_key(id));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Reading;
    use coral_model::{AgentId, BootId, Observed};

    pub fn processes() -> Processes {
        let agent = AgentId::new("a1").unwrap();
        let boot = BootId::new("b1").unwrap();
        Processes::new(
            Identity {
                agent,
                boot,
                host: Observed::new("host"),
            },
            TimeNs(0),
        )
    }

    #[test]
    fn begin_and_end_of_a_process_are_noticed_once() {
        let clock = Clock::new(Reading::now());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let mut known = processes();
        let id = known.learn_client(child.id(), &[0; 16], &clock);
        assert_eq!(known.learn_client(child.id(), &[0; 16], &clock), id);
        let now = TimeNs(Reading::now().wall_ns);
        assert_eq!(known.begun(now, &HashSet::new()), []);
        let begun = known.begun(now.plus(Duration::from_secs(6)), &HashSet::new());
        assert_eq!((begun.len(), begun[0].id, begun[0].listens), (1, id, false));
        assert!(known.program(id).is_some_and(|p| p.ends_with("sleep")));
        assert_eq!(known.ended(), []);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(known.ended()[0].id, id);
        assert!(!known.is_alive(id));
        known.forget_ended(&HashSet::from([id]));
        assert!(known.get(id).is_some());
        known.forget_ended(&HashSet::new());
        assert!(known.get(id).is_none());
    }

    #[test]
    fn a_given_name_comes_and_goes() {
        let clock = Clock::new(Reading::now());
        let mut known = processes();
        let id = known.learn_client(std::process::id(), &[0; 16], &clock);
        let own = known.get(id).unwrap().service.clone();
        let connect = |target| coral_model::Connect {
            service: ServiceKey::plain("web"),
            target,
            check: None,
            kind: Observed::default(),
        };
        let port = connect(coral_model::ConnectTarget::Port(4711));
        known.connect(Connected::new(&[port]));
        assert_eq!(known.get(id).unwrap().service, own);
        known.set_ports(&BTreeMap::from([(id, BTreeSet::from([4711]))]));
        assert_eq!(known.get(id).unwrap().service, ServiceKey::plain("web"));
        known.set_ports(&BTreeMap::new());
        assert_eq!(known.get(id).unwrap().service, own);
        let program = connect(coral_model::ConnectTarget::ExePattern(
            "coral_agent-".into(),
        ));
        known.connect(Connected::new(&[program]));
        assert_eq!(known.get(id).unwrap().service, ServiceKey::plain("web"));
        known.connect(Connected::default());
        assert_eq!(known.get(id).unwrap().service, own);
    }

    #[test]
    fn a_process_that_is_gone_keeps_the_kernels_name() {
        let mut known = processes();
        let id = known.learn_client(
            u32::MAX - 1,
            b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
            &Clock::new(Reading::now()),
        );
        assert_eq!(known.get(id).unwrap().service, ServiceKey::plain("curl"));
        assert!(!known.is_alive(id));
    }

    #[test]
    fn programs_that_pass_are_forgotten_with_their_samples() {
        let mut processes = processes();
        let id = processes.passing(Some("/usr/bin/cc1"), &[0; 16]);
        assert_eq!(processes.passing(Some("/opt/cc1"), &[0; 16]), id);
        processes.forget_ended(&HashSet::from([id]));
        assert_eq!(processes.passing.len(), 1);
        processes.forget_ended(&HashSet::new());
        assert!(processes.passing.is_empty());
        assert_ne!(processes.passing(Some("/usr/bin/cc1"), &[0; 16]), id);
    }
}
