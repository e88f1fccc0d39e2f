//! What the filter sees of each kind of row.

use super::filter::{Field, Subject, figure_of};
use super::findings::Finding;
use super::instances::InstanceRow;
use super::probing::Session;
use super::trouble::figures;
use coral_model::Event;
use coral_model::answer::{AgentRow, EdgeRow, MetricRow, ServiceRow};
use coral_model::observed::visible;
use coral_report::text;
use std::borrow::Cow;

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
        match field {
            Field::Flight => Some(self.in_flight as f64),
            Field::Instances => Some(f64::from(self.instances)),
            field => figure_of(figures(self)?, field),
        }
    }
}

impl Subject for &MetricRow {
    fn text(&self) -> Cow<'_, str> {
        let (method, class) = (self.method.name(), self.status_class.name());
        format!("{method} {} {class}", self.route.visible()).into()
    }

    fn figure(&self, field: Field) -> Option<f64> {
        figure_of(&self.red, field)
    }
}

/// An edge in the list of callees (`true`) or callers.
impl Subject for (&EdgeRow, bool) {
    fn text(&self) -> Cow<'_, str> {
        let other = if self.1 {
            &self.0.callee
        } else {
            &self.0.caller
        };
        format!("{} {}", text::service(other), self.0.protocol.name()).into()
    }

    fn figure(&self, field: Field) -> Option<f64> {
        figure_of(self.0.red.as_ref()?, field)
    }
}

impl Subject for &Event {
    fn text(&self) -> Cow<'_, str> {
        let service = self.service.as_ref().map(text::service).unwrap_or_default();
        format!("{} {service} {}", self.kind.name(), self.text.visible()).into()
    }

    fn figure(&self, _: Field) -> Option<f64> {
        None
    }
}

impl Subject for &Finding {
    fn text(&self) -> Cow<'_, str> {
        let service = self.service.as_ref().map(text::service).unwrap_or_default();
        format!("{service} {}", self.what.visible()).into()
    }

    fn figure(&self, _: Field) -> Option<f64> {
        None
    }
}

impl Subject for &Session {
    fn text(&self) -> Cow<'_, str> {
        let functions: Vec<_> = self.functions.iter().map(|f| f.visible()).collect();
        let (id, state) = (visible(&self.id), self.state_name());
        let target = self.target.text();
        format!("{id} {} {state} {}", visible(&target), functions.join(" ")).into()
    }

    fn figure(&self, _: Field) -> Option<f64> {
        None
    }
}

impl Subject for &InstanceRow {
    fn text(&self) -> Cow<'_, str> {
        let (host, ports) = (self.host.visible(), self.ports.visible());
        format!("{host} {} {ports}", self.pid).into()
    }

    fn figure(&self, _: Field) -> Option<f64> {
        None
    }
}

impl Subject for &AgentRow {
    fn text(&self) -> Cow<'_, str> {
        let health = &self.health;
        let (host, mode) = (health.host.visible(), health.mode.name());
        format!("{host} {} {mode} {}", health.id, health.version).into()
    }

    fn figure(&self, _: Field) -> Option<f64> {
        None
    }
}
