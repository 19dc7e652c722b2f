//! `/stats`.

use serde_json::{Value, json};

use super::{enqueue, fast_server, moment, only_worker, server_without_workers, simulated, text, until};
use crate::api::{api_server, assert_refused};
use crate::harness::{Database, Server, eventually};

async fn stats(server: &Server, query: &str) -> Value {
    server.get(&format!("/stats?{query}")).await.expect(200).json()
}

/// The statistics of one kind in one queue.
fn of(stats: &Value, queue: &str, kind: &str) -> Value {
    let queues = stats["queues"].as_array().unwrap();
    let queue = queues.iter().find(|it| it["queue"] == queue).unwrap_or_else(|| panic!("no {queue}: {stats}"));
    queue["kinds"].as_array().unwrap().iter().find(|it| it["kind"] == kind).cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn stats_report_every_count() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_LEASE_TTL", "10m")]);
    for n in 0..4 {
        let id = simulated(&server, json!({"duration_ms": 40 + 40 * n})).await;
        until(&server, &id, "completed").await;
    }
    let dead = simulated(&server, json!({"outcome": "failed", "duration_ms": 0})).await;
    until(&server, &dead, "failed").await;
    let late =
        enqueue(&server, json!({"kind": "sleep", "payload": {"seconds": 9}, "timeout": 0.1, "max_attempts": 1})).await;
    until(&server, &late, "failed").await;
    let running = enqueue(&server, json!({"kind": "sleep", "queue": "q", "payload": {"seconds": 600}})).await;
    until(&server, &running, "active").await;
    enqueue(&server, json!({"kind": "unserved", "queue": "q"})).await;
    let gone = enqueue(&server, json!({"kind": "unserved", "queue": "q", "delay": "1h"})).await;
    super::act(&server, &gone, "cancel", json!({})).await.expect(200);

    let statistics = stats(&server, "window=15m").await;
    assert_eq!(statistics["window_s"], 900.0);
    let totals = json!({"scheduled": 0, "queued": 1, "blocked": 0, "active": 1, "completed": 4, "retrying": 0, "failed": 2, "canceled": 1, "superseded": 0});
    assert_eq!(statistics["totals"], totals);
    let work = of(&statistics, "default", "simulated");
    for (what, n) in [
        ("waiting", 0),
        ("in_flight", 0),
        ("failed", 1),
        ("enqueued", 5),
        ("started", 5),
        ("completed", 4),
        ("failures", 1),
    ] {
        assert_eq!(work[what], n, "{what}: {work}");
    }
    let naps = of(&statistics, "default", "sleep");
    assert_eq!((&naps["timeouts"], &naps["failed"], &naps["completed"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(of(&statistics, "q", "sleep")["in_flight"], 1);
    assert_eq!(
        (&of(&statistics, "q", "unserved")["waiting"], &of(&statistics, "q", "unserved")["enqueued"]),
        (&json!(1), &json!(2))
    );

    let id = only_worker(&server).await;
    let of_queue = |queue: &str| {
        statistics["workers"].as_array().unwrap().iter().find(|it| it["queue"] == queue).cloned().unwrap()
    };
    let worker = of_queue("default");
    assert_eq!((text(&worker, "worker_id"), &worker["executions"], &worker["completed"]), (id, &json!(6), &json!(4)));
    assert_eq!(
        (&worker["failed"], &worker["timeouts"], &of_queue("q")["executions"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert!(moment(&worker, "last_at") > 0.0);
    assert_eq!(
        statistics["queues"].as_array().unwrap().iter().map(|it| it["workers"].as_i64().unwrap()).collect::<Vec<_>>(),
        [1, 1]
    );
}

#[tokio::test]
async fn durations_and_waits_have_percentiles() {
    let database = Database::new().await;
    let server = server_without_workers(&database);
    let body = |ms: i64| json!({"kind": "simulated", "payload": {"duration_ms": ms}});
    let bodies: Vec<Value> = (0..20).map(|n| body(if n == 0 { 700 } else { 30 })).collect();
    server.post("/jobs", json!(bodies)).await.expect(201);
    let _worker = fast_server(&database, &[("PROVOST_WORKER_CONCURRENCY", "20")]);
    eventually("all jobs are completed", || async {
        (database.number("SELECT count(*) FROM jobs WHERE state = 'completed'").await == 20).then_some(())
    })
    .await;
    let work = of(&stats(&server, "").await, "default", "simulated");
    let of_duration = |what: &str| work["duration"][what].as_f64().unwrap();
    let real = "SELECT avg(extract(epoch FROM ended_at - claimed_at) * 1000)::int FROM executions";
    assert!((of_duration("mean_ms") - database.number(real).await as f64).abs() < 2.0, "{work}");
    let half = "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - claimed_at) * 1000)::int FROM executions";
    let half = database.number(half).await as f64;
    assert!((of_duration("p50_ms") - half).abs() <= half * 0.06 + 2.0, "{work}, not {half}");
    assert!(of_duration("p99_ms") > 650.0 && of_duration("p50_ms") < 500.0, "{work}");
    let oldest =
        database.number("SELECT max(extract(epoch FROM claimed_at - due_at) * 1000)::int FROM executions").await as f64;
    let waited = work["wait"]["p99_ms"].as_f64().unwrap();
    assert!((waited - oldest).abs() <= oldest * 0.06 + 2.0, "waited {waited}, not {oldest}");
}

#[tokio::test]
async fn window_excludes_older_events() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = enqueue(&server, json!({"kind": "noop"})).await;
    until(&server, &id, "completed").await;
    database.run("UPDATE work_stats SET minute = minute - interval '2 hours'").await;
    let now = of(&stats(&server, "window=30m").await, "default", "noop");
    assert_eq!((&now["enqueued"], &now["completed"]), (&json!(0), &json!(0)), "the job is older than the window");
    assert_eq!(of(&stats(&server, "window=3h").await, "default", "noop")["completed"], 1);
    for (query, n) in [("kind=noop&window=3h", 1), ("kind=echo&window=3h", 0), ("queue=q&window=3h", 0)] {
        assert_eq!(stats(&server, query).await["queues"].as_array().map(Vec::len), Some(n), "{query}");
    }
}

#[tokio::test]
async fn folding_counters_keeps_stats() {
    let database = Database::new().await;
    let server = api_server(&database);
    for n in 0..5 {
        enqueue(&server, json!({"kind": if n % 2 == 0 { "a" } else { "b" }})).await;
    }
    let before = stats(&server, "").await;
    let folder = server_without_workers(&database);
    eventually("the rows are folded", || async {
        (database.number("SELECT count(*) FROM job_counts WHERE queue = 'default'").await == 2).then_some(())
    })
    .await;
    for part in ["totals", "queues"] {
        assert_eq!(stats(&folder, "").await[part], before[part]);
    }
}

#[tokio::test]
async fn invalid_window_is_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    for window in ["0", "9d", "soon", "-1"] {
        assert_refused(&server.get(&format!("/stats?window={window}")).await, 400, "invalid_parameter", "window");
    }
    assert_refused(&server.get("/stats?since=1h").await, 400, "invalid_parameter", "since");
    let classes = stats(&server, "").await["retention"].clone();
    let classes: Vec<_> = classes.as_array().unwrap().iter().map(|it| text(it, "class")).collect();
    let known = [
        "canceled",
        "completed",
        "events",
        "executions",
        "failed",
        "keys",
        "logs",
        "statistics",
        "superseded",
        "ticks",
        "workers",
        "workflows",
    ];
    assert_eq!(classes, known);
}
