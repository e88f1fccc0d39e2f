//! The time axis of an incident: steps as fine as what is kept and what a second's work allows, over the stretch that is asked
//! about, what lies before it, and the same time a day ago.

use super::{BEFORE, DAY};
use coral_model::{TimeNs, Window};
use coral_store::{Level, SeenInstance};
use std::time::Duration;

/// So many rows of one table are read for one diagnosis.
const ROWS: usize = 200_000;
/// No more points than this, whatever they cost.
const POINTS: usize = 1_500;
/// The least that is read of what was before.
const LITTLE_BEFORE: Duration = Duration::from_secs(15 * 60);
/// So long ago ten seconds are kept, minutes are; a little less, so that no edge is met.
const FINE_FOR: Duration = Duration::from_secs(47 * 3600);
const MINUTES_FOR: Duration = Duration::from_secs(29 * 86_400);
/// An instance is known to be there to about so much.
const SEEN: Duration = Duration::from_secs(20);
/// So many points are read at a time.
const SLICE: usize = 30;

/// What the axis must fit.
pub struct Wanted {
    pub asked: Window,
    /// The first that any agent reported.
    pub begin: TimeNs,
    /// Up to where every fresh agent has.
    pub complete: TimeNs,
    /// How many instances there are at a time.
    pub instances: usize,
    /// How long ago the stretch began.
    pub age: Duration,
}

/// How many of these there were at a time, on average over the window: a program that ran for a moment costs a row and not
/// one for each point.
pub fn present<'a>(instances: impl Iterator<Item = &'a SeenInstance>, window: Window) -> usize {
    let alive = |seen: &SeenInstance| {
        let (from, to) = (
            seen.first_seen.max(window.from),
            seen.last_seen.min(window.to),
        );
        (to.since(from) + SEEN).as_nanos()
    };
    let all: u128 = instances.map(alive).sum();
    let length = window.length().max(SEEN).as_nanos();
    usize::try_from(all.div_ceil(length)).unwrap_or(usize::MAX)
}

/// Points without a break.
struct Stretch {
    /// The number of its first step since 1970.
    first: i64,
    points: usize,
    /// The place of its first point.
    offset: usize,
}

/// The points.
pub struct Axis {
    level: Level,
    stretches: Vec<Stretch>,
    asked: Window,
}

impl Axis {
    pub fn new(wanted: &Wanted) -> Self {
        let level = level(wanted);
        let width = level.width();
        let to = level.floor(wanted.asked.to.min(wanted.complete));
        let before = before(wanted, width);
        let from = level.ceil(wanted.asked.from.minus(before).max(wanted.begin));
        let mut axis = Self {
            level,
            stretches: vec![],
            asked: wanted.asked,
        };
        let yesterday = Window {
            from: level.ceil(wanted.asked.from.minus(DAY)),
            to: level.floor(wanted.asked.to.minus(DAY)),
        };
        let room = points(wanted.asked.length() * 2 + before, width) * wanted.instances <= ROWS;
        let is_kept = wanted.age + DAY < FINE_FOR || level != Level::TenSeconds;
        if yesterday.from >= wanted.begin && yesterday.to < from && room && is_kept {
            axis.push(yesterday);
        }
        axis.push(Window { from, to });
        axis
    }

    fn push(&mut self, window: Window) {
        let first = window.from.0.div_euclid(self.width());
        let points = window.to.0.saturating_sub(window.from.0) / self.width();
        self.stretches.push(Stretch {
            first,
            points: usize::try_from(points).unwrap_or(0).min(2 * POINTS),
            offset: self.len(),
        });
    }

    fn width(&self) -> i64 {
        self.level.width().as_nanos() as i64
    }

    /// How wide a step is.
    pub fn step(&self) -> Duration {
        self.level.width()
    }

    /// The widest rows that fit.
    pub fn level(&self) -> Level {
        self.level
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.stretches.last().map_or(0, |s| s.offset + s.points)
    }

    /// The point of an interval with this end.
    pub fn of(&self, end: TimeNs) -> Option<usize> {
        let step = (end.0 - 1).div_euclid(self.width());
        self.stretches.iter().find_map(|stretch| {
            let place = usize::try_from(step - stretch.first).ok()?;
            (place < stretch.points).then_some(stretch.offset + place)
        })
    }

    /// The step of a point.
    pub fn window(&self, point: usize) -> Window {
        let found = self.stretches.iter().rev().find(|s| s.offset <= point);
        let first = found.map_or(0, |s| s.first + (point - s.offset) as i64);
        Window {
            from: TimeNs(first * self.width()),
            to: TimeNs((first + 1) * self.width()),
        }
    }

    /// The ends of all steps in unix seconds.
    pub fn times(&self) -> Vec<f64> {
        let seconds = |point| self.window(point).to.0 as f64 / 1e9;
        (0..self.len()).map(seconds).collect()
    }

    /// From the first point to the last, and what lies between.
    pub fn whole(&self) -> Window {
        let last = self.len().saturating_sub(1);
        Window {
            from: self.window(0).from,
            to: self.window(last).to,
        }
    }

