//! Each guard is removed once: the same scenario passes with the guard and fails without it. The numbers are those of the
//! list in docs/chaos.md.

mod provisioning;
mod schema;

use std::future::Future;
use std::process::Command;
use std::time::Duration;

use provost::domain::Outcome;
use provost::embedded::{Embedded, Options};
use provost::mutant::{Mutant, is_on, with_mutant};
use provost::signal::Wakeup;
use provost::store::jobs::{Lease, LeasedExecution, Settled};
use provost::store::{Connector, Store};
use provost::wire::CreateJob;
use tokio::time::sleep;

use crate::harness::worker::{EXPIRED_LEASE, GRACES, LONG_LEASE, claim, enqueue, reap, settle_as, settlement, store};
use crate::harness::{Database, NO_POLL, NetworkFault, Proxy, Server, TIMEOUT, eventually};

/// The result of a scenario, or what is wrong.
type Verdict = Result<(), String>;

fn must(so: bool, otherwise: impl Into<String>) -> Verdict {
    if so { Ok(()) } else { Err(otherwise.into()) }
}

/// How often a mutant may escape: a test of a race must not depend on luck.
const ROUNDS: usize = 5;

/// The scenario passes on the real program and fails on the mutant, for this reason.
async fn catches<F: Future<Output = Verdict>>(mutant: Mutant, why: &str, scenario: impl Fn() -> F) {
    scenario().await.unwrap_or_else(|why| panic!("the real program fails: {why}"));
    for _ in 0..ROUNDS {
        if is_caught(with_mutant(mutant, scenario()).await, why) {
            return;
        }
    }
    panic!("{mutant:?} was never caught");
}

/// The same for a scenario of real processes, which receive additional settings.
async fn catches_process<F: Future<Output = Verdict>>(
    name: &'static str,
    why: &str,
    scenario: impl Fn(Vec<(&'static str, &'static str)>) -> F,
) {
    scenario(Vec::new()).await.unwrap_or_else(|why| panic!("the real program fails: {why}"));
    for _ in 0..ROUNDS {
        if is_caught(scenario(vec![("PROVOST_MUTANT", name)]).await, why) {
            return;
        }
    }
    panic!("{name} was never caught");
}

/// Whether the scenario failed; if so, it must be for this reason.
fn is_caught(verdict: Verdict, why: &str) -> bool {
    let Err(failure) = verdict else { return false };
    assert!(failure.contains(why), "{failure}");
    true
}

/// Enqueues a job without a wakeup.
const ENQUEUE_SILENTLY: &str = "SELECT count(*) FROM enqueue_jobs(json_build_array(json_build_object('id', uuid_v7(), 'kind', 'noop')), 'test', NULL, false)";

async fn listens(server: &Server) {
    eventually("notifications arrive", || async {
        (server.get("/health").await.json()["listener"]["mode"] == "notify").then_some(())
    })
    .await;
}

/// Whether every job completes. Only a mutant leaves a job queued, so only a mutant gets a short limit.
async fn all_completed(database: &Database, is_mutant: bool) -> Verdict {
    let patience = if is_mutant { Duration::from_secs(3) } else { TIMEOUT };
    let done = async {
        while database.number("SELECT count(*) FROM jobs WHERE state <> 'completed'").await > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, done).await.map_err(|_| format!("a job still waits after {patience:?}"))
}

/// Waits until a statement waits for a lock.
async fn blocked(database: &Database) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("a statement waits for a lock", || async { (database.number(sql).await > 0).then_some(()) }).await;
}

async fn sound(database: &Database) -> Verdict {
    let broken = database.broken().await;
    must(broken.is_empty(), format!("{broken:?}"))
}

