//! `noop`, `echo` and `sleep`: for trying things out and for measurements.

use std::time::Duration;

use serde::Deserialize;

use super::{Handler, HandlerFuture, Job, fallible, payload};
use crate::domain::Outcome;

pub struct Noop;

impl Handler for Noop {
    fn run<'a>(&'a self, _: &'a Job) -> HandlerFuture<'a> {
        Box::pin(async { Outcome::done() })
    }
}

/// Returns its payload, byte for byte, and its inputs if there are any.
pub struct Echo;

impl Handler for Echo {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        let payload = Some(job.payload.clone()).filter(|it| !it.trim().is_empty());
        let result = match &job.inputs {
            None => payload,
            Some(inputs) => Some(with_inputs("payload", payload.as_deref(), inputs)),
        };
        Box::pin(async { Outcome::Done { result, next: Vec::new() } })
    }
}

/// A JSON object with `text` under `name`, and the inputs.
pub fn with_inputs(name: &str, text: Option<&str>, inputs: &str) -> String {
    format!(r#"{{"{name}":{},"inputs":{inputs}}}"#, text.unwrap_or("null"))
}

/// Sleeps for `{"seconds": 1.5}` or `{"ms": 1500}`.
pub struct Sleep;

#[derive(Deserialize)]
struct SleepPayload {
    seconds: Option<f64>,
    #[serde(alias = "duration_ms", alias = "durationMs")]
    ms: Option<u64>,
}

impl Handler for Sleep {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            tokio::time::sleep(duration(&job.payload)?).await;
            Ok(Outcome::done())
        })
    }

    fn schema(&self) -> Option<&'static str> {
        Some(
            r#"{
  "type": "object",
  "properties": {
    "seconds": {"type": "number", "minimum": 0},
    "ms": {"type": "integer", "minimum": 0},
    "duration_ms": {"type": "integer", "minimum": 0},
    "durationMs": {"type": "integer", "minimum": 0}
  },
  "minProperties": 1
}"#,
        )
    }
}

fn duration(text: &str) -> Result<Duration, Outcome> {
    let payload: SleepPayload = payload::read(text)?;
    match (payload.seconds, payload.ms) {
        (Some(seconds), None) => payload::seconds("seconds", seconds),
        (None, Some(ms)) => Ok(Duration::from_millis(ms)),
        _ => Err(Outcome::fatal("either seconds or ms is required")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::run;

    #[tokio::test]
    async fn noop_completes_and_echo_returns_its_payload() {
        assert_eq!(run("noop", "{}").await, Outcome::done());
        let payload = r#"{"n": 12345678901234567890123, "a":[ ]}"#;
        assert_eq!(run("echo", payload).await, Outcome::Done { result: Some(payload.into()), next: Vec::new() });
        assert_eq!(run("echo", "").await, Outcome::done());
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_lasts_as_long_as_its_payload_says() {
        for (payload, ms) in [(r#"{"seconds":1.5}"#, 1500), (r#"{"ms":20}"#, 20), (r#"{"durationMs":7}"#, 7)] {
            let started = tokio::time::Instant::now();
            assert_eq!(run("sleep", payload).await, Outcome::done(), "{payload}");
            let (slept, expected) = (started.elapsed(), Duration::from_millis(ms));
            assert!(slept >= expected && slept < expected + Duration::from_millis(3), "{payload}: {slept:?}");
        }
        for payload in ["{}", "7", r#"{"ms":-1}"#, r#"{"seconds":-1}"#, r#"{"ms":1,"seconds":1}"#] {
            assert!(matches!(run("sleep", payload).await, Outcome::Fatal { .. }), "{payload}");
        }
    }
}
