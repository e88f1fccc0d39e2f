//! What was seen of probed functions, and functions that could be probed, between the model and the wire.

use super::{dur, opt_ns};
use crate::common::{Bad, code, need, ns};
use crate::ship::values;
use crate::v1;
use coral_model::probe::{
    CallRow, FoundFunction, Functions, ProbeKind, ProbeLog, ProbedRow, TreeRow,
};
use coral_model::want::WantState;
use coral_model::{Observed, TimeNs};
use std::time::Duration;

fn texts(all: &[Observed]) -> Vec<String> {
    all.iter().map(|text| text.raw().to_owned()).collect()
}

fn observed(all: Vec<String>) -> Vec<Observed> {
    all.into_iter().map(Observed::new).collect()
}

impl From<&ProbeLog> for v1::ProbeLog {
    fn from(log: &ProbeLog) -> Self {
        let host = |(host, state, reason): &(Observed, WantState, Observed)| v1::ProbeHost {
            host: host.raw().to_owned(),
            state: state.code().into(),
            reason: reason.raw().to_owned(),
        };
        Self {
            id: log.id.clone(),
            hosts: log.hosts.iter().map(host).collect(),
            functions: log.functions.iter().map(Into::into).collect(),
            tree: log.tree.iter().map(Into::into).collect(),
            calls: log.calls.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::ProbeLog> for ProbeLog {
    type Error = Bad;
    fn try_from(wire: v1::ProbeLog) -> Result<Self, Bad> {
        let host = |wire: v1::ProbeHost| {
            let state = code("probe.state", wire.state, WantState::from_code)?;
            Ok((Observed::new(wire.host), state, Observed::new(wire.reason)))
        };
        let functions = wire.functions.into_iter().map(TryInto::try_into);
        let functions: Vec<ProbedRow> = functions.collect::<Result<_, _>>()?;
        let known = |index: u32| match (index as usize) < functions.len() {
            true => Ok(index),
            false => Err(Bad::Value {
                field: "probe.function",
                value: index.into(),
            }),
        };
        let tree = wire.tree.into_iter().map(|wire| {
            Ok(TreeRow {
                depth: u16::try_from(wire.depth).unwrap_or(u16::MAX),
                function: known(wire.function)?,
                calls: wire.calls,
                total: Duration::from_nanos(wire.total_ns),
                own: Duration::from_nanos(wire.own_ns),
            })
        });
        let tree = tree.collect::<Result<_, Bad>>()?;
        let calls = wire.calls.into_iter().map(|wire| {
            let function = known(wire.function)?;
            Ok(call(wire, function))
        });
        Ok(Self {
            id: wire.id,
            hosts: wire
                .hosts
                .into_iter()
                .map(host)
                .collect::<Result<_, Bad>>()?,
            tree,
            calls: calls.collect::<Result<_, Bad>>()?,
            functions,
        })
    }
}

impl From<&ProbedRow> for v1::ProbedRow {
    fn from(row: &ProbedRow) -> Self {
        Self {
            function: Some((&row.function).into()),
            binary: row.binary.raw().to_owned(),
            offset: row.offset,
            kind: row.kind.code().into(),
            predicted_ns: ns(row.predicted),
            note: row.note.raw().to_owned(),
            attach_ns: ns(row.attach),
            counts: Some((&row.counts).into()),
            p50_ns: opt_ns(row.p50),
            p95_ns: opt_ns(row.p95),
            p99_ns: opt_ns(row.p99),
            max_ns: opt_ns(row.max),
        }
    }
}

impl TryFrom<v1::ProbedRow> for ProbedRow {
    type Error = Bad;
    fn try_from(wire: v1::ProbedRow) -> Result<Self, Bad> {
        Ok(Self {
            function: need(wire.function, "probe.function")?.into(),
            binary: Observed::new(wire.binary),
            offset: wire.offset,
            kind: code("probe.kind", wire.kind, ProbeKind::from_code)?,
            predicted: Duration::from_nanos(wire.predicted_ns),
            note: Observed::new(wire.note),
            attach: Duration::from_nanos(wire.attach_ns),
            counts: wire.counts.unwrap_or_default().into(),
            p50: dur(wire.p50_ns),
            p95: dur(wire.p95_ns),
            p99: dur(wire.p99_ns),
            max: dur(wire.max_ns),
        })
    }
}

impl From<&TreeRow> for v1::TreeRow {
    fn from(row: &TreeRow) -> Self {
        Self {
            depth: row.depth.into(),
            function: row.function,
            calls: row.calls,
            total_ns: ns(row.total),
            own_ns: ns(row.own),
        }
    }
}

impl From<&CallRow> for v1::CallRow {
    fn from(row: &CallRow) -> Self {
        Self {
            at_ns: row.at.0,
            host: row.host.raw().to_owned(),
            function: row.function,
            pid: row.pid,
            tid: row.tid,
            goroutine: row.goroutine,
            duration_ns: opt_ns(row.duration),
            values: row.values.iter().map(Into::into).collect(),
            returned: row.returned.as_ref().map(|text| text.raw().to_owned()),
            stack: texts(&row.stack),
        }
    }
}

fn call(wire: v1::CallRow, function: u32) -> CallRow {
    CallRow {
        at: TimeNs(wire.at_ns),
        host: Observed::new(wire.host),
        function,
        pid: wire.pid,
        tid: wire.tid,
        goroutine: wire.goroutine,
        duration: dur(wire.duration_ns),
        values: values(wire.values),
        returned: wire.returned.map(Observed::new),
        stack: observed(wire.stack),
    }
}

impl From<&Functions> for v1::Functions {
    fn from(found: &Functions) -> Self {
        let missing = |(binary, why): &(Observed, Observed)| v1::functions::Unread {
            binary: binary.raw().to_owned(),
            why: why.raw().to_owned(),
        };
        Self {
            rows: found.rows.iter().map(Into::into).collect(),
            total: found.total,
            similar: texts(&found.similar),
            missing: found.missing.iter().map(missing).collect(),
        }
    }
}

impl TryFrom<v1::Functions> for Functions {
    type Error = Bad;
    fn try_from(wire: v1::Functions) -> Result<Self, Bad> {
        let missing = wire.missing.into_iter();
        Ok(Self {
            rows: wire
                .rows
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            total: wire.total,
            similar: observed(wire.similar),
            missing: missing
                .map(|m| (Observed::new(m.binary), Observed::new(m.why)))
                .collect(),
        })
    }
}

impl From<&FoundFunction> for v1::FoundFunction {
    fn from(found: &FoundFunction) -> Self {
        Self {
            function: Some((&found.function).into()),
            binary: found.binary.raw().to_owned(),
            build: found.build.clone(),
            address: found.address,
            bytes: found.bytes,
            language: found.language.raw().to_owned(),
            inlined_into: texts(&found.inlined_into),
        }
    }
}

impl TryFrom<v1::FoundFunction> for FoundFunction {
    type Error = Bad;
    fn try_from(wire: v1::FoundFunction) -> Result<Self, Bad> {
        Ok(Self {
            function: need(wire.function, "found.function")?.into(),
            binary: Observed::new(wire.binary),
            build: Observed::new(wire.build).visible().into_owned(),
            address: wire.address,
            bytes: wire.bytes,
            language: Observed::new(wire.language),
            inlined_into: observed(wire.inlined_into),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::probe::{CallCounts, Value};
    use coral_model::profile::Function;

    fn log() -> ProbeLog {
        let function = Function {
            name: "outer".into(),
            file: None,
            line: None,
        };
        let row = ProbedRow {
            function,
            binary: "/usr/bin/x".into(),
            offset: 4,
            kind: ProbeKind::Return,
            predicted: Duration::from_nanos(7),
            note: Observed::default(),
            attach: Duration::from_millis(3),
            counts: CallCounts::default(),
            p50: Some(Duration::from_micros(3)),
            p95: None,
            p99: None,
            max: None,
        };
        let call = CallRow {
            at: TimeNs(5),
            host: "web-1".into(),
            function: 0,
            pid: 1,
            tid: 2,
            goroutine: None,
            duration: Some(Duration::from_micros(3)),
            values: vec![Value {
                name: "n".into(),
                text: "1".into(),
            }],
            returned: None,
            stack: vec!["main".into(), "outer".into()],
        };
        ProbeLog {
            id: "x".to_owned(),
            hosts: vec![("web-1".into(), WantState::Attached, "1 process".into())],
            functions: vec![row],
            tree: vec![TreeRow {
                depth: 0,
                function: 0,
                calls: 1,
                total: Duration::from_micros(3),
                own: Duration::from_micros(3),
            }],
            calls: vec![call],
        }
    }

    #[test]
    fn a_log_comes_back_as_it_was() {
        let wire = v1::ProbeLog::from(&log());
        assert_eq!(ProbeLog::try_from(wire.clone()), Ok(log()));
        let mut strange = wire;
        strange.functions.clear();
        assert!(ProbeLog::try_from(strange).is_err());
    }

    #[test]
    fn functions_come_back_as_they_were() {
        let found = Functions {
            rows: vec![FoundFunction {
                function: Function {
                    name: "a::b".into(),
                    file: Some("a.rs".into()),
                    line: Some(1),
                },
                binary: "/x".into(),
                build: "abc".to_owned(),
                address: 1,
                bytes: 2,
                language: "Rust".into(),
                inlined_into: vec!["main".into()],
            }],
            total: 9,
            similar: vec!["c".into()],
            missing: vec![("/y".into(), "no symbols".into())],
        };
        assert_eq!(v1::Functions::from(&found).try_into(), Ok(found));
    }
}
