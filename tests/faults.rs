//! Faults: races, hung backends, a full disk, a read-only database, blocked threads, clients that disconnect.

use std::time::Duration;

use provost::domain::Outcome;
use provost::store::Audit;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::worker::{self, EXPIRED_LEASE, GRACES, LONG_LEASE};
use crate::harness::{Database, Server, eventually};

async fn enqueue_many(server: &Server, n: usize, body: Value) -> Vec<Uuid> {
    let jobs: Vec<Value> = vec![body; n];
    let jobs = server.post("/jobs", json!({ "jobs": jobs })).await.expect(201).json();
    jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().parse().unwrap()).collect()
}

async fn all_done(database: &Database) {
    eventually("every job is finished", || async {
        (database.number("SELECT count(*) FROM jobs WHERE finished_at IS NULL").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn settlement_racing_the_reaper_has_one_winner() {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 300)").await;
    let claims = store.claim_jobs(&worker::claimer("slow", EXPIRED_LEASE), 300).await.unwrap().jobs;
    assert_eq!(claims.len(), 300);
    eventually("all leases expire", || async {
        let alive = "SELECT count(*) FROM jobs WHERE lease_until > clock_timestamp()";
        (database.number(alive).await == 0).then_some(())
    })
    .await;
    let reaper = async { while !store.reap_jobs(7, GRACES, "reaper").await.unwrap().is_empty() {} };
    let worker = async {
        // The reaper starts at the other end, so they meet.
        for claimed in claims.iter().rev() {
            worker::settle_as(&store, claimed, Outcome::done(), "slow").await;
        }
    };
    tokio::join!(reaper, worker);
    let ends = "SELECT count(*) FILTER (WHERE outcome = 'completed') > 0 AND count(*) FILTER (WHERE outcome = 'lease_expired') > 0 FROM executions";
    assert_eq!(database.text(ends).await, "t", "each side must win at least once, or the test proves nothing");
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state = 'active'").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn cancel_racing_a_result_has_one_outcome() {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 200)").await;
    let claims = store.claim_jobs(&worker::claimer("w", LONG_LEASE), 200).await.unwrap().jobs;
    let audit = Audit { actor: "maria".into(), request_id: None, reason: None };
    let ids: Vec<Uuid> = claims.iter().map(|it| it.lease.job_id).collect();
    let canceling = async {
        for id in &ids {
            store.cancel_jobs(&[*id], &audit).await.unwrap();
        }
    };
    let working = async {
        for claimed in claims.iter().rev() {
            worker::settle_as(&store, claimed, Outcome::failed("no route"), "w").await;
        }
    };
    tokio::join!(canceling, working);
    let both = "SELECT count(DISTINCT state) FROM jobs WHERE state IN ('canceled', 'retrying')";
    assert!(database.number(both).await >= 1);
    assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state NOT IN ('canceled', 'retrying')").await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn claim_never_exceeds_its_limit_under_any_plan() {
    let database = Database::new().await;
    database.run("SELECT enqueue('noop', tenant => 't' || i % 3) FROM generate_series(1, 200) AS i").await;
    let name = database.text("SELECT current_database()").await;
    let off = [
        "enable_hashjoin",
        "enable_mergejoin",
        "enable_nestloop",
        "enable_indexscan",
        "enable_sort",
        "enable_material",
    ];
    for (n, setting) in off.iter().enumerate() {
        database.run(&format!("ALTER DATABASE {name} SET {setting} = off")).await;
        let store = worker::store(&database).await;
        let claims = store.claim_jobs(&worker::claimer("w", LONG_LEASE), 5).await.unwrap().jobs;
        assert_eq!(claims.len(), 5, "without {setting}");
        assert_eq!(database.number("SELECT count(*) FROM jobs WHERE state = 'active'").await, 5 * (n as i64 + 1));
        database.run(&format!("ALTER DATABASE {name} RESET {setting}")).await;
    }
}

#[tokio::test]
async fn reaped_job_keeps_its_place_in_the_queue() {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    let first = worker::enqueue(&database, "").await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 5000)").await;
    assert_eq!(worker::claim(&store, "lost", EXPIRED_LEASE).await.lease.job_id, first);
    worker::reap(&store).await;
    assert_eq!(worker::claim(&store, "next", LONG_LEASE).await.lease.job_id, first);
}

#[tokio::test]
async fn longest_names_fit_into_a_notification() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let longest = "q".repeat(128);
    enqueue_many(&server, 1, json!({"kind": "noop", "queue": longest, "tenant": "t".repeat(128)})).await;
    all_done(&database).await;
}

