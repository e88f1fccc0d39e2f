//! The order of the services.

use super::trouble::{Level, figures};
use coral_model::answer::{Red, ServiceRow};
use std::cmp::Ordering;

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of that name")]
pub enum Column {
    /// Broken, unusual, then by rate.
    Trouble,
    Name,
    Rate,
    Errors,
    P50,
    P95,
    P99,
    Flight,
}

/// All, in the order of the menu.
pub const COLUMNS: [Column; 8] = [
    Column::Trouble,
    Column::Name,
    Column::Rate,
    Column::Errors,
    Column::P50,
    Column::P95,
    Column::P99,
    Column::Flight,
];

impl Column {
    /// The word in the menu.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trouble => "trouble, then rate",
            Self::Name => "name",
            Self::Rate => "rate",
            Self::Errors => "errors",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Flight => "in flight",
        }
    }
}

/// A column and whether its order is turned round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub column: Column,
    /// Names fall, figures rise.
    pub reversed: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            column: Column::Trouble,
            reversed: false,
        }
    }
}

/// What a row is compared by; the place of its name decides between equals, so that rows do not jump.
struct Rank {
    level: Level,
    figure: Option<f64>,
    name: usize,
}

/// Sorts places of rows; unknown figures come last either way. `rank` gives the level and the place of the name.
pub fn sort(
    places: &mut [usize],
    rows: &[ServiceRow],
    rank: impl Fn(usize) -> (Level, usize),
    sort: Sort,
) {
    places.sort_by_cached_key(|&place| {
        let (level, name) = rank(place);
        let level = match sort.column {
            Column::Trouble => level,
            _ => Level::Fine,
        };
        let figure = figure(&rows[place], sort.column);
        let rank = Rank {
            level,
            figure,
            name,
        };
        Ranked(rank, sort)
    });
}

struct Ranked(Rank, Sort);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, sort) = (&self.0, &other.0, self.1);
        let turn = |order: Ordering| {
            if sort.reversed {
                order.reverse()
            } else {
                order
            }
        };
        let figures = match (a.figure, b.figure) {
            (Some(a), Some(b)) => turn(b.total_cmp(&a)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let names = match sort.column {
            Column::Name => turn(a.name.cmp(&b.name)),
            _ => a.name.cmp(&b.name),
        };
        turn(b.level.cmp(&a.level)).then(figures).then(names)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

fn figure(row: &ServiceRow, column: Column) -> Option<f64> {
    let ms = |pick: fn(&Red) -> Option<std::time::Duration>| {
        figures(row).and_then(pick).map(|d| d.as_secs_f64())
    };
    match column {
        Column::Name => None,
        Column::Trouble | Column::Rate => figures(row).and_then(|r| r.rate_per_s),
        Column::Errors => figures(row).and_then(|r| r.error_ratio),
        Column::P50 => ms(|r| r.p50),
        Column::P95 => ms(|r| r.p95),
        Column::P99 => ms(|r| r.p99),
        Column::Flight => Some(row.in_flight as f64),
    }
}
