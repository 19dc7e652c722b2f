//! A provisioner without effects, for demonstrations and tests.

use std::time::Duration;

use rand::RngExt;
use serde::Deserialize;

use super::inspect::{InspectFuture, Inspection, Secrets};
use super::step::{NoSession, Steps};
use super::{Attempt, Failure, Output, Provisioner, Recorder, Step, StepFuture, Work};
use crate::domain::{Health, OperationKind};

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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulation {
    outcome: Option<SimulatedOutcome>,
    /// The outcome of removing the project; by default `ready`.
    removal: Option<SimulatedOutcome>,
    duration_ms: Option<u64>,
    /// How long removing the project takes; by default `duration_ms`.
    removal_ms: Option<u64>,
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
    fn begin<'a>(&'a self, work: &'a Work, _: &'a dyn Recorder) -> Result<Box<dyn Attempt + 'a>, Failure> {
        let simulation = match (simulation(work.parameters.get()), work.operation) {
            (Ok(simulation), _) => simulation,
            // A project with invalid parameters was never provisioned, so there is nothing to remove.
            (Err(_), OperationKind::Delete) => Simulation::default(),
            (Err(reason), _) => return Err(Failure::permanent(Failure::INVALID, reason)),
        };
        let mut simulation = simulation;
        let outcome = match work.operation {
            OperationKind::Delete => {
                simulation.duration_ms = simulation.removal_ms.or(simulation.duration_ms);
                simulation.removal.unwrap_or(SimulatedOutcome::Ready)
            }
            OperationKind::Create | OperationKind::Clone => simulation.outcome.unwrap_or_else(|| self.random_outcome()),
            _ => SimulatedOutcome::Ready,
        };
        Ok(Box::new(Steps { session: NoSession, steps: vec![Box::new(Wait { simulated: self, simulation, outcome })] }))
    }

    fn inspect<'a>(&'a self, _: &'a Work, _: bool, _: &'a dyn Secrets) -> InspectFuture<'a, Inspection> {
        Box::pin(async {
            Ok(Inspection {
                health: Health::Healthy,
                reason: "simulated".to_owned(),
                message: "there is nothing that could fail".to_owned(),
                differences: Vec::new(),
                cluster: String::new(),
            })
        })
    }
}

impl Simulated {
    fn random_outcome(&self) -> SimulatedOutcome {
        let fails = rand::rng().random::<f64>() < self.failure_rate;
        if fails { SimulatedOutcome::Failed } else { SimulatedOutcome::Ready }
    }
}

/// The only step.
struct Wait<'a> {
    simulated: &'a Simulated,
    simulation: Simulation,
    outcome: SimulatedOutcome,
}

impl Step<NoSession> for Wait<'_> {
    fn name(&self) -> &'static str {
        "simulate"
    }

    fn can_be_interrupted(&self) -> bool {
        true
    }

    fn act<'a>(&'a self, _: &'a mut NoSession) -> StepFuture<'a, Output> {
        Box::pin(async {
            let Simulated { min, max, .. } = self.simulated;
            let random_duration = || *min + max.saturating_sub(*min).mul_f64(rand::rng().random());
            let duration = self.simulation.duration_ms.map_or_else(random_duration, Duration::from_millis);
            tokio::time::sleep(duration).await;
            let random_reason = || REASONS[rand::rng().random_range(0..REASONS.len())].to_owned();
            let reason = self.simulation.reason.clone().unwrap_or_else(random_reason);
            match self.outcome {
                SimulatedOutcome::Ready => Ok(Output::new()),
                SimulatedOutcome::Failed => Err(Failure::permanent("simulated", reason)),
                SimulatedOutcome::Flaky => Err(Failure::retryable("simulated", reason)),
                SimulatedOutcome::Panic => panic!("{reason}"),
            }
        })
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
    use crate::domain::Outcome;
    use crate::provision::run::run;
    use crate::provision::tests::memory::{MemoryRecorder, work};
    use crate::template::OnFailure;

    async fn outcome(failure_rate: f64, parameters: &str) -> Outcome {
        let simulated = Simulated { min: Duration::from_secs(2), max: Duration::from_secs(5), failure_rate };
        let (work, recorder) = (work(OperationKind::Create, parameters), MemoryRecorder::default());
        run(&simulated, &work, OnFailure::Keep, &recorder).await.unwrap()
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
