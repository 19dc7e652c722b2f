//! Lines: a claim looks only where something may be waiting, and never misses what is.

use provost::domain::Outcome;
use provost::store::Store;
use uuid::Uuid;

use crate::harness::worker::{LONG, claim, claim_some, enqueue, settle_as, store};
use crate::harness::{Database, eventually};

/// Enough sweeps for a row to be closed, noted and settled, if nobody is in the way.
const ROUNDS: usize = 4;

/// Sweeps until so many are counted. Whoever else writes in this cluster right now is waited for, whatever they write.
async fn swept_until(database: &Database, store: &Store, sql: &str, n: i64) {
    eventually("the lines have moved up", || async {
        store.sweep_lines().await.unwrap();
        (database.number(sql).await == n).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_line_that_is_empty_is_forgotten_and_a_new_job_opens_it_again() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    let claimed = claim(&store, "w", LONG).await;
    settle_as(&store, &claimed, Outcome::done(), "w").await;
    swept_until(&database, &store, "SELECT count(*) FROM lines", 0).await;
    enqueue(&database, "").await;
    claim(&store, "w", LONG).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn a_line_moves_up_to_the_first_that_waits() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    enqueue(&database, "").await;
    claim(&store, "w", LONG).await;
    let exact = "SELECT count(*) FROM lines l JOIN jobs j ON j.state = 'queued' AND j.run_at = l.since AND l.is_open";
    swept_until(&database, &store, exact, 1).await;
    claim(&store, "w", LONG).await;
}

/// The one thing that must never happen: somebody trusts a row, and when they commit it is gone.
#[tokio::test]
async fn who_enqueues_in_a_long_transaction_is_waited_for() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, "").await;
    let mut client = database.connection().await;
    let application = client.transaction().await.unwrap();
    application.batch_execute("SELECT enqueue('noop')").await.unwrap();
    // Meanwhile the line looks empty, again and again.
    let first = claim(&store, "w", LONG).await;
    settle_as(&store, &first, Outcome::done(), "w").await;
    for _ in 0..2 * ROUNDS {
        store.sweep_lines().await.unwrap();
    }
    application.commit().await.unwrap();
    claim(&store, "w", LONG).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn a_transaction_with_an_old_snapshot_trusts_nobody() {
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
    // It sees the open row from now on, whatever becomes of it.
    application.batch_execute("SELECT count(*) FROM lines").await.unwrap();
    let first = claim(&store, "w", LONG).await;
    settle_as(&store, &first, Outcome::done(), "w").await;
    for _ in 0..ROUNDS {
        store.sweep_lines().await.unwrap();
    }
    application.batch_execute("SELECT enqueue('noop')").await.unwrap();
    application.commit().await.unwrap();
    claim(&store, "w", LONG).await;
    database.check_invariants().await;
}

#[tokio::test]
async fn what_is_scheduled_is_no_line_before_its_time() {
    let database = Database::new().await;
    let store = store(&database).await;
    enqueue(&database, ", delay => interval '1 hour'").await;
    let found = claim_some(&store, "w", LONG, 10).await;
    assert!(found.jobs.is_empty());
    let due = found.next_due.unwrap().as_secs();
    assert!((3590..=3600).contains(&due), "{due}");
}

#[tokio::test]
async fn a_thousand_lines_give_a_claim_no_thousand_times_as_much() {
    let database = Database::new().await;
    let store = store(&database).await;
    database
        .run("SELECT count(*) FROM enqueue_jobs((SELECT json_agg(json_build_object('id', uuid_v7(), 'kind', 'noop', 'queue', 'q' || i % 1000)) FROM generate_series(1, 5000) AS i), 'test', NULL, false)")
        .await;
    let mut seen = std::collections::BTreeSet::<Uuid>::new();
    while seen.len() < 5000 {
        let found = claim_some(&store, "w", LONG, 500).await;
        assert!(!found.jobs.is_empty(), "{} of 5000", seen.len());
        seen.extend(found.jobs.iter().map(|it| it.lease.job_id));
    }
}
