//! A service that another one calls: one keep-alive client, and what a failed call means to the caller's own answer.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use color_eyre::Result;
use serde_json::{Value, json};
use std::time::Duration;

/// A client of one service on this machine.
#[derive(Clone)]
pub struct Downstream {
    http: reqwest::Client,
    base: String,
}

/// Why the call has no good answer; becomes the caller's own answer.
pub struct Failed(pub StatusCode);

impl Downstream {
    pub fn new(port: u16) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            base: format!("http://127.0.0.1:{port}"),
        })
    }

    pub async fn get(&self, path: &str) -> Result<Value, Failed> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Failed> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failed> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let bad_gateway = |_| Failed(StatusCode::BAD_GATEWAY);
        let answer = request.send().await.map_err(bad_gateway)?;
        let status = answer.status();
        // The body is read in any case, or the connection could not be used again.
        let body = answer.json().await.map_err(bad_gateway)?;
        if status.is_success() {
            Ok(body)
        } else if status.is_client_error() {
            Err(Failed(status))
        } else {
            Err(Failed(StatusCode::BAD_GATEWAY))
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let reason = self.0.canonical_reason().unwrap_or("failed");
        (self.0, Json(json!({ "error": reason }))).into_response()
    }
}
