//! Claims, leases, fencing, settlements and the reaper. Tests use the store where two statements must race for one row,
//! and real processes everywhere else.

use std::collections::HashSet;
use std::time::Duration;

use provost::domain::{JobState, Labels, Outcome, Parameters, ProjectName, ProjectStatus};
use provost::store::jobs::{ClaimedJob, Settled};
use provost::store::projects::{Created, NewProject, OperationPolicy};
use provost::store::{Audit, Store};
use serde_json::json;
use uuid::Uuid;

use crate::harness::worker::{EXPIRED_LEASE, GRACES, LONG_LEASE, project_claimer, settlement, store};
use crate::harness::{Database, Server, eventually};

async fn create(store: &Store, name: &str) -> Uuid {
    let name = ProjectName::parse(name).unwrap();
    let new = NewProject::new(name, "simulated", Parameters::default(), Labels::default());
    let operation_policy = OperationPolicy { deadline: Duration::from_secs(600), max_attempts: 3 };
    let audit = Audit { actor: "test".into(), request_id: None, reason: None };
    match store.create_project(&new, operation_policy, &audit).await.unwrap() {
        Created::New(project) => project.id,
        other => panic!("{other:?}"),
    }
}

async fn claim(store: &Store, name: &str, lease: Duration) -> ClaimedJob {
    let claims = store.claim_jobs(&project_claimer(name, lease), 1).await.unwrap().jobs;
    claims.into_iter().next().expect("a due job")
}

