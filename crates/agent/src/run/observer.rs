//! What one tick does: drain, enrich, fold, hand to shipping.

mod says;

use crate::calls::Prober;
use crate::checks::Checks;
use crate::chronicle::Chronicle;
use crate::clock::{Clock, Clocks, Reading};
use crate::desired::Told;
use crate::enrich::{Enrich, Processes};
use crate::fold::Fold;
use crate::health::{SelfMeter, give_back_memory, loss, pss_bytes};
use crate::host::Host;
use crate::identity::Identity;
use crate::proc::netns;
use crate::profile::{Met, Profiler};
use crate::recent::Recent;
use crate::ship::{Outbox, Trouble, assemble};
use coral_model::summary::PULSE;
use coral_model::{Epoch, Item, Loss, Missing, Seq, TimeNs, Window};
use coral_probes::{Drained, Source};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Listening sockets are looked at again after so many ticks, whether or not somebody asked for one.
const REFRESH_TICKS: u32 = 3;
/// Ended connections of Unix sockets are looked for at each so many ticks.
const UNIX_TICKS: u32 = 5;
/// Processes that use much of a processor are looked for at each so many ticks: all of them are read for it.
const BUSY_TICKS: u32 = 20;
/// A dead client's series is forgotten after so many ticks without a count.
const FORGET_TICKS: u32 = 10;
/// Memory is measured each so many ticks: reading it is dearer than the rest of an idle tick.
const MEASURE_TICKS: u32 = 10;

/// The agent's state between two ticks.
pub struct Observer {
    identity: Identity,
    clocks: Clocks,
    clock: Clock,
    epoch: Epoch,
    seq: u64,
    started: TimeNs,
    ticks: u32,
    source: Option<Box<dyn Source>>,
    profiler: Option<Profiler>,
    prober: Option<Prober>,
    missing: Vec<Missing>,
    drained: Drained,
    enrich: Enrich,
    fold: Fold,
    host: Host,
    chronicle: Chronicle,
    recent: Recent,
    meter: SelfMeter,
    pss_bytes: u64,
    loss: Loss,
    outbox: Arc<Outbox>,
    /// Why the spool was not written at the last tick.
    trouble: Option<Trouble>,
    last: TimeNs,
    /// Where the open interval of the profile began.
    profiled: TimeNs,
    /// What the colony wants.
    told: watch::Receiver<Told>,
    checks: Checks,
}

/// Tells the programs of the connections that are older than they are.
fn introduced(mut source: Box<dyn Source>, enrich: &Enrich) -> Box<dyn Source> {
    for (cookie, side, netns) in enrich.older_connections() {
        if let Err(error) = source.introduce(cookie, side.code(), netns) {
            tracing::warn!("{error}");
            break;
        }
    }
    source
}

impl Observer {
    pub fn new(
        (identity, epoch): (Identity, u64),
        (clock, clocks): (Clock, Clocks),
        (source, profiler, prober): (Option<Box<dyn Source>>, Option<Profiler>, Option<Prober>),
        missing: Vec<Missing>,
        recent: Recent,
        outbox: Arc<Outbox>,
        told: watch::Receiver<Told>,
    ) -> Self {
        let reading = clocks.read();
        let now = clock.at(reading.boot_ns);
        let mut enrich = Enrich::new(Processes::new(identity.clone(), now));
        enrich.refresh(&clock);
        let source = source.map(|source| introduced(source, &enrich));
        let host = Host::new(&enrich.processes, now, reading.boot_ns);
        Self {
            identity,
            clocks,
            clock,
            epoch: Epoch(epoch),
            seq: 0,
            started: now,
            ticks: 0,
            source,
            profiler,
            prober,
            missing,
            drained: Drained::default(),
            enrich,
            fold: Fold::new(now),
            host,
            chronicle: Chronicle::new(),
            recent,
            meter: SelfMeter::default(),
            pss_bytes: pss_bytes(),
            loss: Loss::default(),
            trouble: None,
            outbox,
            last: now,
            profiled: now,
            told,
            checks: Checks::new(),
        }
    }

