//! red: is every request counted, at the highest rate that hey reaches, and are durations those of a client that stamps
//! every request itself?

use super::Wish;
use super::lab::{Lab, end, row};
use super::load;
use super::nginx::{self, Nginx, SERVICE};
use super::page::Page;
use super::spread::{Spread, rounded};
use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use serde_json::{Value, json};
use std::process::Stdio;

pub const STEPS: usize = 3;
/// Connections of the generator.
const CONNECTIONS: &str = "64";
/// What the server of known times is asked for.
const DELAYS_MS: [u64; 3] = [20, 50, 200];

const METHOD: &str = "hey sends an exact number of requests to nginx over 64 kept-alive connections as quickly as it can; \
    counted is what `coral query summary` says when nothing changes any more. Durations: `coral-shop delay` answers after \
    20, 50 and 200 ms, hey stamps every request (to 0.1 ms), and the percentiles of the server's side are divided by \
    hey's. The ratio in the JSON is the one of the three that is farthest from 1.";

pub fn run(lab: &Lab, wish: &Wish, steps: &mut Steps) -> Result<Page, Failure> {
    let nginx = Nginx::start(lab)?;
    let _agent = lab.agent()?;
    steps.next("count requests at the highest rate");
    let rate = load::hey(&["-z", "2s", "-c", CONNECTIONS, &nginx.url("/hello")])?.rate;
    let before = Counted::read(&lab.quiescent(SERVICE)?);
    let wanted = rounded(rate * f64::from(wish.seconds) / 64.0, 0).max(1.0) as u64 * 64;
    let sent = send(wanted, &nginx.url("/hello"), 2)?;
    steps.next("count errors at the highest rate");
    let errors = send(wanted / 640 * 64, &nginx.url("/fail"), 5)?;
    let counted = Counted::read(&lab.quiescent(SERVICE)?);
    steps.next("compare durations with a server of known times");
    let durations = DELAYS_MS
        .map(|ms| Durations::measure(lab, wish, ms))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page(&sent, &errors, &counted.since(&before), &durations))
}

/// So many requests, all of which must have this class of answer.
struct Sent {
    count: u64,
    rate: f64,
}

fn send(wanted: u64, url: &str, class: usize) -> Result<Sent, Failure> {
    let hey = load::hey(&["-n", &wanted.to_string(), "-c", CONNECTIONS, url])?;
    let count = hey.answers[class];
    if count != hey.answers.iter().sum::<u64>() || hey.failed > 0 {
        return Err(Failure::new(format!(
            "{url} did not answer as it should: {hey:?}"
        )));
    }
    Ok(Sent {
        count,
        rate: hey.rate,
    })
}

/// What Coral says of nginx and of hey.
struct Counted {
    server: u64,
    server_errors: u64,
    client: u64,
    dropped: u64,
    unparsed: u64,
}

impl Counted {
    fn read(summary: &Value) -> Self {
        let figure = |row: &Value, name: &str| row[name].as_u64().unwrap_or(0);
        let server = row(summary, SERVICE, "server");
        let loss = &summary["loss"];
        let dropped = [
            "records_dropped",
            "summaries_dropped",
            "connections_untracked",
            "unknown",
        ];
        Self {
            server: figure(server, "requests"),
            server_errors: figure(server, "errors"),
            client: figure(row(summary, "bench-hey", "client"), "requests"),
            dropped: dropped.iter().map(|name| figure(loss, name)).sum(),
            unparsed: figure(loss, "unparsed"),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server - before.server,
            server_errors: self.server_errors - before.server_errors,
            client: self.client - before.client,
            dropped: self.dropped - before.dropped,
            unparsed: self.unparsed - before.unparsed,
        }
    }
}

/// Percentiles of one known time, Coral's and hey's.
struct Durations {
    ms: u64,
    samples: usize,
    p50: (f64, f64),
    p99: (f64, f64),
}

