//! `provost.enqueue` and the project functions, called from `psql` as an application calls them.

use serde_json::json;

use super::{enqueue, fast_server, job, moment, text, until};
use crate::api::api_server;
use crate::harness::{Database, eventually};

const PAGE: &str = include_str!("../../docs/sql.md");

#[track_caller]
fn output(database: &Database, script: &str) -> String {
    let (succeeded, output) = database.psql(script);
    assert!(succeeded, "{script}: {output}");
    output
}

#[track_caller]
fn refused(database: &Database, script: &str, sqlstate: &str, word: &str) {
    let (succeeded, output) = database.psql(script);
    assert!(
        !succeeded && output.contains(&format!("ERROR:  {sqlstate}: ")) && output.contains(word),
        "{script}: {output}"
    );
}

#[tokio::test]
async fn enqueue_follows_its_transaction() {
    let database = Database::new().await;
    let server = fast_server(&database, &[("PROVOST_POLL_INTERVAL", "10m")]);
    let script = "BEGIN; SELECT provost.enqueue('noop', queue => 'never', idempotency_key => 'k'); \
                  SELECT provost.create_project('never'); ROLLBACK";
    output(&database, script);
    for table in [
        "jobs",
        "projects",
        "job_keys",
        "queues WHERE name <> 'default'",
        "events WHERE entity <> 'worker' AND entity_name IS DISTINCT FROM 'default'",
    ] {
        assert_eq!(database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let id = output(&database, "BEGIN; SELECT provost.enqueue('echo', '{ \"n\": 12345678901234567890 }'); COMMIT");
    let done = until(&server, &id, "completed").await;
    let read = server.get(&format!("/jobs/{id}")).await.text;
    assert!(read.contains(r#""result":{ "n": 12345678901234567890 }"#), "{read}");
    let late = moment(&done, "finished_at") - moment(&done, "created_at");
    assert!(late < 5.0, "the commit wakes the worker, but the job started {late} s later");
    let birth = server.get(&format!("/jobs/{id}/events")).await.json().as_array().unwrap().last().cloned().unwrap();
    assert_eq!(text(&birth, "actor"), "sql");
    database.check_invariants().await;
}

#[tokio::test]
async fn sql_arguments_match_api_fields() {
    let database = Database::new().await;
    let server = api_server(&database);
    let by_sql = output(
        &database,
        "SELECT provost.enqueue(kind => 'a', payload => '{\"n\":1}', queue => 'q', priority => 9, run_at => '2099-01-31 08:00+02',
            max_attempts => 7, timeout => '90 seconds', tenant => 't', tags => '{x,\"y z\"}', idempotency_key => 'k',
            idempotency_window => '1 hour', backoff => 'linear 10 60 none', deadline_at => '2100-01-01 00:00Z', actor => 'shop')",
    );
    let by_http = enqueue(
        &server,
        json!({"kind": "a", "payload": {"n": 1}, "queue": "q", "priority": 9, "run_at": "2099-01-31T08:00:00+02:00", "max_attempts": 7,
            "timeout": 90, "tenant": "t", "tags": ["x", "y z"], "idempotency_key": "k2", "deadline_at": "2100-01-01T00:00:00Z",
            "backoff": {"strategy": "linear", "base": 10, "max": 60, "jitter": false}}),
    )
    .await;
    let (sql, http) = (job(&server, &by_sql).await, job(&server, &by_http).await);
    for (field, value) in http.as_object().unwrap() {
        if !["id", "created_at", "updated_at", "idempotency_key"].contains(&field.as_str()) {
            assert_eq!(&sql[field], value, "{field}");
        }
    }
    let (plain, usual) =
        (output(&database, "SELECT provost.enqueue('a')"), enqueue(&server, json!({"kind": "a"})).await);
    let (sql, http) = (job(&server, &plain).await, job(&server, &usual).await);
    for (field, value) in http.as_object().unwrap() {
        if !["id", "created_at", "updated_at", "run_at"].contains(&field.as_str()) {
            assert_eq!(&sql[field], value, "{field}");
        }
    }
    let later = output(&database, "SELECT provost.enqueue('a', delay => '10 minutes')");
    let later = job(&server, &later).await;
    assert!((moment(&later, "run_at") - moment(&later, "created_at") - 600.0).abs() < 0.01, "{later}");
    assert_eq!(text(&later, "state"), "scheduled");
}

#[tokio::test]
async fn sql_rejects_what_http_rejects() {
    let database = Database::new().await;
    for (arguments, word) in [
        ("'a b'", "kind must have"),
        ("''", "kind must have"),
        ("NULL", "kind must have"),
        ("'a', queue => '*'", "queue must have"),
        ("'a', tenant => 'é'", "tenant must have"),
        ("'a', priority => 10", "priority must be"),
        ("'a', max_attempts => 0", "max_attempts must be"),
        ("'a', timeout => '0 s'", "timeout must be"),
        ("'a', timeout => '31 days'", "timeout must be"),
        ("'a', delay => '-1 s'", "delay must be"),
        ("'a', delay => '1 s', run_at => now()", "delay cannot be given together"),
        ("'a', tags => '{\"\"}'", "tags must be"),
        ("'a', tags => ARRAY(SELECT n::text FROM generate_series(1, 33) AS n)", "tags must be"),
        ("'a', idempotency_key => ''", "idempotency_key must have"),
        ("'a', idempotency_key => 'k', idempotency_window => '0 s'", "idempotency_window must be"),
        ("'a', backoff => 'square 1 2 full'", "backoff must be"),
        ("'a', payload => to_json(repeat('x', 262144))", "payload must have"),
    ] {
        refused(&database, &format!("SELECT provost.enqueue({arguments})"), "22023", word);
    }
    refused(&database, r#"SELECT provost.enqueue('a', '"\u0000"')"#, "22P05", "unsupported Unicode");
    refused(&database, r#"SELECT provost.enqueue('a', '"\ud800"')"#, "22P02", "json");
    refused(&database, "SELECT provost.enqueue('a', '{')", "22P02", "json");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn enqueue_on_draining_queue_raises() {
    let database = Database::new().await;
    let server = api_server(&database);
    server.post("/queues/default/drain", json!({})).await.expect(200);
    for call in ["enqueue('noop')", "create_project('p')"] {
        refused(&database, &format!("SELECT provost.{call}"), "PV001", "the queue default is draining");
    }
    output(&database, "SELECT provost.enqueue('noop', queue => 'other')");
}

#[tokio::test]
async fn sql_can_create_retry_and_delete_projects() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let script = r#"SELECT provost.create_project('p', parameters => '{"simulate": {"outcome": "failed", "duration_ms": 0, "reason": "no quota"}}', labels => '{"env": "prod"}', actor => 'signup')"#;
    let id = output(&database, script);
    let project = server.until(&id, "failed").await;
    assert_eq!((text(&project, "error_reason"), &project["labels"]), ("no quota".to_owned(), &json!({"env": "prod"})));
    let job_id = output(&database, &format!("SELECT provost.retry_project('{id}', reason => 'the quota was raised')"));
    assert_eq!(until(&server, &job_id, "failed").await["project_id"], json!(id));
    refused(
        &database,
        "SELECT provost.delete_project('00000000-0000-0000-0000-000000000000')",
        "PV004",
        "there is no project",
    );
    let job_id = output(&database, &format!("SELECT provost.delete_project(project => '{id}', actor => 'billing')"));
    server.until(&id, "deleted").await;
    until(&server, &job_id, "completed").await;
    refused(&database, &format!("SELECT provost.retry_project('{id}')"), "PV003", "is deleted");
    assert_eq!(
        output(&database, &format!("SELECT provost.delete_project('{id}')")),
        "",
        "there is nothing to wait for"
    );
    let events = server.get(&format!("/projects/{id}/events")).await.json();
    let transitions: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "new_state"), text(it, "actor"), text(it, "reason")))
        .collect();
    assert!(transitions.contains(&("creating".into(), "sql".into(), "the quota was raised".into())), "{transitions:?}");
    assert!(transitions.contains(&("deleting".into(), "billing".into(), String::new())), "{transitions:?}");
    assert_eq!(transitions.last(), Some(&("creating".into(), "signup".into(), String::new())));
    database.check_invariants().await;
}

#[tokio::test]
async fn concurrent_transactions_with_key_share_one_job() {
    let database = Database::new().await;
    let (first, second) = (database.connection().await, database.connection().await);
    let asks = "SELECT enqueue('noop', idempotency_key => 'k')::text";
    let over = "SELECT enqueue('noop', idempotency_key => 'k'); UPDATE job_keys SET expires_at = clock_timestamp()";
    for (before, first_ends_with) in [("", "COMMIT"), ("", "ROLLBACK"), (over, "COMMIT"), (over, "ROLLBACK")] {
        database.run(&format!("DELETE FROM job_keys; DELETE FROM jobs; {before}; DELETE FROM jobs")).await;
        first.batch_execute("BEGIN").await.unwrap();
        let ours: String = first.query_one(asks, &[]).await.unwrap().get(0);
        let waits = async {
            let theirs: String = second.query_one(asks, &[]).await.unwrap().get(0);
            theirs
        };
        let ends = async {
            eventually("the second transaction waits", || async {
                let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
                (database.number(waiting).await == 1).then_some(())
            })
            .await;
            first.batch_execute(first_ends_with).await.unwrap();
        };
        let (theirs, ()) = futures_util::future::join(waits, ends).await;
        assert_eq!(theirs == ours, first_ends_with == "COMMIT");
        assert_eq!(database.text("SELECT string_agg(id::text, ' ') FROM jobs").await, theirs);
    }
    refused(&database, "SELECT provost.enqueue('noop', '7', idempotency_key => 'k')", "PV002", "already used");
}

#[tokio::test]
async fn documented_sql_examples_work() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    database.run("CREATE TABLE public.orders (id bigint PRIMARY KEY, customer text)").await;
    let examples: Vec<&str> = PAGE.split("```sql\n").skip(1).map(|it| it.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 6);
    for example in &examples {
        if example.contains("delete_project") {
            let id = database.text("SELECT id FROM projects WHERE name = 'acme'").await;
            server.until(&id, "ready").await;
        }
        output(&database, example);
    }
    assert_eq!(database.text("SELECT customer FROM public.orders").await, "a@example.org");
    let jobs = database
        .text("SELECT string_agg(kind || ' ' || queue, ', ' ORDER BY id) FROM jobs WHERE project_id IS NULL")
        .await;
    assert_eq!(
        jobs,
        "email.send mail, noop default, report.generate reports, email.send default, file.ingest default, metadata.aggregate default"
    );
    let report = server.get("/jobs?tenant=acme&tag=monthly").await.json()[0].clone();
    assert_eq!((&report["backoff"]["base_s"], &report["timeout_s"]), (&json!(30.0), &json!(300.0)));
    let project = database.text("SELECT id FROM projects WHERE name = 'acme'").await;
    server.until(&project, "deleted").await;
    database.check_invariants().await;
}

#[tokio::test]
async fn docs_list_every_argument_in_order() {
    let database = Database::new().await;
    for function in ["enqueue", "create_project", "retry_project", "delete_project"] {
        let section =
            PAGE.split(&format!("## `provost.{function}`")).nth(1).and_then(|it| it.split("\n## ").next()).unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let documented: Vec<String> =
            rows.map(|(name, rest)| format!("{name} {}", rest.split(" |").next().unwrap())).collect();
        let real = format!(
            "SELECT string_agg(name || ' ' || CASE type WHEN 'timestamp with time zone' THEN 'timestamptz' ELSE type END, ', ' ORDER BY n)
             FROM (SELECT n, name, format_type(type, NULL) AS type
                   FROM pg_proc, unnest(proargnames, proargtypes::oid[]) WITH ORDINALITY AS a (name, type, n)
                   WHERE pronamespace = 'provost'::regnamespace AND proname = '{function}') AS arguments"
        );
        assert_eq!(documented.join(", "), database.text(&real).await, "{function}");
    }
}
