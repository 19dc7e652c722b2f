//! A provisioner without effects, for demonstrations and tests.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;

use super::{Provisioner, Provisioning, Work};
use crate::domain::Outcome;

/// Waits for a random duration, then succeeds, or fails at the configured rate. A project can override this with the
/// parameter `simulate`:
/// `{"simulate": {"outcome": "failed", "duration_ms": 100, "reason": "no quota"}}`.
pub struct Simulated {
    pub min: Duration,
    pub max: Duration,
    /// 0 never fails, 1 always.
    pub failure_rate: f64,
}

/// The parameter `simulate`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulation {
    outcome: Option<SimulatedOutcome>,
    /// The outcome of removing the project; by default `ready`.
    removal: Option<SimulatedOutcome>,
    duration_ms: Option<u64>,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SimulatedOutcome {
    Ready,
    /// Fails permanently.
    Failed,
    /// Fails with an error that can be retried.
    Flaky,
    /// Panics, like a provisioner with a bug.
    Panic,
}

/// The reasons of simulated failures.
const REASONS: [&str; 4] = [
    "quota_exceeded: the region has no free capacity",
    "image_pull_failed: the registry did not answer",
    "network_timeout: no route to the provider's API",
    "disk_attach_failed: the volume is in use",
];

impl Provisioner for Simulated {
    fn provision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
        Box::pin(async move {
            let simulation = match simulation(&work.parameters) {
                Ok(simulation) => simulation,
                Err(reason) => return Outcome::fatal(reason),
            };
            let fails = rand::rng().random::<f64>() < self.failure_rate;
            let random = if fails { SimulatedOutcome::Failed } else { SimulatedOutcome::Ready };
            self.simulate(simulation.outcome.unwrap_or(random), simulation).await
        })
    }

    fn deprovision<'a>(&'a self, work: &'a Work) -> Provisioning<'a> {
        Box::pin(async move {
            // A project with invalid parameters was never provisioned, so there is nothing to remove.
            let simulation = simulation(&work.parameters).unwrap_or_default();
            self.simulate(simulation.removal.unwrap_or(SimulatedOutcome::Ready), simulation).await
        })
    }
}

impl Simulated {
    async fn simulate(&self, outcome: SimulatedOutcome, simulation: Simulation) -> Outcome {
        let random_duration = || self.min + (self.max.saturating_sub(self.min)).mul_f64(rand::rng().random());
        tokio::time::sleep(simulation.duration_ms.map_or_else(random_duration, Duration::from_millis)).await;
        let random_reason = || REASONS[rand::rng().random_range(0..REASONS.len())].to_owned();
        let reason = simulation.reason.unwrap_or_else(random_reason);
        match outcome {
            SimulatedOutcome::Ready => Outcome::done(),
            SimulatedOutcome::Failed => Outcome::fatal(reason),
            SimulatedOutcome::Flaky => Outcome::failed(reason),
            SimulatedOutcome::Panic => panic!("{reason}"),
        }
    }
}

fn simulation(parameters: &str) -> Result<Simulation, String> {
    #[derive(Default, Deserialize)]
    struct Parameters {
        simulate: Option<Simulation>,
    }
    let parameters: Parameters =
        serde_json::from_str(parameters).map_err(|error| format!("parameters.simulate is invalid: {error}"))?;
    Ok(parameters.simulate.unwrap_or_default())
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
    async fn failure_rate_applies_unless_project_overrides_it() {
        assert_eq!(outcome(0.0, "{}").await, Outcome::done());
        assert!(matches!(outcome(1.0, "{}").await, Outcome::Fatal { .. }));
        assert_eq!(outcome(1.0, r#"{"simulate":{"outcome":"ready"}}"#).await, Outcome::done());
        let chosen = outcome(0.0, r#"{"simulate":{"outcome":"failed","reason":"no quota"}}"#).await;
        assert_eq!(chosen, Outcome::fatal("no quota"));
    }

    #[tokio::test(start_paused = true)]
    async fn duration_is_within_the_configured_range() {
        for _ in 0..20 {
            let started = tokio::time::Instant::now();
            outcome(0.5, "{}").await;
            assert!((Duration::from_secs(2)..=Duration::from_millis(5001)).contains(&started.elapsed()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn invalid_simulation_is_refused_with_a_reason() {
        let refused = outcome(0.0, r#"{"simulate":{"outcome":"sideways"}}"#).await;
        assert!(matches!(refused, Outcome::Fatal { reason, .. } if reason.contains("sideways")));
    }
}
