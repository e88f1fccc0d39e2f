//! The topology as an indented tree from the entry points: a service's callees stand under it, once; where it is called
//! again, the row points back. Any graph fits, cycles as well.

use super::change::{edge_key, service_key};
use super::filter::{Field, Filter, Subject};
use super::picture::Picture;
use coral_model::answer::EdgeRow;
use coral_model::{ServiceClass, ServiceKey};
use coral_report::text;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Deeper chains are not unfolded.
const DEPTH_MAX: usize = 40;

/// A row of the tree.
#[derive(Debug, Clone)]
pub struct TreeRow {
    /// The lines before the name.
    pub prefix: String,
    /// The service of the row.
    pub service: ServiceKey,
    /// Its kind.
    pub class: ServiceClass,
    /// How the row above reaches it, by its place among the picture's edges; `None` at an entry point.
    pub edge: Option<usize>,
    /// Its callees stand at another row.
    pub again: bool,
    /// Whether it passes the filter itself, and not only something below it.
    pub matches: bool,
    /// What the cursor stays on: the edge, or the entry point.
    pub id: String,
}

impl TreeRow {
    /// How the row above reaches it.
    pub fn edge<'a>(&self, picture: &'a Picture) -> Option<&'a EdgeRow> {
        picture.edges().get(self.edge?)
    }
}

/// The rows of the tree, and how many edges are folded away.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// From top to bottom.
    pub rows: Vec<TreeRow>,
    /// Edges of system, coral and outside callers.
    pub folded: usize,
}

/// A row while it is filtered.
struct Reached<'a> {
    service: &'a ServiceKey,
    edge: Option<&'a EdgeRow>,
}

impl Subject for Reached<'_> {
    fn text(&self) -> Cow<'_, str> {
        let name = text::service(self.service);
        match self.edge {
            Some(edge) => format!("{name} {}", edge.protocol.name()).into(),
            None => name.into(),
        }
    }

    fn figure(&self, field: Field) -> Option<f64> {
        let red = self.edge?.red.as_ref()?;
        super::filter::figure_of(red, field)
    }
}

impl Tree {
    /// The tree of what is shown of a picture.
    pub fn make(picture: &Picture, all: bool, filter: &Filter) -> Self {
        let classes = picture.classes();
        let class =
            |service: &ServiceKey| classes.get(service).copied().unwrap_or(ServiceClass::App);
        let shown = |edge: &EdgeRow| {
            let hidden = |c: ServiceClass| matches!(c, ServiceClass::System | ServiceClass::Coral);
            let (caller, callee) = (class(&edge.caller), class(&edge.callee));
            // Outside addresses are worth a row where services call them; the many that call in are folded.
            all || !(hidden(caller) || hidden(callee) || caller == ServiceClass::Outside)
        };
        let edges = picture.edges();
        let mut places: Vec<usize> = (0..edges.len()).filter(|&i| shown(&edges[i])).collect();
        places.sort_by(|&a, &b| rate(&edges[b]).total_cmp(&rate(&edges[a])));
        let folded = edges.len() - places.len();
        let mut walk = Walk::new(edges, &places, &classes, filter);
        for root in roots(edges, &places) {
            walk.enter(root);
        }
        // What only cycles reach has no entry point: the busiest caller stands for it.
        for &place in &places {
            walk.enter(&edges[place].caller);
        }
        let mut rows = vec![];
        for root in walk.roots {
            root.flatten(String::new(), "", &mut rows);
        }
        Self { rows, folded }
    }
}

/// Callers that nobody calls, the busiest first.
fn roots<'a>(edges: &'a [EdgeRow], places: &[usize]) -> Vec<&'a ServiceKey> {
    let shown = || places.iter().map(|&place| &edges[place]);
    let called: HashSet<&ServiceKey> = shown()
        .filter(|e| e.caller != e.callee)
        .map(|e| &e.callee)
        .collect();
    let mut rates: HashMap<&ServiceKey, f64> = HashMap::new();
    for edge in shown().filter(|e| !called.contains(&e.caller)) {
        *rates.entry(&edge.caller).or_default() += rate(edge);
    }
    let mut roots: Vec<(&ServiceKey, f64)> = rates.into_iter().collect();
    roots.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    roots.into_iter().map(|(service, _)| service).collect()
}

/// Requests per second of an edge; none while they are not known.
pub fn rate(edge: &EdgeRow) -> f64 {
    edge.red.as_ref().and_then(|r| r.rate_per_s).unwrap_or(0.0)
}

/// A row and the rows below it.
struct Node {
    row: TreeRow,
    below: Vec<Node>,
}

impl Node {
    fn flatten(self, branch: String, indent: &str, rows: &mut Vec<TreeRow>) {
        let prefix = format!("{indent}{branch}");
        let indent = match branch.as_str() {
            "" => String::new(),
            "└─ " => format!("{indent}   "),
            _ => format!("{indent}│  "),
        };
        rows.push(TreeRow { prefix, ..self.row });
        let last = self.below.len().saturating_sub(1);
        for (i, node) in self.below.into_iter().enumerate() {
            let branch = if i == last { "└─ " } else { "├─ " };
            node.flatten(branch.to_owned(), &indent, rows);
        }
    }
}

