//! Requests.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

use super::{Body, Budget, DEFAULT_TIMEOUT};
use crate::wire::json::raw;

/// Query parameters; those without a value are omitted.
pub type Pairs<'a> = &'a [(&'a str, Option<String>)];

/// One request, before it is sent.
#[derive(Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
    pub(super) timeout: Duration,
    pub(super) budget: Budget,
    pub(super) accepted: Option<u16>,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let budget = if method.is_safe() { Budget::default() } else { Budget::none() };
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, path: path.into(), query, headers, body: None, timeout: DEFAULT_TIMEOUT, budget, accepted: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    pub fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }

    pub fn pairs(self, pairs: Pairs<'_>) -> Self {
        pairs.iter().fold(self, |request, (name, value)| request.query(name, value.as_deref()))
    }

    pub fn header(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Sets the idempotency key, which makes the request safe to retry.
    pub fn key(self, key: Option<&str>) -> Self {
        let budget = if key.is_some() { Budget::default() } else { self.budget };
        self.header("idempotency-key", key).retry(budget)
    }

    /// Sets the body.
    pub fn json(self, body: &impl Serialize) -> Self {
        // Serializing strings, numbers and lists cannot fail.
        self.text(serde_json::to_string(body).unwrap_or_default())
    }

    /// Sets the body to JSON text, sent byte for byte.
    pub fn text(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// The server may take this much longer to respond.
    pub fn wait(self, at_most: Duration) -> Self {
        Self { timeout: DEFAULT_TIMEOUT + at_most, ..self }
    }

    /// Limits the total time of one attempt.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Treats this status as a success.
    pub fn accept_status(self, status: u16) -> Self {
        Self { accepted: Some(status), ..self }
    }

    /// Retries the request within this budget. Only for requests that are safe to repeat.
    pub fn retry(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Asks the server to respond once `state` is reached or `at_most` has passed. Not retried: the caller repeats the request with
    /// the remaining time.
    pub(super) fn wait_until(self, state: &str, at_most: Duration) -> Self {
        let timeout = format!("{}ms", at_most.as_millis());
        self.query("wait", Some(state)).query("timeout", Some(timeout)).wait(at_most).retry(Budget::none())
    }

    /// The request as JSON, for a dry run.
    pub(super) fn describe(&self) -> String {
        Body::default()
            .with("dry_run", Some(true))
            .with("method", Some(self.method.as_str()))
            .with("path", Some(&self.path))
            .with("body", self.body.clone().map(raw))
            .text()
    }
}
