//! What a session counted, as items for the colony.

use super::session::{Attached, Session};
use crate::chronicle::mask::{MASK, is_secret_name, is_token};
use crate::clock::Clock;
use coral_model::probe::{Call, CallCounts, CallPath, ProbedFunction, Value};
use coral_model::{Histogram, Item, Observed, TimeNs};
use coral_probes::abi::calls::{self, Hits, Node, NodeKey, TimesKey};
use coral_probes::abi::histogram::LINEAR;
use coral_probes::arguments::{Argument, show};
use coral_probes::calls::Calls;
use std::time::Duration;

impl Session {
    /// What is new since the last time; at the end everything.
    pub fn tell(
        &mut self,
        calls: &mut Calls,
        single: &[calls::Call],
        at: (&Clock, TimeNs),
        is_last: bool,
    ) -> Vec<Item> {
        match self.items(calls, single, at, is_last) {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!("what a probe counted: {error}");
                vec![]
            }
        }
    }

    fn items(
        &mut self,
        calls: &mut Calls,
        single: &[calls::Call],
        (clock, now): (&Clock, TimeNs),
        is_last: bool,
    ) -> Result<Vec<Item>, coral_probes::ProbesError> {
        if self.functions.is_empty() {
            return Ok(vec![]);
        }
        let counted = calls.counted()?;
        let (number, stored, attach) = (self.number, self.stored, self.attach);
        let mut items = vec![];
        let mut is_new = is_last;
        for function in &mut self.functions {
            let hits = calls.hits(function.index)?;
            if function.told == Some(hits) && !is_last {
                continue;
            }
            is_new = true;
            function.told = Some(hits);
            let own = |key: &TimesKey| key.number == number && key.probe == function.index;
            let parts = counted.times.iter().filter(|(key, _)| own(key));
            let item = probed((stored, now, attach), function, &hits, parts);
            items.push(Item::Probed(item));
        }
        if is_new {
            let own = counted.nodes.iter().filter(|(key, _)| key.number == number);
            items.extend(own.map(|node| Item::CallPath(path(stored, node))));
        }
        let own = single.iter().filter(|call| call.number == number);
        items.extend(own.filter_map(|call| Some(Item::Call(self.call(call, clock)?))));
        Ok(items)
    }

    fn call(&self, call: &calls::Call, clock: &Clock) -> Option<Call> {
        let function = self.functions.iter().find(|f| f.index == call.probe)?;
        let has_ended = call.has_ended == 1;
        let given = has_ended.then(|| shown(&function.probeable.returned, call, calls::TAKES));
        let given = given.filter(|given| !given.is_empty());
        Some(Call {
            at: clock.at(call.began_ns),
            session: self.stored,
            probe: call.probe,
            pid: call.tgid,
            tid: call.tid,
            goroutine: (call.goroutine != 0).then_some(call.goroutine),
            duration: has_ended.then(|| Duration::from_nanos(call.duration_ns)),
            values: shown(&function.probeable.arguments, call, 0),
            returned: given.map(|given| joined(&given)),
            binaries: vec![],
            frames: vec![],
        })
    }
}

/// Values as text, of those that were read from this place on. Who has a secret's name or form is masked.
fn shown(arguments: &[Argument], call: &calls::Call, from: usize) -> Vec<Value> {
    let mut at = from;
    let mut one = |argument: &Argument| {
        let value = match argument.take {
            Ok(_) => {
                at += 1;
                bytes(call, at - 1)
            }
            Err(_) => None,
        };
        let length = call.values.lengths.get(at.wrapping_sub(1)).copied();
        let text = show(argument, value, length.unwrap_or(0));
        Value {
            name: Observed::new(argument.name.clone()),
            text: Observed::new(masked(&argument.name, text)),
        }
    };
    let room = match from {
        0 => calls::TAKES,
        _ => calls::GIVES,
    };
    arguments.iter().take(room).map(&mut one).collect()
}

fn bytes(call: &calls::Call, at: usize) -> Option<&[u8]> {
    let count = *call.values.bytes.get(at)?;
    let value = call.values.values.get(at)?;
    (count != calls::UNREADABLE).then(|| &value[..usize::from(count).min(value.len())])
}

/// The text, unless it is a secret by the argument's name or its own form.
fn masked(name: &str, text: String) -> String {
    match is_secret_name(name) || is_token(&text) {
        true => MASK.to_owned(),
        false => text,
    }
}

/// What is given back, in words: of several values each by its name.
fn joined(given: &[Value]) -> Observed {
    if let [one] = given {
        return one.text.clone();
    }
    let one = |value: &Value| format!("{}={}", value.name.raw(), value.text.raw());
    Observed::new(given.iter().map(one).collect::<Vec<_>>().join(" "))
}

fn probed<'a>(
    (session, at, attach): (u64, TimeNs, Duration),
    function: &Attached,
    hits: &Hits,
    parts: impl Iterator<Item = &'a (TimesKey, [u64; 64])>,
) -> ProbedFunction {
    let mut durations = Histogram::default();
    for (key, counts) in parts {
        for (slot, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            durations.add(key.group as u16 * LINEAR + slot as u16, *count);
        }
    }
    ProbedFunction {
        at,
        session,
        probe: function.index,
        function: function.function(),
        binary: function.binary.clone(),
        offset: function.probeable.offset,
        kind: function.kind(),
        predicted: Duration::from_nanos(function.probeable.predicted_ns),
        note: Observed::new(function.probeable.note.clone()),
        attach,
        counts: CallCounts {
            hits: hits.hits,
            returned: hits.returned,
            unreturned: hits.unreturned,
            matched: hits.matched,
            total: Duration::from_nanos(hits.total_ns),
            own: Duration::from_nanos(hits.self_ns),
            dropped: hits.dropped,
        },
        durations,
    }
}

fn path(session: u64, (key, node): &(NodeKey, Node)) -> CallPath {
    CallPath {
        session,
        path: key.path,
        parent: node.parent,
        probe: key.probe,
        calls: node.calls,
        total: Duration::from_nanos(node.total_ns),
        own: Duration::from_nanos(node.self_ns),
    }
}
