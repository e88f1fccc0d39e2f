//! Through time: freezing, stepping, picking a moment, and the picture of a moment that is not now.

use super::{App, Body, LinkState, Mode, Outcome, Page};
use crate::console::change::{Change, Topic};
use crate::console::event::Action;
use crate::console::moment::Moment;
use crate::console::pick;
use crate::console::questions;
use crate::console::time::{Shown, Time};
use coral_model::{Answer, TimeNs, Window};
use std::sync::Arc;
use std::time::Duration;

/// A wait below this is not worth a word.
pub const SOON: Duration = Duration::from_millis(300);

impl App {
    /// Freezes what is shown, or goes on live.
    pub(super) fn freeze(&mut self, now: Moment) -> Outcome {
        let shown = match self.time.is_live() {
            true => Shown::Frozen(self.live.head().map_or(now.wall, |head| head.window.to)),
            false => Shown::Live,
        };
        self.retime(Time { shown, ..self.time }, now)
    }

    /// A tenth of the window back or on.
    pub(super) fn step(&mut self, back: bool, now: Moment) -> Outcome {
        let mut time = self.time;
        time.step(back, self.newest(now));
        self.retime(time, now)
    }

    /// Half the window or the double.
    pub(super) fn resize_window(&mut self, double: bool, now: Moment) -> Outcome {
        let mut time = self.time;
        time.resize(double);
        self.retime(time, now)
    }

    pub(super) fn back_to_now(&mut self, now: Moment) -> Outcome {
        let shown = Shown::Live;
        self.retime(Time { shown, ..self.time }, now)
    }

    pub(super) fn compare(&mut self, now: Moment) -> Outcome {
        let compare = self.time.compare.next();
        self.retime(
            Time {
                compare,
                ..self.time
            },
            now,
        )
    }

    /// A window that shows this moment with some time after it.
    pub(super) fn go_around(&mut self, at: TimeNs, now: Moment) -> Outcome {
        let mut time = self.time;
        let newest = self.newest(now);
        let to = at
            .plus(self.time.window / 3)
            .min(newest.minus(Duration::from_secs(1)));
        time.go(to, newest);
        self.retime(time, now)
    }

    /// To the moment that was typed; while it means none the line stays open.
    pub(super) fn picked(&mut self, now: Moment) -> Outcome {
        let newest = self.newest(now);
        let Some(at) = pick::moment(&self.input, newest, &self.config.zone) else {
            return Outcome::drawn();
        };
        self.mode = Mode::Page;
        let mut time = self.time;
        time.go(at, newest);
        self.retime(time, now)
    }

    /// The end of the newest data, else now.
    pub fn newest(&self, now: Moment) -> TimeNs {
        self.live.head().map_or(now.wall, |head| {
            let since = now.up.saturating_sub(head.arrived.up);
            head.window.to.plus(since)
        })
    }

    /// Shows another time; what was shown stays until the new picture is there.
    pub(super) fn retime(&mut self, time: Time, now: Moment) -> Outcome {
        if time == self.time {
            return Outcome::drawn();
        }
        let (was_live, window) = (self.time.is_live(), self.time.window);
        if was_live && !time.is_live() {
            self.held = self.live.clone();
        }
        if time.shown != self.time.shown || time.window != window {
            self.retimed = now.up;
        }
        self.time = time;
        self.hold(now);
        let mut outcome = Outcome::drawn();
        if time.window != window {
            outcome.actions.push(Action::Watch(time.window));
        }
        outcome
    }

    /// Takes what was answered about the moment that is shown into the picture that is held.
    pub(super) fn hold(&mut self, now: Moment) {
        let Shown::At(to) = self.time.shown else {
            return;
        };
        let window = self.time.window_at(to);
        let span = self.time.span();
        let parts = [
            (Topic::Services, questions::services(span)),
            (Topic::Topology, questions::topology(span)),
        ];
        for (topic, question) in parts {
            let held = match topic {
                Topic::Services => self.held.services.as_ref().map(|s| s.head.window),
                _ => self.held.topology.as_ref().map(|t| t.head.window),
            };
            let Some(answer) = self
                .asked
                .answer(&question)
                .filter(|_| held != Some(window))
            else {
                continue;
            };
            let answer = Answer {
                window,
                ..answer.clone()
            };
            let version = self.next_version();
            let held = Arc::make_mut(&mut self.held);
            held.apply(Change::Snapshot(topic, answer), now);
            held.version = version;
        }
        // Agents are known as they are now, not as they were.
        if self.held.status != self.live.status {
            let version = self.next_version();
            let held = Arc::make_mut(&mut self.held);
            held.status = self.live.status.clone();
            held.version = version;
        }
    }

    /// How long the picture of the chosen moment has been waited for; `None` when it is there.
    pub fn waiting(&self, now: Moment) -> Option<Duration> {
        let head = self.picture().head()?;
        let there = match self.time.shown {
            Shown::Frozen(_) => true,
            Shown::At(to) => head.window == self.time.window_at(to),
            Shown::Live => same_length(head.window, self.time.window),
        };
        (!there && self.link == LinkState::Open).then(|| now.up.saturating_sub(self.retimed))
    }

    /// Whether that wait is long enough to say so.
    pub fn is_waiting(&self, now: Moment) -> bool {
        self.waiting(now).is_some_and(|waited| waited >= SOON)
    }

    /// What stands in place of a page of the past.
    pub(super) fn past_body(&self) -> Body<'_> {
        let Shown::At(to) = self.time.shown else {
            return Body::Page;
        };
        // Agents and probes are known as they are now.
        if matches!(self.spot.page, Page::Fleet | Page::Probes) {
            return Body::Page;
        }
        let question = questions::services(self.time.span());
        match (self.asked.get(&question), &self.picture().services) {
            (Some(Err(failure)), _) => Body::Refused(failure),
            (_, Some(services))
                if services.rows.is_empty() && services.head.window == self.time.window_at(to) =>
            {
                Body::NothingThen
            }
            _ => Body::Page,
        }
    }
}

/// Whether a window is as long as that, to a second.
fn same_length(window: Window, length: Duration) -> bool {
    window.length().abs_diff(length) <= Duration::from_secs(1)
}
