//! Workflows: the expected state of each step, and the comparison with the recorded one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::check::{Check, Records, check};
use crate::client::PlannedRequest;
use crate::node::Node;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::record::Job;

/// The name of workflows whose step fails at first and is then retried.
const REPAIRABLE: &str = "repairable";

/// A step and its expected state.
#[derive(Clone, Debug)]
pub struct Step {
    name: String,
    depends_on: Vec<String>,
    policy: &'static str,
    failure: Failure,
    state: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    No,
    /// Fails at first, and completes after a retry.
    AtFirst,
    /// Always fails.
    Always,
}

/// The workflows of a run, derived from its seed.
pub fn plan(options: &Options) -> Vec<PlannedRequest> {
    // Independent of the seed of the jobs.
    let mut rng = StdRng::seed_from_u64(options.seed ^ 0x666c_6f77_7300);
    (0..options.flows).map(|n| planned(n, &mut rng, options)).collect()
}

fn planned(n: usize, rng: &mut StdRng, options: &Options) -> PlannedRequest {
    let policy = ["block", "allow_failed", "cancel"][rng.random_range(0..3)];
    let mut steps = if rng.random_bool(0.3) { fan(policy) } else { diamond(policy) };
    let failure = match rng.random_range(0..10) {
        0..6 => Failure::No,
        6..8 => Failure::AtFirst,
        _ => Failure::Always,
    };
    // Among the first steps, so that others depend on it.
    let at = rng.random_range(0..steps.len().min(3));
    steps[at].failure = failure;
    settle(&mut steps);
    let lease = options.lease.as_millis() as f64;
    let mut work = || {
        if rng.random_bool(options.long) {
            (lease * rng.random_range(0.5..1.5)) as u64
        } else {
            rng.random_range(1..30)
        }
    };
    let bodies: Vec<Value> = steps
        .iter()
        .map(|step| {
            let payload = json!({"work_ms": work(), "refuse": step.failure == Failure::Always, "refuse_times": u8::from(step.failure == Failure::AtFirst)});
            json!({"name": step.name, "kind": "ledger", "payload": payload, "max_attempts": 50, "backoff": {"base": 0.2, "max": 2},
                   "depends_on": step.depends_on, "dependency_policy": step.policy})
        })
        .collect();
    let name = if failure == Failure::AtFirst { REPAIRABLE } else { "plain" };
    let body = json!({"name": name, "tenant": "flows", "steps": bodies}).to_string();
    let key = format!("chaos-{}-flow-{n}", options.seed);
    PlannedRequest { key, path: "/workflows", body, dies: false, next: 0, held_back: false, steps }
}

fn step(name: &str, depends_on: &[&str], policy: &'static str) -> Step {
    let depends_on = depends_on.iter().map(|it| (*it).to_owned()).collect();
    Step { name: name.into(), depends_on, policy, failure: Failure::No, state: "" }
}

/// A, then B and C, then D, then E, so that the outcome of D propagates.
fn diamond(policy: &'static str) -> Vec<Step> {
    let first = [step("a", &[], policy), step("b", &["a"], policy), step("c", &["a"], policy)];
    first.into_iter().chain([step("d", &["b", "c"], policy), step("e", &["d"], "block")]).collect()
}

/// Ten parents and one child.
fn fan(policy: &'static str) -> Vec<Step> {
    let names: Vec<String> = (0..10).map(|n| format!("parent {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.iter().map(|name| step(name, &[], policy)).chain([step("child", &names, policy)]).collect()
}

/// Computes the expected states; each step follows its dependencies.
fn settle(steps: &mut [Step]) {
    for at in 0..steps.len() {
        let (before, rest) = steps.split_at_mut(at);
        let step = &mut rest[0];
        let ends: Vec<&str> =
            before.iter().filter(|it| step.depends_on.contains(&it.name)).map(|it| it.state).collect();
        let satisfies = |end: &&str| *end == "completed" || *end != "blocked" && step.policy == "allow_failed";
        let cancels = |end: &&str| match step.policy {
            "allow_failed" => false,
            "cancel" => matches!(*end, "failed" | "canceled"),
            _ => *end == "canceled",
        };
        step.state = if ends.iter().any(cancels) {
            "canceled"
        } else if !ends.iter().all(satisfies) {
            "blocked"
        } else if step.failure == Failure::Always {
            "failed"
        } else {
            "completed"
        };
    }
}

/// The expected state of the workflow.
fn whole(steps: &[Step]) -> &'static str {
    let any = |state| steps.iter().any(|it| it.state == state);
    match (any("failed"), any("canceled"), any("blocked")) {
        (true, ..) => "failed",
        (_, true, _) => "canceled",
        (_, _, true) => "failed",
        _ => "completed",
    }
}

/// Retries every workflow that can be repaired, through any server that responds. Never returns.
pub async fn repair(postgres: Arc<Postgres>, nodes: Arc<Vec<Node>>) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Ok(client) = postgres.connect().await else { continue };
        let sql = "SELECT id FROM workflows WHERE state = 'failed' AND name = $1 LIMIT 20";
        for row in client.query(sql, &[&REPAIRABLE]).await.unwrap_or_default() {
            let node = &nodes[rand::random_range(0..nodes.len())];
            // The response does not matter: a workflow that is still failed is retried again.
            _ = http.post(format!("{}/workflows/{}/retry", node.url, row.get::<_, Uuid>(0))).send().await;
        }
    }
}

