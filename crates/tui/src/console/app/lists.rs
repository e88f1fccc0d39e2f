//! The rows of the pages, the cursor in them, and the routes of the service under the cursor.

use super::{App, LinkState, Mode, Outcome, Page, Routes};
use crate::console::event::Action;
use crate::console::filter::{Field, Subject};
use crate::console::layout;
use crate::console::moment::Moment;
use crate::console::order::ServiceList;
use crate::console::sort::COLUMNS;
use crate::console::tree::{self, TreeRow};
use crate::console::trouble::{Level, Trouble, figures};
use crate::failure::Failure;
use coral_model::answer::ServiceRow;
use coral_model::{AgentMode, Answer, ServiceClass, ServiceKey};
use coral_report::text;
use std::borrow::Cow;
use std::time::Duration;

/// How old the routes may get while they are on the screen.
const ROUTES_AGE: Duration = Duration::from_secs(2);

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
        self.order.list(self.picture())
    }

    /// The rows of the topology, and how many edges are folded away.
    pub fn tree(&self) -> (Vec<TreeRow<'_>>, usize) {
        tree::rows(self.picture(), self.all, &self.filter)
    }

    /// Whether any agent counts requests; with none of them, no request is no news.
    pub fn sees_requests(&self) -> bool {
        let agents = self.picture().status.iter().flat_map(|s| &s.agents);
        agents.into_iter().any(|a| a.health.mode == AgentMode::Ebpf)
    }

    /// The service under the cursor of page 1.
    pub fn selected_service(&self) -> Option<&ServiceRow> {
        self.order.row(self.picture(), self.services.index())
    }

    /// Puts the cursors back onto their rows after anything changed.
    pub(super) fn settle(&mut self, now: Moment) {
        let picture = self
            .frozen
            .as_ref()
            .map_or(&self.live, |(picture, _)| picture);
        self.order
            .update(picture, &self.filter, self.sort, self.all);
        let height = usize::from(layout::rows_height(self, now));
        match self.page {
            Page::Services => {
                let rows = self.service_list().rows;
                let key = self.services.key();
                let place = key.and_then(|key| rows.iter().position(|r| r.service == *key));
                self.services.settle(place, self.order.count(), height);
            }
            Page::Topology => {
                let rows = self.tree().0;
                let key = self.edges.key();
                let place = key.and_then(|key| rows.iter().position(|r| r.id() == *key));
                let count = rows.len();
                self.edges.settle(place, count, height);
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
                self.put_cursor(self.services.index().saturating_add_signed(by));
            }
            (_, Page::Topology) => {
                self.put_cursor(self.edges.index().saturating_add_signed(by));
            }
        }
    }

    fn route_count(&self) -> usize {
        match &self.routes.answer {
            Some(Ok(answer)) => crate::console::draw::routes_of(answer).len(),
            _ => 0,
        }
    }

    /// Puts the cursor on the row at this place, or on the last.
    pub(super) fn put_cursor(&mut self, index: usize) {
        match self.page {
            Page::Services => {
                let index = index.min(self.order.count().saturating_sub(1));
                let row = self.order.row(self.picture(), index);
                let key = row.map(|row| row.service.clone());
                self.services.go(index, key);
            }
            Page::Topology => {
                let rows = self.tree().0;
                let index = index.min(rows.len().saturating_sub(1));
                let key = rows.get(index).map(TreeRow::id);
                self.edges.go(index, key);
            }
        }
    }

    /// To the next row that matches, round the end; without a filter, that is in trouble.
    pub(super) fn next_match(&mut self, forward: bool) {
        let (hits, index): (Vec<bool>, usize) = match self.page {
            Page::Services => {
                let filtered = !self.filter.is_empty();
                let troubles = self.service_list().troubles;
                let hit = |trouble: &Trouble| filtered || trouble.level() > Level::Fine;
                (troubles.iter().map(hit).collect(), self.services.index())
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
