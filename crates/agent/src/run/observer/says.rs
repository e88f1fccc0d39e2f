//! What the observer says of itself: its health, what it lacks, and events of its own host's clock and disk.

use super::Observer;
use crate::clock::Reading;
use crate::spool::Requests;
use coral_model::{
    AgentHealth, AgentMode, Event, EventKind, Loss, Missing, Observed, ServiceKey, TimeNs,
};

impl Observer {
    /// At an interval's edge, when all before it is folded.
    pub(super) fn follow_wall(&mut self, reading: Reading) -> Option<Event> {
        let jumped = self.clock.follow(reading)?;
        // The second and the interval that are open go on at the new time, or a step back would stop both until the
        // clock has caught up with them.
        let moved = self.clock.at(reading.boot_ns);
        self.last = moved;
        self.fold.resume_at(moved);
        let text = format!(
            "the wall clock of this host jumped by {:.3} s",
            jumped as f64 / 1e9
        );
        Some(Event {
            at: moved,
            until: None,
            kind: EventKind::ClockJump,
            agent: self.identity.agent.clone(),
            service: None,
            instance: None,
            text: Observed::new(text),
        })
    }

    pub(super) fn health(&self, at: TimeNs) -> AgentHealth {
        AgentHealth {
            id: self.identity.agent.clone(),
            host: self.identity.host.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: if self.source.is_some() {
                AgentMode::Ebpf
            } else {
                AgentMode::Proc
            },
            missing: self.missing(),
            rss_bytes: self.pss_bytes,
            cpu_percent: self.meter.cpu_percent,
            loss: Loss {
                summaries_dropped: self.outbox.summaries_dropped(),
                records_dropped: self.loss.records_dropped + self.chronicle.untold,
                ..self.loss
            },
            listening: self.enrich.listening(),
            started: self.started,
            at,
        }
    }

    /// What is missing from the start on, and the spool while it cannot be written.
    fn missing(&self) -> Vec<Missing> {
        let spool = self.trouble.as_ref().map(|trouble| Missing {
            feature: "spool".to_owned(),
            why: Observed::new(trouble.text.as_str()),
            fix: "make room on the disk of the agent's state, and let the agent write there"
                .to_owned(),
        });
        self.missing.iter().cloned().chain(spool).collect()
    }

    /// What the colony was away too long for: a gap in its data, and in that of each service, with what was in it.
    pub(super) fn dropped(&mut self) -> Vec<Event> {
        let Some(dropped) = self.outbox.lost() else {
            return vec![];
        };
        let (summaries, Requests { served, made }) = (dropped.summaries, dropped.requests);
        let text = format!(
            "the colony was away for longer than the spool holds: {summaries} summaries were dropped, of {served} requests served and {made} made"
        );
        tracing::warn!("{text}");
        let gap = |service: Option<ServiceKey>, text: String| {
            dropped.window.map(|window| Event {
                at: window.from,
                until: Some(window.to),
                kind: EventKind::Gap,
                agent: self.identity.agent.clone(),
                service,
                instance: None,
                text: Observed::new(text),
            })
        };
        let of_service = |(key, requests): (&ServiceKey, &Requests)| {
            let (name, Requests { served, made }) = (key.name.visible(), requests);
            let text = format!(
                "{name}: {served} requests served and {made} made were dropped while the colony was away"
            );
            gap(Some(key.clone()), text)
        };
        let services = dropped.services.iter().filter_map(of_service);
        gap(None, text).into_iter().chain(services).collect()
    }

    /// Notes whether the spool could be written; a disk that is full since this second is an event.
    pub(super) fn disk_full(&mut self, at: TimeNs) -> Option<Event> {
        let before = std::mem::replace(&mut self.trouble, self.outbox.trouble());
        if self.trouble == before {
            return None;
        }
        let Some(trouble) = &self.trouble else {
            tracing::info!("the spool is written again");
            return None;
        };
        tracing::warn!("the spool is not written: {}", trouble.text);
        let full = trouble.full && !before.is_some_and(|before| before.full);
        full.then(|| Event {
            at,
            until: None,
            kind: EventKind::DiskFull,
            agent: self.identity.agent.clone(),
            service: None,
            instance: None,
            text: Observed::new(
                "the disk that holds the agent's state is full: a break in shipping, or the end of the agent, may lose data",
            ),
        })
    }
}
