//! `edges.csv` (`caller,callee`) and `events.csv` (`time,service,kind,text`, in any order of columns).

use super::csv::{fields, lines};
use super::{BundleError, Names, ROWS_MAX};
use crate::incident::{EventKind, Happened};
use coral_model::Observed;
use std::collections::BTreeSet;

/// The edges, each once; a service that calls itself is none.
pub fn edges(text: &str, names: &mut Names) -> Result<Vec<(u32, u32)>, BundleError> {
    const FILE: &str = "edges.csv";
    let table = Table::of(FILE, text, &["caller", "callee"], "caller,callee")?;
    let mut edges = BTreeSet::new();
    for row in table.rows {
        let (_, row) = row?;
        let (caller, callee) = (row[0].trim(), row[1].trim());
        if caller.is_empty() || callee.is_empty() || caller == callee {
            continue;
        }
        edges.insert((names.intern(FILE, caller)?, names.intern(FILE, callee)?));
    }
    Ok(edges.into_iter().collect())
}

/// The events in order of time.
pub fn events(text: &str, names: &mut Names) -> Result<Vec<Happened>, BundleError> {
    const FILE: &str = "events.csv";
    let wanted = ["time", "service", "kind", "text"];
    let table = Table::of(FILE, text, &wanted, "time,service,kind,text")?;
    let mut events = Vec::new();
    for row in table.rows {
        let (line, row) = row?;
        let at: Option<f64> = row[0].trim().parse().ok();
        let Some(at) = at.filter(|at| at.is_finite() && at.abs() < 1e12) else {
            let what = "the time must be unix seconds".to_owned();
            return Err(BundleError::Line {
                file: FILE,
                line,
                what,
            });
        };
        let service = match row[1].trim() {
            "" => None,
            name => Some(names.intern(FILE, name)?),
        };
        events.push(Happened {
            at,
            service,
            kind: EventKind::of(&row[2]),
            text: Observed::new(row[3].trim()),
        });
    }
    events.sort_by(|a, b| {
        let key = |e: &Happened| (e.service, e.kind, e.text.clone());
        a.at.total_cmp(&b.at).then_with(|| key(a).cmp(&key(b)))
    });
    Ok(events)
}

type Row<'a> = Result<(usize, Vec<String>), BundleError>;

/// The wanted columns of a table.
struct Table<'a> {
    rows: Box<dyn Iterator<Item = Row<'a>> + 'a>,
}

impl<'a> Table<'a> {
    /// The first two columns must be there, the others may.
    fn of(
        file: &'static str,
        text: &'a str,
        wanted: &[&str],
        columns: &'static str,
    ) -> Result<Self, BundleError> {
        let mut lines = lines(text);
        let Some((_, head)) = lines.next() else {
            let rows = Box::new(std::iter::empty());
            return Ok(Self { rows });
        };
        let head: Vec<String> = fields(head)
            .map(|f| f.trim().to_ascii_lowercase())
            .collect();
        let places: Vec<Option<usize>> = wanted
            .iter()
            .map(|name| head.iter().position(|column| column == name))
            .collect();
        if places.iter().take(2).any(Option::is_none) {
            return Err(BundleError::Head { file, columns });
        }
        let rows = lines.enumerate().map(move |(count, (line, row))| {
            if count >= ROWS_MAX {
                let (most, what) = (ROWS_MAX, "rows");
                return Err(BundleError::TooMany { file, most, what });
            }
            let row: Vec<_> = fields(row).collect();
            let cell = |place: &Option<usize>| {
                let cell = place.and_then(|place| row.get(place));
                cell.map_or_else(String::new, |cell| cell.to_string())
            };
            Ok((line, places.iter().map(cell).collect()))
        });
        Ok(Self {
            rows: Box::new(rows),
        })
    }
}
