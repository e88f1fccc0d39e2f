//! The menus: sort, copy, export. Each line does one thing at once.

use super::{App, Mode, Outcome, Page};
use crate::console::event::Action;
use crate::console::moment::Moment;
use crate::console::sort::{COLUMNS, Sort};
use crate::console::take::Copied;
use coral_model::Side;
use coral_model::answer::MetricRow;

/// Which menu is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MenuKind {
    /// The order of the services.
    #[default]
    Sort,
    /// The order of the routes.
    Routes,
    /// What goes into the clipboard.
    Copy,
    /// What goes into a file.
    Export,
}

/// A menu and its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Menu {
    /// Which.
    pub kind: MenuKind,
    /// The line under the cursor.
    pub index: usize,
}

/// The order of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of that name")]
pub enum RouteSort {
    Rate,
    Errors,
    P95,
    Route,
}

/// All, in the order of the menu.
const ROUTE_SORTS: [(RouteSort, &str); 4] = [
    (RouteSort::Rate, "rate"),
    (RouteSort::Errors, "errors"),
    (RouteSort::P95, "p95"),
    (RouteSort::Route, "route"),
];

impl RouteSort {
    /// Sorts places of rows; what is unknown comes last.
    pub(in crate::console) fn sort(self, places: &mut [usize], rows: &[MetricRow]) {
        let figure = |row: &MetricRow| match self {
            Self::Rate => row.red.rate_per_s,
            Self::Errors => Some(row.red.counts.errors as f64),
            Self::P95 => row.red.p95.map(|d| d.as_secs_f64()),
            Self::Route => None,
        };
        places.sort_by(|&a, &b| {
            let (a, b) = (&rows[a], &rows[b]);
            let (fa, fb) = (figure(a).unwrap_or(-1.0), figure(b).unwrap_or(-1.0));
            fb.total_cmp(&fa)
                .then_with(|| a.route.cmp(&b.route))
                .then_with(|| a.method.cmp(&b.method))
                .then_with(|| a.status_class.cmp(&b.status_class))
        });
    }
}

/// The places of the routes that a service serves, else of those that it calls.
pub(in crate::console) fn of_side(rows: &[MetricRow]) -> Vec<usize> {
    let of = |side: Side| (0..rows.len()).filter(move |&i| rows[i].side == side);
    let served: Vec<usize> = of(Side::Server).collect();
    match served.is_empty() {
        true => of(Side::Client).collect(),
        false => served,
    }
}

impl App {
    pub(super) fn open_menu(&mut self, kind: MenuKind) {
        let index = match kind {
            MenuKind::Sort => COLUMNS.iter().position(|&c| c == self.sort.column),
            MenuKind::Routes => ROUTE_SORTS.iter().position(|s| s.0 == self.route_sort),
            MenuKind::Copy | MenuKind::Export => None,
        };
        self.menu = Menu {
            kind,
            index: index.unwrap_or(0),
        };
        self.mode = Mode::Menu;
    }

    pub(super) fn open_sort(&mut self) {
        self.open_menu(match self.spot.page {
            Page::Service => MenuKind::Routes,
            _ => MenuKind::Sort,
        });
    }

    /// The title of the open menu.
    pub fn menu_title(&self) -> &'static str {
        match self.menu.kind {
            MenuKind::Sort | MenuKind::Routes => " sort by ",
            MenuKind::Copy => " copy ",
            MenuKind::Export => " write to a file ",
        }
    }

    /// The lines of the open menu, each with a mark before it.
    pub fn menu_lines(&self) -> Vec<(&'static str, String)> {
        match self.menu.kind {
            MenuKind::Sort => COLUMNS
                .iter()
                .map(|&column| {
                    let mark = match (column == self.sort.column, self.sort.reversed) {
                        (false, _) => " ",
                        (true, false) => "↓",
                        (true, true) => "↑",
                    };
                    (mark, column.name().to_owned())
                })
                .collect(),
            MenuKind::Routes => ROUTE_SORTS
                .iter()
                .map(|&(sort, name)| {
                    let mark = if sort == self.route_sort { "↓" } else { " " };
                    (mark, name.to_owned())
                })
                .collect(),
            MenuKind::Copy => Copied::ALL
                .iter()
                .map(|what| (" ", self.copy_line(*what)))
                .collect(),
            MenuKind::Export => self
                .forms()
                .iter()
                .map(|form| (" ", self.file_name(*form)))
                .collect(),
        }
    }

    /// Does what the line under the cursor says.
    pub(super) fn take(&mut self, now: Moment) -> Outcome {
        self.mode = Mode::Page;
        let index = self.menu.index;
        match self.menu.kind {
            MenuKind::Sort => {
                if let Some(&column) = COLUMNS.get(index) {
                    let same = column == self.sort.column;
                    self.sort = Sort {
                        column,
                        reversed: same && !self.sort.reversed,
                    };
                }
            }
            MenuKind::Routes => {
                self.route_sort = ROUTE_SORTS.get(index).map_or(self.route_sort, |s| s.0);
            }
            MenuKind::Copy => {
                let what = Copied::ALL[index.min(Copied::ALL.len() - 1)];
                let text = self.copied(what, now);
                return Outcome::wish(Action::Copy {
                    what: what.name(),
                    text,
                });
            }
            MenuKind::Export => {
                let forms = self.forms();
                let form = forms[index.min(forms.len() - 1)];
                return match self.written(form) {
                    Ok(bytes) => Outcome::wish(Action::Save {
                        name: self.file_name(form),
                        bytes,
                    }),
                    Err(why) => self.said(Err(why), now),
                };
            }
        }
        Outcome::drawn()
    }
}