async fn status(store: &Store, id: Uuid) -> ProjectStatus {
    store.get_project(id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn eight_claimers_claim_each_job_exactly_once() {
    let database = Database::new().await;
    let store = store(&database).await;
    for n in 0..300 {
        create(&store, &format!("p{n}")).await;
    }
    let mut claims = tokio::task::JoinSet::new();
    for n in 0..8 {
        let store = store.clone();
        claims.spawn(async move {
            let (request, mut jobs) = (project_claimer(&format!("w{n}"), LONG_LEASE), Vec::new());
            loop {
                let claims = store.claim_jobs(&request, 7).await.unwrap().jobs;
                assert!(claims.len() <= 7);
                if claims.is_empty() {
                    return jobs;
                }
                jobs.extend(claims.into_iter().map(|it| it.lease.job_id));
            }
        });
    }
    let claims: Vec<Uuid> = claims.join_all().await.concat();
    assert_eq!((claims.len(), claims.iter().collect::<HashSet<_>>().len()), (300, 300));
    database.check_invariants().await;
}

#[tokio::test]
async fn jobs_are_claimed_by_priority_then_age() {
    let database = Database::new().await;
    let store = store(&database).await;
    let (first, second, urgent) = (create(&store, "a").await, create(&store, "b").await, create(&store, "c").await);
    database.rows("UPDATE jobs SET priority = 9 WHERE project_id = $1", &[&urgent]).await;
    let claims = store.claim_jobs(&project_claimer("w", LONG_LEASE), 3).await.unwrap().jobs;
    let order: Vec<_> = claims.iter().filter_map(|it| it.project_id).collect();
    assert_eq!(order, [urgent, first, second]);
}

#[tokio::test]
async fn stale_worker_cannot_settle() {
    let database = Database::new().await;
    let store = store(&database).await;
    let project = create(&store, "fenced").await;
    let stale = claim(&store, "frozen", EXPIRED_LEASE).await;
    eventually("the lease expires and the job is reaped", || async {
        store.reap_jobs(10, GRACES, "reaper").await.unwrap().into_iter().next()
    })
    .await;
    let fresh = claim(&store, "successor", LONG_LEASE).await;
    assert_eq!(fresh.lease.job_id, stale.lease.job_id);

    assert_eq!(
        store.settle_job(&stale.lease, settlement(Outcome::done()), &[], "frozen").await.unwrap(),
        Settled::LeaseLost
    );
    let held = [(stale.lease.job_id, stale.lease.execution_id).into()];
    assert!(store.heartbeat_jobs(&held, LONG_LEASE).await.unwrap().is_empty(), "a stale heartbeat renews nothing");
    assert_eq!(status(&store, project).await, ProjectStatus::Provisioning);

    let settled = store.settle_job(&fresh.lease, settlement(Outcome::done()), &[], "successor").await.unwrap();
    assert_eq!(
        settled,
        Settled::Recorded {
            state: JobState::Completed,
            project: Some((ProjectStatus::Provisioning, ProjectStatus::Ready))
        }
    );
    assert_eq!(
        store.settle_job(&stale.lease, settlement(Outcome::done()), &[], "frozen").await.unwrap(),
        Settled::LeaseLost
    );
    assert_eq!(status(&store, project).await, ProjectStatus::Ready);
    database.check_invariants().await;
}

#[tokio::test]
async fn repeated_settlement_is_recognized() {
    let database = Database::new().await;
    let store = store(&database).await;
    create(&store, "twice").await;
    let claimed = claim(&store, "w", LONG_LEASE).await;
    assert!(matches!(
        store.settle_job(&claimed.lease, settlement(Outcome::done()), &[], "w").await.unwrap(),
        Settled::Recorded { .. }
    ));
    assert_eq!(
        store.settle_job(&claimed.lease, settlement(Outcome::done()), &[], "w").await.unwrap(),
        Settled::AlreadyRecorded
    );
    let failed = settlement(Outcome::fatal("no"));
    assert_eq!(store.settle_job(&claimed.lease, failed, &[], "w").await.unwrap(), Settled::LeaseLost);
    database.check_invariants().await;
}

#[tokio::test]
async fn late_result_counts_until_the_job_is_reaped() {
    let database = Database::new().await;
    let store = store(&database).await;
    let project = create(&store, "late").await;
    let claimed = claim(&store, "slow", EXPIRED_LEASE).await;
    eventually("the lease expires", || async {
        let over = database.text("SELECT lease_until < clock_timestamp() FROM jobs").await;
        (over == "t").then_some(())
    })
    .await;
    let settled = store.settle_job(&claimed.lease, settlement(Outcome::done()), &[], "slow").await.unwrap();
    assert!(matches!(settled, Settled::Recorded { .. }));
    assert_eq!(status(&store, project).await, ProjectStatus::Ready);
}

#[tokio::test]
async fn job_that_loses_every_worker_becomes_a_dead_letter() {
    let database = Database::new().await;
    let store = store(&database).await;
    let project = create(&store, "poison").await;
    let run_at = database.text("SELECT run_at FROM jobs").await;
    for round in 1..=3 {
        claim(&store, &format!("victim-{round}"), EXPIRED_LEASE).await;
        let reaped =
            eventually("a reap", || async { store.reap_jobs(10, GRACES, "reaper").await.unwrap().into_iter().next() })
                .await;
        let expected = if round == 3 { JobState::Failed } else { JobState::Retrying };
        assert_eq!(reaped.state, expected);
        assert_eq!(database.text("SELECT run_at FROM jobs").await, run_at, "the job keeps its place in the queue");
    }
    let project = store.get_project(project).await.unwrap().unwrap();
    assert_eq!(project.status, ProjectStatus::Failed);
    assert!(project.error_reason.unwrap_or_default().contains("victim-3 was lost"));
    database.check_invariants().await;
}

#[tokio::test]
async fn four_reapers_reap_each_job_once() {
    let database = Database::new().await;
    let store = store(&database).await;
    for n in 0..40 {
        create(&store, &format!("p{n}")).await;
    }
    store.claim_jobs(&project_claimer("gone", EXPIRED_LEASE), 40).await.unwrap();
    eventually("all leases expire", || async {
        (database.number("SELECT count(*) FROM jobs WHERE lease_until > clock_timestamp()").await == 0).then_some(())
    })
    .await;
    let mut reapers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        reapers.spawn(async move { store.reap_jobs(100, GRACES, "reaper").await.unwrap().len() });
    }
    assert_eq!(reapers.join_all().await.iter().sum::<usize>(), 40);
    database.check_invariants().await;
}

#[tokio::test]
async fn locked_project_does_not_block_others() {
    let database = Database::new().await;
    let store = store(&database).await;
    let (locked, free) = (create(&store, "locked").await, create(&store, "free").await);
    let mut other = database.connection().await;
    let transaction = other.transaction().await.unwrap();
    transaction.execute("SELECT 1 FROM projects WHERE id = $1 FOR UPDATE", &[&locked]).await.unwrap();

    let claims = store.claim_jobs(&project_claimer("w", EXPIRED_LEASE), 2).await.unwrap().jobs;
    assert_eq!(claims.iter().filter_map(|it| it.project_id).collect::<Vec<_>>(), [free]);
    transaction.execute("SELECT 1 FROM projects FOR UPDATE", &[]).await.unwrap();
    assert!(
        store.reap_jobs(10, GRACES, "reaper").await.unwrap().is_empty(),
        "the locked job is skipped without waiting"
    );
    transaction.commit().await.unwrap();

    let claims = store.claim_jobs(&project_claimer("w", LONG_LEASE), 2).await.unwrap().jobs;
    assert_eq!(claims.iter().filter_map(|it| it.project_id).collect::<Vec<_>>(), [locked]);
    eventually("the other job is reaped", || async {
        store.reap_jobs(10, GRACES, "reaper").await.unwrap().into_iter().find(|it| it.project_id == Some(free))
    })
    .await;
    database.check_invariants().await;
}

#[tokio::test]
async fn deadline_during_a_claim_leaves_no_live_job() {
    let database = Database::new().await;
    let store = store(&database).await;
    let project = create(&store, "late").await;
    database.run("UPDATE projects SET deadline_at = clock_timestamp() - interval '1 second'").await;
    // Another transaction holds the job.
    let mut other = database.connection().await;
    let transaction = other.transaction().await.unwrap();
    transaction.execute("SELECT 1 FROM jobs WHERE project_id = $1 FOR UPDATE", &[&project]).await.unwrap();
    assert!(store.expire_projects(10, "deadlines").await.unwrap().is_empty(), "the locked project is skipped");
    transaction.rollback().await.unwrap();
    claim(&store, "w", LONG_LEASE).await;
    database.run("UPDATE projects SET deadline_at = clock_timestamp() - interval '1 second'").await;
    assert_eq!(store.expire_projects(10, "deadlines").await.unwrap().len(), 1);
    assert_eq!(database.text("SELECT state FROM jobs").await, "canceled");
    database.check_invariants().await;
}

#[tokio::test]
async fn flaky_provisioning_is_retried_until_its_budget_is_spent() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_MAX_ATTEMPTS", "2")]);
    let id =
        server.create_as("flaky", json!({"outcome": "flaky", "duration_ms": 0, "reason": "registry asleep"})).await;
    let project = server.until(&id, "failed").await;
    assert_eq!(project["error_reason"], "registry asleep");
    assert_eq!(server.history(&id).await, ["creating", "provisioning", "provisioning", "failed"]);
    assert_eq!(database.text("SELECT attempt || '/' || failures FROM jobs").await, "2/2");
    database.check_invariants().await;
}

