//! What of a batch is lost when the batch is: its summaries, the requests that they count by service, and the stretch that
//! they speak for. It becomes a counter and events, so that what a colony holds and what was dropped add up to what
//! happened.

use coral_model::{Observed, ServiceKey, Side, TimeNs, Window};
use coral_proto::v1;
use std::collections::BTreeMap;
use v1::item::Kind;
use v1::summary::Route;

/// Services that are named; those beyond are one.
const SERVICES: usize = 64;

/// Requests of dropped summaries. Rows by route count the same ones again and are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// On the server side.
    pub served: u64,
    /// On the client side.
    pub made: u64,
}

impl Requests {
    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.made += other.made;
    }
}

/// What went for lack of room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Summaries.
    pub summaries: u64,
    /// Requests of all services.
    pub requests: Requests,
    /// Those of each; only the first ones are named.
    pub services: BTreeMap<ServiceKey, Requests>,
    /// From the begin of the first to the end of the last.
    pub window: Option<Window>,
}

impl Dropped {
    /// That of a batch.
    pub fn of(batch: &v1::Batch) -> Self {
        let mut dropped = Self::default();
        for item in &batch.items {
            if let Some(Kind::Summary(summary)) = &item.kind {
                dropped.row(summary, batch);
            }
        }
        dropped
    }

    fn row(&mut self, summary: &v1::Summary, batch: &v1::Batch) {
        self.summaries += 1;
        self.widen(summary.window.map(|window| Window {
            from: TimeNs(window.from_ns),
            to: TimeNs(window.to_ns),
        }));
        let exact = matches!(summary.route, Some(Route::All(_)));
        let Some(counts) = summary.counts.filter(|_| exact) else {
            return;
        };
        let of = |side: Side| {
            let own = summary.side == u32::from(side.code());
            if own { counts.requests } else { 0 }
        };
        let requests = Requests {
            served: of(Side::Server),
            made: of(Side::Client),
        };
        self.requests.add(requests);
        let instance = batch.instances.get(summary.instance as usize);
        if let Some(service) = instance.and_then(|i| i.service.as_ref()) {
            let key = ServiceKey {
                namespace: Observed::new(service.namespace.as_str()),
                name: Observed::new(service.name.as_str()),
            };
            self.of_service(key, requests);
        }
    }

    fn of_service(&mut self, key: ServiceKey, requests: Requests) {
        if self.services.len() < SERVICES || self.services.contains_key(&key) {
            self.services.entry(key).or_default().add(requests);
        }
    }

    fn widen(&mut self, window: Option<Window>) {
        self.window = match (self.window, window) {
            (Some(mine), Some(theirs)) => Some(Window {
                from: mine.from.min(theirs.from),
                to: mine.to.max(theirs.to),
            }),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// Adds `other`.
    pub fn add(&mut self, other: Self) {
        self.summaries += other.summaries;
        self.requests.add(other.requests);
        for (key, requests) in other.services {
            self.of_service(key, requests);
        }
        self.widen(other.window);
    }
}