#[tokio::test]
async fn m1_unfenced_settlement_is_caught() {
    // The primary key of past_executions is a second guard.
    catches(Mutant::SettleById, "past_executions", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, "").await;
        let stale = claim(&store, "frozen", EXPIRED_LEASE).await;
        reap(&store).await;
        let fresh = claim(&store, "successor", LONG_LEASE).await;
        settle_as(&store, &fresh, Outcome::done(), "successor").await;
        let late = store.settle_job(&stale.lease, settlement(Outcome::done()), &[], "frozen").await;
        must(matches!(late, Ok(Settled::LeaseLost)), format!("{late:?}"))?;
        sound(&database).await
    })
    .await;
}

#[tokio::test]
async fn m2_settlement_fenced_by_state_only_is_caught() {
    catches(Mutant::SettleByState, "Recorded {", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, "").await;
        let stale = claim(&store, "frozen", EXPIRED_LEASE).await;
        reap(&store).await;
        claim(&store, "successor", LONG_LEASE).await;
        let late = settle_as(&store, &stale, Outcome::done(), "frozen").await;
        must(late == Settled::LeaseLost, format!("{late:?}"))?;
        sound(&database).await
    })
    .await;
}

#[tokio::test]
async fn m5_missing_poll_is_caught() {
    catches_process("m5", "still waits", |settings| async move {
        let database = Database::new().await;
        let server = Server::with(&database.url, &settings);
        listens(&server).await;
        sleep(Duration::from_millis(200)).await;
        database.run(ENQUEUE_SILENTLY).await;
        all_completed(&database, !settings.is_empty()).await
    })
    .await;
}

#[tokio::test]
async fn m6_reaper_with_stale_lease_is_caught() {
    catches(Mutant::StaleReaper, "a renewed lease", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, "").await;
        claim(&store, "late", EXPIRED_LEASE).await;
        sleep(Duration::from_millis(10)).await;
        let mut other = database.connection().await;
        let beat = other.transaction().await.unwrap();
        beat.execute("UPDATE jobs SET lease_until = clock_timestamp() + interval '1 minute'", &[]).await.unwrap();
        // With its guard the reaper skips the locked job; without, it waits for the heartbeat.
        let reaping = store.reap_jobs(10, GRACES, "reaper");
        tokio::pin!(reaping);
        let reaped = tokio::select! {
            reaped = &mut reaping => reaped,
            () = blocked(&database) => {
                beat.commit().await.unwrap();
                reaping.await
            }
        };
        must(reaped.is_ok_and(|it| it.is_empty()), "a renewed lease was taken back")
    })
    .await;
}

#[tokio::test]
async fn m7_resync_before_listen_is_caught() {
    catches_process("m7", "still waits", |settings| async move {
        let database = Database::new().await;
        let proxy = Proxy::before(&database.url);
        let is_mutant = !settings.is_empty();
        let server = Server::with(&proxy.url(&database.url), &[settings, vec![NO_POLL]].concat());
        listens(&server).await;
        proxy.set(NetworkFault::HoldNew);
        let listeners = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                         WHERE datname = current_database() AND query LIKE '%LISTEN%' AND pid <> pg_backend_pid()";
        must(database.number(listeners).await == 1, "one listener")?;
        eventually("the listener reconnects and is held", || async { (proxy.held() > 0).then_some(()) }).await;
        // A resync before LISTEN has run by now.
        sleep(Duration::from_millis(300)).await;
        database.run(ENQUEUE_SILENTLY).await;
        proxy.repair();
        all_completed(&database, is_mutant).await
    })
    .await;
}

