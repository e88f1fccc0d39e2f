//! Which services and edges of the topology are drawn, and where. All of them when they are few; else the neighbourhood
//! of the selected one, with the number of those that are not drawn.

use super::app::App;
use super::filter::Filter;
use super::graph::{self, Edge, Graph, Sketch};
use super::tree::{TreeRow, rate};
use coral_model::ServiceKey;
use coral_model::answer::EdgeRow;
use coral_report::figure::{millis, rate as rate_text};
use coral_report::text;
use ratatui::layout::Rect;
use std::collections::{HashMap, HashSet};

/// No drawing has more services; smaller ones are tried when it does not fit.
const MOST: [usize; 4] = [25, 16, 10, 6];
/// Room for ` +12` behind the name of a service with neighbours that are not drawn.
const HIDDEN_WIDTH: usize = 4;

/// The mark of a service in trouble, and a blank.
const MARK_WIDTH: usize = 2;

/// What a drawing was made for.
pub type Key = (u64, bool, Filter, Option<(u16, u16)>, usize, Option<String>);

/// Services and edges with their places.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// Where everything lies.
    pub graph: Graph,
    /// The services by their number in the graph.
    pub services: Vec<ServiceKey>,
    /// How many neighbours of each are not drawn.
    pub hidden: Vec<usize>,
    /// The edges by their number in the graph: their places among those of the picture.
    pub edges: Vec<usize>,
    /// Services that are not drawn.
    pub left_out: usize,
}

/// What the drawing of now is made for.
pub fn key(app: &App, area: Option<Rect>) -> Key {
    // The selection matters only where not everything is drawn.
    let focus = app.selected_edge().map(|row| row.id.clone());
    let focus = focus.filter(|_| app.tree().rows.len() > MOST[MOST.len() - 1]);
    (
        app.picture().version,
        app.all,
        app.filter().clone(),
        area.map(|a| (a.width, a.height)),
        app.depth,
        focus,
    )
}

/// The drawing of what the topology's tree shows, in this area; `None` when none fits.
pub fn make(app: &App, area: Rect) -> Option<Drawing> {
    let edges = app.picture().edges();
    let places: Vec<usize> = app.tree().rows.iter().filter_map(|row| row.edge).collect();
    let (mut services, mut numbers) = (vec![], HashMap::new());
    for &place in &places {
        for service in [&edges[place].caller, &edges[place].callee] {
            numbers.entry(service).or_insert_with(|| {
                services.push(service.clone());
                services.len() - 1
            });
        }
    }
    let all: Vec<Edge> = places
        .iter()
        .map(|&place| Edge {
            from: numbers[&edges[place].caller],
            to: numbers[&edges[place].callee],
            rate: rate(&edges[place]),
        })
        .collect();
    let focus: Vec<usize> = app
        .selected_edge()
        .map(|row| ends(row, app).into_iter().flatten().collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|service| numbers.get(service).copied())
        .collect();
    let troubled = app.troubled();
    let whole = Whole {
        edge_rows: edges,
        marked: &|service| troubled.contains(service),
        services,
        edges: all,
        places,
        focus,
    };
    let mut tried = HashSet::new();
    MOST.iter().find_map(|&most| {
        let kept = whole.kept(app.depth, most);
        let fresh = tried.insert(kept.len());
        fresh.then(|| whole.part(&kept, (area.width, area.height)))?
    })
}

/// Both ends of a row's edge, or its service.
fn ends<'a>(row: &'a TreeRow, app: &'a App) -> [Option<&'a ServiceKey>; 2] {
    match row.edge(app.picture()) {
        Some(edge) => [Some(&edge.callee), Some(&edge.caller)],
        None => [Some(&row.service), None],
    }
}

struct Whole<'a> {
    edge_rows: &'a [EdgeRow],
    /// Whether a mark stands before the name of a service.
    marked: &'a dyn Fn(&ServiceKey) -> bool,
    services: Vec<ServiceKey>,
    edges: Vec<Edge>,
    places: Vec<usize>,
    focus: Vec<usize>,
}

/// The texts of an edge, the longest first.
pub fn forms(edge: &EdgeRow) -> Vec<String> {
    let Some(red) = &edge.red else {
        let protocol = edge.protocol.name();
        let long = format!("{protocol} {} conns", edge.connections);
        return vec![long.clone(), long, protocol.to_owned(), protocol.to_owned()];
    };
    let (per_s, p95) = (rate_text(red.rate_per_s), millis(red.p95));
    let short_rate = match red.rate_per_s {
        Some(rate) if rate >= 9.5 => format!("{rate:.0}"),
        rate => rate_text(rate),
    };
    let short_p95 = match red.p95.map(|d| d.as_secs_f64()) {
        Some(s) if s >= 9.95 => format!("{s:.0}s"),
        Some(s) if s >= 0.9995 => format!("{s:.1}s"),
        Some(s) if s >= 0.00095 => format!("{:.0}ms", s * 1e3),
        _ => format!("{p95}ms"),
    };
    vec![
        format!("{per_s}/s p95 {p95} ms"),
        format!("{per_s}/s {p95} ms"),
        format!("{short_rate}/s {short_p95}"),
        format!("{short_rate}/s"),
    ]
}

fn widths(edge: &EdgeRow) -> Vec<usize> {
    forms(edge).iter().map(|form| text::width(form)).collect()
}

impl Whole<'_> {
    fn kept(&self, depth: usize, most: usize) -> HashSet<usize> {
        match self.services.len() <= most {
            true => (0..self.services.len()).collect(),
            false => graph::near(&self.edges, &self.focus, depth, most),
        }
    }

    fn part(&self, kept: &HashSet<usize>, size: (u16, u16)) -> Option<Drawing> {
        let mut drawing = Drawing {
            left_out: self.services.len() - kept.len(),
            ..Drawing::default()
        };
        let mut numbers = HashMap::new();
        for (number, service) in self.services.iter().enumerate() {
            if kept.contains(&number) {
                numbers.insert(number, drawing.services.len());
                drawing.services.push(service.clone());
            }
        }
        let mut hidden: Vec<HashSet<usize>> = vec![HashSet::new(); drawing.services.len()];
        let mut pairs = vec![];
        for (edge, &place) in self.edges.iter().zip(&self.places) {
            match (numbers.get(&edge.from), numbers.get(&edge.to)) {
                (Some(&from), Some(&to)) => {
                    pairs.push((from, to));
                    drawing.edges.push(place);
                }
                (Some(&from), None) => drop(hidden[from].insert(edge.to)),
                (None, Some(&to)) => drop(hidden[to].insert(edge.from)),
                (None, None) => {}
            }
        }
        drawing.hidden = hidden.iter().map(HashSet::len).collect();
        let name = |(service, &hidden): (&ServiceKey, &usize)| {
            let more = if hidden > 0 { HIDDEN_WIDTH } else { 0 };
            let mark = if (self.marked)(service) {
                MARK_WIDTH
            } else {
                0
            };
            text::width(&text::service(service)) + more + mark
        };
        let names: Vec<usize> = drawing
            .services
            .iter()
            .zip(&drawing.hidden)
            .map(name)
            .collect();
        let widths = |place: &usize| self.edge_rows.get(*place).map_or(vec![], widths);
        let texts: Vec<Vec<usize>> = drawing.edges.iter().map(widths).collect();
        let sketch = Sketch {
            edges: &pairs,
            names: &names,
            texts: &texts,
        };
        drawing.graph = graph::draw(&sketch, size)?;
        (!drawing.graph.cards.is_empty()).then_some(drawing)
    }
}
