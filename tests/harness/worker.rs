//! A worker without a process: a store on the database of a test, with single claims and settlements.

use std::sync::Arc;
use std::time::Duration;

use provost::domain::settle::settle;
use provost::domain::{Backoff, Budget, OperationKind, Outcome, Settlement};
use provost::signal::Wakeup;
use provost::store::jobs::{CandidateWindow, ClaimOutcome, ClaimRequest, ClaimedJob, GracePeriods, Settled};
use provost::store::{Connector, Store};
use serde_json::json;
use uuid::Uuid;

use super::{Database, eventually};

/// A lease that outlives the test, and one that expires at once.
pub const LONG_LEASE: Duration = Duration::from_secs(60);
pub const EXPIRED_LEASE: Duration = Duration::from_millis(1);

/// How long jobs may take to stop.
pub const GRACES: GracePeriods = GracePeriods { cancel: Duration::from_secs(30), timeout: Duration::from_secs(5) };

pub async fn store(database: &Database) -> Store {
    let pool = Connector::parse(&database.url).unwrap().pool(16).unwrap();
    let store = Store::new(pool, Arc::new(Wakeup::default()));
    eventually("the database responds", || async { store.ping().await.ok() }).await;
    store
}

/// The request of a worker for the jobs of projects.
pub fn project_claimer(name: &str, lease: Duration) -> ClaimRequest {
    ClaimRequest {
        kinds: OperationKind::ALL.iter().map(|it| it.job_kind().to_owned()).collect(),
        ..claimer(name, lease)
    }
}

/// The request of a worker for jobs of kind `noop`.
pub fn claimer(name: &str, lease: Duration) -> ClaimRequest {
    ClaimRequest {
        worker_id: name.into(),
        queues: vec!["*".into()],
        kinds: vec!["noop".into()],
        lease_ttl: lease,
        tenants: None,
        window: CandidateWindow::default(),
    }
}

/// A new job of kind `noop`, further arguments in SQL.
pub async fn enqueue(database: &Database, further: &str) -> Uuid {
    let id = database.text(&format!("SELECT enqueue('noop'{further})")).await;
    id.parse().unwrap()
}

/// A new workflow of jobs of kind `noop` with one attempt each, in a queue of its own: each step by its name, and what it depends on
/// with one policy.
pub async fn flow(database: &Database, name: &str, actor: &str, steps: &[(&str, &[&str], &str)]) -> Uuid {
    let id = Uuid::now_v7();
    let ids: Vec<Uuid> = steps.iter().map(|_| Uuid::now_v7()).collect();
    let id_of = |step: &str| ids[steps.iter().position(|it| it.0 == step).unwrap()];
    let job = |(step, depends_on, policy): &(&str, &[&str], &str)| {
        let edges: Vec<Uuid> = depends_on.iter().map(|it| id_of(it)).collect();
        json!({"id": id_of(step), "kind": "noop", "queue": name, "max_attempts": 1, "workflow_id": id, "step": step,
               "policies": vec![*policy; edges.len()], "depends_on": edges})
    };
    let jobs = serde_json::Value::from(steps.iter().map(job).collect::<Vec<_>>()).to_string();
    let sql = "SELECT FROM start_workflow($1, $2, 'default', $3::text::json, $4, NULL, false)";
    database.rows(sql, &[&id, &name, &jobs, &actor]).await;
    id
}

pub async fn claim(store: &Store, name: &str, lease: Duration) -> ClaimedJob {
    claim_some(store, name, lease, 1).await.jobs.into_iter().next().expect("a due job")
}

pub async fn claim_some(store: &Store, name: &str, lease: Duration, slots: usize) -> ClaimOutcome {
    store.claim_jobs(&claimer(name, lease), slots).await.unwrap()
}

/// Reaps one job as soon as its lease has expired.
pub async fn reap(store: &Store) {
    eventually("an expired lease is reaped", || async { store.reap_jobs(10, GRACES, "reaper").await.unwrap().pop() })
        .await;
}

/// The settlement of a job without failures.
pub fn settlement(outcome: Outcome) -> Settlement {
    settle(outcome, Budget { failures: 0, max_attempts: 3, backoff: Backoff::default() }, 0.5)
}

pub async fn settle_as(store: &Store, claimed: &ClaimedJob, outcome: Outcome, name: &str) -> Settled {
    store.settle_job(&claimed.lease, settlement(outcome), &[], name).await.unwrap()
}
