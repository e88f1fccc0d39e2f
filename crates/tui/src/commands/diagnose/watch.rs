//! `coral diagnose --watch`: a line when something begins, with its cause as soon as one is found, and a line when it ends.

use super::super::say::print;
use super::webhook::Webhook;
use super::{Options, ask};
use crate::args::Output;
use crate::client;
use crate::failure::{Code, Failure};
use crate::place::Place;
use coral_model::{AnswerBody, Diagnosis, Event, EventKind, Question, Span, TimeNs};
use coral_report::{DiagnosisReport, EventReport};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::{Instant, sleep_until};

/// What began so long ago is told at the start.
const RECENT: Duration = Duration::from_secs(60);
/// Events are looked for so far back: an end tells of a moment that is past when it is known.
const BACK: Duration = Duration::from_secs(15 * 60);
const LIMIT: u32 = 1_000;
/// So many told events are remembered.
const TOLD: usize = 10_000;
/// A cause is looked for so long after a begin; the first figures show little.
const PATIENCE: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_secs(10);
/// A command that has not ended by then is ended.
const LONGEST: Duration = Duration::from_secs(60);

/// Follows until Ctrl-C or the end of the reader. A colony that is away is waited for.
pub(super) async fn run(
    place: &Place,
    options: &Options,
    output: Output,
    seconds: u32,
) -> Result<(), Failure> {
    if !matches!(output, Output::Table | Output::Json) {
        let hint = "-o json is a line of JSON for each";
        return Err(Failure::usage("--watch prints lines of text or JSON", hint));
    }
    let webhook = options.webhook.as_deref().map(Webhook::start).transpose()?;
    let mut watch = Watch {
        place,
        options,
        output,
        webhook,
        told: VecDeque::new(),
        open: None,
    };
    let ended = watch.follow(Duration::from_secs(seconds.into())).await;
    if let Some(webhook) = watch.webhook {
        webhook.finish().await;
    }
    ended
}

struct Watch<'a> {
    place: &'a Place,
    options: &'a Options,
    output: Output,
    webhook: Option<Webhook>,
    told: VecDeque<(TimeNs, EventKind, String)>,
    /// The service whose cause is being looked for: until when, and when again.
    open: Option<(Event, Instant, Instant)>,
}

impl Watch<'_> {
    /// Looks again and again, until nobody reads any more.
    async fn follow(&mut self, pause: Duration) -> Result<(), Failure> {
        let mut first = true;
        loop {
            let next = Instant::now() + pause;
            match self.look(first).await {
                Ok(true) => first = false,
                Ok(false) => return Ok(()),
                Err(failure) if failure.code == Code::NotReachable && !first => {
                    failure.print(self.output);
                }
                Err(failure) => return Err(failure),
            }
            sleep_until(next).await;
        }
    }

    /// Tells what is new; whether anybody still reads.
    async fn look(&mut self, first: bool) -> Result<bool, Failure> {
        for event in self.news(first).await? {
            if !self.tell(&event, None).await? {
                return Ok(false);
            }
            let now = Instant::now();
            if event.kind == EventKind::AnomalyBegan && self.open.is_none() {
                self.open = Some((event, now + PATIENCE, now));
            }
        }
        let Some((event, until, again)) = self.open.take() else {
            return Ok(true);
        };
        let now = Instant::now();
        if now < again {
            self.open = Some((event, until, again));
            return Ok(true);
        }
        let service = event
            .service
            .as_ref()
            .map(crate::console::questions::full_name);
        let diagnosis = ask(self.place, service, Span::Last(BACK)).await?;
        if !diagnosis.abstained {
            return self.tell(&event, Some(&diagnosis)).await;
        }
        if now < until {
            self.open = Some((event, until, now + AGAIN));
        }
        Ok(true)
    }

    /// The anomalies that were not told yet, in order of time.
    async fn news(&mut self, first: bool) -> Result<Vec<Event>, Failure> {
        let question = Question::Events {
            span: Span::Last(BACK),
            service: self.options.service.clone(),
            kinds: vec![EventKind::AnomalyBegan, EventKind::AnomalyEnded],
            limit: LIMIT,
        };
        let answer = client::ask(self.place, &question).await?;
        let AnswerBody::Events { mut rows, .. } = answer.body else {
            return Ok(vec![]);
        };
        rows.reverse();
        let old = answer.window.to.minus(RECENT);
        let mut news = vec![];
        for event in rows {
            let key = (event.at, event.kind, event.text.raw().to_owned());
            if self.told.contains(&key) {
                continue;
            }
            self.told.push_back(key);
            if self.told.len() > TOLD {
                self.told.pop_front();
            }
            if !first || event.at >= old {
                news.push(event);
            }
        }
        Ok(news)
    }

    /// Prints a line, and gives it to the command and the webhook.
    async fn tell(
        &mut self,
        event: &Event,
        diagnosis: Option<&Diagnosis>,
    ) -> Result<bool, Failure> {
        let value = value(event, diagnosis);
        let line = match self.output {
            Output::Json => format!("{value}\n"),
            _ => line(event, diagnosis),
        };
        if !print(&line)? {
            return Ok(false);
        }
        if let Some(webhook) = &mut self.webhook {
            webhook.post(&value);
        }
        if let Some(command) = &self.options.exec
            && let Err(error) = execute(command, &value).await
        {
            eprintln!("error: {command}: {error}");
        }
        Ok(true)
    }
}

/// What a program reads.
fn value(event: &Event, diagnosis: Option<&Diagnosis>) -> Value {
    let what = match (diagnosis, event.kind) {
        (Some(_), _) => "cause",
        (None, EventKind::AnomalyEnded) => "ended",
        (None, _) => "began",
    };
    let event = serde_json::to_value(EventReport::from(event)).unwrap_or_default();
    let diagnosis = diagnosis.map(|d| serde_json::to_value(DiagnosisReport::from(d)));
    let diagnosis = diagnosis.and_then(Result::ok);
    json!({ "what": what, "event": event, "diagnosis": diagnosis })
}

/// What a person reads.
fn line(event: &Event, diagnosis: Option<&Diagnosis>) -> String {
    let at = Timestamp::from_nanosecond(event.at.0.into()).unwrap_or_default();
    let at = at.to_zoned(TimeZone::system()).strftime("%H:%M:%S");
    let Some(cause) = diagnosis.and_then(|d| d.causes.first()) else {
        return format!("{at}  {}\n", event.text.visible());
    };
    let function = cause
        .function
        .as_ref()
        .map(|f| format!(", in {}", f.visible()));
    let evidence = cause
        .evidence
        .first()
        .map(|e| format!(": {}", e.text.visible()));
    format!(
        "{at}  cause: {}  {} · {} {:.2}{}{}\n",
        cause.service.visible(),
        cause.kind.name(),
        cause.confidence.name(),
        cause.score,
        function.unwrap_or_default(),
        evidence.unwrap_or_default()
    )
}

/// Runs the command with the value on stdin. It is the words of who typed it; what was observed is only read.
async fn execute(command: &str, value: &Value) -> std::io::Result<()> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command need not read it.
        let _ = stdin.write_all(format!("{value}\n").as_bytes()).await;
    }
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    let status = tokio::time::timeout(LONGEST, child.wait())
        .await
        .map_err(late)??;
    match status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other(status.to_string())),
    }
}
