//! Summaries as columns: most of what is stored, and several times faster than row by row.

use super::rows::{ROUTE_ALL, ROUTE_TEMPLATE, ROUTE_UNATTRIBUTED};
use crate::level::Level;
use coral_model::{Route, Summary};
use duckdb::arrow::array::{
    ArrayRef, BinaryBuilder, Int64Builder, RecordBatch, StringBuilder, UInt8Builder, UInt32Builder,
    UInt64Builder,
};
use duckdb::arrow::datatypes::{DataType, Field, Schema};
use std::sync::{Arc, LazyLock};

/// Rows that are handed over at a time.
pub(super) const COLUMNS: usize = 2_048;

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let field = |(name, kind): (&str, DataType)| Field::new(name, kind, name == "route");
    let fields = [
        ("from_ns", DataType::Int64),
        ("to_ns", DataType::Int64),
        ("instance", DataType::UInt32),
        ("side", DataType::UInt8),
        ("protocol", DataType::UInt8),
        ("route_kind", DataType::UInt8),
        ("route", DataType::Utf8),
        ("method", DataType::UInt8),
        ("status_class", DataType::UInt8),
        ("requests", DataType::UInt64),
        ("errors", DataType::UInt64),
        ("client_errors", DataType::UInt64),
        ("durations", DataType::Binary),
    ];
    let fields: Vec<Field> = fields.into_iter().map(field).collect();
    Arc::new(Schema::new(fields))
});

/// The columns of the table `summary`, in its order.
#[derive(Default)]
pub(super) struct Columns {
    rows: usize,
    window: [Int64Builder; 2],
    instance: UInt32Builder,
    /// Side, protocol, route kind.
    before: [UInt8Builder; 3],
    route: StringBuilder,
    /// Method, status class.
    after: [UInt8Builder; 2],
    counts: [UInt64Builder; 3],
    durations: BinaryBuilder,
}

impl Columns {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn add(&mut self, level: Level, instance: u32, s: &Summary) {
        let window = level.interval(s.window);
        let (kind, route) = match &s.route {
            Route::All => (ROUTE_ALL, None),
            Route::Template(text) => (ROUTE_TEMPLATE, Some(text.raw())),
            Route::Unattributed => (ROUTE_UNATTRIBUTED, None),
        };
        self.rows += 1;
        self.window[0].append_value(window.from.0);
        self.window[1].append_value(window.to.0);
        self.instance.append_value(instance);
        let before = [s.side.code(), s.protocol.code(), kind];
        for (column, code) in self.before.iter_mut().zip(before) {
            column.append_value(code);
        }
        self.route.append_option(route);
        let after = [s.method.code(), s.status_class.code()];
        for (column, code) in self.after.iter_mut().zip(after) {
            column.append_value(code);
        }
        let counts = [s.counts.requests, s.counts.errors, s.counts.client_errors];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.append_value(count);
        }
        self.durations.append_value(s.durations.to_blob());
    }

    pub fn finish(mut self) -> duckdb::Result<RecordBatch> {
        let [from, to] = &mut self.window;
        let [side, protocol, kind] = &mut self.before;
        let [method, class] = &mut self.after;
        let [requests, errors, client_errors] = &mut self.counts;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(from.finish()),
            Arc::new(to.finish()),
            Arc::new(self.instance.finish()),
            Arc::new(side.finish()),
            Arc::new(protocol.finish()),
            Arc::new(kind.finish()),
            Arc::new(self.route.finish()),
            Arc::new(method.finish()),
            Arc::new(class.finish()),
            Arc::new(requests.finish()),
            Arc::new(errors.finish()),
            Arc::new(client_errors.finish()),
            Arc::new(self.durations.finish()),
        ];
        let failed = |e: duckdb::arrow::error::ArrowError| {
            duckdb::Error::ToSqlConversionFailure(Box::new(e))
        };
        RecordBatch::try_new(SCHEMA.clone(), columns).map_err(failed)
    }
}
