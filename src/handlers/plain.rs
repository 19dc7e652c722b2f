//! The plainest work: nothing at all, saying again what was said, and waiting. For trying things out and for measuring.

use std::time::Duration;

use serde::Deserialize;

use super::{Handler, Job, Working, payload};
use crate::domain::Outcome;

/// Done at once.
pub struct Noop;

impl Handler for Noop {
    fn run<'a>(&'a self, _: &'a Job) -> Working<'a> {
        Box::pin(async { Outcome::done() })
    }
}

/// Its result is its payload, byte for byte; beside it, if there are any, what it was handed by those that it depended on.
pub struct Echo;

impl Handler for Echo {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        let payload = Some(job.payload.clone()).filter(|it| !it.trim().is_empty());
        let result = match &job.inputs {
            None => payload,
            Some(inputs) => Some(beside("payload", payload.as_deref(), inputs)),
        };
        Box::pin(async { Outcome::Done { result, next: Vec::new() } })
    }
}

/// One JSON object of two texts: what was said, and what was handed over.
pub fn beside(name: &str, said: Option<&str>, inputs: &str) -> String {
    format!(r#"{{"{name}":{},"inputs":{inputs}}}"#, said.unwrap_or("null"))
}

/// Takes as long as it is told: `{"seconds": 1.5}` or `{"ms": 1500}`.
pub struct Sleep;

#[derive(Deserialize)]
struct Nap {
    seconds: Option<f64>,
    #[serde(alias = "duration_ms", alias = "durationMs")]
    ms: Option<u64>,
}

impl Handler for Sleep {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            match how_long(&job.payload) {
                Ok(nap) => tokio::time::sleep(nap).await,
                Err(refused) => return refused,
            }
            Outcome::done()
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

fn how_long(text: &str) -> Result<Duration, Outcome> {
    let nap: Nap = payload::read(text)?;
    match (nap.seconds, nap.ms) {
        (Some(seconds), None) => payload::seconds("seconds", seconds),
        (None, Some(ms)) => Ok(Duration::from_millis(ms)),
        _ => Err(Outcome::refused("either seconds or ms is required")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::run;

    #[tokio::test]
    async fn noop_is_done_and_echo_says_it_again() {
        assert_eq!(run("noop", "{}").await, Outcome::done());
        let payload = r#"{"n": 12345678901234567890123, "a":[ ]}"#;
        assert_eq!(run("echo", payload).await, Outcome::Done { result: Some(payload.into()), next: Vec::new() });
        assert_eq!(run("echo", "").await, Outcome::done());
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_takes_as_long_as_it_is_told() {
        for (payload, ms) in [(r#"{"seconds":1.5}"#, 1500), (r#"{"ms":20}"#, 20), (r#"{"durationMs":7}"#, 7)] {
            let started = tokio::time::Instant::now();
            assert_eq!(run("sleep", payload).await, Outcome::done(), "{payload}");
            let (slept, asked) = (started.elapsed(), Duration::from_millis(ms));
            assert!(slept >= asked && slept < asked + Duration::from_millis(3), "{payload}: {slept:?}");
        }
        for payload in ["{}", "7", r#"{"ms":-1}"#, r#"{"seconds":-1}"#, r#"{"ms":1,"seconds":1}"#] {
            assert!(matches!(run("sleep", payload).await, Outcome::Refused { .. }), "{payload}");
        }
    }
}
