//! The rows of the pages, the cursor in them, and the routes of the service under the cursor.

use super::{App, LinkState, Mode, Outcome, Page, Routes};
use crate::console::event::Action;
use crate::console::filter::{Field, Subject};
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::sort::{COLUMNS, sort};
use crate::console::tree::{self, TreeRow};
use crate::console::trouble::{Level, Trouble, figures};
use crate::failure::Failure;
use coral_model::answer::ServiceRow;
use coral_model::{Answer, ServiceClass, ServiceKey};
use coral_report::text;
use std::borrow::Cow;
use std::time::Duration;

/// How old the routes may get while they are on the screen.
const ROUTES_AGE: Duration = Duration::from_secs(2);

/// The services that are shown, and how many are not.
#[derive(Debug, Default)]
pub struct ServiceList<'a> {
    /// In their order.
    pub rows: Vec<&'a ServiceRow>,
    /// Folded away: system, coral, outside.
    pub folded: [usize; 3],
    /// How many there would be without the filter.
    pub total: usize,
}

impl Subject for &ServiceRow {
    fn text(&self) -> Cow<'_, str> {
        let mut text = text::service(&self.service);
        for protocol in &self.protocols {
            text.push(' ');
            text.push_str(protocol.name());
        }
        text.into()
    }

    fn figure(&self, field: Field) -> Option<f64> {
        let red = figures(self);
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        match field {
            Field::Rate => red?.rate_per_s,
            Field::Errors => red?.error_ratio.map(|r| r * 100.0),
            Field::P50 => red?.p50.map(ms),
            Field::P95 => red?.p95.map(ms),
            Field::P99 => red?.p99.map(ms),
            Field::Flight => Some(self.in_flight as f64),
            Field::Instances => Some(f64::from(self.instances)),
        }
    }
}

impl App {
    /// The services, folded, filtered and sorted.
    pub fn service_list(&self) -> ServiceList<'_> {
        let mut list = ServiceList::default();
        let services = self.picture().services.iter().flat_map(|s| &s.rows);
        for row in services {
            let fold = match row.class {
                _ if self.all => None,
                ServiceClass::App => None,
                ServiceClass::System => Some(0),
                ServiceClass::Coral => Some(1),
                ServiceClass::Outside => Some(2),
            };
            if let Some(class) = fold {
                list.folded[class] += 1;
                continue;
            }
            list.total += 1;
            if self.filter.passes(&row) {
                list.rows.push(row);
            }
        }
        sort(&mut list.rows, self.sort);
        list
    }

    /// The rows of the topology, and how many edges are folded away.
    pub fn tree(&self) -> (Vec<TreeRow<'_>>, usize) {
        tree::rows(self.picture(), self.all, &self.filter)
    }

    /// The service under the cursor of page 1.
    pub fn selected_service(&self) -> Option<&ServiceRow> {
        let list = self.service_list();
        list.rows.get(self.services.index()).copied()
    }

    fn service_keys(&self) -> Vec<ServiceKey> {
        let list = self.service_list();
        list.rows.iter().map(|row| row.service.clone()).collect()
    }

    fn edge_keys(&self) -> Vec<String> {
        self.tree().0.iter().map(TreeRow::id).collect()
    }

    /// Puts the cursors back onto their rows after anything changed.
    pub(super) fn settle(&mut self, now: Moment) {
        let height = usize::from(layout::rows_height(self, now));
        match self.page {
            Page::Services => {
                let keys = self.service_keys();
                self.services.settle(&keys, height);
            }
            Page::Topology => {
                let keys = self.edge_keys();
                self.edges.settle(&keys, height);
            }
        }
        let selected = self.selected_service().map(|row| row.service.clone());
        if selected != self.routes.service {
            self.routes = Routes {
                service: selected,
                ..Routes::default()
            };
            self.pane.offset = 0;
        }
    }

    pub(super) fn screenful(&self) -> isize {
        isize::from(i16::try_from(self.size.height / 2).unwrap_or(20)).max(1)
    }

    /// Moves whatever has the keys.
    pub(super) fn scroll(&mut self, by: isize) {
        match (self.mode, self.page) {
            (Mode::Menu, _) => {
                let last = COLUMNS.len() - 1;
                self.menu = self.menu.saturating_add_signed(by).min(last);
            }
            (Mode::Help, _) => self.help_offset = self.help_offset.saturating_add_signed(by),
            (_, Page::Services) if self.pane.focused => {
                let last = self.route_count().saturating_sub(1);
                self.pane.offset = self.pane.offset.saturating_add_signed(by).min(last);
            }
            (_, Page::Services) => {
                let keys = self.service_keys();
                self.services.step(by, &keys);
            }
            (_, Page::Topology) => {
                let keys = self.edge_keys();
                self.edges.step(by, &keys);
            }
        }
    }

    fn route_count(&self) -> usize {
        match &self.routes.answer {
            Some(Ok(answer)) => crate::console::draw::routes_of(answer).len(),
            _ => 0,
        }
    }

    /// Puts the cursor on the row at this place.
    pub(super) fn put_cursor(&mut self, index: usize) {
        match self.page {
            Page::Services => {
                let keys = self.service_keys();
                self.services.go(index, &keys);
            }
            Page::Topology => {
                let keys = self.edge_keys();
                self.edges.go(index, &keys);
            }
        }
    }

    /// To the next row that matches, round the end; without a filter, that is in trouble.
    pub(super) fn next_match(&mut self, forward: bool) {
        let (hits, index): (Vec<bool>, usize) = match self.page {
            Page::Services => {
                let filtered = !self.filter.is_empty();
                let hit = |row: &&ServiceRow| filtered || Trouble::of(row).level() > Level::Fine;
                let rows = self.service_list().rows;
                (rows.iter().map(hit).collect(), self.services.index())
            }
            Page::Topology => {
                let rows = self.tree().0;
                (rows.iter().map(|r| r.matches).collect(), self.edges.index())
            }
        };
        let count = hits.len();
        let found = (1..=count)
            .map(|step| match forward {
                true => (index + step) % count,
                false => (index + count - step) % count,
            })
            .find(|&place| hits[place]);
        if let Some(place) = found {
            self.put_cursor(place);
        }
    }

    /// From an edge to its callee on page 1.
    pub(super) fn show_service(&mut self) {
        let (rows, _) = self.tree();
        let Some(row) = rows.get(self.edges.index()) else {
            return;
        };
        let (service, hidden) = (row.service.clone(), row.class != ServiceClass::App);
        self.all |= hidden;
        self.services.put(service);
        self.turn_to(Page::Services);
    }

    /// Routes are asked for while they are on the screen, one question at a time.
    pub(super) fn routes_wanted(&mut self, now: Moment) -> Option<Action> {
        let shown = layout::shows_routes(self, now);
        let fresh = self
            .routes
            .asked
            .is_some_and(|asked| now.up.saturating_sub(asked) < ROUTES_AGE);
        let live =
            self.link == LinkState::Open && (self.frozen.is_none() || self.routes.answer.is_none());
        if !shown || !live || fresh || self.routes.pending {
            return None;
        }
        let service = self.routes.service.clone()?;
        self.routes.asked = Some(now.up);
        self.routes.pending = true;
        Some(Action::AskRoutes(service))
    }

    pub(super) fn routes_came(
        &mut self,
        service: ServiceKey,
        answer: Result<Answer, Failure>,
    ) -> Outcome {
        if self.routes.service.as_ref() != Some(&service) {
            return Outcome::default();
        }
        self.routes.pending = false;
        self.routes.answer = Some(answer);
        Outcome::drawn()
    }
}
