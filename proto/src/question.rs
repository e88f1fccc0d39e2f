//! Questions between the model and the wire.

use crate::common::{Bad, code, need};
use crate::v1::{self, compare, question, span};
use coral_model::profile::ProfileKind;
use coral_model::{Compare, EventKind, Question, Span, StatusClass, TimeNs};
use std::time::Duration;

/// Events per answer when the question names no limit.
const EVENTS_LIMIT: u32 = 200;
/// Single requests per answer when the question names no limit.
const REQUESTS_LIMIT: u32 = 100;
/// Single calls per answer when the question names no limit.
const CALLS_LIMIT: u32 = 100;
/// Functions per answer when the question names no limit.
const FUNCTIONS_LIMIT: u32 = 50;
/// More of either are not given.
const LIMIT_MAX: u32 = 10_000;
/// Rows per answer of SQL when the question names no limit.
const SQL_LIMIT: u32 = 1000;

impl From<&Span> for v1::Span {
    fn from(span: &Span) -> Self {
        let kind = match *span {
            Span::Last(length) => {
                span::Kind::LastNs(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
            }
            Span::Between(window) => span::Kind::Between(window.into()),
        };
        Self { kind: Some(kind) }
    }
}

fn span_model(wire: Option<v1::Span>) -> Result<Span, Bad> {
    match wire.and_then(|s| s.kind) {
        Some(span::Kind::LastNs(ns)) => Ok(Span::Last(Duration::from_nanos(ns))),
        Some(span::Kind::Between(range)) => Ok(Span::Between(range.try_into()?)),
        None => Ok(coral_model::question::DEFAULT_SPAN),
    }
}

impl From<&Compare> for v1::Compare {
    fn from(compare: &Compare) -> Self {
        let kind = match *compare {
            Compare::Back(ago) => {
                compare::Kind::BackNs(u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX))
            }
            Compare::With(window) => compare::Kind::With(window.into()),
            Compare::PreviousBuild => compare::Kind::PreviousBuild(true),
            Compare::Process(pid) => compare::Kind::Pid(pid),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Compare> for Compare {
    type Error = Bad;
    fn try_from(wire: v1::Compare) -> Result<Self, Bad> {
        match need(wire.kind, "compare.kind")? {
            compare::Kind::BackNs(ns) => Ok(Compare::Back(Duration::from_nanos(ns))),
            compare::Kind::With(range) => Ok(Compare::With(range.try_into()?)),
            compare::Kind::PreviousBuild(_) => Ok(Compare::PreviousBuild),
            compare::Kind::Pid(pid) => Ok(Compare::Process(pid)),
        }
    }
}

impl From<&Question> for v1::Question {
    fn from(question: &Question) -> Self {
        let (span, limit) = frame(question);
        Self {
            span: span.map(Into::into),
            limit,
            kind: Some(kind(question)),
            ..Default::default()
        }
    }
}

/// The stretch that a question is about, and at most how many rows it wants.
fn frame(question: &Question) -> (Option<&Span>, u32) {
    match question {
        Question::Status | Question::Evidence { .. } => (None, 0),
        Question::Probe { limit, .. } | Question::Functions { limit, .. } => (None, *limit),
        Question::Services { span, .. }
        | Question::Summary { span, .. }
        | Question::Metrics { span, .. }
        | Question::Topology { span }
        | Question::Host { span, .. }
        | Question::Profile { span, .. }
        | Question::Diagnose { span, .. }
        | Question::Incident { span, .. } => (Some(span), 0),
        Question::Events { span, limit, .. } | Question::Requests { span, limit, .. } => {
            (Some(span), *limit)
        }
        Question::Sql { limit, .. } => (None, *limit),
    }
}

/// What is asked.
fn kind(question: &Question) -> question::Kind {
    use question::Kind;
    match question {
        Question::Status => Kind::Status(v1::StatusQuestion {}),
        Question::Services { trend_points, .. } => Kind::Services(v1::ServicesQuestion {
            trend_points: (*trend_points).into(),
        }),
        Question::Summary {
            service, compare, ..
        } => Kind::Summary(v1::SummaryQuestion {
            service: service.clone(),
            compare: compare.as_ref().map(Into::into),
        }),
        Question::Metrics { service, .. } => Kind::Metrics(v1::MetricsQuestion {
            service: service.clone(),
        }),
        Question::Topology { .. } => Kind::Topology(v1::TopologyQuestion {}),
        Question::Events { service, kinds, .. } => Kind::Events(v1::EventsQuestion {
            service: service.clone(),
            kinds: kinds.iter().map(|k| k.code().into()).collect(),
        }),
        Question::Host { host, .. } => Kind::Host(v1::HostQuestion { host: host.clone() }),
        Question::Requests {
            service,
            path,
            status_class,
            min_duration,
            ..
        } => Kind::Requests(v1::RequestsQuestion {
            service: service.clone(),
            path: path.clone(),
            status_class: status_class.map(|c| c.code().into()),
            min_duration_ns: min_duration.map(|d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)),
        }),
        Question::Profile {
            target,
            kind,
            session,
            compare,
            ..
        } => Kind::Profile(v1::ProfileQuestion {
            target: Some(target.into()),
            kind: kind.code().into(),
            session: *session,
            compare: compare.as_ref().map(Into::into),
        }),
        Question::Probe { id, .. } => Kind::Probe(v1::ProbeQuestion { id: id.clone() }),
        Question::Functions {
            target, pattern, ..
        } => Kind::Functions(v1::FunctionsQuestion {
            target: Some(target.into()),
            pattern: pattern.clone(),
        }),
        Question::Diagnose { service, at, .. } => Kind::Diagnose(complaint(service, *at)),
        Question::Incident { service, at, .. } => Kind::Incident(complaint(service, *at)),
        Question::Evidence { id } => Kind::Evidence(v1::EvidenceQuestion { id: id.clone() }),
        Question::Sql { text, .. } => Kind::Sql(v1::SqlQuestion { text: text.clone() }),
    }
}

/// How many rows are wanted; 0 = as many as is usual.
fn limited(wire: u32, usual: u32) -> u32 {
    match wire {
        0 => usual,
        limit => limit.min(LIMIT_MAX),
    }
}

fn complaint(service: &Option<String>, at: Option<TimeNs>) -> v1::DiagnoseQuestion {
    v1::DiagnoseQuestion {
        service: service.clone(),
        at_ns: at.map(|at| at.0),
    }
}

impl TryFrom<v1::Question> for Question {
    type Error = Bad;
    fn try_from(wire: v1::Question) -> Result<Self, Bad> {
        use question::Kind;
        let span = span_model(wire.span)?;
        Ok(match need(wire.kind, "question.kind")? {
            Kind::Status(_) => Question::Status,
            Kind::Services(q) => {
                let bad = Bad::Value {
                    field: "trend_points",
                    value: q.trend_points.into(),
                };
                let trend_points = u16::try_from(q.trend_points)
                    .ok()
                    .filter(|&n| n <= 1000)
                    .ok_or(bad)?;
                Question::Services { span, trend_points }
            }
            Kind::Summary(q) => Question::Summary {
                span,
                service: q.service,
                compare: q.compare.map(TryInto::try_into).transpose()?,
            },
            Kind::Metrics(q) => Question::Metrics {
                span,
                service: q.service,
            },
            Kind::Topology(_) => Question::Topology { span },
            Kind::Requests(q) => requests(q, span, wire.limit)?,
            Kind::Profile(q) => Question::Profile {
                span,
                target: need(q.target, "profile.target")?.try_into()?,
                kind: code("profile.kind", q.kind, ProfileKind::from_code)?,
                session: q.session,
                compare: q.compare.map(TryInto::try_into).transpose()?,
            },
            Kind::Probe(q) => Question::Probe {
                id: q.id,
                limit: limited(wire.limit, CALLS_LIMIT),
            },
            Kind::Functions(q) => functions(q, wire.limit)?,
            Kind::Diagnose(q) => Question::Diagnose {
                span,
                service: q.service,
                at: q.at_ns.map(TimeNs),
            },
            Kind::Incident(q) => Question::Incident {
                span,
                service: q.service,
                at: q.at_ns.map(TimeNs),
            },
            Kind::Evidence(q) => Question::Evidence { id: q.id },
            Kind::Host(q) => Question::Host { span, host: q.host },
            Kind::Sql(q) => {
                let limit = if wire.limit == 0 {
                    SQL_LIMIT
                } else {
                    wire.limit.min(100_000)
                };
                Question::Sql {
                    text: q.text,
                    limit,
                }
            }
            Kind::Events(q) => {
                let limit = if wire.limit == 0 {
                    EVENTS_LIMIT
                } else {
                    wire.limit.min(10_000)
                };
                let kind = |&k: &u32| code("event.kind", k, EventKind::from_code);
                let kinds = q.kinds.iter().map(kind).collect::<Result<_, _>>()?;
                Question::Events {
                    span,
                    service: q.service,
                    kinds,
                    limit,
                }
            }
        })
    }
}

fn functions(q: v1::FunctionsQuestion, limit: u32) -> Result<Question, Bad> {
    Ok(Question::Functions {
        target: need(q.target, "functions.target")?.try_into()?,
        pattern: q.pattern,
        limit: limited(limit, FUNCTIONS_LIMIT),
    })
}

fn requests(q: v1::RequestsQuestion, span: Span, limit: u32) -> Result<Question, Bad> {
    let class = |c| code("status_class", c, StatusClass::from_code);
    Ok(Question::Requests {
        span,
        service: q.service,
        path: q.path,
        status_class: q.status_class.map(class).transpose()?,
        min_duration: q.min_duration_ns.map(Duration::from_nanos),
        limit: match limit {
            0 => REQUESTS_LIMIT,
            limit => limit.min(10_000),
        },
    })
}
