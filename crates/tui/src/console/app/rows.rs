//! The rows of the pages, what is derived from them once, and the cursors in them.

use super::cursors::{List, RowKey};
use super::diagnosis::Findings;
use super::{App, Page, RouteSort, Spot, Tab};
use crate::console::change::edge_key;
use crate::console::drawing::{self, Drawing};
use crate::console::filter::{Filter, Subject};
use crate::console::instances::InstanceRow;
use crate::console::layout;
use crate::console::memo::Memo;
use crate::console::moment::Moment;
use crate::console::probing::Session;
use crate::console::questions;
use crate::console::tree::{Tree, TreeRow};
use crate::console::trouble::Level;
use crate::console::usual;
use coral_model::answer::{AgentRow, EdgeRow, MetricRow, ServiceRow};
use coral_model::{AgentMode, AnswerBody, Event, Question, ServiceClass, ServiceKey, Span};
use std::collections::HashMap;

type ListKey = (
    u64,
    u64,
    Filter,
    Page,
    Tab,
    RouteSort,
    Option<ServiceKey>,
    Question,
);

/// What is worked out when something changed, not once a frame.
#[derive(Debug, Default)]
pub(in crate::console) struct Derived {
    pub(in crate::console) tree: Memo<(u64, bool, Filter), Tree>,
    pub(in crate::console) drawing: Memo<drawing::Key, Option<Drawing>>,
    /// Places of the events of the page, or of the rows of the tab.
    places: Memo<ListKey, Vec<usize>>,
    /// The instances of the service, read out of their table.
    instances: Memo<(u64, Option<Question>), Vec<InstanceRow>>,
    pub(in crate::console) before: Memo<(u64, Option<Question>), HashMap<ServiceKey, usize>>,
    pub(in crate::console) before_question: Option<Question>,
    /// Whose routes are shown, so that another one begins at the top.
    subject: Option<ServiceKey>,
    pub(in crate::console) findings: Memo<(Option<(Question, u64)>, Filter), Findings>,
    /// Places of the services of page 5.
    pub(in crate::console) profiled: Memo<(u64, Filter), Vec<usize>>,
}

impl App {
    /// The service under the cursor of page 1.
    pub fn selected_service(&self) -> Option<&ServiceRow> {
        let place = self.cursors.of(List::Services).index();
        self.order.row(self.picture(), place)
    }

    /// The rows of the topology.
    pub fn tree(&self) -> &Tree {
        self.derived.tree.get()
    }

    /// The row of the topology under the cursor.
    pub fn selected_edge(&self) -> Option<&TreeRow> {
        self.tree().rows.get(self.cursors.of(List::Edges).index())
    }

    /// The topology as a drawing, when it is drawn.
    pub fn drawing(&self) -> Option<&Drawing> {
        self.derived.drawing.get().as_ref()
    }

    /// The services that are in trouble.
    pub fn troubled(&self) -> std::collections::HashSet<&ServiceKey> {
        let rows = self.order.troubles(self.picture());
        let troubled = rows.filter(|(_, trouble)| trouble.level() > Level::Fine);
        troubled.map(|(row, _)| &row.service).collect()
    }

    /// The agents.
    pub fn agents(&self) -> Vec<&AgentRow> {
        let agents = self.picture().status.iter().flat_map(|s| &s.agents);
        agents.filter(|a| self.filter().passes(a)).collect()
    }

    /// The agent under the cursor.
    pub fn selected_agent(&self) -> Option<&AgentRow> {
        self.agents()
            .get(self.cursors.of(List::Agents).index())
            .copied()
    }

    /// The events of the page that pass its filter.
    pub fn event_rows(&self) -> Vec<&Event> {
        let (events, _) = self.page_events();
        let places = self.derived.places.get().iter();
        places.filter_map(|&place| events.get(place)).collect()
    }

    /// The routes of the tab, in its order.
    pub fn tab_routes(&self) -> Vec<&MetricRow> {
        let rows = self.route_rows();
        let places = self.derived.places.get().iter();
        places.filter_map(|&place| rows.get(place)).collect()
    }

