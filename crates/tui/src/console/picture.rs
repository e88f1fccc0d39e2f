//! What is known of the colony at a moment: three answers that are kept up to date by changes. Pages borrow it; freezing
//! keeps a copy.

use super::change::{Change, Topic, edge_key, service_key};
use super::moment::Moment;
use coral_model::answer::{EdgeRow, NodeRow, ServiceRow, Status};
use coral_model::{Answer, AnswerBody, Loss, ServiceClass, ServiceKey, TimeNs, Window};
use std::collections::{HashMap, HashSet};

/// The frame of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// The window that the rows speak of.
    pub window: Window,
    /// Up to here every fresh agent has reported.
    pub complete_until: Option<TimeNs>,
    /// What was not seen in it.
    pub loss: Loss,
    /// When it arrived.
    pub arrived: Moment,
}

/// The services.
#[derive(Debug, Clone, PartialEq)]
pub struct Services {
    /// Of when.
    pub head: Head,
    /// One row a service.
    pub rows: Vec<ServiceRow>,
}

/// The topology.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// Of when.
    pub head: Head,
    /// The services and outside addresses.
    pub nodes: Vec<NodeRow>,
    /// Who talks to whom.
    pub edges: Vec<EdgeRow>,
}

/// All that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picture {
    /// The colony and its agents.
    pub status: Option<Status>,
    /// The services.
    pub services: Option<Services>,
    /// The topology.
    pub topology: Option<Topology>,
    /// Rises with every change, so that what is derived from it is worked out once.
    pub version: u64,
}

impl Picture {
    /// Takes a change in.
    pub fn apply(&mut self, change: Change, now: Moment) {
        self.version += 1;
        match change {
            Change::Snapshot(_, answer) => self.replace(answer, now),
            Change::Delta(_, answer, removed) => self.merge(answer, &removed, now),
            Change::Loss(topic, loss) => {
                if let Some(head) = self.head_mut(topic) {
                    head.loss = loss;
                }
            }
        }
    }

    fn replace(&mut self, answer: Answer, arrived: Moment) {
        let head = head(&answer, arrived);
        match answer.body {
            AnswerBody::Status(status) => self.status = Some(status),
            AnswerBody::Services(rows) => self.services = Some(Services { head, rows }),
            AnswerBody::Topology { nodes, edges } => {
                self.topology = Some(Topology { head, nodes, edges });
            }
            _ => {}
        }
    }

    /// A delta before its snapshot is taken as the snapshot.
    fn merge(&mut self, answer: Answer, removed: &[String], arrived: Moment) {
        let new_head = head(&answer, arrived);
        let removed: HashSet<&str> = removed.iter().map(String::as_str).collect();
        let gone = |key: String| removed.contains(key.as_str());
        match (answer.body, &mut self.services, &mut self.topology) {
            (AnswerBody::Services(rows), Some(services), _) => {
                services.head = new_head;
                services.rows.retain(|row| !gone(service_key(&row.service)));
                upsert(&mut services.rows, rows, |row| service_key(&row.service));
            }
            (AnswerBody::Topology { nodes, edges }, _, Some(topology)) => {
                topology.head = new_head;
                let key = |e: &EdgeRow| edge_key(&e.caller, &e.callee, e.protocol);
                topology
                    .nodes
                    .retain(|node| !gone(service_key(&node.service)));
                topology.edges.retain(|edge| !gone(key(edge)));
                upsert(&mut topology.nodes, nodes, |node| {
                    service_key(&node.service)
                });
                upsert(&mut topology.edges, edges, key);
            }
            (body, _, _) => self.replace(Answer { body, ..answer }, arrived),
        }
    }

    fn head_mut(&mut self, topic: Topic) -> Option<&mut Head> {
        match topic {
            Topic::Status => None,
            Topic::Services => self.services.as_mut().map(|s| &mut s.head),
            Topic::Topology => self.topology.as_mut().map(|t| &mut t.head),
        }
    }

    /// The head that the first line shows: that of the services.
    pub fn head(&self) -> Option<&Head> {
        self.services.as_ref().map(|s| &s.head)
    }

    /// The edges, none while the topology is not known.
    pub fn edges(&self) -> &[EdgeRow] {
        self.topology.as_ref().map_or(&[], |t| &t.edges)
    }

    /// What kind of thing a node is; a node that nobody described is shown as the people's own.
    pub fn class(&self, service: &ServiceKey) -> ServiceClass {
        self.topology
            .iter()
            .flat_map(|t| &t.nodes)
            .find(|node| &node.service == service)
            .map_or(ServiceClass::App, |node| node.kind)
    }

    /// The kinds of all nodes, for whoever asks often.
    pub fn classes(&self) -> HashMap<&ServiceKey, ServiceClass> {
        self.topology
            .iter()
            .flat_map(|t| &t.nodes)
            .map(|node| (&node.service, node.kind))
            .collect()
    }
}

fn head(answer: &Answer, arrived: Moment) -> Head {
    Head {
        window: answer.window,
        complete_until: answer.complete_until,
        loss: answer.loss,
        arrived,
    }
}

/// Replaces rows with the same key in their place and appends the others.
fn upsert<R>(rows: &mut Vec<R>, changed: Vec<R>, key: impl Fn(&R) -> String) {
    let mut places: HashMap<String, usize> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| (key(row), i))
        .collect();
    for row in changed {
        match places.get(&key(&row)) {
            Some(&place) => rows[place] = row,
            None => {
                places.insert(key(&row), rows.len());
                rows.push(row);
            }
        }
    }
}
