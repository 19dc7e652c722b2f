//! `simulated`: a handler whose payload sets its outcome, for demonstrations and tests.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Handler, HandlerFuture, Job, Simulate, fallible, payload};
use crate::domain::{FollowUp, Outcome};

/// Works for a while, then ends as the payload says: `{"duration_ms": 100, "outcome": "flaky", "fail_times": 2,
/// "reason": "no route"}` succeeds in its third attempt.
pub struct Simulated(pub Simulate);

#[derive(Debug, Default, Deserialize)]
struct SimulatedPayload {
    #[serde(alias = "durationMs")]
    duration_ms: Option<u64>,
    outcome: Option<Ending>,
    reason: Option<String>,
    /// Uses `outcome` up to this attempt, then completes.
    #[serde(alias = "failTimes")]
    fail_times: Option<i32>,
    result: Option<Box<RawValue>>,
    #[serde(default)]
    next: Vec<Box<RawValue>>,
    #[serde(default, alias = "nextOnFailure")]
    next_on_failure: Vec<Box<RawValue>>,
    /// Log lines to write at the start.
    #[serde(default)]
    lines: Vec<String>,
    /// The number of parts of the work, each reported as progress.
    #[serde(default)]
    steps: u32,
    #[serde(alias = "retryAfterS")]
    retry_after_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    Completed,
    Failed,
    /// Fails; a retry may succeed.
    Flaky,
    /// Panics, like a handler with a bug.
    Panic,
    Snooze,
}

impl Handler for Simulated {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let (payload, retry_after) = read(&job.payload)?;
            payload.lines.iter().for_each(|line| job.log.line("stdout", line));
            let duration = payload.duration_ms.map_or_else(|| self.0.random(), Duration::from_millis);
            for step in 0..payload.steps {
                job.progress
                    .set(f64::from(step) / f64::from(payload.steps), format!("step {} of {}", step + 1, payload.steps));
                tokio::time::sleep(duration / payload.steps).await;
            }
            if payload.steps == 0 {
                tokio::time::sleep(duration).await;
            }
            Ok(payload.outcome(job.attempt, retry_after))
        })
    }

    fn schema(&self) -> Option<&'static str> {
        Some(
            r#"{
  "type": "object",
  "properties": {
    "duration_ms": {"type": "integer", "minimum": 0},
    "durationMs": {"type": "integer", "minimum": 0},
    "outcome": {"enum": ["completed", "failed", "flaky", "panic", "snooze"]},
    "reason": {"type": "string"},
    "fail_times": {"type": "integer", "minimum": 0},
    "result": {},
    "lines": {"type": "array", "items": {"type": "string"}},
    "steps": {"type": "integer", "minimum": 0, "maximum": 1000},
    "next": {"type": "array", "items": {"type": "object"}},
    "next_on_failure": {"type": "array", "items": {"type": "object"}},
    "retry_after_s": {"type": "number", "minimum": 0}
  }
}"#,
        )
    }
}

impl Simulate {
    fn random(&self) -> Duration {
        self.min + self.max.saturating_sub(self.min).mul_f64(rand::rng().random())
    }
}

fn read(text: &str) -> Result<(SimulatedPayload, Option<Duration>), Outcome> {
    let payload: SimulatedPayload = payload::read(text)?;
    let retry_after = payload.retry_after_s.map(|it| payload::seconds("retry_after_s", it)).transpose()?;
    Ok((payload, retry_after))
}

impl SimulatedPayload {
    fn outcome(self, attempt: i32, retry_after: Option<Duration>) -> Outcome {
        let ending = self.ending(attempt);
        let reason = self.reason.unwrap_or_else(|| "simulated failure".to_owned());
        match ending {
            Ending::Completed => {
                Outcome::Done { result: self.result.map(|it| it.get().to_owned()), next: texts(self.next) }
            }
            Ending::Failed => Outcome::Fatal { reason, next: texts(self.next_on_failure) },
            Ending::Flaky => Outcome::Failed { reason, retry_after, next: texts(self.next_on_failure) },
            Ending::Panic => panic!("{reason}"),
            Ending::Snooze => Outcome::Snooze { after: retry_after.unwrap_or(Duration::from_secs(1)) },
        }
    }