    /// The edges of the tab, the busiest first.
    pub fn tab_edges(&self) -> Vec<&EdgeRow> {
        let edges = self.picture().edges();
        let places = self.derived.places.get().iter();
        places.filter_map(|&place| edges.get(place)).collect()
    }

    /// The instances of the service, as far as they are known.
    pub fn instances(&self) -> &[InstanceRow] {
        self.derived.instances.get()
    }

    /// The instances of the tab.
    pub fn tab_instances(&self) -> Vec<&InstanceRow> {
        let rows = self.derived.instances.get();
        let places = self.derived.places.get().iter();
        places.filter_map(|&place| rows.get(place)).collect()
    }

    /// Whether any agent counts requests; with none of them, no request is no news.
    pub fn sees_requests(&self) -> bool {
        let agents = self.picture().status.iter().flat_map(|s| &s.agents);
        agents.into_iter().any(|a| a.health.mode == AgentMode::Ebpf)
    }

    /// The list of the page.
    pub fn list(&self) -> List {
        match self.spot.page {
            Page::Services => List::Services,
            Page::Topology => List::Edges,
            Page::Events => List::Events,
            Page::Fleet => List::Agents,
            Page::Diagnose => List::Findings,
            Page::Probes => List::Probes,
            Page::Service => List::Tab,
            Page::Profiles if self.spot.service.is_none() => List::Profiled,
            Page::Profiles => List::Functions,
        }
    }

    /// How many rows a list has.
    pub fn count(&self, list: List) -> usize {
        match list {
            List::Services => self.order.count(),
            List::Edges => self.tree().rows.len(),
            List::Agents => self.agents().len(),
            List::Events | List::Tab => self.derived.places.get().len(),
            List::Profiled => self.derived.profiled.get().len(),
            List::Functions => self.function_count(),
            List::Findings => 1 + self.findings().len(),
            List::Probes => self.probe_rows().count(),
        }
    }

    fn key_at(&self, list: List, index: usize) -> Option<RowKey> {
        match (list, self.tab) {
            (List::Services, _) => {
                let row = self.order.row(self.picture(), index)?;
                Some(RowKey::Service(row.service.clone()))
            }
            (List::Edges, _) => Some(RowKey::Edge(self.tree().rows.get(index)?.id.clone())),
            (List::Agents, _) => Some(RowKey::Agent(self.agents().get(index)?.health.id.clone())),
            (List::Profiled, _) => {
                let row = self.profiled_rows().get(index).copied()?;
                Some(RowKey::Service(row.service.clone()))
            }
            (List::Functions, _) => self.function_key(index),
            (List::Findings, _) => self.finding_key(index),
            (List::Probes, _) => self
                .probe_rows()
                .nth(index)
                .map(|s| RowKey::Probe(s.id.clone())),
            (List::Events, _) | (List::Tab, Tab::Changes) => {
                let event = self.page_events().0.get(self.place(index)?)?;
                Some(RowKey::Event(Box::new(event.clone())))
            }
            (List::Tab, Tab::Routes) => {
                let row = self.route_rows().get(self.place(index)?)?;
                Some(RowKey::Route(route_key(row)))
            }
            (List::Tab, Tab::Instances) => {
                let row = self.derived.instances.get().get(self.place(index)?)?;
                Some(RowKey::Instance(row.host.raw().to_owned(), row.pid))
            }
            (List::Tab, Tab::Callers | Tab::Callees) => {
                let edge = self.picture().edges().get(self.place(index)?)?;
                let key = edge_key(&edge.caller, &edge.callee, edge.protocol);
                Some(RowKey::Edge(key))
            }
        }
    }

    fn place(&self, index: usize) -> Option<usize> {
        self.derived.places.get().get(index).copied()
    }

    fn is_at(&self, list: List, index: usize, key: &RowKey) -> bool {
        match key {
            RowKey::Service(service) if list == List::Services => {
                let row = self.order.row(self.picture(), index);
                row.is_some_and(|row| row.service == *service)
            }
            RowKey::Edge(id) if list == List::Edges => {
                self.tree().rows.get(index).is_some_and(|row| row.id == *id)
            }
            key => self.key_at(list, index).as_ref() == Some(key),
        }
    }

