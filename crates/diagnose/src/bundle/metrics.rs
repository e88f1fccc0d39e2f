//! `metrics.csv`: a column `time`, then one `service|metric` column each. The rows come out in order of time, the columns in
//! order of service and metric, so that neither order matters to what follows.

use super::csv::{fields, lines};
use super::{BundleError, COLUMNS_MAX, Names, VALUES_MAX};
use crate::family::Family;
use crate::incident::Series;
use coral_model::Observed;

const FILE: &str = "metrics.csv";

/// The time axis and the series on it.
pub fn read(text: &str, names: &mut Names) -> Result<(Vec<f64>, Vec<Series>), BundleError> {
    let mut lines = lines(text);
    let (_, head) = lines.next().ok_or(BundleError::Head {
        file: FILE,
        columns: "time, service|metric, ...",
    })?;
    let columns = columns(head)?;
    let mut series = series(&columns, names)?;
    // Counted before anything is kept.
    let rows = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    if rows.saturating_mul(series.len().max(1)) > VALUES_MAX {
        return Err(BundleError::TooMany {
            file: FILE,
            most: VALUES_MAX,
            what: "values",
        });
    }
    for one in &mut series {
        one.values.reserve_exact(rows);
    }
    let mut times = Vec::new();
    for (line, row) in lines {
        times.push(values(line, row, &columns, &mut series)?);
    }
    Ok(in_order(times, series))
}

/// The columns: where in the sorted order each one goes.
struct Columns {
    /// Service and metric, sorted.
    sorted: Vec<(String, String)>,
    /// Column -> place in `sorted`.
    place: Vec<usize>,
}

fn columns(head: &str) -> Result<Columns, BundleError> {
    let mut fields = fields(head);
    let bad = |what: String| BundleError::Line {
        file: FILE,
        line: 1,
        what,
    };
    if !fields
        .next()
        .is_some_and(|f| f.trim().eq_ignore_ascii_case("time"))
    {
        return Err(BundleError::Head {
            file: FILE,
            columns: "time, service|metric, ...",
        });
    }
    let mut columns = Vec::new();
    for field in fields {
        if columns.len() >= COLUMNS_MAX {
            return Err(BundleError::TooMany {
                file: FILE,
                most: COLUMNS_MAX,
                what: "columns",
            });
        }
        let Some((service, metric)) = field.rsplit_once('|') else {
            let name = coral_model::observed::visible(&field)
                .chars()
                .take(80)
                .collect::<String>();
            return Err(bad(format!("column `{name}` is no `service|metric`")));
        };
        let pair = (service.trim().to_owned(), metric.trim().to_owned());
        columns.push((pair, columns.len()));
    }
    columns.sort_unstable();
    let mut place = vec![0; columns.len()];
    for (sorted, (_, column)) in columns.iter().enumerate() {
        place[*column] = sorted;
    }
    let sorted: Vec<_> = columns.into_iter().map(|(pair, _)| pair).collect();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = format!("{}|{}", twice[0].0, twice[0].1);
        let name = coral_model::observed::visible(&name)
            .chars()
            .take(80)
            .collect::<String>();
        return Err(bad(format!("column `{name}` stands there twice")));
    }
    Ok(Columns { sorted, place })
}

fn series(columns: &Columns, names: &mut Names) -> Result<Vec<Series>, BundleError> {
    let new = |(service, metric): &(String, String)| {
        Ok(Series {
            service: names.intern(FILE, service)?,
            metric: Observed::new(metric.as_str()),
            family: Family::of(metric),
            values: Vec::new(),
        })
    };
    columns.sorted.iter().map(new).collect()
}

/// Reads one row into the series; its time.
fn values(
    line: usize,
    row: &str,
    columns: &Columns,
    series: &mut [Series],
) -> Result<f64, BundleError> {
    let bad = |what: String| BundleError::Line {
        file: FILE,
        line,
        what,
    };
    let mut fields = fields(row);
    let time = fields.next().unwrap_or_default();
    let time: Option<f64> = time.trim().parse().ok();
    let time = time.filter(|t| t.is_finite() && t.abs() < 1e12);
    let time = time.ok_or_else(|| bad("the time must be unix seconds".to_owned()))?;
    let mut places = columns.place.iter();
    for field in fields {
        let Some(&place) = places.next() else {
            return Err(bad("more values than columns".to_owned()));
        };
        let value = number(&field).ok_or_else(|| {
            let text = coral_model::observed::visible(&field);
            bad(format!(
                "`{}` is no number",
                text.chars().take(40).collect::<String>()
            ))
        })?;
        series[place].values.push(value);
    }
    // A short row has no data in the columns that it lacks.
    for &place in places {
        series[place].values.push(f64::NAN);
    }
    Ok(time)
}

/// A number; empty, NaN, null and what is not finite are no data.
fn number(field: &str) -> Option<f64> {
    // Most fields are plain numbers.
    if field.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && let Ok(value) = field.parse::<f64>()
        && value < 1e100
    {
        return Some(value);
    }
    let field = field.trim();
    if field.is_empty() || field.eq_ignore_ascii_case("null") || field.eq_ignore_ascii_case("none")
    {
        return Some(f64::NAN);
    }
    let value: f64 = field.parse().ok()?;
    // Beyond this, squares and sums would overflow.
    Some(if value.abs() < 1e100 { value } else { f64::NAN })
}

/// Sorts the rows by time; rows of one time become their mean.
fn in_order(times: Vec<f64>, mut series: Vec<Series>) -> (Vec<f64>, Vec<Series>) {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| times[a].total_cmp(&times[b]).then(a.cmp(&b)));
    let in_place = order.iter().enumerate().all(|(at, &from)| at == from);
    let unique = order.windows(2).all(|pair| times[pair[0]] < times[pair[1]]);
    if in_place && unique {
        return (times, series);
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &row in &order {
        match groups.last_mut() {
            Some(group) if times[group[0]] == times[row] => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    for one in &mut series {
        let value = |group: &Vec<usize>| {
            let known: Vec<f64> = group.iter().map(|&row| one.values[row]).collect();
            let known: Vec<f64> = known.into_iter().filter(|v| !v.is_nan()).collect();
            crate::stats::mean(&known).unwrap_or(f64::NAN)
        };
        one.values = groups.iter().map(value).collect();
    }
    (groups.iter().map(|group| times[group[0]]).collect(), series)
}
