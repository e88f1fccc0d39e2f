//! What changed from one answer to the next of the same question: the rows that are new or other, and the keys of those
//! that are gone. A row's key is `namespace/name` of its service; an edge's `caller|callee|protocol`.

use coral_model::answer::{EdgeRow, NodeRow, ServiceRow, SummaryRow};
use coral_model::{Answer, AnswerBody, ServiceKey};
use coral_proto::v1;
use std::collections::{BTreeMap, BTreeSet};

/// The change, or `None` when the whole answer says it better: bodies without keys, and a service that lost one of its
/// two sides, which no key can say.
pub(super) fn between(old: &Answer, new: &Answer) -> Option<v1::Delta> {
    let mut removed = vec![];
    let body = match (&old.body, &new.body) {
        (AnswerBody::Services(old), AnswerBody::Services(new)) => {
            AnswerBody::Services(changed(old, new, services_key, &mut removed))
        }
        (AnswerBody::Summary(old), AnswerBody::Summary(new)) => {
            AnswerBody::Summary(summary(old, new, &mut removed)?)
        }
        (
            AnswerBody::Topology { nodes, edges },
            AnswerBody::Topology {
                nodes: new_nodes,
                edges: new_edges,
            },
        ) => AnswerBody::Topology {
            nodes: changed(nodes, new_nodes, node_key, &mut removed),
            edges: changed(edges, new_edges, edge_key, &mut removed),
        },
        _ => return None,
    };
    let changed = Answer {
        window: new.window,
        complete_until: new.complete_until,
        loss: new.loss,
        body,
    };
    Some(v1::Delta {
        changed: Some((&changed).into()),
        removed,
    })
}

fn key(service: &ServiceKey) -> String {
    format!("{}/{}", service.namespace.raw(), service.name.raw())
}

fn services_key(row: &ServiceRow) -> String {
    key(&row.service)
}

fn node_key(row: &NodeRow) -> String {
    key(&row.service)
}

fn edge_key(row: &EdgeRow) -> String {
    let protocol = row.protocol.name();
    format!("{}|{}|{protocol}", key(&row.caller), key(&row.callee))
}

fn changed<T: Clone + PartialEq>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> String,
    removed: &mut Vec<String>,
) -> Vec<T> {
    let mut before: BTreeMap<String, &T> = old.iter().map(|row| (key(row), row)).collect();
    let other = |row: &&T| before.remove(&key(row)) != Some(*row);
    let rows = new.iter().filter(other).cloned().collect();
    removed.extend(before.into_keys());
    rows
}

fn summary(
    old: &[SummaryRow],
    new: &[SummaryRow],
    removed: &mut Vec<String>,
) -> Option<Vec<SummaryRow>> {
    let place = |row: &SummaryRow| (key(&row.service), row.side);
    let mut before: BTreeMap<_, _> = old.iter().map(|row| (place(row), row)).collect();
    let other = |row: &&SummaryRow| before.remove(&place(row)) != Some(*row);
    let rows = new.iter().filter(other).cloned().collect();
    let gone: BTreeSet<String> = before.into_keys().map(|(service, _)| service).collect();
    if new.iter().any(|row| gone.contains(&key(&row.service))) {
        return None;
    }
    removed.extend(gone);
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::{Loss, Protocol, ServiceClass, Side, TimeNs, Window};

    fn answer(body: AnswerBody) -> Answer {
        Answer {
            window: Window {
                from: TimeNs(0),
                to: TimeNs(1),
            },
            complete_until: None,
            loss: Loss::default(),
            body,
        }
    }

    fn row(service: &str, side: Side, in_flight: u64) -> SummaryRow {
        SummaryRow {
            service: ServiceKey::plain(service),
            class: ServiceClass::App,
            side,
            instances: 1,
            hosts: 1,
            red: Default::default(),
            in_flight,
            oldest_in_flight: None,
            stale: None,
            protocols: vec![Protocol::Http1],
            before: None,
        }
    }

    #[test]
    fn only_what_changed_travels() {
        let old = vec![
            row("a", Side::Server, 1),
            row("b", Side::Server, 1),
            row("c", Side::Client, 1),
        ];
        let new = vec![row("a", Side::Server, 1), row("b", Side::Server, 2)];
        let delta = between(
            &answer(AnswerBody::Summary(old)),
            &answer(AnswerBody::Summary(new)),
        )
        .unwrap();
        let changed = delta.changed.unwrap().summary;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].in_flight, 2);
        assert_eq!(delta.removed, ["/c"]);
    }

    #[test]
    fn a_lost_side_needs_the_whole_answer() {
        let old = vec![row("a", Side::Server, 1), row("a", Side::Client, 1)];
        let new = vec![row("a", Side::Server, 1)];
        let old = answer(AnswerBody::Summary(old));
        assert_eq!(between(&old, &answer(AnswerBody::Summary(new))), None);
    }
}