    /// First and last moment of the points that are asked about, in unix seconds, when there are enough before them.
    pub fn asked(&self, enough: usize) -> Option<(f64, f64)> {
        let first = self.of(self.asked.from.plus(Duration::from_nanos(1)))?;
        let before = self.stretches.last().map_or(0, |s| s.offset);
        if first < before + enough || first + 1 >= self.len() {
            return None;
        }
        let end = |point| self.window(point).to.0 as f64 / 1e9;
        Some((end(first), end(self.len() - 1)))
    }

    /// Windows of some points each, which together are all.
    pub fn slices(&self) -> Vec<Window> {
        let mut slices = vec![];
        for stretch in self.stretches.iter().filter(|s| s.points > 0) {
            for place in (0..stretch.points).step_by(SLICE) {
                let last = (place + SLICE).min(stretch.points) - 1;
                slices.push(Window {
                    from: self.window(stretch.offset + place).from,
                    to: self.window(stretch.offset + last).to,
                });
            }
        }
        slices
    }
}

fn points(length: Duration, width: Duration) -> usize {
    usize::try_from(length.as_nanos() / width.as_nanos().max(1)).unwrap_or(usize::MAX)
}

/// The finest level that is kept so long and can be read in time.
fn level(wanted: &Wanted) -> Level {
    let kept = |level: &Level| match level {
        Level::TenSeconds => wanted.age < FINE_FOR,
        Level::Minute => wanted.age < MINUTES_FOR,
        Level::Hour => true,
    };
    let fits = |level: &Level| {
        let points = points(wanted.asked.length() + LITTLE_BEFORE, level.width());
        points <= POINTS && points.saturating_mul(wanted.instances) <= ROWS
    };
    let fine = Level::ALL
        .into_iter()
        .find(|level| kept(level) && fits(level));
    fine.unwrap_or(Level::Hour)
}

/// How much of what was before is read.
fn before(wanted: &Wanted, width: Duration) -> Duration {
    let usual = BEFORE.max(width * 60);
    let room = ROWS / wanted.instances.max(1);
    let left = room.saturating_sub(points(wanted.asked.length(), width));
    let left = width * u32::try_from(left).unwrap_or(u32::MAX);
    usual.min(left.max(LITTLE_BEFORE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_store::InstanceId;

    fn wanted(minutes: i64, instances: usize) -> Wanted {
        let to = TimeNs(1_800_000_005_000_000_000);
        let length = Duration::from_secs(minutes as u64 * 60);
        Wanted {
            asked: Window {
                from: to.minus(length),
                to,
            },
            begin: TimeNs(0),
            complete: to,
            instances,
            age: length,
        }
    }

    #[test]
    fn a_quarter_of_an_hour_has_an_hour_and_yesterday_before_it() {
        let axis = Axis::new(&wanted(15, 10));
        assert_eq!(axis.step(), Duration::from_secs(10));
        assert_eq!(axis.stretches.len(), 2);
        assert_eq!(axis.len(), 89 + 449);
        assert_eq!(
            axis.window(axis.len() - 1).to,
            TimeNs(1_800_000_000_000_000_000)
        );
        for point in 0..axis.len() {
            assert_eq!(axis.of(axis.window(point).to), Some(point));
        }
        assert_eq!(axis.of(axis.whole().from), None);
        let slices: usize = axis.slices().len();
        assert_eq!(slices, 3 + 15);
        assert!(axis.asked(20).is_some());
    }

    #[test]
    fn programs_that_run_for_a_moment_take_no_detail_away() {
        let at = |s: i64| TimeNs(s * 1_000_000_000);
        let seen = |from: i64, to: i64| SeenInstance {
            id: InstanceId(0),
            instance: crate::query::tests::world::instance("web", 1, "x", &[]),
            first_seen: at(from),
            last_seen: at(to),
        };
        let whole = Window {
            from: at(1_000),
            to: at(5_500),
        };
        let services: Vec<_> = (0..10).map(|_| seen(0, 9_999)).collect();
        let moments: Vec<_> = (1_000..4_000).map(|s| seen(s, s)).collect();
        assert_eq!(present(services.iter(), whole), 11);
        assert_eq!(present(services.iter().chain(&moments), whole), 24);
        assert_eq!(present([].iter(), whole), 0);
    }

    #[test]
    fn many_services_and_long_stretches_are_read_in_less_detail() {
        let many = Axis::new(&wanted(15, 1_000));
        assert_eq!(many.step(), Duration::from_secs(10));
        assert!(many.len() * 1_000 <= ROWS, "{}", many.len());
        let day = Axis::new(&wanted(24 * 60, 10));
        assert_eq!(day.step(), Duration::from_secs(60));
    }

    #[test]
    fn a_young_colony_has_nothing_before() {
        let mut young = wanted(15, 10);
        young.begin = young.asked.to.minus(Duration::from_secs(120));
        let axis = Axis::new(&young);
        assert_eq!(axis.len(), 11);
        assert_eq!(axis.asked(20), None);
    }
}