#[tokio::test]
async fn hung_backends_cost_only_their_connections() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api"), ("PROVOST_DATABASE_POOL", "2")]);
    server.get("/projects").await.expect(200);
    let pids = database.text("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost'").await;
    let signal = |name: &str| {
        let pids: Vec<&str> = pids.split(' ').collect();
        std::process::Command::new("kill").arg(format!("-{name}")).args(pids).status().unwrap();
    };
    signal("STOP");
    let answers = futures_util::future::join_all((0..4).map(|_| server.get("/projects"))).await;
    // statement_timeout does not fire in a stopped backend. The timeout of the client does, and the connection is
    // discarded.
    assert!(answers.iter().all(|it| [200, 503].contains(&it.status)), "{answers:?}");
    eventually("new connections replace them", || async {
        (server.get("/projects").await.status == 200).then_some(())
    })
    .await;
    signal("CONT");
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
}

#[tokio::test]
async fn disconnecting_clients_are_harmless() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_DATABASE_POOL", "3")]);
    let hasty = |n: u64| {
        let request = server.request(reqwest::Method::POST, "/jobs").json(&json!({"kind": "noop", "tags": ["hasty"]}));
        async move { _ = tokio::time::timeout(Duration::from_micros(n * 37 % 5000), request.send()).await }
    };
    for round in 0..10 {
        futures_util::future::join_all((0..40).map(|n| hasty(round * 40 + n))).await;
    }
    for _ in 0..10 {
        server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    }
    all_done(&database).await;
    let jobs_without_event = "SELECT count(*) FROM jobs j WHERE NOT EXISTS (SELECT FROM events e WHERE e.entity_id = j.id AND e.previous_state = 'none')";
    assert_eq!(database.number(jobs_without_event).await, 0);
    database.check_invariants().await;
}

#[tokio::test]
async fn request_flood_does_not_expire_leases() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "1s"), ("PROVOST_DATABASE_POOL", "2")]);
    let project = server.failed("locked").await;
    enqueue_many(&server, 3, json!({"kind": "sleep", "payload": {"ms": 3000}})).await;
    // Requests to retry this project wait for its lock and hold a connection of the API.
    let mut other = database.connection().await;
    let transaction = other.transaction().await.unwrap();
    transaction.execute("SELECT FROM projects FOR UPDATE", &[]).await.unwrap();
    let path = format!("/projects/{project}/retry");
    let crowd = futures_util::future::join_all((0..30).map(|_| server.post(&path, json!({})))).await;
    assert!(crowd.iter().all(|it| it.status == 503), "{:?}", crowd.iter().map(|it| it.status).collect::<Vec<_>>());
    transaction.rollback().await.unwrap();
    all_done(&database).await;
    assert_eq!(database.number("SELECT count(*) FROM executions WHERE outcome = 'lease_expired'").await, 0);
}

/// Makes every INSERT of a job fail with this SQLSTATE.
async fn fail_inserts(database: &Database, sqlstate: &str) {
    database
        .run(&format!(
            "CREATE FUNCTION fail_inserts() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'fail_inserts' USING ERRCODE = '{sqlstate}'; END $$; \
             CREATE TRIGGER fail_inserts BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION fail_inserts()"
        ))
        .await;
}

#[tokio::test]
async fn full_disk_is_503_and_reads_continue() {
    let database = Database::new().await;
    let server = Server::on(&database);
    fail_inserts(&database, "53100").await;
    let answer = server.post("/jobs", json!({"kind": "noop"})).await.expect(503);
    assert!(!answer.header("retry-after").is_empty() && answer.code() == "storage_full");
    server.get("/jobs").await.expect(200);
    database.run("DROP TRIGGER fail_inserts ON jobs").await;
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    all_done(&database).await;
}

#[tokio::test]
async fn read_only_database_is_a_temporary_outage() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let name = database.text("SELECT current_database()").await;
    let terminate_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost'";
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    database.run(terminate_all).await;
    eventually("writes fail as unavailable", || async {
        (server.post("/jobs", json!({"kind": "noop"})).await.status == 503).then_some(())
    })
    .await;
    database.run("SET default_transaction_read_only = off").await;
    database.run(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    database.run(terminate_all).await;
    eventually("writes succeed again", || async {
        (server.post("/jobs", json!({"kind": "noop"})).await.status == 201).then_some(())
    })
    .await;
    all_done(&database).await;
}

