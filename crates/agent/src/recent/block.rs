//! An interval's requests, encoded as they come: what waits for the interval's end is as small as it will be on disk.

use super::Single;
use crate::clock::Clock;
use crate::enrich::{InstanceId, Other, Processes};
use coral_model::{Ending, Endpoint, Method, Observed, Protocol, RequestRecord, Route, TimeNs};
use coral_proto::v1;
use prost::encoding::message;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The numbers of the fields in a batch.
const INSTANCES: u32 = 5;
const ITEMS: u32 = 6;

/// A block that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// When its first request began.
    pub from: TimeNs,
    /// When its last one began.
    pub to: TimeNs,
    /// How many there are.
    pub records: u64,
    /// They, as a batch.
    pub batch: Vec<u8>,
}

/// The block that is open.
#[derive(Debug, Default)]
pub struct Block {
    batch: Vec<u8>,
    index: HashMap<u32, u32>,
    span: Option<(TimeNs, TimeNs)>,
    records: u64,
}

impl Block {
    /// Its size so far.
    pub fn bytes(&self) -> usize {
        self.batch.len()
    }

    /// Adds a request; one of a process that is no longer known is left out.
    pub fn add(&mut self, single: &Single, processes: &Processes, clock: &Clock) {
        let Some(instance) = self.instance(single.ends.own, processes) else {
            return;
        };
        let peer = match single.ends.other {
            Other::Instance(id) => self.instance(id, processes).map(Endpoint::Instance),
            Other::Address(ip, port) => Some(Endpoint::Address { ip, port }),
            Other::Nobody => None,
        };
        let Some(record) = record(single, instance, peer, clock) else {
            return;
        };
        let at = record.at;
        let item = v1::Item {
            kind: Some(v1::item::Kind::Request((&record).into())),
        };
        message::encode(ITEMS, &item, &mut self.batch);
        self.span = Some(match self.span {
            Some((from, to)) => (from.min(at), to.max(at)),
            None => (at, at),
        });
        self.records += 1;
    }

    /// The process's place in the batch, which carries it from its first mention on.
    fn instance(&mut self, id: InstanceId, processes: &Processes) -> Option<u32> {
        if let Some(&place) = self.index.get(&id.0) {
            return Some(place);
        }
        let instance: v1::Instance = processes.get(id)?.into();
        let place = self.index.len() as u32;
        message::encode(INSTANCES, &instance, &mut self.batch);
        self.index.insert(id.0, place);
        Some(place)
    }

    /// What it holds, if it holds anything; it begins anew.
    pub fn take(&mut self) -> Option<Whole> {
        let Self {
            batch,
            span,
            records,
            ..
        } = std::mem::take(self);
        let (from, to) = span?;
        Some(Whole {
            from,
            to,
            records,
            batch,
        })
    }
}

fn record(
    single: &Single,
    instance: u32,
    peer: Option<Endpoint>,
    clock: &Clock,
) -> Option<RequestRecord> {
    let detail = &single.detail;
    let since_begin =
        |at: u64| (at != 0).then(|| Duration::from_nanos(at.saturating_sub(detail.began_ns)));
    let nobody = Endpoint::Address {
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: 0,
    };
    Some(RequestRecord {
        at: clock.at(detail.began_ns),
        instance,
        side: single.ends.side,
        protocol: Protocol::Http1,
        method: Method::from_code(detail.method)?,
        route: match &single.route {
            Route::Template(template) => template.clone(),
            Route::All | Route::Unattributed => Observed::default(),
        },
        path: Observed::new(single.path.as_deref().unwrap_or_default()),
        status: (detail.status != 0).then_some(detail.status),
        ending: Ending::from_code(detail.ending)?,
        duration: since_begin(detail.ended_ns).unwrap_or_default(),
        ttfb: since_begin(detail.answered_ns),
        peer: peer.unwrap_or(nobody),
    })
}
