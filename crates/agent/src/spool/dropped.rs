//! What of a batch is lost when the batch is: its summaries, the requests that they count, and the stretch that they
//! speak for. It becomes a counter and an event, so that what a colony holds and what was dropped add up to what happened.

use coral_model::{Side, TimeNs, Window};
use coral_proto::v1;
use v1::item::Kind;
use v1::summary::Route;

/// What went for lack of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Summaries.
    pub summaries: u64,
    /// Requests that they count as served; rows by route count the same ones again and are left out.
    pub served: u64,
    /// Requests that they count as made, by clients.
    pub made: u64,
    /// From the begin of the first to the end of the last.
    pub window: Option<Window>,
}

impl Dropped {
    /// That of a batch.
    pub fn of(batch: &v1::Batch) -> Self {
        let mut dropped = Self::default();
        for item in &batch.items {
            if let Some(Kind::Summary(summary)) = &item.kind {
                dropped.add(&Self::row(summary));
            }
        }
        dropped
    }

    fn row(summary: &v1::Summary) -> Self {
        let exact = matches!(summary.route, Some(Route::All(_)));
        let counts = summary.counts.filter(|_| exact);
        let requests = counts.map_or(0, |counts| counts.requests);
        let of = |side: Side| {
            if summary.side == u32::from(side.code()) {
                requests
            } else {
                0
            }
        };
        Self {
            summaries: 1,
            served: of(Side::Server),
            made: of(Side::Client),
            window: summary.window.map(|window| Window {
                from: TimeNs(window.from_ns),
                to: TimeNs(window.to_ns),
            }),
        }
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.summaries += other.summaries;
        self.served += other.served;
        self.made += other.made;
        self.window = match (self.window, other.window) {
            (Some(mine), Some(theirs)) => Some(Window {
                from: mine.from.min(theirs.from),
                to: mine.to.max(theirs.to),
            }),
            (mine, theirs) => mine.or(theirs),
        };
    }
}
