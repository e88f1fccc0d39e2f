//! A server whose times are known: `/MS` answers after so many milliseconds. What measures durations is measured with it.

use crate::lifeline;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use color_eyre::Result;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

/// No delay is longer.
const MAX_MS: u64 = 10_000;

/// Serves until the process is told to stop.
pub async fn serve(port: u16, stdin: bool) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, Router::new().route("/{ms}", get(answer)))
        .with_graceful_shutdown(lifeline::stop(stdin))
        .await?;
    Ok(())
}

async fn answer(Path(ms): Path<u64>) -> (StatusCode, String) {
    let begin = Instant::now();
    if ms > MAX_MS {
        let limit = format!("at most {MAX_MS}\n");
        return (StatusCode::BAD_REQUEST, limit);
    }
    sleep_until(begin + Duration::from_millis(ms)).await;
    (StatusCode::OK, format!("{ms}\n"))
}