    /// `fail_times` alone means `flaky`. A snooze without it happens once; otherwise it would never end.
    fn ending(&self, attempt: i32) -> Ending {
        let ending = self.outcome.unwrap_or(if self.fail_times.is_some() { Ending::Flaky } else { Ending::Completed });
        let times = self.fail_times.unwrap_or(if ending == Ending::Snooze { 1 } else { i32::MAX });
        if attempt <= times { ending } else { Ending::Completed }
    }
}

fn texts(jobs: Vec<Box<RawValue>>) -> Vec<FollowUp> {
    jobs.into_iter().map(|job| FollowUp(job.get().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::{job, run};

    async fn at(attempt: i32, payload: &str) -> Outcome {
        let simulated = Simulated(Simulate::default());
        simulated.run(&Job { attempt, ..job("simulated", payload) }).await
    }

    #[tokio::test]
    async fn payload_decides_the_outcome() {
        let done = |result: &str| Outcome::Done { result: Some(result.into()), next: Vec::new() };
        let second = Duration::from_secs(1);
        let cases = [
            ("{}", 1, Outcome::done()),
            (r#"{"result": {"n": 1.0}}"#, 1, done(r#"{"n": 1.0}"#)),
            (r#"{"outcome":"failed","reason":"no"}"#, 9, Outcome::fatal("no")),
            (r#"{"outcome":"flaky"}"#, 9, Outcome::failed("simulated failure")),
            (r#"{"fail_times":2}"#, 2, Outcome::failed("simulated failure")),
            (r#"{"fail_times":2}"#, 3, Outcome::done()),
            (r#"{"outcome":"failed","failTimes":1}"#, 2, Outcome::done()),
            (r#"{"outcome":"snooze"}"#, 1, Outcome::Snooze { after: second }),
            (r#"{"outcome":"snooze"}"#, 2, Outcome::done()),
            (r#"{"outcome":"snooze","fail_times":3,"retry_after_s":2}"#, 3, Outcome::Snooze { after: second * 2 }),
        ];
        for (payload, attempt, outcome) in cases {
            assert_eq!(at(attempt, payload).await, outcome, "{payload} at attempt {attempt}");
        }
    }

    #[tokio::test]
    async fn follow_ups_are_passed_on_byte_for_byte() {
        let payload = r#"{"outcome":"flaky","fail_times":1,"retry_after_s":0.5,
            "next":[{"kind":"noop"}],"next_on_failure":[{"kind": "echo"}]}"#;
        let (reason, retry_after) = ("simulated failure".to_owned(), Some(Duration::from_millis(500)));
        let next = vec![FollowUp(r#"{"kind": "echo"}"#.into())];
        assert_eq!(at(1, payload).await, Outcome::Failed { reason, retry_after, next });
        let next = vec![FollowUp(r#"{"kind":"noop"}"#.into())];
        assert_eq!(at(2, payload).await, Outcome::Done { result: None, next });
    }

    #[tokio::test]
    #[should_panic(expected = "a bug")]
    async fn panic_ending_panics() {
        at(1, r#"{"outcome":"panic","reason":"a bug"}"#).await;
    }

    #[tokio::test]
    async fn invalid_payload_is_fatal_with_a_reason() {
        for (payload, word) in [(r#"{"outcome":"sideways"}"#, "sideways"), (r#"{"retry_after_s":-1}"#, "retry_after_s")]
        {
            let outcome = run("simulated", payload).await;
            assert!(matches!(&outcome, Outcome::Fatal { reason, .. } if reason.contains(word)), "{outcome:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn duration_is_within_the_configured_range() {
        let (min, max) = (Duration::from_secs(2), Duration::from_secs(5));
        let simulated = Simulated(Simulate { min, max });
        for _ in 0..20 {
            let started = tokio::time::Instant::now();
            simulated.run(&job("simulated", "{}")).await;
            assert!((min..=max + Duration::from_millis(1)).contains(&started.elapsed()));
        }
    }
}
