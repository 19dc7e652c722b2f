//! A provisioner that only takes its time: for trying Provost out, and for tests.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;

use super::{Acting, Provisioner, Work};
use crate::domain::Outcome;

/// Works for a while, then succeeds, or fails at the configured rate. A project can choose its own fate with the
/// parameter `simulate`: `{"simulate": {"outcome": "failed", "duration_ms": 100, "reason": "no quota"}}`.
pub struct Simulated {
    pub min: Duration,
    pub max: Duration,
    /// 0 never fails, 1 always.
    pub failure_rate: f64,
}

/// What a project may wish for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    outcome: Option<Fate>,
    /// How removing it ends; it succeeds unless told otherwise.
    removal: Option<Fate>,
    duration_ms: Option<u64>,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    Ready,
    /// Fails for good.
    Failed,
    /// Fails in a way that is worth another try.
    Flaky,
    /// Panics, as a provisioner with a bug would.
    Panic,
}

/// What goes wrong out there.
const REASONS: [&str; 4] = [
    "quota_exceeded: the region has no free capacity",
    "image_pull_failed: the registry did not answer",
    "network_timeout: no route to the provider's API",
    "disk_attach_failed: the volume is in use",
];

impl Provisioner for Simulated {
    fn provision<'a>(&'a self, work: &'a Work) -> Acting<'a> {
        Box::pin(async move {
            let wish = match wish(&work.parameters) {
                Ok(wish) => wish,
                Err(reason) => return Outcome::fatal(reason),
            };
            let by_chance = if rand::rng().random::<f64>() < self.failure_rate { Fate::Failed } else { Fate::Ready };
            self.act(wish.outcome.unwrap_or(by_chance), wish).await
        })
    }

    fn deprovision<'a>(&'a self, work: &'a Work) -> Acting<'a> {
        Box::pin(async move {
            // What could not be understood was never made, so there is nothing to remove.
            let wish = wish(&work.parameters).unwrap_or_default();
            self.act(wish.removal.unwrap_or(Fate::Ready), wish).await
        })
    }
}

impl Simulated {
    async fn act(&self, fate: Fate, wish: Wish) -> Outcome {
        let by_chance = || self.min + (self.max.saturating_sub(self.min)).mul_f64(rand::rng().random());
        tokio::time::sleep(wish.duration_ms.map_or_else(by_chance, Duration::from_millis)).await;
        let any = || REASONS[rand::rng().random_range(0..REASONS.len())].to_owned();
        let reason = wish.reason.unwrap_or_else(any);
        match fate {
            Fate::Ready => Outcome::done(),
            Fate::Failed => Outcome::fatal(reason),
            Fate::Flaky => Outcome::failed(reason),
            Fate::Panic => panic!("{reason}"),
        }
    }
}

fn wish(parameters: &str) -> Result<Wish, String> {
    #[derive(Default, Deserialize)]
    struct Parameters {
        simulate: Option<Wish>,
    }
    let read: Parameters =
        serde_json::from_str(parameters).map_err(|error| format!("parameters.simulate cannot be read: {error}"))?;
    Ok(read.simulate.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(failure_rate: f64, parameters: &str) -> Outcome {
        let simulated = Simulated { min: Duration::from_secs(2), max: Duration::from_secs(5), failure_rate };
        let work = Work { project_id: uuid::Uuid::nil(), parameters: parameters.into(), attempt: 1 };
        simulated.provision(&work).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_decides_unless_the_project_does() {
        assert_eq!(outcome(0.0, "{}").await, Outcome::done());
        assert!(matches!(outcome(1.0, "{}").await, Outcome::Fatal { .. }));
        assert_eq!(outcome(1.0, r#"{"simulate":{"outcome":"ready"}}"#).await, Outcome::done());
        let chosen = outcome(0.0, r#"{"simulate":{"outcome":"failed","reason":"no quota"}}"#).await;
        assert_eq!(chosen, Outcome::fatal("no quota"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_works_as_long_as_it_should() {
        for _ in 0..20 {
            let started = tokio::time::Instant::now();
            outcome(0.5, "{}").await;
            assert!((Duration::from_secs(2)..=Duration::from_millis(5001)).contains(&started.elapsed()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_that_cannot_be_read_is_refused_with_the_reason() {
        let refused = outcome(0.0, r#"{"simulate":{"outcome":"sideways"}}"#).await;
        assert!(matches!(refused, Outcome::Fatal { reason, .. } if reason.contains("sideways")));
    }
}