impl Durations {
    fn measure(lab: &Lab, wish: &Wish, ms: u64) -> Result<Self, Failure> {
        let port = nginx::free_port()?;
        let service = format!("bench-delay-{ms}");
        let mut server = lab
            .command("coral-shop")
            .args(["delay", "--port", &port.to_string()])
            .env("OTEL_SERVICE_NAME", &service)
            .stdin(Stdio::null())
            .spawn()
            .trying("start the server of known times")?;
        let measured = lab
            .eventually("the server listens", || nginx::listens(port))
            .and_then(|()| Self::of(lab, wish, ms, port, &service));
        end(&mut server);
        measured
    }

    fn of(lab: &Lab, wish: &Wish, ms: u64, port: u16, service: &str) -> Result<Self, Failure> {
        let connections = 20;
        let each = u64::from(wish.seconds) * 1000 / ms;
        let number = (each.max(25) * connections).to_string();
        let url = format!("http://127.0.0.1:{port}/{ms}");
        let connections = connections.to_string();
        let stamped = load::hey_durations(&["-n", &number, "-c", &connections, &url])?;
        let samples = stamped.len();
        let stamped = Spread::of(stamped);
        let summary = lab.quiescent(service)?;
        let server = row(&summary, service, "server");
        let figure = |name: &str| server[name].as_f64().unwrap_or(0.0);
        Ok(Self {
            ms,
            samples,
            p50: (figure("p50_ms"), stamped.at(0.5)),
            p99: (figure("p99_ms"), stamped.at(0.99)),
        })
    }
}

/// The ratio that is farthest from 1.
fn worst(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let ratios = pairs.map(|(coral, client)| coral / client);
    let worst = ratios.max_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()));
    rounded(worst.unwrap_or(0.0), 4)
}

fn page(sent: &Sent, errors: &Sent, counted: &Counted, durations: &[Durations]) -> Page {
    let all = sent.count + errors.count;
    let share = |counted: u64, of: u64| rounded(counted as f64 / of as f64, 6);
    let figures = json!({
        "sent": all, "counted": counted.server, "ratio": share(counted.server, all),
        "errors_sent": errors.count, "errors_counted": counted.server_errors,
        "p50_ratio": worst(durations.iter().map(|d| d.p50)),
        "p99_ratio": worst(durations.iter().map(|d| d.p99)),
        "dropped": counted.dropped,
        "unparsed": counted.unparsed, "client_counted": counted.client, "rate_per_s": rounded(sent.rate, 0),
    });
    let mut page = Page::new("Every request is counted", METHOD.to_owned(), figures);
    let of = |counted: u64, sent: u64| format!("{counted} of {sent}");
    page.row(
        "requests counted, server side",
        of(counted.server, all),
        "all",
    );
    page.row(
        "requests counted, client side",
        of(counted.client, all),
        "all",
    );
    page.row(
        "errors counted",
        of(counted.server_errors, errors.count),
        "all",
    );
    page.row(
        "rate of hey",
        format!("{:.0}/s", sent.rate),
        "the highest it reaches",
    );
    page.row(
        "details dropped",
        counted.dropped.to_string(),
        "every drop is shown",
    );
    page.row("unparsed", counted.unparsed.to_string(), "0");
    for d in durations {
        let pair = |(coral, client): (f64, f64)| {
            format!("{coral:.2} ms / {client:.2} ms = {:.4}", coral / client)
        };
        let what = |p: &str| format!("{p} at {} ms, {} requests", d.ms, d.samples);
        page.row(&what("p50"), pair(d.p50), "within 5 %");
        page.row(&what("p99"), pair(d.p99), "within 5 %");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_ratio_is_shown() {
        assert_eq!(
            worst([(20.0, 20.0), (49.0, 50.0), (201.0, 200.0)].into_iter()),
            0.98
        );
    }

    #[test]
    fn counts_of_before_are_not_counted() {
        let summary = |requests: u64| {
            let server =
                json!({ "service": SERVICE, "side": "server", "requests": requests, "errors": 1 });
            Counted::read(&json!({ "services": [server], "loss": { "records_dropped": requests } }))
        };
        let counted = summary(30).since(&summary(10));
        assert_eq!(
            (
                counted.server,
                counted.server_errors,
                counted.client,
                counted.dropped
            ),
            (20, 0, 0, 20)
        );
    }
}
