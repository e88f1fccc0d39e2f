//! Health and metrics for other programs: plain HTTP on a loopback address, off until asked for. `/healthz` says whether the
//! colony works; `/metrics` is Prometheus text (version 0.0.4) and needs the token of a file that only the colony's user
//! reads. The Host header must name this machine, so that no web page can ask through a browser.

mod page;
pub mod red;
mod token;

use crate::Clock;
use crate::live::Live;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use coral_model::TimeNs;
use coral_store::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Pages that are made at a time.
const AT_A_TIME: usize = 2;
/// The name of the token's file beside the store.
const TOKEN_FILE: &str = "metrics.token";

/// Why there is no such listener.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Others could reach it.
    #[error("{0} is not a loopback address; metrics are served on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    /// The address cannot be used.
    #[error("listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The token cannot be read or made.
    #[error("the token {path}: {why}")]
    Token {
        /// Its file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// What is counted of the colony itself.
#[derive(Debug, Default)]
pub struct Meters {
    /// Batches that were stored.
    pub batches: AtomicU64,
    /// Batches that could not be.
    pub batches_failed: AtomicU64,
    /// Questions that were answered.
    pub questions: AtomicU64,
    /// Questions that had no answer.
    pub questions_failed: AtomicU64,
    /// What answering took, in microseconds.
    pub question_us: AtomicU64,
    /// What is wrong with the store, when something is.
    trouble: Mutex<Option<String>>,
}

impl Meters {
    /// One more.
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Says what is wrong with the store, or that nothing is.
    pub(crate) fn store(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }
}

/// What the pages are made of.
#[derive(Clone)]
pub struct Source {
    /// The store.
    pub store: Arc<dyn Read>,
    /// The agents, and what they counted.
    pub live: Arc<Live>,
    /// The colony's own counters.
    pub meters: Arc<Meters>,
    /// Its name and version.
    pub about: crate::query::About,
    /// Now.
    pub clock: Clock,
}

struct Shared {
    source: Source,
    token: String,
    turns: Semaphore,
}

/// Listens, and makes the token if there is none in `folder`.
///
/// # Errors
/// [`MetricsError`].
pub async fn listen(
    address: SocketAddr,
    folder: &Path,
    source: Source,
) -> Result<Listening, MetricsError> {
    if !address.ip().is_loopback() {
        return Err(MetricsError::NotLoopback(address));
    }
    let token = token::read_or_make(&folder.join(TOKEN_FILE))?;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| MetricsError::Listen { address, source })?;
    let shared = Arc::new(Shared {
        source,
        token,
        turns: Semaphore::new(AT_A_TIME),
    });
    let routes = Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(shared);
    Ok(Listening { listener, routes })
}

/// A listener that is ready to serve.
pub struct Listening {
    listener: TcpListener,
    routes: Router,
}

impl Listening {
    /// Where.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` turns true.
    pub fn start(self, mut stop: watch::Receiver<bool>) {
        tokio::spawn(async move {
            let stopped = async move { crate::stopped(&mut stop).await };
            let served = axum::serve(self.listener, self.routes).with_graceful_shutdown(stopped);
            if let Err(error) = served.await {
                tracing::error!(%error, "metrics are no longer served");
            }
        });
    }
}

/// Whether the request was sent to this machine by name.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let Some(host) = host else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

async fn health(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_local(&headers) {
        return (
            StatusCode::FORBIDDEN,
            "the Host header must name this machine\n",
        )
            .into_response();
    }
    match shared.source.meters.trouble() {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !is_local(&headers) {
        return (
            StatusCode::FORBIDDEN,
            "the Host header must name this machine\n",
        )
            .into_response();
    }
    if !token::matches(&headers, &shared.token) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let words = "send the token of metrics.token as `Authorization: Bearer TOKEN`\n";
        return (StatusCode::UNAUTHORIZED, challenge, words).into_response();
    }
    let Ok(_turn) = shared.turns.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "asked too often\n").into_response();
    };
    let now = (shared.source.clock)();
    let made = shared.clone();
    match tokio::task::spawn_blocking(move || page::of(&made.source, now)).await {
        Ok(page) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Seconds since a moment.
fn seconds(now: TimeNs, since: TimeNs) -> f64 {
    now.since(since).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        let with = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, header::HeaderValue::from_static(host));
            is_local(&headers)
        };
        assert!(
            ["127.0.0.1:7668", "localhost", "localhost:1", "[::1]:7668"].map(with) == [true; 4]
        );
        for host in [
            "evil.example",
            "evil.example:7668",
            "127.0.0.1.evil.example",
            "",
            "10.0.0.1:80",
        ] {
            assert!(!with(host), "{host}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
