//! `coral diagnose --watch --webhook URL`: each line's JSON is posted there, in order, by a task that the watch never waits for.
//! What the URL holds beside its host may be a secret: no error, log or line shows it.

use crate::failure::Failure;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use std::fs::File;
use std::io::Read as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// So many lines wait; more are dropped and counted.
const QUEUE: usize = 64;
/// How long connecting and the whole of one try may take.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// The pauses before the next tries.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How long what waits may take at the end.
const DRAIN: Duration = Duration::from_secs(5);
/// A URL is not longer.
const URL_MAX: u64 = 8_192;

/// Where lines are posted to.
pub(super) struct Webhook {
    lines: mpsc::Sender<String>,
    sending: JoinHandle<()>,
    host: String,
    dropped: u64,
}

impl Webhook {
    /// Posts to this URL; `@FILE` names a file that holds it, which keeps a secret out of the list of processes.
    ///
    /// # Errors
    /// [`Failure`]: it is no http or https URL.
    pub(super) fn start(named: &str) -> Result<Self, Failure> {
        let url = parsed(named)?;
        let client = client()?;
        let host = host(&url);
        let (lines, waiting) = mpsc::channel(QUEUE);
        let sending = tokio::spawn(post_all(client, url, host.clone(), waiting));
        Ok(Self {
            lines,
            sending,
            host,
            dropped: 0,
        })
    }

    /// Has the line posted, unless too many wait.
    pub(super) fn post(&mut self, line: &Value) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line.to_string()) {
            self.dropped += 1;
            eprintln!(
                "error: webhook {}: {} lines were dropped, it takes them too slowly",
                self.host, self.dropped
            );
        }
    }

    /// Waits a moment for what is not posted yet.
    pub(super) async fn finish(self) {
        drop(self.lines);
        if timeout(DRAIN, self.sending).await.is_err() {
            eprintln!(
                "error: webhook {}: the last lines are not posted",
                self.host
            );
        }
    }
}

fn client() -> Result<Client, Failure> {
    // One that is there already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(Policy::none())
        .user_agent(concat!("coral/", env!("CARGO_PKG_VERSION")))
        .build();
    client.map_err(|e| Failure::failed(said(e), ""))
}

/// The URL; an error never repeats it.
fn parsed(named: &str) -> Result<Url, Failure> {
    let hint = "--webhook https://HOST/PATH, or --webhook @FILE for a file that holds it";
    let text = match named.strip_prefix('@') {
        None => named.to_owned(),
        Some(path) => {
            let mut text = String::new();
            let read = File::open(path).and_then(|f| f.take(URL_MAX).read_to_string(&mut text));
            read.map_err(|e| Failure::usage(format!("read {path}: {e}"), hint))?;
            text
        }
    };
    let url = Url::parse(text.trim());
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    url.ok()
        .filter(fits)
        .ok_or_else(|| Failure::usage("the webhook is no http or https URL", hint))
}

/// All of the URL that is shown.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// An error without the URL.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(deeper) = source {
        text = deeper.to_string();
        source = deeper.source();
    }
    text
}

/// Posts what waits, one after the other.
async fn post_all(client: Client, url: Url, host: String, mut waiting: mpsc::Receiver<String>) {
    while let Some(line) = waiting.recv().await {
        if let Err(why) = post(&client, &url, &line).await {
            eprintln!("error: webhook {host}: {why}");
        }
    }
}

/// One line, tried again when the other side may only be busy; why it was not taken.
async fn post(client: &Client, url: &Url, line: &str) -> Result<(), String> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let sent = client
            .post(url.clone())
            .header("content-type", "application/json")
            .body(line.to_owned())
            .send();
        let why = match sent.await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => match answer.status() {
                status if status.is_redirection() => {
                    return Err(format!("{status}: redirects are not followed"));
                }
                status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    status.to_string()
                }
                status => return Err(status.to_string()),
            },
            Err(error) => said(error),
        };
        match pauses.next() {
            Some(pause) => sleep(pause).await,
            None => return Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_url_that_is_none_is_not_repeated() {
        for named in [
            "ftp://u:hunter2@x/",
            "hunter2",
            "http://",
            "@/nowhere/hunter",
        ] {
            let failure = parsed(named).unwrap_err();
            assert!(!failure.message.contains("hunter2"), "{failure:?}");
        }
        let url = parsed("https://u:hunter2@hooks.example:8443/T0/hunter2?key=hunter2").unwrap();
        assert_eq!(host(&url), "hooks.example:8443");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "http://a.example/x\n").unwrap();
        let url = parsed(&format!("@{}", file.display())).unwrap();
        assert_eq!(url.as_str(), "http://a.example/x");
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted() {
        // Nobody takes what comes here, so that it waits.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = silent.local_addr().unwrap();
        let mut webhook = Webhook::start(&format!("http://{at}/")).unwrap();
        for n in 0..QUEUE + 3 {
            webhook.post(&json!({ "n": n }));
        }
        assert_eq!(webhook.dropped, 3);
        webhook.sending.abort();
    }

    #[tokio::test]
    async fn an_error_of_the_network_shows_no_url() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = gone.local_addr().unwrap();
        drop(gone);
        let client = client().unwrap();
        let url = format!("http://u:hunter2@{at}/hunter2?hunter2");
        let error = client.post(url).send().await.unwrap_err();
        let text = said(error);
        assert!(
            text.contains("refused") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
