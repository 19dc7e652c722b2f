//! What an answer means.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::request::Request;
use crate::domain::Outcome;
use crate::handlers::payload;

/// The most of an answer that is kept, and that is read at all.
const MOST: usize = 1024 * 1024;

/// The most of an answer that stands in a reason.
const EXCERPT: usize = 200;

/// The longest pause that somebody else may ask of us.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The headers that go into the result.
const KEPT: [&str; 8] =
    ["content-type", "content-length", "date", "etag", "last-modified", "location", "retry-after", "x-request-id"];

/// An answer, read as far as we read it.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    truncated: bool,
}

impl Answer {
    pub async fn read(mut response: Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let (mut bytes, mut truncated) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await? {
            let room = MOST - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                truncated = true;
                break;
            }
        }
        // JSON could carry a NUL, but PostgreSQL's texts cannot.
        let body = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
        Ok(Self { status, headers, body, truncated })
    }

    pub fn outcome(self, request: &Request) -> Outcome {
        if self.is_welcome(&request.expect) {
            return Outcome::Done { result: Some(self.result().to_string()), next: Vec::new() };
        }
        let reason = self.reason(request);
        match self.status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => self.try_again(reason),
            status if status.is_server_error() => self.try_again(reason),
            _ => Outcome::refused(reason),
        }
    }

    fn is_welcome(&self, expect: &[u16]) -> bool {
        if expect.is_empty() { self.status.is_success() } else { expect.contains(&self.status.as_u16()) }
    }

    fn try_again(&self, reason: String) -> Outcome {
        Outcome::Failed { reason, retry_after: retry_after(&self.headers), next: Vec::new() }
    }

    /// Only the host is named: a path or a query may be a secret.
    fn reason(&self, request: &Request) -> String {
        let redirect = if self.status.is_redirection() { " (redirects are not followed)" } else { "" };
        let excerpt: String = self.body.trim().chars().take(EXCERPT).collect();
        let colon = if excerpt.is_empty() { "" } else { ": " };
        format!("{} answered {}{redirect}{colon}{excerpt}", request.target.host, self.status)
    }

    fn result(&self) -> Value {
        let text = |name: &str| Some((name.to_owned(), Value::from(self.headers.get(name)?.to_str().ok()?)));
        let headers: Map<String, Value> = KEPT.iter().filter_map(|name| text(name)).collect();
        json!({"status": self.status.as_u16(), "headers": headers, "body": self.body, "truncated": self.truncated})
    }
}

/// Seconds, or a date, which is held against the answer's own date: our clock may be another one.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(number) => payload::seconds("Retry-After", number).ok()?,
        Err(_) => {
            let sent = headers.get(DATE).and_then(|date| moment(date.to_str().ok()?));
            let ahead = moment(text)? - sent.unwrap_or_else(OffsetDateTime::now_utc);
            ahead.max(time::Duration::ZERO).unsigned_abs()
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_that_is_asked_for_is_understood_and_bounded() {
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