#[tokio::test]
async fn panicking_provisioner_fails_only_its_project() {
    let database = Database::new().await;
    let mut server = Server::with(&database.url, &[("PROVOST_MAX_ATTEMPTS", "1")]);
    let id =
        server.create_as("buggy", json!({"outcome": "panic", "duration_ms": 0, "reason": "index out of range"})).await;
    let project = server.until(&id, "failed").await;
    assert_eq!(project["error_reason"], "the handler panicked: index out of range");
    assert!(server.is_running());
    server.ready("the next one").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn deadline_ends_waiting_and_provisioning() {
    let database = Database::new().await;
    let api = Server::with(&database.url, &[("PROVOST_ROLES", "api,scheduler"), ("PROVOST_PROJECT_DEADLINE", "1s")]);
    let waiting = api.create("no worker").await;
    let project = api.until(&waiting, "failed").await;
    assert_eq!(project["error_reason"], "no worker started provisioning before the deadline");

    let server = Server::with(&database.url, &[("PROVOST_PROJECT_DEADLINE", "1s")]);
    let working = server.create_as("never ends", json!({"duration_ms": 600_000})).await;
    let project = server.until(&working, "failed").await;
    assert_eq!(project["error_reason"], "provisioning did not finish before the deadline");
    assert_eq!(database.text("SELECT string_agg(DISTINCT state, ',') FROM jobs").await, "canceled");
    eventually("the worker notices the lost lease and stops", || async {
        server.log().iter().any(|line| line["msg"] == "lease lost").then_some(())
    })
    .await;
    database.check_invariants().await;
}

#[tokio::test]
async fn long_provisioning_outlives_many_leases() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "2s")]);
    let id = server.create_as("patient", json!({"outcome": "ready", "duration_ms": 6500})).await;
    server.until(&id, "ready").await;
    assert_eq!(database.number("SELECT count(*) FROM executions").await, 1);
}

#[tokio::test]
async fn process_never_exceeds_its_slots() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_WORKER_CONCURRENCY", "2")]);
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(server.create_as(&format!("p{n}"), json!({"outcome": "ready", "duration_ms": 120})).await);
    }
    for id in &ids {
        server.until(id, "ready").await;
    }
    let most = database.number("SELECT max(n) FROM (SELECT (SELECT count(*) FROM executions b WHERE b.claimed_at <= a.claimed_at AND b.claimed_at + interval '119 ms' > a.claimed_at) AS n FROM executions a) AS x").await;
    assert_eq!(most, 2);
}
