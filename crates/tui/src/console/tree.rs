//! The topology as an indented tree from the entry points: a service's callees stand under it, once; where it is called
//! again, the row points back. Any graph fits, cycles as well.

use super::change::edge_key;
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
pub struct TreeRow<'a> {
    /// The lines before the name.
    pub prefix: String,
    /// The service of the row.
    pub service: &'a ServiceKey,
    /// Its kind.
    pub class: ServiceClass,
    /// How the row above reaches it; `None` at an entry point.
    pub edge: Option<&'a EdgeRow>,
    /// Its callees stand at another row.
    pub again: bool,
    /// Whether it passes the filter itself, and not only something below it.
    pub matches: bool,
}

impl TreeRow<'_> {
    /// What the cursor stays on: the edge, or the entry point.
    pub fn id(&self) -> String {
        match self.edge {
            Some(edge) => edge_key(&edge.caller, &edge.callee, edge.protocol),
            None => super::change::service_key(self.service),
        }
    }
}

impl Subject for TreeRow<'_> {
    fn text(&self) -> Cow<'_, str> {
        let name = text::service(self.service);
        match self.edge {
            Some(edge) => format!("{name} {}", edge.protocol.name()).into(),
            None => name.into(),
        }
    }

    fn figure(&self, field: Field) -> Option<f64> {
        let red = self.edge?.red.as_ref()?;
        let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
        match field {
            Field::Rate => red.rate_per_s,
            Field::Errors => red.error_ratio.map(|r| r * 100.0),
            Field::P50 => red.p50.map(ms),
            Field::P95 => red.p95.map(ms),
            Field::P99 => red.p99.map(ms),
            Field::Flight | Field::Instances => None,
        }
    }
}

/// The rows of the tree, and how many edges are folded away.
pub fn rows<'a>(picture: &'a Picture, all: bool, filter: &Filter) -> (Vec<TreeRow<'a>>, usize) {
    let classes = picture.classes();
    let class = |service: &ServiceKey| classes.get(service).copied().unwrap_or(ServiceClass::App);
    let shown = |edge: &&EdgeRow| {
        let hidden = |c: ServiceClass| matches!(c, ServiceClass::System | ServiceClass::Coral);
        let (caller, callee) = (class(&edge.caller), class(&edge.callee));
        // Outside addresses are worth a row where services call them; the many that call in are folded.
        all || !(hidden(caller) || hidden(callee) || caller == ServiceClass::Outside)
    };
    let mut edges: Vec<&EdgeRow> = picture.edges().iter().filter(shown).collect();
    edges.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    let folded = picture.edges().len() - edges.len();
    let mut walk = Walk::new(&edges, &classes, filter);
    for root in roots(&edges) {
        walk.enter(root);
    }
    // What only cycles reach has no entry point: the busiest caller stands for it.
    for edge in &edges {
        walk.enter(&edge.caller);
    }
    let mut rows = vec![];
    for root in walk.roots {
        root.flatten(String::new(), "", &mut rows);
    }
    (rows, folded)
}

/// Callers that nobody calls, the busiest first.
fn roots<'a>(edges: &[&'a EdgeRow]) -> Vec<&'a ServiceKey> {
    let called: HashSet<&ServiceKey> = edges
        .iter()
        .filter(|e| e.caller != e.callee)
        .map(|e| &e.callee)
        .collect();
    let mut rates: HashMap<&ServiceKey, f64> = HashMap::new();
    for edge in edges.iter().filter(|e| !called.contains(&e.caller)) {
        *rates.entry(&edge.caller).or_default() += rate(edge);
    }
    let mut roots: Vec<(&ServiceKey, f64)> = rates.into_iter().collect();
    roots.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    roots.into_iter().map(|(service, _)| service).collect()
}

fn rate(edge: &EdgeRow) -> f64 {
    edge.red.as_ref().and_then(|r| r.rate_per_s).unwrap_or(0.0)
}

/// A row and the rows below it.
struct Node<'a> {
    row: TreeRow<'a>,
    below: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn flatten(self, branch: String, indent: &str, rows: &mut Vec<TreeRow<'a>>) {
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
    by_caller: HashMap<&'a ServiceKey, Vec<&'a EdgeRow>>,
    classes: &'b HashMap<&'a ServiceKey, ServiceClass>,
    filter: &'b Filter,
    seen: HashSet<&'a ServiceKey>,
    roots: Vec<Node<'a>>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(
        edges: &[&'a EdgeRow],
        classes: &'b HashMap<&'a ServiceKey, ServiceClass>,
        filter: &'b Filter,
    ) -> Self {
        let mut by_caller: HashMap<&ServiceKey, Vec<&EdgeRow>> = HashMap::new();
        for edge in edges {
            by_caller.entry(&edge.caller).or_default().push(edge);
        }
        for callees in by_caller.values_mut() {
            callees.sort_by(|a, b| {
                rate(b)
                    .total_cmp(&rate(a))
                    .then_with(|| a.callee.cmp(&b.callee))
                    .then_with(|| a.protocol.cmp(&b.protocol))
            });
        }
        Self {
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
        edge: Option<&'a EdgeRow>,
        again: bool,
        depth: usize,
    ) -> Option<Node<'a>> {
        let mut row = TreeRow {
            prefix: String::new(),
            service,
            class: self
                .classes
                .get(service)
                .copied()
                .unwrap_or(ServiceClass::App),
            edge,
            again,
            matches: false,
        };
        row.matches = self.filter.passes(&row);
        let below = match again || depth >= DEPTH_MAX {
            true => vec![],
            false => self.callees(service, depth),
        };
        (row.matches || !below.is_empty()).then_some(Node { row, below })
    }

    fn callees(&mut self, caller: &'a ServiceKey, depth: usize) -> Vec<Node<'a>> {
        let edges = self.by_caller.get(caller).cloned().unwrap_or_default();
        let mut nodes = vec![];
        for edge in edges {
            let leads_on = self.by_caller.contains_key(&edge.callee);
            let again = !self.seen.insert(&edge.callee) && leads_on;
            nodes.extend(self.node(&edge.callee, Some(edge), again, depth + 1));
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
        let (rows, _) = rows(&picture, false, &Filter::parse(filter));
        let line = |row: &TreeRow| {
            let again = if row.again { " ↩" } else { "" };
            format!("{}{}{again}", row.prefix, row.service.name.raw())
        };
        rows.iter().map(line).collect()
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