struct Walk<'a, 'b> {
    edges: &'a [EdgeRow],
    by_caller: HashMap<&'a ServiceKey, Vec<usize>>,
    classes: &'b HashMap<&'a ServiceKey, ServiceClass>,
    filter: &'b Filter,
    seen: HashSet<&'a ServiceKey>,
    roots: Vec<Node>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(
        edges: &'a [EdgeRow],
        places: &[usize],
        classes: &'b HashMap<&'a ServiceKey, ServiceClass>,
        filter: &'b Filter,
    ) -> Self {
        let mut by_caller: HashMap<&ServiceKey, Vec<usize>> = HashMap::new();
        for &place in places {
            by_caller
                .entry(&edges[place].caller)
                .or_default()
                .push(place);
        }
        for callees in by_caller.values_mut() {
            callees.sort_by(|&a, &b| {
                let (a, b) = (&edges[a], &edges[b]);
                rate(b)
                    .total_cmp(&rate(a))
                    .then_with(|| a.callee.cmp(&b.callee))
                    .then_with(|| a.protocol.cmp(&b.protocol))
            });
        }
        Self {
            edges,
            by_caller,
            classes,
            filter,
            seen: HashSet::new(),
            roots: vec![],
        }
    }

    fn enter(&mut self, root: &'a ServiceKey) {
        if self.seen.insert(root) {
            let node = self.node(root, None, false, 0);
            self.roots.extend(node);
        }
    }

    /// A row with what is below it; `None` when neither passes the filter.
    fn node(
        &mut self,
        service: &'a ServiceKey,
        place: Option<usize>,
        again: bool,
        depth: usize,
    ) -> Option<Node> {
        let edge = place.map(|place| &self.edges[place]);
        let matches = self.filter.passes(&Reached { service, edge });
        let below = match again || depth >= DEPTH_MAX {
            true => vec![],
            false => self.callees(service, depth),
        };
        if !matches && below.is_empty() {
            return None;
        }
        let class = self.classes.get(service).copied();
        let row = TreeRow {
            prefix: String::new(),
            service: service.clone(),
            class: class.unwrap_or(ServiceClass::App),
            edge: place,
            again,
            matches,
            id: match edge {
                Some(edge) => edge_key(&edge.caller, &edge.callee, edge.protocol),
                None => service_key(service),
            },
        };
        Some(Node { row, below })
    }

    fn callees(&mut self, caller: &'a ServiceKey, depth: usize) -> Vec<Node> {
        let places = self.by_caller.get(caller).cloned().unwrap_or_default();
        let mut nodes = vec![];
        for place in places {
            let callee = &self.edges[place].callee;
            let leads_on = self.by_caller.contains_key(callee);
            let again = !self.seen.insert(callee) && leads_on;
            nodes.extend(self.node(callee, Some(place), again, depth + 1));
        }
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::{Change, Topic};
    use super::super::moment::Moment;
    use super::*;
    use coral_model::answer::EdgeSource;
    use coral_model::{Answer, AnswerBody, Loss, Protocol, TimeNs, Window};
    use std::time::Duration;

    fn picture(edges: &[(&str, &str)]) -> Picture {
        let edge = |&(caller, callee): &(&str, &str)| EdgeRow {
            caller: ServiceKey::plain(caller),
            callee: ServiceKey::plain(callee),
            protocol: Protocol::Http1,
            source: EdgeSource::Both,
            opaque: true,
            red: None,
            callee_requests: None,
            failures: None,
            connections: 1,
            bytes_sent: 0,
            bytes_received: 0,
            retransmits: None,
            rtt: None,
            turns: None,
            turn_p50: None,
            turn_p95: None,
        };
        let now = Moment {
            wall: TimeNs(0),
            up: Duration::ZERO,
        };
        let answer = Answer {
            window: Window {
                from: TimeNs(0),
                to: TimeNs(1),
            },
            complete_until: None,
            loss: Loss::default(),
            body: AnswerBody::Topology {
                nodes: vec![],
                edges: edges.iter().map(edge).collect(),
            },
        };
        let mut picture = Picture::default();
        picture.apply(Change::Snapshot(Topic::Topology, answer), now);
        picture
    }

    fn drawn(edges: &[(&str, &str)], filter: &str) -> Vec<String> {
        let picture = picture(edges);
        let tree = Tree::make(&picture, false, &Filter::parse(filter));
        let line = |row: &TreeRow| {
            let again = if row.again { " ↩" } else { "" };
            format!("{}{}{again}", row.prefix, row.service.name.raw())
        };
        tree.rows.iter().map(line).collect()
    }

    #[test]
    fn callees_stand_under_their_first_caller() {
        let edges = [
            ("web", "cart"),
            ("web", "pay"),
            ("cart", "db"),
            ("pay", "cart"),
        ];
        assert_eq!(
            drawn(&edges, ""),
            ["web", "├─ cart", "│  └─ db", "└─ pay", "   └─ cart ↩"]
        );
        assert_eq!(drawn(&edges, "db"), ["web", "└─ cart", "   └─ db"]);
        assert!(drawn(&edges, "nothing").is_empty());
    }

    #[test]
    fn cycles_end() {
        assert_eq!(
            drawn(&[("a", "b"), ("b", "a"), ("c", "c")], ""),
            ["c", "└─ c ↩", "a", "└─ b", "   └─ a ↩"]
        );
    }
}
