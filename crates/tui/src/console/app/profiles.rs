//! Page 5: the services to choose from, and the ways of a person in a flame graph.

use super::{App, List, Page, Spot};
use crate::console::finer::Finer;
use crate::console::flame::{Key, Place, Shape, Way};
use crate::console::layout;
use crate::console::moment::Moment;
use coral_model::ServiceKey;
use coral_model::answer::ServiceRow;
use ratatui::layout::Position;

/// A step that leads to the end.
const TO_THE_END: usize = 10_000;

impl App {
    /// The service whose flame graph is shown.
    pub fn profiled_service(&self) -> Option<&ServiceKey> {
        let service = self.spot.service.as_ref();
        service.filter(|_| self.spot.page == Page::Profiles)
    }

    /// Whether a flame graph has the keys.
    pub fn is_on_graph(&self) -> bool {
        self.profiled_service().is_some() && !self.pane.focused
    }

    /// What the lines below the graph are about: the row of the table, else the box under the mouse or the cursor.
    pub fn flame_focus(&self) -> (Place, Option<&Key>) {
        if self.pane.focused {
            let row = self
                .function_rows()
                .nth(self.cursors.of(List::Functions).index());
            let key = row.map(|row| row.totals.function as usize);
            let key = key.and_then(|key| self.profiled.tree.keys().get(key));
            return (Place::default(), key);
        }
        let place = self.graph.hover.unwrap_or(self.graph.at);
        let key = match place {
            Place::Node(node) => self.profiled.tree.key(node),
            Place::Rest { .. } => None,
        };
        (place, key)
    }

    /// The services of the list, those that take most first.
    pub fn profiled_rows(&self) -> Vec<&ServiceRow> {
        let rows = self
            .picture()
            .services
            .as_ref()
            .map_or(&[][..], |s| &s.rows);
        let places = self.derived.profiled.get().iter();
        places.filter_map(|&place| rows.get(place)).collect()
    }

    pub(super) fn profiled_places(&self) -> Vec<usize> {
        let rows = self
            .picture()
            .services
            .as_ref()
            .map_or(&[][..], |s| &s.rows);
        let filter = self.filter();
        // What runs nowhere that is seen has no stacks.
        let shown = |row: &ServiceRow| row.instances > 0 && filter.passes(&row);
        let mut places: Vec<usize> = (0..rows.len()).filter(|&i| shown(&rows[i])).collect();
        places.sort_by(|&a, &b| {
            let cpu = |i: usize| rows[i].cpu_cores.unwrap_or(-1.0);
            let more = cpu(b).total_cmp(&cpu(a));
            more.then_with(|| rows[a].service.cmp(&rows[b].service))
        });
        places
    }

    /// The keys that move rows move in the graph.
    pub(super) fn move_in_graph(&mut self, by: isize) {
        let (width, _) = self.graph_size;
        let way = if by < 0 { Way::Up } else { Way::Down };
        let steps = by.unsigned_abs();
        if steps > TO_THE_END {
            return self.graph.to_end(&self.profiled.tree, width, by > 0);
        }
        for _ in 0..steps {
            if steps > 1 && self.graph.at == Place::Node(self.graph.zoom().node) && by < 0 {
                return;
            }
            self.graph.go(&self.profiled.tree, width, way);
        }
    }

    pub(super) fn sideways(&mut self, way: Way) {
        if self.is_on_graph() {
            self.graph.go(&self.profiled.tree, self.graph_size.0, way);
        }
    }

    /// The box fills the width; from the table to the widest box of the function.
    pub(super) fn zoom_in(&mut self) {
        if !self.pane.focused {
            return self.graph.zoom_in();
        }
        let row = self
            .function_rows()
            .nth(self.cursors.of(List::Functions).index());
        let Some(key) = row.map(|row| row.totals.function) else {
            return;
        };
        let tree = &self.profiled.tree;
        let of_key = (0..tree.nodes().len() as u32).filter(|&n| tree.node(n).key == key);
        let widest = of_key.max_by(|a, b| tree.width(*a).total_cmp(&tree.width(*b)));
        if let Some(node) = widest {
            self.pane.focused = false;
            self.graph.show(tree, self.graph_size.0, node);
        }
    }

    /// To the next box that the search found, from the widest on, round the end.
    pub(super) fn next_box(&mut self, forward: bool) {
        let hits = &self.profiled.found.get().hits;
        if hits.is_empty() {
            return;
        }
        let at = hits
            .iter()
            .position(|hit| self.graph.at == Place::Node(*hit));
        let next = match (at, forward) {
            (None, true) => 0,
            (None, false) => hits.len() - 1,
            (Some(at), true) => (at + 1) % hits.len(),
            (Some(at), false) => (at + hits.len() - 1) % hits.len(),
        };
        let node = hits[next];
        self.graph
            .show(&self.profiled.tree, self.graph_size.0, node);
    }

    pub(super) fn reshape(&mut self, change: impl FnOnce(&mut Shape)) {
        let mut shape = self.graph.shape;
        change(&mut shape);
        self.graph.reshape(shape);
    }

    /// The service under the cursor, or of the page.
    pub fn service_here(&self) -> Option<ServiceKey> {
        let index = self.cursors.of(self.list()).index();
        match self.spot.page {
            Page::Services => self.selected_service().map(|row| row.service.clone()),
            Page::Topology => self.selected_edge().map(|row| row.service.clone()),
            Page::Events => self.event_rows().get(index).and_then(|e| e.service.clone()),
            Page::Profiles if self.spot.service.is_none() => self
                .profiled_rows()
                .get(index)
                .map(|row| row.service.clone()),
            Page::Diagnose => self.diagnosed_service(),
            Page::Service | Page::Profiles => self.spot.service.clone(),
            Page::Probes => self.probed_service(),
            Page::Fleet => None,
        }
    }

    /// The flame graph of a service; `Esc` leads back here.
    pub(super) fn open_profile(&mut self, service: ServiceKey) {
        let spot = Spot {
            page: Page::Profiles,
            service: Some(service),
        };
        self.lead_to(spot);
    }

    /// A step out of the flame graph: of the zoom, the search, the finer profile; whether there was one.
    pub(super) fn out_of_graph(&mut self) -> bool {
        if self.profiled_service().is_none() {
            return false;
        }
        if self.graph.zoom_out() {
            return true;
        }
        if !self.filter().text().is_empty() {
            self.filters.remove(&Page::Profiles);
            return true;
        }
        false
    }

    /// The box at a place of the screen.
    pub(super) fn box_at(&self, at: Position, now: Moment) -> Option<Place> {
        let body = layout::regions(self, now).body;
        let area = layout::profile(self, body, now)
            .graph
            .filter(|a| a.contains(at))?;
        let rows = self
            .graph
            .rows(&self.profiled.tree, area.width, usize::from(area.height));
        let row = rows.get(self.graph.top + usize::from(at.y - area.y))?;
        let slot = row.iter().find(|slot| slot.holds(at.x - area.x))?;
        Some(slot.place)
    }

    /// The graph as it was, for another service from its start.
    pub(super) fn forget_graph(&mut self) {
        self.graph.reshape(self.graph.shape);
        let refused = |f: &Finer| !f.is_taken();
        self.finer = self.finer.take().filter(|f| !refused(f));
        *self.cursors.of_mut(List::Functions) = Default::default();
        self.filters.remove(&Page::Profiles);
    }
}