/// The number of unfinished jobs and workflows.
pub const UNFINISHED: &str = "
    SELECT (SELECT count(*) FROM jobs WHERE finished_at IS NULL AND state <> 'blocked')
         + (SELECT count(*) FROM workflows WHERE state = 'running' OR state = 'failed' AND name = 'repairable')";

/// The outcomes of the workflows.
pub struct Flows<'a> {
    records: &'a Records<'a>,
    jobs: HashMap<(Uuid, &'a str), (&'a Uuid, &'a Job)>,
    /// When the first execution of each job began.
    began: BTreeMap<Uuid, u128>,
}

impl<'a> Flows<'a> {
    pub fn of(records: &'a Records<'a>) -> Self {
        let steps = records
            .record
            .jobs
            .iter()
            .filter_map(|(id, job)| Some(((job.workflow_id?, job.step.as_deref()?), (id, job))));
        let mut began = BTreeMap::new();
        for effect in records.effects.values().filter(|it| it.starts > 0) {
            let first = began.entry(effect.job).or_insert(effect.began);
            *first = effect.began.min(*first);
        }
        Self { records, jobs: steps.collect(), began }
    }

    pub fn checks(&self) -> Vec<Check> {
        vec![
            check("acknowledged workflows that are lost", self.lost()),
            check("workflows with a wrong outcome", self.ended_wrong()),
            check("steps that stay blocked but should not", self.stuck()),
            check("steps unblocked too often", self.released(|n, planned| n > planned)),
            check("steps never unblocked", self.released(|n, planned| n < planned)),
            check("steps that began before their dependencies ended", self.too_early()),
        ]
    }

    /// The steps of each acknowledged workflow, with their expected state and job.
    fn steps(&self) -> impl Iterator<Item = (&Uuid, &Step, &Uuid, &Job)> {
        self.records.ledger.flows.iter().flat_map(move |(id, planned)| {
            planned.steps.iter().filter_map(move |step| {
                let (job_id, job) = self.jobs.get(&(*id, step.name.as_str()))?;
                Some((id, step, *job_id, *job))
            })
        })
    }

    fn lost(&self) -> impl Iterator<Item = String> {
        self.records.ledger.flows.iter().filter_map(|(id, planned)| {
            let steps = planned.steps.iter().filter(|step| self.jobs.contains_key(&(*id, step.name.as_str()))).count();
            let there = self.records.record.workflows.contains_key(id);
            (!there || steps < planned.steps.len()).then(|| format!("{id} ({}): {steps} steps are there", planned.key))
        })
    }

    fn ended_wrong(&self) -> impl Iterator<Item = String> {
        let states = &self.records.record.workflows;
        let flows = self.records.ledger.flows.iter().filter_map(|(id, planned)| {
            let (state, expected) = (states.get(id)?, whole(&planned.steps));
            (state != expected).then(|| format!("{id} is {state} instead of {expected}"))
        });
        flows.chain(self.steps().filter(|(_, step, _, job)| job.state != step.state).map(|(flow, step, _, job)| {
            format!("{} of {flow} is {} instead of {}: {:?}", step.name, job.state, step.state, job.error)
        }))
    }

    pub fn stuck(&self) -> impl Iterator<Item = String> {
        let waits = self.steps().filter(|(_, step, _, job)| job.state == "blocked" && step.state != "blocked");
        waits.map(|(flow, step, id, _)| format!("{} of {flow}: {id}", step.name))
    }

    /// A blocked step that was to run is unblocked once, any other never.
    pub fn released(&self, wrong: fn(i64, i64) -> bool) -> impl Iterator<Item = String> {
        self.steps().filter_map(move |(flow, step, _, job)| {
            let runs = !step.depends_on.is_empty() && matches!(step.state, "completed" | "failed");
            wrong(job.released, i64::from(runs)).then(|| format!("{} of {flow}: {} times", step.name, job.released))
        })
    }

    /// By the workers' clock. If an allowed failure was repaired later, the first end counts, which is unknown here.
    fn too_early(&self) -> impl Iterator<Item = String> {
        self.steps().flat_map(move |(flow, step, id, _)| {
            step.depends_on.iter().filter_map(move |name| {
                let (_, parent) = self.jobs.get(&(*flow, name.as_str()))?;
                let known = step.policy != "allow_failed" || parent.replays == 0;
                let effect = self.records.effects.get(&parent.execution_id?)?;
                (known && self.began.get(id)? < &effect.ended).then(|| format!("{} before {name} of {flow}", step.name))
            })
        })
    }
}