    /// How long until the next whole second of the agent's clock.
    pub fn next_tick(&self) -> Duration {
        let now = self.clock.at(self.clocks.read().boot_ns);
        let second = PULSE.as_nanos() as i64;
        let next = TimeNs((self.last.0.div_euclid(second) + 1) * second);
        next.since(now)
    }

    /// Takes single requests between two ticks, so that the ring does not fill up.
    pub fn between(&mut self) {
        if let Some(profiler) = &mut self.profiler {
            profiler.between();
        }
        self.take_wishes();
        self.watch_probes();
        let Some(source) = &mut self.source else {
            return;
        };
        if let Err(error) = source.details(&mut self.drained) {
            tracing::warn!("{error}");
        }
    }

    /// One second's work.
    pub fn tick(&mut self) {
        let reading = self.clocks.read();
        let second = PULSE.as_nanos() as i64;
        let at = TimeNs(self.clock.at(reading.boot_ns).0.div_euclid(second) * second);
        self.step(at, reading);
    }

    /// The last second's work: the open interval is closed where it stands.
    pub fn finish(&mut self) {
        let reading = self.clocks.read();
        let at = self.clock.at(reading.boot_ns);
        self.enrich.give_up();
        self.step(at, reading);
        let at = self.last;
        let mut items = self.fold.close(at);
        items.extend(self.profile(at, true));
        items.extend(self.probed(at));
        items.push(Item::Health(self.health(at)));
        self.send(at, items, true, true);
        self.recent.tick(true);
        self.recent.keeper().end();
    }

    fn step(&mut self, mut at: TimeNs, reading: Reading) {
        self.ticks += 1;
        self.last = at;
        let mut items = vec![];
        let mut edge = false;
        if let Some(before) = self.fold.edge_before(at) {
            items.extend(self.fold.close(before));
            edge = true;
        }
        self.take_wishes();
        self.drain();
        self.end_unix();
        self.enrich.learn(&self.drained.series, &self.clock);
        if self.ticks.is_multiple_of(REFRESH_TICKS) {
            self.enrich.refresh(&self.clock);
        }
        if self.ticks % BUSY_TICKS == 1 {
            self.enrich.learn_busy(reading.boot_ns, &self.clock);
        }
        let mut drained = std::mem::take(&mut self.drained);
        self.enrich.add_callers(&mut drained);
        self.loss = loss(&drained.lost, drained.missed);
        items.extend(self.fold.second(drained, &mut self.enrich, at));
        let singles = self.fold.singles();
        self.recent
            .add(singles, &self.enrich.processes, &self.clock);
        if Fold::is_edge(at) {
            items.extend(self.fold.close(at));
            edge = true;
        }
        self.recent.tick(edge);
        items.extend(self.profile(at, edge));
        items.extend(self.probed(at));
        let events = self
            .chronicle
            .second(&mut self.enrich, &mut self.host.groups, at);
        items.extend(events.into_iter().map(Item::Event));
        if edge {
            let processes = &self.enrich.processes;
            items.extend(self.host.sample(processes, at, reading.boot_ns));
            if let Some(event) = self.follow_wall(reading) {
                at = event.at;
                items.push(Item::Event(event));
            }
        }
        items.extend(self.disk_full(at).map(Item::Event));
        let enrich = &self.enrich;
        let listens = |port| enrich.listens_on(port);
        let checked = self.checks.tick(at, reading.boot_ns, listens);
        items.extend(checked.into_iter().map(Item::HealthCheck));
        items.extend(self.dropped().into_iter().map(Item::Event));
        self.measure(reading);
        items.push(Item::Health(self.health(at)));
        self.send(at, items, edge || self.ticks == 1, edge);
        self.forget();
    }

