//! Work that chooses its own fate: for trying Provost out, and for tests.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Handler, Job, Simulate, Working, payload};
use crate::domain::{FollowUp, Outcome};

/// Works for a while, then ends as its payload wishes:
/// `{"duration_ms": 100, "outcome": "flaky", "fail_times": 2, "reason": "no route"}` succeeds at the third try.
pub struct Simulated(pub Simulate);

/// What a job may wish for.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(alias = "durationMs")]
    duration_ms: Option<u64>,
    outcome: Option<Fate>,
    reason: Option<String>,
    /// It ends so only as long as the attempt is not greater than this, and then completes.
    #[serde(alias = "failTimes")]
    fail_times: Option<i32>,
    result: Option<Box<RawValue>>,
    #[serde(default)]
    next: Vec<Box<RawValue>>,
    #[serde(default, alias = "nextOnFailure")]
    next_on_failure: Vec<Box<RawValue>>,
    /// What it writes before it begins.
    #[serde(default)]
    lines: Vec<String>,
    /// In how many parts it works, and says so.
    #[serde(default)]
    steps: u32,
    #[serde(alias = "retryAfterS")]
    retry_after_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    Completed,
    /// Fails for good.
    Failed,
    /// Fails in a way that is worth another try.
    Flaky,
    /// Panics, as a handler with a bug would.
    Panic,
    /// Asks to be tried later.
    Snooze,
}

impl Handler for Simulated {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            let (wish, retry_after) = match read(&job.payload) {
                Ok(wish) => wish,
                Err(refused) => return refused,
            };
            wish.lines.iter().for_each(|line| job.log.line("stdout", line));
            let duration = wish.duration_ms.map_or_else(|| self.0.any(), Duration::from_millis);
            for step in 0..wish.steps {
                job.progress
                    .say(f64::from(step) / f64::from(wish.steps), format!("step {} of {}", step + 1, wish.steps));
                tokio::time::sleep(duration / wish.steps).await;
            }
            if wish.steps == 0 {
                tokio::time::sleep(duration).await;
            }
            wish.comes_true(job.attempt, retry_after)
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
    fn any(&self) -> Duration {
        self.min + self.max.saturating_sub(self.min).mul_f64(rand::rng().random())
    }
}

fn read(text: &str) -> Result<(Wish, Option<Duration>), Outcome> {
    let wish: Wish = payload::read(text)?;
    let retry_after = wish.retry_after_s.map(|it| payload::seconds("retry_after_s", it)).transpose()?;
    Ok((wish, retry_after))
}

impl Wish {
    fn comes_true(self, attempt: i32, retry_after: Option<Duration>) -> Outcome {
        let fate = self.fate(attempt);
        let reason = self.reason.unwrap_or_else(|| "simulated failure".to_owned());
        match fate {
            Fate::Completed => {
                Outcome::Done { result: self.result.map(|it| it.get().to_owned()), next: texts(self.next) }
            }
            Fate::Failed => Outcome::Refused { reason, next: texts(self.next_on_failure) },
            Fate::Flaky => Outcome::Failed { reason, retry_after, next: texts(self.next_on_failure) },
            Fate::Panic => panic!("{reason}"),
            Fate::Snooze => Outcome::Later { after: retry_after.unwrap_or(Duration::from_secs(1)) },
        }
    }

    /// Whoever says how often to fail, but not how, means a failure that is worth another try. Snoozing once is enough,
    /// unless told otherwise: otherwise it would go on for ever.
    fn fate(&self, attempt: i32) -> Fate {
        let wished = self.outcome.unwrap_or(if self.fail_times.is_some() { Fate::Flaky } else { Fate::Completed });
        let times = self.fail_times.unwrap_or(if wished == Fate::Snooze { 1 } else { i32::MAX });
        if attempt <= times { wished } else { Fate::Completed }
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
    async fn it_ends_as_it_wishes() {
        let done = |result: &str| Outcome::Done { result: Some(result.into()), next: Vec::new() };
        let second = Duration::from_secs(1);
        let cases = [
            ("{}", 1, Outcome::done()),
            (r#"{"result": {"n": 1.0}}"#, 1, done(r#"{"n": 1.0}"#)),
            (r#"{"outcome":"failed","reason":"no"}"#, 9, Outcome::refused("no")),
            (r#"{"outcome":"flaky"}"#, 9, Outcome::failed("simulated failure")),
            (r#"{"fail_times":2}"#, 2, Outcome::failed("simulated failure")),
            (r#"{"fail_times":2}"#, 3, Outcome::done()),
            (r#"{"outcome":"failed","failTimes":1}"#, 2, Outcome::done()),
            (r#"{"outcome":"snooze"}"#, 1, Outcome::Later { after: second }),
            (r#"{"outcome":"snooze"}"#, 2, Outcome::done()),
            (r#"{"outcome":"snooze","fail_times":3,"retry_after_s":2}"#, 3, Outcome::Later { after: second * 2 }),
        ];
        for (payload, attempt, outcome) in cases {
            assert_eq!(at(attempt, payload).await, outcome, "{payload} at attempt {attempt}");
        }
    }

    #[tokio::test]
    async fn what_follows_is_handed_on_as_it_was_written() {
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
    async fn it_can_panic() {
        at(1, r#"{"outcome":"panic","reason":"a bug"}"#).await;
    }

    #[tokio::test]
    async fn a_wish_that_cannot_be_read_is_refused_with_the_reason() {
        for (payload, word) in [(r#"{"outcome":"sideways"}"#, "sideways"), (r#"{"retry_after_s":-1}"#, "retry_after_s")]
        {
            let refused = run("simulated", payload).await;
            assert!(matches!(&refused, Outcome::Refused { reason, .. } if reason.contains(word)), "{refused:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_works_as_long_as_it_should() {
        let (min, max) = (Duration::from_secs(2), Duration::from_secs(5));
        let simulated = Simulated(Simulate { min, max });
        for _ in 0..20 {
            let started = tokio::time::Instant::now();
            simulated.run(&job("simulated", "{}")).await;
            assert!((min..=max + Duration::from_millis(1)).contains(&started.elapsed()));
        }
    }
}
