//! The instances of a service: the statement that asks for them, and what its table says. A question of their own does not
//! exist; SQL carries all of it, once every ten seconds as the samples come.

use coral_model::answer::{Cell, Table};
use coral_model::{Observed, Question, ServiceKey, Span, TimeNs};
use std::time::Duration;

/// More are not listed.
const LIMIT: u32 = 1_000;
const MILLISECOND: i64 = 1_000_000;

/// One process of a service, with its newest sample in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceRow {
    /// The name of its host.
    pub host: Observed,
    /// Its number there.
    pub pid: u64,
    /// When it started.
    pub started: Option<TimeNs>,
    /// When it was last seen.
    pub seen: TimeNs,
    /// The ports it listens on.
    pub ports: Observed,
    /// Processor time per time, in cores.
    pub cpu_cores: Option<f64>,
    /// Resident memory.
    pub rss_bytes: Option<u64>,
    /// Open descriptors.
    pub fds: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

/// The question for the instances that were there in this stretch.
pub fn question(span: Span, service: &ServiceKey) -> Question {
    let (from, to) = match span {
        Span::Last(length) => {
            let from = format!("now() - INTERVAL {} SECOND", length.as_secs().max(1));
            (from, "now()".to_owned())
        }
        Span::Between(window) => {
            let moment = |at: TimeNs| format!("make_timestamp({})", at.0.div_euclid(1_000));
            (moment(window.from), moment(window.to))
        }
    };
    let (namespace, name) = (
        literal(service.namespace.raw()),
        literal(service.name.raw()),
    );
    let text = format!(
        "WITH used AS (SELECT agent, pid, arg_max(cpu_cores, at) AS cpu, arg_max(rss_bytes, at) AS rss, \
         arg_max(fds, at) AS fds, arg_max(threads, at) AS threads FROM processes \
         WHERE namespace = {namespace} AND service = {name} AND at > {from} AND at <= {to} GROUP BY agent, pid) \
         SELECT i.host, i.pid, epoch_ms(i.started) AS started, epoch_ms(i.last_seen) AS seen, i.ports, \
         u.cpu, u.rss, u.fds, u.threads FROM instances i LEFT JOIN used u ON u.agent = i.agent AND u.pid = i.pid \
         WHERE i.namespace = {namespace} AND i.service = {name} AND i.last_seen > {from} AND i.first_seen <= {to} \
         ORDER BY i.host, i.started, i.pid"
    );
    Question::Sql { text, limit: LIMIT }
}

/// A text between single quotes; the colony reads it as a text and writes it anew.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of the answer; what does not fit is left out.
pub fn rows(table: &Table) -> Vec<InstanceRow> {
    table.rows.iter().filter_map(|cells| row(cells)).collect()
}

fn row(cells: &[Cell]) -> Option<InstanceRow> {
    let [host, pid, started, seen, ports, cpu, rss, fds, threads] = cells else {
        return None;
    };
    let time = |cell| whole(cell).map(|ms| TimeNs(ms.saturating_mul(MILLISECOND)));
    let count = |cell| whole(cell).and_then(|n| u64::try_from(n).ok());
    Some(InstanceRow {
        host: text(host),
        pid: count(pid)?,
        started: time(started),
        seen: time(seen)?,
        ports: text(ports),
        cpu_cores: match cpu {
            Cell::Float(cores) => Some(*cores),
            cell => whole(cell).map(|n| n as f64),
        },
        rss_bytes: count(rss),
        fds: count(fds),
        threads: count(threads),
    })
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Int(n) => Some(*n),
        Cell::Uint(n) => i64::try_from(*n).ok(),
        _ => None,
    }
}

fn text(cell: &Cell) -> Observed {
    match cell {
        Cell::Text(text) => text.clone(),
        _ => Observed::default(),
    }
}

/// How long an instance has been there, at this moment.
pub fn up(row: &InstanceRow, now: TimeNs) -> Option<Duration> {
    row.started.map(|started| now.since(started))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coral_model::Window;

    #[test]
    fn a_name_is_a_text_of_the_statement_whatever_it_holds() {
        let service = ServiceKey::plain("x' OR 1=1 --");
        let window = Window {
            from: TimeNs(1_000),
            to: TimeNs(2_000),
        };
        let Question::Sql { text, .. } = question(Span::Between(window), &service) else {
            panic!("no statement");
        };
        assert_eq!(text.matches("'x'' OR 1=1 --'").count(), 2, "{text}");
        assert!(text.contains("at > make_timestamp(1)"), "{text}");
    }

    #[test]
    fn a_row_that_does_not_fit_is_left_out() {
        let good = vec![
            Cell::Text(Observed::new("web-1")),
            Cell::Uint(7),
            Cell::Null,
            Cell::Int(5),
            Cell::Text(Observed::new("80")),
            Cell::Float(0.5),
            Cell::Null,
            Cell::Null,
            Cell::Int(3),
        ];
        let mut without_pid = good.clone();
        without_pid[1] = Cell::Null;
        let table = Table {
            rows: vec![good, without_pid, vec![Cell::Null]],
            ..Table::default()
        };
        let rows = rows(&table);
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].pid, rows[0].threads, rows[0].fds),
            (7, Some(3), None)
        );
        assert_eq!(rows[0].seen, TimeNs(5 * MILLISECOND));
    }
}