    /// Takes over what the colony wants, when it has changed.
    fn take_wishes(&mut self) {
        // When nobody tells any more, what was told last holds.
        if self.told.has_changed().unwrap_or(false) {
            let told = self.told.borrow_and_update().clone();
            self.enrich.connect(&told.connects);
            self.checks.set(&told.connects);
            if let Some(profiler) = &mut self.profiler {
                profiler.wish(told.profiles);
            }
            let now = self.clock.at(self.clocks.read().boot_ns);
            if let Some(prober) = &mut self.prober {
                prober.wish(told.probes, &self.clock, now);
            }
        }
    }

    fn drain(&mut self) {
        let Some(source) = &mut self.source else {
            return;
        };
        let details = std::mem::take(&mut self.drained.details);
        if let Err(error) = source.drain(&mut self.drained) {
            tracing::warn!("{error}");
        }
        self.drained.details.splice(0..0, details);
    }

    /// Samples of the last second, and the interval's when it ends.
    fn profile(&mut self, at: TimeNs, edge: bool) -> Vec<Item> {
        let Some(profiler) = &mut self.profiler else {
            return vec![];
        };
        profiler.second(&mut self.enrich.processes);
        let mut items = profiler.sessions(&self.enrich.processes, at);
        if edge {
            let from = std::mem::replace(&mut self.profiled, at);
            items.extend(profiler.close(Window { from, to: at }));
        }
        items
    }

    /// Attaches what is wished and found, and ends what is over or too dear.
    fn watch_probes(&mut self) {
        let now = self.clock.at(self.clocks.read().boot_ns);
        let Some(prober) = &mut self.prober else {
            return;
        };
        let nobody = Met::new();
        let met = self.profiler.as_ref().map_or(&nobody, Profiler::met);
        prober.between(&self.enrich.processes, met, (&self.clock, now));
    }

    /// What probes counted.
    fn probed(&mut self, at: TimeNs) -> Vec<Item> {
        self.watch_probes();
        let prober = self.prober.as_mut();
        prober.map_or_else(Vec::new, |prober| prober.second((&self.clock, at)))
    }

    /// Nothing in the kernel says when a connection of Unix sockets has ended; it is looked for.
    fn end_unix(&mut self) {
        if !self.ticks.is_multiple_of(UNIX_TICKS) {
            return;
        }
        let Some(source) = &mut self.source else {
            return;
        };
        let alive = netns::unix_sockets();
        if let Err(error) = source.end_unix(&alive, &mut self.drained) {
            tracing::warn!("{error}");
        }
    }

    fn measure(&mut self, reading: Reading) {
        self.meter.measure(reading.boot_ns);
        if self.ticks % MEASURE_TICKS == 1 {
            give_back_memory();
            self.pss_bytes = pss_bytes();
        }
    }

    fn send(&mut self, at: TimeNs, items: Vec<Item>, with_living: bool, closes: bool) {
        self.seq += 1;
        let living: Vec<_> = if with_living {
            self.enrich.processes.living().collect()
        } else {
            vec![]
        };
        let batch = assemble(
            (self.epoch, Seq(self.seq), at),
            items,
            &self.enrich.processes,
            living.into_iter(),
        );
        let next = (self.epoch, Seq(self.seq + 1), at);
        let so_far = self.fold.so_far(at);
        let open = assemble(next, so_far, &self.enrich.processes, std::iter::empty());
        self.outbox.put((&batch).into(), closes, &(&open).into());
    }

    /// Gives back the places of clients that are gone.
    fn forget(&mut self) {
        let Some(source) = &mut self.source else {
            return;
        };
        for series in self.enrich.finished(FORGET_TICKS) {
            if let Err(error) = source.forget(series) {
                tracing::warn!("{error}");
            }
        }
        let mut used = self.fold.used();
        used.extend(self.profiler.iter().flat_map(Profiler::used));
        self.enrich.forget_processes(&used);
    }
}