#[tokio::test]
async fn hostile_database_defaults_change_nothing() {
    let database = Database::new().await;
    let name = database.text("SELECT current_database()").await;
    for setting in
        ["default_transaction_isolation = 'repeatable read'", "timezone = 'Asia/Kolkata'", "search_path = 'public'"]
    {
        database.run(&format!("ALTER DATABASE {name} SET {setting}")).await;
    }
    let (one, two) = (Server::on(&database), Server::on(&database));
    enqueue_many(&one, 100, json!({"kind": "noop"})).await;
    enqueue_many(&two, 100, json!({"kind": "noop"})).await;
    all_done(&database).await;
    assert_eq!(database.number("SELECT count(*) FROM provost.jobs WHERE state = 'completed'").await, 200);
}

#[tokio::test]
async fn old_snapshot_blocks_nothing() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let mut reader = database.connection().await;
    let old = reader.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead).start().await;
    let old = old.unwrap();
    old.execute("SELECT FROM jobs", &[]).await.unwrap();
    for _ in 0..5 {
        enqueue_many(&server, 200, json!({"kind": "noop"})).await;
    }
    all_done(&database).await;
    assert_eq!(
        old.query_one("SELECT count(*) FROM jobs", &[]).await.unwrap().get::<_, i64>(0),
        0,
        "the snapshot is old"
    );
    old.rollback().await.unwrap();
    database.check_invariants().await;
}

#[tokio::test]
async fn claim_and_settlement_take_one_transaction_each() {
    let database = Database::new().await;
    let store = worker::store(&database).await;
    database.run("SELECT enqueue('noop') FROM generate_series(1, 50)").await;
    let ids = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    let before = database.number(ids).await;
    let claims = store.claim_jobs(&worker::claimer("w", LONG_LEASE), 50).await.unwrap().jobs;
    for claimed in &claims {
        worker::settle_as(&store, claimed, Outcome::done(), "w").await;
    }
    // Other tests share the server and can only raise this; 50 jobs cost 51 transaction ids.
    let spent = database.number(ids).await - before;
    assert!(spent >= 51, "{spent}");
    let own = "SELECT count(DISTINCT xmin::text) FROM jobs";
    assert_eq!(database.number(own).await, 50, "each settlement is one transaction");
    let claiming = "SELECT count(DISTINCT xmin::text) FROM events WHERE entity = 'job' AND new_state = 'active'";
    assert_eq!(database.number(claiming).await, 1, "fifty claims are one transaction");
}

#[tokio::test]
async fn notification_flood_starves_nothing() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let flood = database.connection().await;
    let flooding = async {
        for _ in 0..20 {
            flood
                .batch_execute("SELECT pg_notify('provost', i::text) FROM generate_series(1, 1000) AS i")
                .await
                .unwrap();
        }
    };
    let working = async {
        let ids = enqueue_many(&server, 50, json!({"kind": "noop"})).await;
        server.get(&format!("/jobs/{}", ids[0])).await.expect(200);
    };
    tokio::join!(flooding, working);
    all_done(&database).await;
}

#[cfg(feature = "chaos")]
#[tokio::test]
async fn blocking_handlers_do_not_expire_leases() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "1s")]);
    enqueue_many(&server, 4, json!({"kind": "spin", "payload": {"ms": 4000}})).await;
    all_done(&database).await;
    let ends = "SELECT string_agg(DISTINCT outcome, ',') FROM executions";
    assert_eq!(database.text(ends).await, "completed", "heartbeats run on their own thread");
}

#[cfg(feature = "chaos")]
#[tokio::test]
async fn reaper_ends_work_that_cannot_be_stopped() {
    let database = Database::new().await;
    let worker = Server::with(&database.url, &[]);
    let other = Server::with(&database.url, &[("PROVOST_ROLES", "api,scheduler")]);
    let body = json!({"kind": "spin", "payload": {"ms": 60_000}, "timeout": "500ms", "max_attempts": 1});
    let id = enqueue_many(&other, 1, body).await[0];
    all_done(&database).await;
    let job = other.get(&format!("/jobs/{id}")).await.json();
    assert!(job["state"] == "failed" && job["error"].as_str().unwrap().contains("did not stop the attempt"), "{job}");
    assert_eq!(database.text("SELECT outcome FROM executions").await, "timed_out");
    worker.kill();
}
