//! Lanes: a claim reads only lanes that may have waiting jobs, and misses none.

use provost::domain::Outcome;
use provost::store::Store;
use uuid::Uuid;

use crate::harness::worker::{LONG_LEASE, claim, claim_some, enqueue, settle_as, store};
use crate::harness::{Database, eventually};

/// Sweeps that close, stamp and remove a row if no transaction is open.
const ROUNDS: usize = 4;

/// Sweeps until the query returns `n`. A sweep also waits for transactions of other tests in this cluster.
async fn swept_until(database: &Database, store: &Store, sql: &str, n: i64) {
    eventually("the lanes advance", || async {
        store.sweep_lanes().await.unwrap();
        (database.number(sql).await == n).then_some(())
    })
    .await;
}

#[tokio::test]
async fn empty_lane_is_removed_and_reopened() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    let claimed = claim(&store, "w", LONG_LEASE).await;
    settle_as(&store, &claimed, Outcome::done(), "w").await;
    swept_until(&database, &store, "SELECT count(*) FROM lanes", 0).await;
    enqueue(&database, "").await;
    claim(&store, "w", LONG_LEASE).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn lane_advances_to_first_waiting_job() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    enqueue(&database, "").await;
    claim(&store, "w", LONG_LEASE).await;
    let exact = "SELECT count(*) FROM lanes l JOIN jobs j ON j.state = 'queued' AND j.run_at = l.since AND l.is_open";
    swept_until(&database, &store, exact, 1).await;
    claim(&store, "w", LONG_LEASE).await;
}

/// The server into which a database is restored counts its transactions from the beginning.
#[tokio::test]
async fn lane_that_another_server_closed_is_reopened() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    database.run("UPDATE lanes SET is_open = false, closed_by = '9000000000000'").await;
    swept_until(&database, &store, "SELECT count(*) FROM lanes WHERE NOT is_open", 0).await;
    assert_eq!(database.number("SELECT count(*) FROM lanes").await, 1);
    claim(&store, "w", LONG_LEASE).await;
}

/// A row must not be removed while an open transaction relies on it.
#[tokio::test]
async fn sweep_waits_for_open_transactions() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    let mut client = database.connection().await;
    let application = client.transaction().await.unwrap();
    application.batch_execute("SELECT enqueue('noop')").await.unwrap();
    // Meanwhile every sweep finds the lane empty.
    let first = claim(&store, "w", LONG_LEASE).await;
    settle_as(&store, &first, Outcome::done(), "w").await;
    for _ in 0..2 * ROUNDS {
        store.sweep_lanes().await.unwrap();
    }
    application.commit().await.unwrap();
    claim(&store, "w", LONG_LEASE).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn transaction_with_old_snapshot_opens_own_lane() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    let mut client = database.connection().await;
    let application = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    // Its snapshot keeps the open row from now on.
    application.batch_execute("SELECT count(*) FROM lanes").await.unwrap();
    let first = claim(&store, "w", LONG_LEASE).await;
    settle_as(&store, &first, Outcome::done(), "w").await;
    for _ in 0..ROUNDS {
        store.sweep_lanes().await.unwrap();
    }
    application.batch_execute("SELECT enqueue('noop')").await.unwrap();
    application.commit().await.unwrap();
    claim(&store, "w", LONG_LEASE).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn scheduled_job_is_not_claimed_before_due_time() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, ", delay => interval '1 hour'").await;
    let claims = claim_some(&store, "w", LONG_LEASE, 10).await;
    assert!(claims.jobs.is_empty());
    let due = claims.next_due.unwrap().as_secs();
    assert!((3590..=3600).contains(&due), "{due}");
}

#[tokio::test]
async fn claims_take_all_jobs_of_a_thousand_lanes() {
    let database = Database::new().await;
    let store = store(&database).await;
    database
        .run("SELECT count(*) FROM enqueue_jobs((SELECT json_agg(json_build_object('id', uuid_v7(), 'kind', 'noop', 'queue', 'q' || i % 1000)) FROM generate_series(1, 5000) AS i), 'test', NULL, false)")
        .await;
    let mut seen = std::collections::BTreeSet::<Uuid>::new();
    while seen.len() < 5000 {
        let claims = claim_some(&store, "w", LONG_LEASE, 500).await;
        assert!(!claims.jobs.is_empty(), "{} of 5000", seen.len());
        seen.extend(claims.jobs.iter().map(|it| it.lease.job_id));
    }
}
