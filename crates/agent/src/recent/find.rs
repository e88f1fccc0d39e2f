//! Which requests of a block were asked for.

use coral_model::{Question, Span, StatusClass, Window};
use coral_proto::v1;
use prost::Message as _;
use std::cmp::Reverse;
use std::time::Duration;
use v1::item::Kind;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// When they began.
    pub window: Window,
    service: String,
    path: Option<String>,
    status_class: Option<StatusClass>,
    min_duration: Duration,
    /// At most so many.
    pub limit: usize,
}

impl Search {
    /// That of the colony's question, as it comes over the wire.
    ///
    /// # Errors
    /// Words for the colony.
    pub fn of(spec: &[u8]) -> Result<Self, String> {
        let wire = v1::Question::decode(spec).map_err(|e| e.to_string())?;
        match Question::try_from(wire).map_err(|e| e.to_string())? {
            Question::Requests {
                span: Span::Between(window),
                service,
                path,
                status_class,
                min_duration,
                limit,
            } => Ok(Self {
                window,
                service,
                path,
                status_class,
                min_duration: min_duration.unwrap_or_default(),
                limit: limit as usize,
            }),
            _ => Err("an agent answers questions about requests of a stretch of time".to_owned()),
        }
    }

    /// The requests of a batch that are looked for, newest first, and at most so many; `None` when there are none.
    pub fn within(&self, mut batch: v1::Batch, most: usize) -> Option<v1::Batch> {
        let named: Vec<bool> = batch.instances.iter().map(|i| self.names(i)).collect();
        batch.items.retain(|item| match &item.kind {
            Some(Kind::Request(record)) => {
                named.get(record.instance as usize) == Some(&true) && self.fits(record)
            }
            _ => false,
        });
        let at = |item: &v1::Item| match &item.kind {
            Some(Kind::Request(record)) => record.at_ns,
            _ => 0,
        };
        batch.items.sort_by_key(|item| Reverse(at(item)));
        batch.items.truncate(most);
        (!batch.items.is_empty()).then_some(batch)
    }

    fn names(&self, instance: &v1::Instance) -> bool {
        let full = |s: &v1::Service| format!("{}/{}", s.namespace, s.name);
        let named = |s: &v1::Service| s.name == self.service || full(s) == self.service;
        instance.service.as_ref().is_some_and(named)
    }

    fn fits(&self, record: &v1::RequestRecord) -> bool {
        let class = |status: u32| StatusClass::from_code(u8::try_from(status / 100).unwrap_or(0));
        let path = self.path.as_ref();
        self.window.from.0 <= record.at_ns
            && record.at_ns < self.window.to.0
            && path.is_none_or(|part| record.path.contains(part.as_str()))
            && self
                .status_class
                .is_none_or(|wanted| record.status.and_then(class) == Some(wanted))
            && u128::from(record.duration_ns) >= self.min_duration.as_nanos()
    }
}