#[tokio::test]
async fn m8_lease_from_transaction_start_is_caught() {
    catches(Mutant::TransactionTime, "was over when", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, "").await;
        let held = claim(&store, "w", LONG_LEASE).await.lease;
        let mut other = database.connection().await;
        let lock = other.transaction().await.unwrap();
        lock.execute("SELECT FROM jobs FOR UPDATE", &[]).await.unwrap();
        let waits = async {
            blocked(&database).await;
            sleep(Duration::from_millis(100)).await;
            let released_at = database.text("SELECT clock_timestamp()").await;
            lock.commit().await.unwrap();
            released_at
        };
        let held = [(held.job_id, held.execution_id).into()];
        let (beats, released_at) = tokio::join!(store.heartbeat_jobs(&held, LONG_LEASE), waits);
        must(beats.is_ok_and(|it| it.len() == 1), "the lease was held")?;
        let whole = format!(
            "SELECT lease_until >= '{released_at}'::timestamptz + interval '{} s' FROM jobs",
            LONG_LEASE.as_secs()
        );
        must(database.text(&whole).await == "t", "a part of the lease was over when it was granted")
    })
    .await;
}

#[tokio::test]
async fn m10_unordered_locks_are_caught() {
    catches(Mutant::UnorderedLocks, "40P01", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            enqueue(&database, "").await;
            let Lease { job_id, execution_id } = claim(&store, "w", LONG_LEASE).await.lease;
            held.push((job_id, execution_id));
        }
        held.sort();
        let beating: Vec<LeasedExecution> = held.iter().copied().map(LeasedExecution::from).collect();
        let mut other = database.connection().await;
        other.batch_execute("SET deadlock_timeout = '50ms'").await.unwrap();
        let batch = other.transaction().await.unwrap();
        let lock = "SELECT FROM jobs WHERE id = $1 FOR UPDATE";
        batch.execute(lock, &[&held[0].0]).await.unwrap();
        let in_order = async {
            blocked(&database).await;
            let second = batch.execute(lock, &[&held[1].0]).await;
            drop(batch);
            second
        };
        let (_, second) = tokio::join!(store.heartbeat_jobs(&beating, LONG_LEASE), in_order);
        must(second.is_ok(), format!("{second:?}"))
    })
    .await;
}

#[tokio::test]
async fn m11_notify_before_commit_is_caught() {
    catches(Mutant::NotifyBeforeCommit, "still waits", || async {
        let database = Database::new().await;
        let worker = Server::with(&database.url, &[NO_POLL]);
        listens(&worker).await;
        let store = store(&database).await;
        let mut other = database.connection().await;
        let key = other.transaction().await.unwrap();
        let taken = "INSERT INTO job_keys VALUES ('default', 'noop', 'k1', gen_random_uuid(), '', clock_timestamp() + interval '1 hour')";
        key.execute(taken, &[]).await.unwrap();
        let job = CreateJob::parse(r#"{"kind": "noop", "idempotency_key": "k1"}"#, 3).map_err(|it| it.message)?;
        let late = async {
            blocked(&database).await;
            sleep(Duration::from_millis(300)).await;
            key.rollback().await.unwrap();
        };
        let jobs = [job];
        let (enqueued, ()) = tokio::join!(store.enqueue_jobs(&jobs, None, "test", None), late);
        must(enqueued.is_ok(), format!("{enqueued:?}"))?;
        all_completed(&database, is_on(Mutant::NotifyBeforeCommit)).await
    })
    .await;
}

#[tokio::test]
async fn m12_uncounted_expired_leases_are_caught() {
    catches(Mutant::ExpiredLeasesAreNotCounted, "retrying", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, ", max_attempts => 3").await;
        for _ in 0..3 {
            claim(&store, "victim", EXPIRED_LEASE).await;
            reap(&store).await;
        }
        let state = database.text("SELECT state FROM jobs").await;
        must(state == "failed", format!("it is {state} after three lost workers"))?;
        sound(&database).await
    })
    .await;
}

