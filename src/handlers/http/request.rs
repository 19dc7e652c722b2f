//! Parses and validates the request that a job describes.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::allow::{Host, Target};
use crate::domain::Outcome;
use crate::handlers::plain::with_inputs;
use crate::handlers::{Job, payload};

/// The maximum and default timeout.
const MAX_TIMEOUT: Duration = Duration::from_secs(10);

/// A valid request; its target still has to be allowed.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: Option<String>,
    pub timeout: Duration,
    /// The status codes that count as success; empty means 200 to 299.
    pub expect: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    method: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
    #[serde(alias = "timeoutS")]
    timeout_s: Option<f64>,
    #[serde(default)]
    expect: Vec<u16>,
    #[serde(default, alias = "sendInputs")]
    send_inputs: bool,
}

/// Headers that `http.call` or HTTP set. A job that could set them could reach another host or smuggle a second
/// request.
const RESERVED_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-provost-execution",
];

impl Request {
    pub fn read(job: &Job) -> Result<Self, Outcome> {
        let payload: Payload = payload::read(&job.payload)?;
        let (url, target) = parse_url(payload.url.as_deref()).map_err(Outcome::fatal)?;
        let body = match (&job.inputs, payload.send_inputs) {
            (Some(inputs), true) => Some(with_inputs("body", payload.body.as_deref().map(RawValue::get), inputs)),
            _ => payload.body.as_deref().map(body).transpose()?,
        };
        let method = method(payload.method.as_deref(), body.is_some()).map_err(Outcome::fatal)?;
        let headers = headers(&payload.headers, job, body.is_some()).map_err(Outcome::fatal)?;
        let timeout = payload.timeout_s.map(|it| payload::seconds("timeout_s", it)).transpose()?.unwrap_or(MAX_TIMEOUT);
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            return Err(Outcome::fatal(format!("timeout_s must be more than 0 and at most {}", MAX_TIMEOUT.as_secs())));
        }
        Ok(Self { method, url, target, headers, body, timeout, expect: payload.expect })
    }
}

fn parse_url(url: Option<&str>) -> Result<(Url, Target), String> {
    let mut url = Url::parse(url.ok_or("url is required")?).map_err(|error| format!("url is invalid: {error}"))?;
    let target = Target::of(&url)?;
    // Resolve the name in the form that was compared.
    if let Host::Name(name) = &target.host {
        url.set_host(Some(name)).map_err(|error| format!("url is invalid: {error}"))?;
    }
    Ok((url, target))
}

fn method(word: Option<&str>, has_body: bool) -> Result<Method, String> {
    let word = word.unwrap_or(if has_body { "POST" } else { "GET" }).to_ascii_uppercase();
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    known
        .into_iter()
        .find(|it| it.as_str() == word)
        .ok_or_else(|| "method must be one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS".to_owned())
}

/// A string is sent as it is, anything else as JSON, byte for byte.
fn body(body: &RawValue) -> Result<String, Outcome> {
    if body.get().starts_with('"') { payload::read(body.get()) } else { Ok(body.get().to_owned()) }
}

/// Reasons never contain the value of a header: it may be a secret.
fn headers(given: &BTreeMap<String, String>, job: &Job, has_body: bool) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("provost/", env!("CARGO_PKG_VERSION"))));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in given {
        let bad = || format!("the header {name:?} is invalid");
        let header = HeaderName::try_from(name).map_err(|_| bad())?;
        if RESERVED_HEADERS.contains(&header.as_str()) {
            return Err(format!("the header {name:?} is reserved"));
        }
        headers.insert(header, HeaderValue::try_from(value).map_err(|_| bad())?);
    }
    for (name, id) in [("idempotency-key", job.id), ("x-provost-execution", job.execution_id)] {
        let value = HeaderValue::try_from(id.to_string()).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::job;

    fn read(payload: &str) -> Result<Request, Outcome> {
        Request::read(&job("http.call", payload))
    }

    #[test]
    fn omitted_fields_have_defaults() {
        let plain = read(r#"{"url":"https://A.example./x?y=1"}"#).unwrap();
        assert_eq!((plain.method, plain.url.as_str()), (Method::GET, "https://a.example/x?y=1"));
        assert_eq!((plain.body, plain.timeout, plain.expect), (None, MAX_TIMEOUT, vec![]));
        assert_eq!(plain.headers["idempotency-key"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(plain.headers["x-provost-execution"], "00000000-0000-0000-0000-000000000002");

        let json = read(r#"{"url":"https://a.example","body":{"n": 1.0},"timeout_s":2}"#).unwrap();
        assert_eq!((json.method, json.body.as_deref()), (Method::POST, Some(r#"{"n": 1.0}"#)));
        assert_eq!(json.headers["content-type"], "application/json");
        assert_eq!(json.timeout, Duration::from_secs(2));

        let text =
            read(r#"{"url":"https://a.example","body":"a\nb","headers":{"Content-Type":"text/plain"},"method":"put"}"#);
        let text = text.unwrap();
        assert_eq!((text.method, text.body.as_deref()), (Method::PUT, Some("a\nb")));
        assert_eq!(text.headers["content-type"], "text/plain");
    }

    #[test]
    fn invalid_field_is_named() {
        let cases = [
            ("{}", "url is required"),
            (r#"{"url":"x"}"#, "url is invalid"),
            (r#"{"url":"ftp://a.example"}"#, "url must begin with"),
            (r#"{"url":"https://a:b@a.example"}"#, "must not contain a user"),
            (r#"{"url":"https://a.example","method":"TRACE"}"#, "method must be one of"),
            (r#"{"url":"https://a.example","headers":{"Host":"b"}}"#, "\"Host\" is reserved"),
            (r#"{"url":"https://a.example","headers":{"transfer-encoding":"chunked"}}"#, "is reserved"),
            (r#"{"url":"https://a.example","headers":{"x":"a\r\nHost: b"}}"#, "\"x\" is invalid"),
            (r#"{"url":"https://a.example","headers":{"a b":"c"}}"#, "\"a b\" is invalid"),
            (r#"{"url":"https://a.example","timeout_s":11}"#, "at most 10"),
            (r#"{"url":"https://a.example","timeout_s":0}"#, "more than 0"),
            (r#"{"url":"https://a.example","proxy":"x"}"#, "proxy"),
        ];
        for (payload, word) in cases {
            match read(payload) {
                Err(Outcome::Fatal { reason, .. }) => assert!(reason.contains(word), "{payload}: {reason}"),
                other => panic!("{payload}: {other:?}"),
            }
        }
    }
}
