//! What probes saw, between the model and the wire.

use super::profile::MAX_FRAMES;
use crate::common::{Bad, code, histogram, need, ns};
use crate::v1;
use coral_model::probe::{Call, CallCounts, CallPath, ProbeKind, ProbedFunction, Value};
use coral_model::profile::{Binary, Frame};
use coral_model::{Observed, TimeNs};
use std::time::Duration;

/// The most values of a call.
const MAX_VALUES: usize = 32;

impl From<&ProbedFunction> for v1::ProbedFunction {
    fn from(probed: &ProbedFunction) -> Self {
        Self {
            at_ns: probed.at.0,
            session: probed.session,
            probe: probed.probe,
            function: Some((&probed.function).into()),
            binary: Some((&probed.binary).into()),
            offset: probed.offset,
            kind: probed.kind.code().into(),
            predicted_ns: ns(probed.predicted),
            note: probed.note.raw().to_owned(),
            attach_ns: ns(probed.attach),
            counts: Some((&probed.counts).into()),
            durations: Some((&probed.durations).into()),
        }
    }
}

impl TryFrom<v1::ProbedFunction> for ProbedFunction {
    type Error = Bad;
    fn try_from(wire: v1::ProbedFunction) -> Result<Self, Bad> {
        Ok(Self {
            at: TimeNs(wire.at_ns),
            session: wire.session,
            probe: wire.probe,
            function: need(wire.function, "probed.function")?.into(),
            binary: need(wire.binary, "probed.binary")?.into(),
            offset: wire.offset,
            kind: code("probed.kind", wire.kind, ProbeKind::from_code)?,
            predicted: Duration::from_nanos(wire.predicted_ns),
            note: Observed::new(wire.note),
            attach: Duration::from_nanos(wire.attach_ns),
            counts: wire.counts.unwrap_or_default().into(),
            durations: histogram(wire.durations)?,
        })
    }
}

impl From<&CallCounts> for v1::CallCounts {
    fn from(counts: &CallCounts) -> Self {
        Self {
            hits: counts.hits,
            returned: counts.returned,
            unreturned: counts.unreturned,
            matched: counts.matched,
            total_ns: ns(counts.total),
            own_ns: ns(counts.own),
            dropped: counts.dropped,
        }
    }
}

impl From<v1::CallCounts> for CallCounts {
    fn from(wire: v1::CallCounts) -> Self {
        Self {
            hits: wire.hits,
            returned: wire.returned,
            unreturned: wire.unreturned,
            matched: wire.matched,
            total: Duration::from_nanos(wire.total_ns),
            own: Duration::from_nanos(wire.own_ns),
            dropped: wire.dropped,
        }
    }
}

impl From<&CallPath> for v1::CallPath {
    fn from(path: &CallPath) -> Self {
        Self {
            session: path.session,
            path: path.path,
            parent: path.parent,
            probe: path.probe,
            calls: path.calls,
            total_ns: ns(path.total),
            own_ns: ns(path.own),
        }
    }
}

impl From<v1::CallPath> for CallPath {
    fn from(wire: v1::CallPath) -> Self {
        Self {
            session: wire.session,
            path: wire.path,
            parent: wire.parent,
            probe: wire.probe,
            calls: wire.calls,
            total: Duration::from_nanos(wire.total_ns),
            own: Duration::from_nanos(wire.own_ns),
        }
    }
}

impl From<&Call> for v1::Call {
    fn from(call: &Call) -> Self {
        Self {
            at_ns: call.at.0,
            session: call.session,
            probe: call.probe,
            pid: call.pid,
            tid: call.tid,
            goroutine: call.goroutine,
            duration_ns: call.duration.map(ns),
            values: call.values.iter().map(Into::into).collect(),
            returned: call.returned.as_ref().map(|text| text.raw().to_owned()),
            binary_files: call.binaries.iter().map(Into::into).collect(),
            binaries: call.frames.iter().map(|frame| frame.binary).collect(),
            addresses: call.frames.iter().map(|frame| frame.address).collect(),
        }
    }
}

impl TryFrom<v1::Call> for Call {
    type Error = Bad;
    fn try_from(wire: v1::Call) -> Result<Self, Bad> {
        let frames = wire.addresses.len();
        if frames > MAX_FRAMES || frames != wire.binaries.len() {
            return Err(Bad::TooMany(frames));
        }
        let binaries: Vec<Binary> = wire.binary_files.into_iter().map(Into::into).collect();
        let frame = |(binary, address): (u32, u64)| match (binary as usize) < binaries.len() {
            true => Ok(Frame { binary, address }),
            false => Err(Bad::Value {
                field: "call.binary",
                value: binary.into(),
            }),
        };
        let frames = wire.binaries.into_iter().zip(wire.addresses).map(frame);
        Ok(Self {
            at: TimeNs(wire.at_ns),
            session: wire.session,
            probe: wire.probe,
            pid: wire.pid,
            tid: wire.tid,
            goroutine: wire.goroutine,
            duration: wire.duration_ns.map(Duration::from_nanos),
            values: values(wire.values),
            returned: wire.returned.map(Observed::new),
            frames: frames.collect::<Result<_, _>>()?,
            binaries,
        })
    }
}

impl From<&Value> for v1::CallValue {
    fn from(value: &Value) -> Self {
        Self {
            name: value.name.raw().to_owned(),
            text: value.text.raw().to_owned(),
        }
    }
}

/// The values of a call, as many as one has.
pub(crate) fn values(wire: Vec<v1::CallValue>) -> Vec<Value> {
    let value = |wire: v1::CallValue| Value {
        name: Observed::new(wire.name),
        text: Observed::new(wire.text),
    };
    wire.into_iter().take(MAX_VALUES).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::profile::Function;

    #[test]
    fn what_a_probe_saw_comes_back_as_it_was() {
        let binary = Binary {
            build: "abc".to_owned(),
            path: "/usr/bin/x".into(),
        };
        let mut durations = coral_model::Histogram::default();
        durations.record(70_000);
        let probed = ProbedFunction {
            at: TimeNs(1),
            session: 2,
            probe: 3,
            function: Function {
                name: "pay::charge".into(),
                file: Some("pay.rs".into()),
                line: Some(4),
            },
            binary: binary.clone(),
            offset: 0x1130,
            kind: ProbeKind::Sites,
            predicted: Duration::from_nanos(900),
            note: "its end cannot be seen".into(),
            attach: Duration::from_millis(12),
            counts: CallCounts {
                hits: 5,
                returned: 4,
                total: Duration::from_micros(9),
                ..CallCounts::default()
            },
            durations,
        };
        assert_eq!(v1::ProbedFunction::from(&probed).try_into(), Ok(probed));
        let call = Call {
            at: TimeNs(9),
            session: 2,
            probe: 3,
            pid: 4,
            tid: 5,
            goroutine: Some(6),
            duration: None,
            values: vec![Value {
                name: "us".into(),
                text: "300".into(),
            }],
            returned: Some("\u{1b}[2J".into()),
            binaries: vec![binary],
            frames: vec![Frame {
                binary: 0,
                address: 7,
            }],
        };
        let wire = v1::Call::from(&call);
        assert_eq!(Call::try_from(wire.clone()), Ok(call));
        let strange = v1::Call {
            binaries: vec![1],
            ..wire
        };
        assert!(Call::try_from(strange).is_err());
    }
}
