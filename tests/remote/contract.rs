//! One contract for both sources of work: direct database access and HTTP behave the same.

use std::collections::BTreeMap;
use std::time::Duration;

use provost::config::{self, Config, Sources};
use provost::domain::{FollowUp, JobState, Outcome, Progress, WorkerState};
use provost::engine::RemoteSource;
use provost::engine::source::{DatabaseSource as Direct, Source};
use provost::handlers::log::Line;
use provost::store::Store;
use provost::store::jobs::{ClaimedJob, LeasedExecution, Settled};
use provost::store::workers::Worker;
use provost::wire::client::Client;
use uuid::Uuid;

use crate::harness::{Database, Server, worker};

/// A database and a source of its jobs.
struct Side<S> {
    database: Database,
    store: Store,
    source: Box<dyn Fn(&str) -> S + Send + Sync>,
    _server: Option<Server>,
}

const LEASE: (&str, &str) = ("PROVOST_LEASE_TTL", "20s");

fn worker(name: &str) -> Worker {
    Worker {
        id: name.into(),
        host: "here".into(),
        pid: 1,
        incarnation: "1".into(),
        version: "1".into(),
        queues: vec!["*".into()],
        kinds: vec!["noop".into(), "project.provision".into()],
        slots: 5,
    }
}

async fn direct() -> Side<Direct> {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    let mut sources = Sources::default();
    sources.add(config::Source::Environment, BTreeMap::from([(LEASE.0.to_owned(), LEASE.1.to_owned())]));
    let (config, for_source) = (Config::read(&sources).0, store.clone());
    let source = Box::new(move |name: &str| Direct::new(&config, None, &for_source, &worker(name)));
    Side { database, store, source, _server: None }
}

async fn over_http() -> Side<RemoteSource> {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    // Only the test reaps leases.
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api"), LEASE]);
    let url = server.url.clone();
    let source = Box::new(move |name: &str| RemoteSource::new(Client::new(&url, None).unwrap(), worker(name)));
    Side { database, store, source, _server: Some(server) }
}