#[tokio::test]
async fn m13_asynchronous_commit_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    // As root, PostgreSQL runs as another user, who must be able to enter the folder.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    // A crash of the server loses only what was not written yet, also without fsync. The WAL writer runs every ten seconds.
    let settings = [("fsync", "off"), ("wal_writer_delay", "10s"), ("wal_writer_flush_after", "1GB")];
    let options = Options {
        state_dir: folder.path().join("postgres"),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Options::default()
    };
    let postgres = std::sync::Mutex::new(Embedded::start(&options).unwrap());
    let url = postgres.lock().unwrap().url().to_owned();
    let connector = Connector::parse(&url).unwrap();
    provost::store::migrate(&connector).await.unwrap();
    catches(Mutant::AsynchronousCommit, "is gone", || async {
        let open = || Store::new(connector.pool(1).unwrap(), std::sync::Arc::new(Wakeup::default()));
        let store = open();
        let job = || CreateJob::parse(r#"{"kind": "noop"}"#, 3).map_err(|it| it.message);
        let enqueued = store.enqueue_jobs(&[job()?], None, "test", None).await.map_err(|it| it.to_string())?;
        crash(&mut postgres.lock().unwrap());
        let store = open();
        let found = store.get_jobs(&[enqueued[0].id]).await.map_err(|it| it.to_string())?;
        must(found.len() == 1, "a job that was accepted is gone")
    })
    .await;
    postgres.into_inner().unwrap().stop();
}

/// Stops PostgreSQL like a crash, and starts it again.
fn crash(postgres: &mut Embedded) {
    assert!(Command::new("kill").args(["-QUIT", &postgres.pid().to_string()]).status().unwrap().success());
    while !postgres.revive().unwrap() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn m14_unfenced_heartbeat_is_caught() {
    catches(Mutant::HeartbeatWithoutFence, "was extended", || async {
        let database = Database::new().await;
        let store = store(&database).await;
        enqueue(&database, "").await;
        let stale = claim(&store, "frozen", EXPIRED_LEASE).await.lease;
        reap(&store).await;
        claim(&store, "successor", LONG_LEASE).await;
        let before = database.text("SELECT lease_until FROM jobs").await;
        store
            .heartbeat_jobs(&[(stale.job_id, stale.execution_id).into()], LONG_LEASE * 10)
            .await
            .map_err(|it| it.to_string())?;
        must(before == database.text("SELECT lease_until FROM jobs").await, "the successor's lease was extended")
    })
    .await;
}

#[tokio::test]
async fn m15_shutdown_that_fails_jobs_is_caught() {
    catches_process("m15", "failed", |settings| async move {
        let database = Database::new().await;
        let mut server = Server::with(&database.url, &[settings, vec![("PROVOST_SHUTDOWN_GRACE", "0s")]].concat());
        database.run(r#"SELECT enqueue('sleep', '{"ms": 20000}')"#).await;
        eventually("the job is active", || async {
            (database.text("SELECT state FROM jobs").await == "active").then_some(())
        })
        .await;
        must(server.stop() == 0, "it stops cleanly")?;
        let state = database.text("SELECT concat_ws(' ', state, failures) FROM jobs").await;
        must(state == "queued 0", format!("the job is {state}"))
    })
    .await;
}

#[test]
fn unknown_mutant_is_rejected() {
    let output = Server::command().env("PROVOST_MUTANT", "m99").arg("config").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("m1, m2, m4, m5"));
}

#[test]
fn every_guard_is_found_in_its_sql() {
    for (name, guard) in provost::mutant::guards() {
        let statement = provost::store::sql::ALL.iter().find(|it| it.name == name).map(|it| it.text);
        let part = || provost::store::schema::parts().find(|it| it.name == name).map(|it| it.text);
        let text = statement.or_else(part).unwrap();
        assert!(text.contains(guard), "{name} does not contain {guard:?}");
    }
}

/// Checks that each text in the table of `tests/mutants/run.sh` is in the source.
#[test]
fn every_listed_guard_is_in_its_file() {
    for line in include_str!("mutants/guards.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, name, _, file, text, _, _] = fields[..] else { panic!("seven columns: {line}") };
        let source = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(source.contains(text), "{name}: {file} has no {text:?}");
    }
}