    /// Where a row is now; most often it is where it was.
    fn find(&self, list: List, key: &RowKey, was: usize) -> Option<usize> {
        if self.is_at(list, was, key) {
            return Some(was);
        }
        (0..self.count(list)).find(|&index| self.is_at(list, index, key))
    }

    /// Puts the cursor on the row at this place, or on the last.
    pub(super) fn put_cursor(&mut self, index: usize) {
        let list = self.list();
        let index = index.min(self.count(list).saturating_sub(1));
        let key = self.key_at(list, index);
        self.cursors.of_mut(list).go(index, key);
    }

    /// Works out what is derived, and puts the cursors back onto their rows.
    pub(super) fn settle(&mut self, now: Moment) {
        self.derive(now);
        self.derive_drawing(now);
        self.settle_flame(now);
        let list = self.list();
        let height = usize::from(layout::rows_height(self, now));
        let cursor = self.cursors.of(list);
        let (key, was) = (cursor.key().cloned(), cursor.index());
        let place = key.and_then(|key| self.find(list, &key, was));
        let count = self.count(list);
        self.cursors.of_mut(list).settle(place, count, height);
        self.settle_text(now);
        let subject = self.subject().cloned();
        if self.derived.subject != subject {
            self.derived.subject = subject;
            self.pane.offset = 0;
        }
        self.derive_drawing(now);
    }

    fn derive(&mut self, now: Moment) {
        // Taken out while the rest is borrowed.
        let mut derived = std::mem::take(&mut self.derived);
        let mut order = std::mem::take(&mut self.order);
        let mut usual = std::mem::take(&mut self.usual);
        let asked = usual::questions(self.window(now).to, self.time.window);
        usual.learn([0, 1].map(|i| (&asked[i], self.asked.get(&asked[i]))));
        let picture = self.picture();
        let filter_of = |page| self.filters.get(&page).cloned().unwrap_or_default();
        let filter = filter_of(Page::Services);
        order.update(picture, &usual, &filter, self.sort, self.all);
        if self.spot.page == Page::Topology {
            let filter = filter_of(Page::Topology);
            let key = (picture.version, self.all, filter.clone());
            let make = || Tree::make(picture, self.all, &filter);
            derived.tree.update(key, make);
        }
        if self.spot == Spot::page(Page::Profiles) {
            let key = (picture.version, filter_of(Page::Profiles));
            derived.profiled.update(key, || self.profiled_places());
        }
        if self.spot.page == Page::Diagnose {
            let filter = filter_of(Page::Diagnose);
            let standing = self.asked.standing(&self.anomalies_question());
            let key = (standing, filter.clone());
            derived.findings.update(key, || self.make_findings(&filter));
        }
        if matches!(self.spot.page, Page::Events | Page::Service) {
            let question = self.instances_question();
            let key = (self.asked.version(), question.clone());
            derived
                .instances
                .update(key, || self.instance_rows(question.as_ref()));
            let (key, make) = self.places_of_page(derived.instances.get());
            derived.places.update(key, make);
        }
        let question = self
            .time
            .compared(self.newest(now))
            .map(|w| questions::services(Span::Between(w)));
        // While the next one is on the way the last one stays.
        if let Some(question) = question.filter(|q| self.asked.answer(q).is_some()) {
            derived.before_question = Some(question);
        }
        if self.time.compared(now.wall).is_none() {
            derived.before_question = None;
        }
        let key = (self.asked.version(), derived.before_question.clone());
        derived
            .before
            .update(key, || self.rows_before(derived.before_question.as_ref()));
        (self.derived, self.order, self.usual) = (derived, order, usual);
    }

    fn rows_before(&self, question: Option<&Question>) -> HashMap<ServiceKey, usize> {
        let answer = question.and_then(|q| self.asked.answer(q));
        let Some(AnswerBody::Services(rows)) = answer.map(|a| &a.body) else {
            return HashMap::new();
        };
        let key = |(i, row): (usize, &ServiceRow)| (row.service.clone(), i);
        rows.iter().enumerate().map(key).collect()
    }