macro_rules! contract {
    ($($law:ident),+ $(,)?) => {
        mod database {
            $(#[tokio::test] async fn $law() { super::$law(&super::direct().await).await })+
        }
        mod http {
            $(#[tokio::test] async fn $law() { super::$law(&super::over_http().await).await })+
        }
    };
}

contract! {
    job_is_claimed_once_with_all_fields,
    heartbeat_renews_leases_and_reports_lost_ones,
    duplicate_settlement_succeeds_and_stale_fails,
    every_outcome_sets_its_state,
    follow_ups_are_enqueued_with_settlement,
    invalid_follow_up_is_rejected_without_effect,
    worker_registers_is_drained_and_leaves,
    project_status_follows_its_job,
    log_lines_require_the_lease,
}

async fn claim<S: Source>(source: &S, slots: usize) -> Vec<ClaimedJob> {
    source.claim(slots).await.unwrap().claims.jobs
}

async fn claim_one<S: Source>(source: &S) -> ClaimedJob {
    claim(source, 1).await.pop().expect("a due job")
}

fn ids(claimed: &ClaimedJob) -> (Uuid, Uuid) {
    (claimed.lease.job_id, claimed.lease.execution_id)
}

async fn state(database: &Database, id: Uuid) -> String {
    database.text(&format!("SELECT state FROM jobs WHERE id = '{id}'")).await
}

async fn job_is_claimed_once_with_all_fields<S: Source>(side: &Side<S>) {
    let payload = r#"{ "n": 12345678901234567890123,  "x": 1.0 }"#;
    let first =
        worker::enqueue(&side.database, &format!(", payload => '{payload}', tenant => 'acme', timeout => '90 s'"))
            .await;
    for _ in 0..2 {
        worker::enqueue(&side.database, "").await;
    }
    let (one, two) = ((side.source)("one"), (side.source)("two"));
    let (mine, yours) = (claim(&one, 2).await, claim(&two, 2).await);
    assert_eq!((mine.len(), yours.len()), (2, 1));
    let all: std::collections::HashSet<_> = mine.iter().chain(&yours).map(ids).collect();
    assert_eq!(all.len(), 3);
    let it = mine.iter().chain(&yours).find(|it| it.lease.job_id == first).unwrap();
    assert_eq!((it.payload.as_str(), it.tenant.as_str(), it.timeout), (payload, "acme", Some(Duration::from_secs(90))));
    assert_eq!((it.kind.as_str(), it.queue.as_str(), it.attempt, it.max_attempts), ("noop", "default", 1, 3));
    assert_eq!((it.failures, it.previous_state, it.inputs.as_deref()), (0, JobState::Queued, None));
    assert!(claim(&one, 5).await.is_empty());
    side.database.check_invariants().await;
}

async fn heartbeat_renews_leases_and_reports_lost_ones<S: Source>(side: &Side<S>) {
    for _ in 0..3 {
        worker::enqueue(&side.database, "").await;
    }
    let source = (side.source)("w");
    let jobs = claim(&source, 3).await;
    let held: Vec<_> = jobs.iter().map(ids).collect();
    let mut holding: Vec<LeasedExecution> = held.iter().copied().map(LeasedExecution::from).collect();
    holding[2].progress = Some(Progress { fraction: Some(0.4), text: "3 of 7".into() });
    let beats = source.heartbeat(&holding, 3, false).await.unwrap();
    assert_eq!((beats.renewed.len(), beats.worker_state), (3, WorkerState::Online));
    let whole = "SELECT bool_and(lease_until > clock_timestamp() + interval '15 s') FROM jobs WHERE state = 'active'";
    assert_eq!(side.database.text(whole).await, "t");
    let lapse = format!("UPDATE jobs SET lease_until = clock_timestamp() WHERE id = '{}'", held[0].0);
    side.database.run(&lapse).await;
    worker::reap(&side.store).await;
    let cancel = format!(
        "UPDATE jobs SET cancel_requested_at = clock_timestamp(), cancel_reason = 'no need' WHERE id = '{}'",
        held[1].0
    );
    side.database.run(&cancel).await;
    let mut beats = source.heartbeat(&holding, 3, false).await.unwrap().renewed;
    beats.sort_by_key(|it| held.iter().position(|(_, execution)| *execution == it.execution_id));
    let reported: Vec<_> = beats.iter().map(|it| (it.execution_id, it.canceled.as_deref())).collect();
    assert_eq!(reported, [(held[1].1, Some("no need")), (held[2].1, None)]);
    let stored_progress = "SELECT string_agg(progress_fraction || ' ' || progress_text, ',') FROM jobs";
    assert_eq!(side.database.text(stored_progress).await, "0.4 3 of 7", "the heartbeat stores progress");
    holding[2].progress = None;
    source.heartbeat(&holding, 3, false).await.unwrap();
    assert_eq!(side.database.text(stored_progress).await, "0.4 3 of 7", "a heartbeat without progress keeps it");
}

async fn duplicate_settlement_succeeds_and_stale_fails<S: Source>(side: &Side<S>) {
    let id = worker::enqueue(&side.database, "").await;
    let source = (side.source)("w");
    let claimed = claim_one(&source).await;
    let done = Outcome::Done { result: Some(r#"{"n": 1.0}"#.into()), next: Vec::new() };
    let first = source.settle(&claimed, &done).await.unwrap();
    assert!(matches!(first, Settled::Recorded { state: JobState::Completed, .. }), "{first:?}");
    assert_eq!(source.settle(&claimed, &done).await.unwrap(), Settled::AlreadyRecorded);
    assert_eq!(source.settle(&claimed, &Outcome::failed("no")).await.unwrap(), Settled::LeaseLost);
    let result = side.database.text(&format!("SELECT result::text FROM jobs WHERE id = '{id}'")).await;
    assert_eq!(result, r#"{"n": 1.0}"#);
    let id = worker::enqueue(&side.database, "").await;
    let stale = claim_one(&source).await;
    side.database.run("UPDATE jobs SET lease_until = clock_timestamp() WHERE state = 'active'").await;
    worker::reap(&side.store).await;
    assert_eq!(source.settle(&stale, &Outcome::done()).await.unwrap(), Settled::LeaseLost);
    assert_eq!(state(&side.database, id).await, "retrying");
    side.database.check_invariants().await;
}

async fn every_outcome_sets_its_state<S: Source>(side: &Side<S>) {
    let hour = Duration::from_secs(3600);
    let later = |reason: &str| Outcome::Failed { reason: reason.into(), retry_after: Some(hour), next: Vec::new() };
    let cases = [
        (Outcome::done(), "completed", ""),
        (later("busy"), "retrying", "busy"),
        (Outcome::fatal("never"), "failed", "never"),
        (Outcome::Snooze { after: hour }, "scheduled", ""),
        (Outcome::Canceled { reason: "canceled: why".into() }, "canceled", "canceled: why"),
        (Outcome::Released, "queued", ""),
    ];
    let source = (side.source)("w");
    for (outcome, expected, error) in cases {
        let id = worker::enqueue(&side.database, "").await;
        let claimed = claim_one(&source).await;
        assert_eq!(claimed.lease.job_id, id, "nothing else is due");
        let settled = source.settle(&claimed, &outcome).await.unwrap();
        assert!(matches!(settled, Settled::Recorded { .. }), "{outcome:?}: {settled:?}");
        let row = format!("SELECT state || ':' || coalesce(error, '') FROM jobs WHERE id = '{id}'");
        assert_eq!(side.database.text(&row).await, format!("{expected}:{error}"), "{outcome:?}");
        let word = format!("SELECT outcome FROM executions WHERE job_id = '{id}'");
        assert_eq!(side.database.text(&word).await, outcome.word());
    }
    let again = claim_one(&source).await;
    assert_eq!((again.attempt, again.failures), (2, 0), "a released job is claimed again without a failure");
    side.database.check_invariants().await;
}

async fn follow_ups_are_enqueued_with_settlement<S: Source>(side: &Side<S>) {
    let id = worker::enqueue(&side.database, "").await;
    let source = (side.source)("w");
    let next = vec![FollowUp(r#"{"kind": "echo", "payload": {"n": 1.0}}"#.into())];
    source.settle(&claim_one(&source).await, &Outcome::Done { result: None, next }).await.unwrap();
    let follower = side.database.text("SELECT origin_id || ' ' || payload FROM jobs WHERE kind = 'echo'").await;
    assert_eq!(follower, format!("{id} {{\"n\": 1.0}}"));
    side.database.check_invariants().await;
}

async fn invalid_follow_up_is_rejected_without_effect<S: Source>(side: &Side<S>) {
    let id = worker::enqueue(&side.database, "").await;
    let source = (side.source)("w");
    let claimed = claim_one(&source).await;
    for job in ["{", "7", r#"{"kind": "a b"}"#, r#"{"kind": "project.provision"}"#] {
        let outcome = Outcome::Done { result: None, next: vec![FollowUp(job.into())] };
        let error = source.settle(&claimed, &outcome).await.unwrap_err();
        assert!(!error.is_temporary(), "{job}: {error}");
    }
    assert_eq!(state(&side.database, id).await, "active");
    assert!(matches!(source.settle(&claimed, &Outcome::done()).await.unwrap(), Settled::Recorded { .. }));
}

async fn worker_registers_is_drained_and_leaves<S: Source>(side: &Side<S>) {
    let source = (side.source)("w/1 %");
    source.heartbeat(&[], 2, false).await.unwrap();
    let row = "SELECT host || kinds::text || slots || busy FROM workers";
    assert_eq!(side.database.text(row).await, "here{noop,project.provision}52");
    worker::enqueue(&side.database, "").await;
    for (word, state) in [("cordoned", WorkerState::Cordoned), ("draining", WorkerState::Draining)] {
        side.database.run(&format!("UPDATE workers SET state = '{word}'")).await;
        assert_eq!(source.heartbeat(&[], 0, false).await.unwrap().worker_state, state);
        assert!(claim(&source, 1).await.is_empty(), "{word}");
    }
    side.database.run("UPDATE workers SET state = 'online'").await;
    assert_eq!(claim(&source, 1).await.len(), 1);
    source.heartbeat(&[], 0, true).await.unwrap();
    assert_eq!(side.database.text("SELECT stopping FROM workers").await, "t");
    source.leave().await;
    assert_eq!(side.database.number("SELECT count(*) FROM workers").await, 0);
}

async fn project_status_follows_its_job<S: Source>(side: &Side<S>) {
    let create = "SELECT create_project('p')";
    side.database.run(create).await;
    let source = (side.source)("w");
    let claimed = claim_one(&source).await;
    assert!(claimed.project_id.is_some());
    assert_eq!(side.database.text("SELECT status FROM projects").await, "provisioning");
    source.settle(&claimed, &Outcome::done()).await.unwrap();
    assert_eq!(side.database.text("SELECT status FROM projects").await, "ready");
    side.database.check_invariants().await;
}

async fn log_lines_require_the_lease<S: Source>(side: &Side<S>) {
    worker::enqueue(&side.database, "").await;
    let source = (side.source)("w");
    let claimed = claim_one(&source).await;
    let line = |stream, text: &str| Line { stream, text: text.into() };
    source.log(&claimed, &[line("stdout", "one"), line("stderr", &"x".repeat(9000))]).await.unwrap();
    source.settle(&claimed, &Outcome::done()).await.unwrap();
    source.log(&claimed, &[line("stdout", "too late")]).await.unwrap();
    let kept = "SELECT string_agg(stream || length(line), ',' ORDER BY id) FROM execution_logs";
    assert_eq!(side.database.text(kept).await, "stdout3,stderr8192");
}
