//! Reads a response and derives the outcome.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::request::Request;
use crate::domain::Outcome;
use crate::handlers::payload;

/// The maximum size of a body that is read.
const MAX_BODY: usize = 1024 * 1024;

/// The maximum length of a body excerpt in a reason.
const EXCERPT: usize = 200;

/// The maximum `Retry-After` that is honored.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

const KEPT: [&str; 8] =
    ["content-type", "content-length", "date", "etag", "last-modified", "location", "retry-after", "x-request-id"];

#[derive(Debug)]
pub struct CallResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    truncated: bool,
}

impl CallResponse {
    pub async fn read(mut response: Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let (mut bytes, mut truncated) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_BODY - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        // PostgreSQL text cannot contain NUL.
        let body = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
        Ok(Self { status, headers, body, truncated })
    }

    pub fn outcome(self, request: &Request) -> Outcome {
        if self.is_success(&request.expect) {
            return Outcome::Done { result: Some(self.result().to_string()), next: Vec::new() };
        }
        let reason = self.reason(request);
        match self.status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => self.retryable(reason),
            status if status.is_server_error() => self.retryable(reason),
            _ => Outcome::fatal(reason),
        }
    }

    fn is_success(&self, expect: &[u16]) -> bool {
        if expect.is_empty() { self.status.is_success() } else { expect.contains(&self.status.as_u16()) }
    }

    fn retryable(&self, reason: String) -> Outcome {
        Outcome::Failed { reason, retry_after: retry_after(&self.headers), next: Vec::new() }
    }

    /// Names only the host: path and query may be secret.
    fn reason(&self, request: &Request) -> String {
        let redirect = if self.status.is_redirection() { " (redirects are not followed)" } else { "" };
        let excerpt: String = self.body.trim().chars().take(EXCERPT).collect();
        let colon = if excerpt.is_empty() { "" } else { ": " };
        format!("{} responded {}{redirect}{colon}{excerpt}", request.target.host, self.status)
    }

    fn result(&self) -> Value {
        let text = |name: &str| Some((name.to_owned(), Value::from(self.headers.get(name)?.to_str().ok()?)));
        let headers: Map<String, Value> = KEPT.iter().filter_map(|name| text(name)).collect();
        json!({"status": self.status.as_u16(), "headers": headers, "body": self.body, "truncated": self.truncated})
    }
}

/// Seconds, or a date. A date is compared with the date of the response, because clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(number) => payload::seconds("Retry-After", number).ok()?,
        Err(_) => {
            let sent = headers.get(DATE).and_then(|date| parse_date(date.to_str().ok()?));
            let ahead = parse_date(text)? - sent.unwrap_or_else(OffsetDateTime::now_utc);
            ahead.max(time::Duration::ZERO).unsigned_abs()
        }
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

fn parse_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_parsed_and_bounded() {
        let cases = [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("999999999999", Some(3600)),
            ("Mon, 02 Nov 2026 10:00:30 GMT", Some(30)),
            ("Mon, 02 Nov 2026 09:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            headers.insert(DATE, "Mon, 02 Nov 2026 10:00:00 GMT".parse().unwrap());
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