    fn places_of_page<'a>(
        &'a self,
        instances: &'a [InstanceRow],
    ) -> (ListKey, impl FnOnce() -> Vec<usize> + 'a) {
        let key = (
            self.asked.version(),
            self.picture().version,
            self.filter().clone(),
            self.spot.page,
            self.tab,
            self.route_sort,
            self.spot.service.clone(),
            questions::events(self.time.span(), None, self.kinds()),
        );
        let make = || match (self.spot.page, self.tab) {
            (Page::Service, Tab::Routes) => self.route_places(),
            (Page::Service, Tab::Instances) => passing(instances, self.filter()),
            (Page::Service, Tab::Callers) => self.edge_places(false),
            (Page::Service, Tab::Callees) => self.edge_places(true),
            _ => {
                let (events, _) = self.page_events();
                passing(events, self.filter())
            }
        };
        (key, make)
    }

    fn route_places(&self) -> Vec<usize> {
        let rows = self.route_rows();
        let mut places = super::menus::of_side(rows);
        places.retain(|&place| self.filter().passes(&&rows[place]));
        self.route_sort.sort(&mut places, rows);
        places
    }

    fn edge_places(&self, outward: bool) -> Vec<usize> {
        let (edges, own) = (self.picture().edges(), self.spot.service.as_ref());
        let end = |edge: &EdgeRow, outward: bool| match outward {
            true => edge.caller.clone(),
            false => edge.callee.clone(),
        };
        let mut places: Vec<usize> = (0..edges.len())
            .filter(|&i| Some(&end(&edges[i], outward)) == own)
            .filter(|&i| self.filter().passes(&(&edges[i], outward)))
            .collect();
        let rate = |i: usize| crate::console::tree::rate(&edges[i]);
        places.sort_by(|&a, &b| {
            let moved = |i: usize| edges[i].bytes_sent + edges[i].bytes_received;
            let busier = rate(b).total_cmp(&rate(a));
            busier
                .then_with(|| moved(b).cmp(&moved(a)))
                .then_with(|| edges[a].callee.cmp(&edges[b].callee))
                .then_with(|| edges[a].caller.cmp(&edges[b].caller))
        });
        places
    }

    fn derive_drawing(&mut self, now: Moment) {
        let area = match self.spot.page == Page::Topology && !self.tree_form {
            true => layout::drawing_area(self, now),
            false => None,
        };
        let mut drawing = std::mem::take(&mut self.derived.drawing);
        let key = drawing::key(self, area);
        drawing.update(key, || drawing::make(self, area?));
        self.derived.drawing = drawing;
    }

    /// Whether `Enter` leads on from the row under the cursor.
    pub fn leads_on(&self) -> bool {
        let list = self.list();
        let any = self.count(list) > 0;
        match (list, self.tab) {
            (List::Tab, Tab::Routes | Tab::Instances) | (List::Functions, _) => false,
            (List::Findings, _) if self.pane.focused => self.opens_evidence(),
            (List::Findings, _) => self.diagnosis().is_some(),
            (List::Probes, _) => any && !self.pane.focused,
            _ => any,
        }
    }

    /// Whether a row is worth stopping at when no filter says so.
    pub(super) fn stands_out(&self, list: List, index: usize) -> bool {
        match list {
            List::Services => self.order.trouble(index).level() > Level::Fine,
            List::Edges => self.tree().rows.get(index).is_some_and(|row| row.matches),
            List::Events | List::Agents | List::Tab | List::Profiled | List::Functions => true,
            List::Findings => self.ongoing(index),
            List::Probes => self.probe_rows().nth(index).is_some_and(Session::is_on),
        }
    }

    /// Whether the name of the selected row is a service of the people's own.
    pub(super) fn is_folded(&self, service: &ServiceKey) -> bool {
        self.row_of(service)
            .is_some_and(|row| row.class != ServiceClass::App)
    }
}

/// The places of the rows that pass.
fn passing<'a, T>(rows: &'a [T], filter: &Filter) -> Vec<usize>
where
    &'a T: Subject,
{
    (0..rows.len())
        .filter(|&i| filter.passes(&&rows[i]))
        .collect()
}

/// A route by method, template and status class.
pub(super) fn route_key(row: &MetricRow) -> String {
    let (method, class) = (row.method.name(), row.status_class.name());
    let protocol = row.protocol.name();
    format!("{method} {} {class} {protocol}", row.route.raw())
}
