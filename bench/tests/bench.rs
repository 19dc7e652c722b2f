//! The benchmark program with small numbers: these tests check what it counts, never how fast anything is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::process::Command;

use serde_json::Value;

mod fixture;

use fixture::{Database, bench};

/// Every profile of the adapter.
const PROFILES: [&str; 2] = ["embedded", "http"];

/// The JSON object on the last line of the output.
#[track_caller]
fn answer(mut command: Command) -> Value {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("not JSON: {said}"))
}

fn adapter(database: &Database, profile: &str, verb: &[&str]) -> Value {
    answer(bench(database, &[&["adapter"], verb, &["--profile", profile]].concat()))
}

#[track_caller]
fn has_keys(answer: &Value, keys: &[&str]) {
    keys.iter().for_each(|key| assert!(answer[key].is_number(), "{key} in {answer}"));
}

#[tokio::test]
async fn adapter_verbs_count_their_work() {
    for profile in PROFILES {
        let database = Database::bare().await;
        assert!(adapter(&database, profile, &["prepare"])["schema"].as_i64() > Some(0));

        let bulk = adapter(&database, profile, &["enqueue-bulk", "--n", "300", "--batch", "100", "--conns", "2"]);
        assert_eq!(bulk["n"], 300, "{bulk}");
        let one = ["enqueue", "--conns", "2", "--seconds", "0.3", "--start", "300"];
        let one = adapter(&database, profile, &one);
        has_keys(&one, &["n", "seconds", "cpu_s"]);
        let all = database.number("SELECT count(*) FROM provost.jobs WHERE kind = 'bench' AND queue = 'bench'").await;
        assert_eq!(300 + one["n"].as_i64().unwrap(), all, "what was acknowledged is there: {one}");

        let drained = adapter(&database, profile, &["drain", "--n", &all.to_string(), "--max-seconds", "60"]);
        has_keys(&drained, &["seconds", "first_s", "handlers_s", "cpu_s"]);
        assert_eq!((&drained["n"], &drained["complete"]), (&Value::from(all), &Value::from(true)), "{drained}");
        assert_eq!((drained["dup"].as_i64(), drained["remaining"].as_i64()), (Some(0), Some(0)), "{drained}");
        let completed = "SELECT count(*) FROM provost.jobs WHERE state = 'completed'";
        assert_eq!(database.number(completed).await, all);
    }
}

#[tokio::test]
async fn adapter_reports_latency_and_idle_cost() {
    for profile in PROFILES {
        let database = Database::bare().await;
        adapter(&database, profile, &["prepare"]);
        let latency = adapter(&database, profile, &["latency", "--n", "5", "--warmup", "2", "--gap-ms", "5"]);
        assert_eq!(latency["n"], 5, "{latency}");
        for spread in ["start_ms", "from_call_ms", "ack_ms"] {
            has_keys(&latency[spread], &["p50", "p95", "p99", "max"]);
        }
        let steady = ["steady", "--rate", "50", "--seconds", "0.6", "--conns", "2", "--start", "1000"];
        let steady = adapter(&database, profile, &steady);
        assert_eq!(
            (&steady["offered"], &steady["n"], &steady["errs"]),
            (&30.into(), &30.into(), &0.into()),
            "{steady}"
        );
        has_keys(&steady["lat_ms"], &["p50", "p95", "p99", "max"]);
        has_keys(&steady, &["achieved", "seconds", "cpu_s"]);
        let idle = adapter(&database, profile, &["idle", "--seconds", "0.5", "--settle-seconds", "0.2"]);
        has_keys(&idle, &["statements_per_minute", "cpu_s"]);
        assert_eq!(idle["rss_kb"].is_number(), cfg!(target_os = "linux"), "{idle}");
    }
}

#[tokio::test]
async fn remaining_count_query_can_be_overridden() {
    let database = Database::bare().await;
    adapter(&database, "embedded", &["prepare"]);
    adapter(&database, "embedded", &["enqueue-bulk", "--n", "10"]);
    let mut drain = bench(&database, &["adapter", "drain", "--n", "10", "--max-seconds", "2"]);
    drain.env("BENCH_REMAINING_SQL", "SELECT 7");
    let drained = answer(drain);
    assert_eq!((&drained["n"], &drained["remaining"], &drained["complete"]), (&10.into(), &7.into(), &false.into()));
}

#[tokio::test]
async fn measurement_reports_ratio_and_drops_its_databases() {
    let database = Database::bare().await;
    let report = answer(bench(&database, &["drain", "--n", "2000", "--rounds", "1", "--json"]));
    let rows = report["measurements"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{report}");
    for row in rows {
        assert_eq!(row["dup"].as_f64(), Some(0.0), "{row}");
        has_keys(row, &["per_s", "wal_b", "client_us"]);
        assert!(row.get("x_ceiling").is_some_and(|it| it.is_number() || it.is_null()), "{row}");
    }
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'provost_bench_%'";
    assert_eq!(database.number(left).await, 0);
}

#[tokio::test]
async fn database_with_other_jobs_is_refused() {
    let database = Database::migrated().await;
    database.run("SELECT provost.enqueue('email.send', '{}')").await;
    let output = bench(&database, &["drain", "--n", "10"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("--force"), "{said}");
}

#[tokio::test]
async fn invalid_arguments_exit_with_usage_error() {
    let database = Database::bare().await;
    for words in [
        &["nothing"][..],
        &["adapter"],
        &["adapter", "dance"],
        &["adapter", "drain", "--speed", "9"],
        &["adapter", "drain", "--n", "many"],
        &["adapter", "drain", "--profile", "carrier-pigeon"],
        &["drain", "drain"],
    ] {
        assert_eq!(bench(&database, words).output().unwrap().status.code(), Some(2), "{words:?}");
    }
    let list = bench(&database, &["--list"]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    for name in ["drain", "enqueue", "latency", "pinned", "memory"] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{name} in {list}");
    }
}
