//! The profile as `go tool pprof` and others read it: `perftools.profiles.Profile` of google/pprof, proto/profile.proto,
//! not compressed, which readers take as well. Written by hand: a few messages of numbers and strings.

use coral_model::profile::{Flame, FlameFunction};
use coral_model::{Answer, TimeNs};
use std::collections::HashMap;

/// Numbers of the fields of `Profile`.
mod field {
    pub const SAMPLE_TYPE: u32 = 1;
    pub const SAMPLE: u32 = 2;
    pub const LOCATION: u32 = 4;
    pub const FUNCTION: u32 = 5;
    pub const STRING: u32 = 6;
    pub const TIME_NS: u32 = 9;
    pub const DURATION_NS: u32 = 10;
    pub const PERIOD_TYPE: u32 = 11;
    pub const PERIOD: u32 = 12;
}

/// The bytes of the file.
pub fn pprof(answer: &Answer, flame: &Flame) -> Vec<u8> {
    let mut strings = Strings::default();
    strings.number("");
    let mut out = Message::default();
    let kinds = [("samples", "count"), ("cpu", "nanoseconds")];
    let [samples, time] = kinds.map(|(kind, unit)| value_type(&mut strings, kind, unit));
    out.message(field::SAMPLE_TYPE, &samples);
    out.message(field::SAMPLE_TYPE, &time);
    let thread = strings.number("thread");
    for stack in flame.stacks.iter().filter(|s| s.samples > 0) {
        let mut sample = Message::default();
        // The innermost first; a function is its own location.
        let places: Vec<u64> = stack
            .frames
            .iter()
            .rev()
            .map(|f| u64::from(*f) + 1)
            .collect();
        sample.packed(1, &places);
        sample.packed(2, &[stack.samples, stack.weight_ns]);
        let mut label = Message::default();
        label.number(1, thread);
        label.number(2, strings.number(&stack.thread.visible()));
        sample.message(3, &label);
        out.message(field::SAMPLE, &sample);
    }
    for (number, function) in flame.functions.iter().enumerate() {
        let id = number as u64 + 1;
        out.message(field::LOCATION, &location(id, function));
        out.message(field::FUNCTION, &described(id, function, &mut strings));
    }
    let TimeNs(from) = answer.window.from;
    out.number(field::TIME_NS, u64::try_from(from).unwrap_or(0));
    out.number(field::DURATION_NS, answer.window.length().as_nanos() as u64);
    out.message(field::PERIOD_TYPE, &time);
    let period = 1_000_000_000u64.checked_div(flame.hz.into());
    out.number(field::PERIOD, period.unwrap_or(0));
    for text in &strings.all {
        out.bytes(field::STRING, text.as_bytes());
    }
    out.0
}

fn value_type(strings: &mut Strings, kind: &str, unit: &str) -> Message {
    let mut out = Message::default();
    out.number(1, strings.number(kind));
    out.number(2, strings.number(unit));
    out
}

fn location(id: u64, function: &FlameFunction) -> Message {
    let mut line = Message::default();
    line.number(1, id);
    line.number(2, function.line.unwrap_or(0).into());
    let mut out = Message::default();
    out.number(1, id);
    out.message(4, &line);
    out
}

fn described(id: u64, function: &FlameFunction, strings: &mut Strings) -> Message {
    let name = strings.number(&function.name.visible());
    let file = function.file.as_ref().unwrap_or(&function.binary);
    let mut out = Message::default();
    out.number(1, id);
    out.number(2, name);
    out.number(3, name);
    out.number(4, strings.number(&file.visible()));
    out
}

/// Every string once, by its number.
#[derive(Default)]
struct Strings {
    all: Vec<String>,
    numbers: HashMap<String, u64>,
}

impl Strings {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.all.len() as u64;
        self.all.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// The bytes of a message (protobuf.dev, Encoding).
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn packed(&mut self, field: u32, values: &[u64]) {
        let mut inner = Self::default();
        values.iter().for_each(|v| inner.varint(*v));
        self.message(field, &inner);
    }
}
