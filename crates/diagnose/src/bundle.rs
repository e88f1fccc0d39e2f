//! An incident bundle from bytes: `incident.json`, `metrics.csv`, `edges.csv`, and `events.csv` when there is one. The caller
//! walks the folder. A bundle is hostile until it is read: what it may hold is bounded before it is kept.

mod csv;
mod header;
mod metrics;
mod rows;
mod write;

use crate::incident::Incident;
use coral_model::Observed;
use std::collections::BTreeMap;
pub use write::write;

/// The largest file that is read, in bytes; the caller asks before it reads.
pub const FILE_MAX: u64 = 512 << 20;
/// Most columns of `metrics.csv`.
pub const COLUMNS_MAX: usize = 100_000;
/// Most values of `metrics.csv`.
pub const VALUES_MAX: usize = 20_000_000;
/// Most edges and most events.
pub const ROWS_MAX: usize = 200_000;
/// Most services.
pub const SERVICES_MAX: usize = 20_000;

/// The names of the files that a bundle may have, those that must be there first.
pub const FILES: [&str; 4] = ["incident.json", "metrics.csv", "edges.csv", "events.csv"];

/// The files of a bundle; `None` is a file that is not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `incident.json`.
    pub incident: &'a [u8],
    /// `metrics.csv`.
    pub metrics: &'a [u8],
    /// `edges.csv`.
    pub edges: Option<&'a [u8]>,
    /// `events.csv`.
    pub events: Option<&'a [u8]>,
}

/// Why a bundle cannot be read. The texts name the file and the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not UTF-8.
    #[error("{0} is not text (UTF-8)")]
    NotText(&'static str),
    /// `incident.json` is not what it should be.
    #[error("incident.json: {0}")]
    Header(String),
    /// A version that this program does not know.
    #[error("incident.json is of version {0}; this program reads version 1")]
    Version(i64),
    /// A table without its head, or with a wrong one.
    #[error("{file} must begin with the columns {columns}")]
    Head {
        /// Which file.
        file: &'static str,
        /// What it must begin with.
        columns: &'static str,
    },
    /// A line that cannot be read.
    #[error("{file}, line {line}: {what}")]
    Line {
        /// Which file.
        file: &'static str,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// More than is read.
    #[error("{file} has more than {most} {what}; that is more than is read")]
    TooMany {
        /// Which file.
        file: &'static str,
        /// How many may be.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Reads a bundle.
///
/// # Errors
/// [`BundleError`] when a file is not what it should be, or larger than is read.
pub fn parse(files: &Files<'_>) -> Result<Incident, BundleError> {
    let text = |name, bytes| std::str::from_utf8(bytes).map_err(|_| BundleError::NotText(name));
    let head = header::read(text("incident.json", files.incident)?)?;
    let mut names = Names::default();
    let (times, series) = metrics::read(text("metrics.csv", files.metrics)?, &mut names)?;
    let edges = match files.edges {
        Some(bytes) => rows::edges(text("edges.csv", bytes)?, &mut names)?,
        None => vec![],
    };
    let events = match files.events {
        Some(bytes) => rows::events(text("events.csv", bytes)?, &mut names)?,
        None => vec![],
    };
    let stated = head.stated.map(|mut stated| {
        stated.index = names.find(&stated.service);
        stated
    });
    Ok(Incident {
        name: head.name,
        stated,
        normal: head.normal,
        anomalous: head.anomalous,
        chosen: head.chosen,
        services: names.names,
        times,
        series,
        edges,
        events,
    })
}

/// Services by name, numbered as they come.
#[derive(Default)]
struct Names {
    names: Vec<Observed>,
    index: BTreeMap<Observed, u32>,
}

impl Names {
    fn find(&self, name: &Observed) -> Option<u32> {
        self.index.get(name).copied()
    }

    fn intern(&mut self, file: &'static str, name: &str) -> Result<u32, BundleError> {
        let name = Observed::new(name.trim());
        if let Some(index) = self.find(&name) {
            return Ok(index);
        }
        if self.names.len() >= SERVICES_MAX {
            return Err(BundleError::TooMany {
                file,
                most: SERVICES_MAX,
                what: "services",
            });
        }
        let index = self.names.len() as u32;
        self.names.push(name.clone());
        self.index.insert(name, index);
        Ok(index)
    }
}

/// Parts of the input, apart by a form feed, are the files in the order of [`FILES`].
pub(crate) fn fuzz(data: &[u8]) {
    let mut parts = data.split(|&b| b == b'\x0c');
    let files = Files {
        incident: parts.next().unwrap_or_default(),
        metrics: parts.next().unwrap_or_default(),
        edges: parts.next(),
        events: parts.next(),
    };
    if let Ok(incident) = parse(&files) {
        let once = format!("{:?}", crate::diagnose(&incident));
        assert_eq!(once, format!("{:?}", crate::diagnose(&incident)));
    }
}
