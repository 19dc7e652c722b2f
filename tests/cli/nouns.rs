//! Tables, formats and verbs of each noun.

use serde_json::json;

use super::{command, finish, run};
use crate::harness::{Database, Server};

/// The header line of a table.
fn headers(text: &str) -> Vec<&str> {
    text.lines().next().unwrap_or_default().split_whitespace().collect()
}

#[tokio::test]
async fn each_noun_has_a_table_and_verbs() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("acme").await;
    run(&server, &["job", "create", "simulated", "-p", "outcome=failed", "-p", "duration_ms=1", "--wait"]).expect(1);
    run(&server, &["limit", "set", "mail", "--scope", "kind", "--value", "email.send", "--limit", "10"]).expect(0);
    run(&server, &["schedule", "create", "beat", "--every", "15m", "--kind", "noop"]).expect(0);
    run(&server, &["workflow", "run", "--demo"]).expect(0);
    for (noun, expected) in [
        ("project", "ID NAME STATUS CREATED ERROR"),
        ("job", "ID KIND QUEUE STATE ATTEMPT CREATED ERROR"),
        ("queue", "NAME STATE WAITING ACTIVE RETRYING FAILED OLDEST WORKERS REASON"),
        ("worker", "ID STATE BUSY SLOTS QUEUES STARTED HEARTBEAT REASON"),
        ("limit", "NAME SCOPE VALUE MODE LIMIT WINDOW S ACTIVE THROTTLED"),
        ("schedule", "NAME STATE WHEN NEXT LAST"),
        ("workflow", "ID NAME STATE DONE STEPS ACTIVE FAILED CREATED"),
        ("dlq", "ID KIND QUEUE STATE ATTEMPT CREATED ERROR"),
        ("schema", "KIND VERSION ACTOR CREATED"),
    ] {
        let table = run(&server, &[noun, "list"]).expect(0);
        assert_eq!(headers(&table.out).join(" "), expected, "{table:?}");
        assert!(table.out.lines().count() > 1, "{table:?}");
    }
    let chosen = run(&server, &["project", "list", "--columns", "name,version", "--no-headers"]).expect(0);
    assert_eq!(chosen.out, "acme  3\n");
    let name = run(&server, &["project", "list", "-o", "name"]).out;
    assert!(name.starts_with("project/"));
    run(&server, &["project", "get", name.trim()]).expect(0);
    assert_eq!(
        run(&server, &["queue", "pause", "default", "--reason", "tests"]).expect(0).out.matches("paused").count(),
        1
    );
    run(&server, &["queue", "resume", "default"]).expect(0);
    let worker = run(&server, &["worker", "list", "-o", "json"]).json()[0]["id"].as_str().unwrap().to_owned();
    assert!(run(&server, &["worker", "cordon", &worker]).expect(0).out.contains("cordoned"));
    run(&server, &["worker", "uncordon", &worker]).expect(0);
    assert!(run(&server, &["schedule", "run", "beat"]).expect(0).out.contains("fired"));
    assert!(
        run(&server, &["dlq", "replay", "--all", "--yes", "--set-payload", "{\"outcome\":\"completed\"}"])
            .expect(0)
            .out
            .contains('1')
    );
}

#[tokio::test]
async fn numbers_stay_exact_in_every_format() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let payload = r#"{"n":123456789012345678901234567890.10,"z":1,"a":2}"#;
    let id =
        run(&server, &["job", "create", "echo", "--payload", payload, "-o", "json"]).expect(0).json()["id"].clone();
    let id = id.as_str().unwrap();
    for format in ["json", "jsonl"] {
        let got = run(&server, &["job", "get", id, "-o", format]).expect(0);
        assert!(got.out.contains(payload), "{got:?}");
    }
    assert!(
        run(&server, &["job", "get", id, "-o", "yaml"])
            .out
            .contains("  \"n\": 123456789012345678901234567890.10\n  z: 1\n")
    );
}

#[tokio::test]
async fn jq_filters_and_sort_orders_lists() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let create = |n: usize| run(&server, &["job", "create", "noop", "--priority", &n.to_string(), "--wait"]).expect(0);
    [5, 9, 1].into_iter().for_each(|n| _ = create(n));
    let priorities = |args: &[&str]| run(&server, &[&["job", "list"], args].concat()).expect(0).out;
    assert_eq!(priorities(&["--jq", ".[].priority"]), "1\n9\n5\n");
    assert_eq!(priorities(&["--sort", "priority", "--jq", ".[].priority"]), "1\n5\n9\n");
    assert_eq!(priorities(&["--sort", "-PRIORITY", "--no-headers", "--columns", "priority"]), "9\n5\n1\n");
    assert_eq!(priorities(&["--jq", ".[0] | .kind, {state}"]), "noop\n{\"state\":\"completed\"}\n");
    for (args, code) in [(["--jq", ".["], 2), (["--jq", ".x"], 2), (["--sort", "nonsense"], 2)] {
        run(&server, &[&["job", "list"], &args[..]].concat()).expect(code);
    }
}

#[tokio::test]
async fn lists_are_paged_or_complete() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let batch: Vec<_> = (0..7).map(|n| json!({"kind": "noop", "tags": ["many"], "payload": {"n": n}})).collect();
    run(&server, &["job", "create", "--batch", &json!(batch).to_string()]).expect(0);
    let page = run(&server, &["job", "list", "--limit", "3", "-o", "json"]).expect(0);
    assert_eq!(page.json().as_array().unwrap().len(), 3);
    assert!(page.err.contains("--cursor"), "{page:?}");
    let all = run(&server, &["job", "list", "--limit", "3", "--all", "-o", "jsonl"]).expect(0);
    assert_eq!((all.out.lines().count(), all.err.as_str()), (7, ""));
}

#[tokio::test]
async fn task_commands_are_aliases_of_job_commands() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let address = ["--address", &server.url];
    let task = |args: &[&str]| finish(command("http://127.0.0.1:1", &[&address, args].concat()));
    let create = [
        "task",
        "create",
        "Send Newsletter",
        "--type",
        "send_email",
        "--parameter",
        "to=a@example.com",
        "--parameter",
        "count=3",
    ];
    let created = task(&[&create[..], &["-o", "json"]].concat()).expect(0).json();
    assert_eq!(
        created["payload"],
        json!({"name": "Send Newsletter", "parameters": {"to": "a@example.com", "count": "3"}})
    );
    let id = created["id"].as_str().unwrap();
    task(&["task", "wait", "--id", id]).expect(0);
    for get in [["task", "get", "--id", id, "--output", "yaml"], ["t", "g", "-i", id, "-o", "yaml"]] {
        assert!(task(&get).expect(0).out.contains("kind: send_email"));
    }
    for list in [["task", "list", "--pageNumber", "1", "--pageCount", "5"], ["task", "l", "-n", "1", "-c", "5"]] {
        assert_eq!(task(&list).expect(0).out.lines().count(), 2);
    }
    assert_eq!(task(&["task", "list", "-n", "2", "-c", "5", "-o", "json"]).expect(0).out.trim(), "[]");
    for status in ["status", "s", "stat"] {
        assert!(task(&["task", status]).expect(0).out.lines().any(|it| it.split_whitespace().eq(["completed", "1"])));
    }
    assert!(task(&["history", "--id", id, "--log-level", "error"]).expect(0).out.contains("completed"));
}

#[tokio::test]
async fn end2end_counts_only_its_own_jobs() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.failed("unrelated").await;
    let report = run(&server, &["end2end", "-n", "20", "-o", "json"]).expect(0).json();
    assert_eq!(
        (&report["completed"], &report["failed"], &report["left"]),
        (&json!(20), &json!(0), &json!(0)),
        "{report}"
    );
}

#[tokio::test]
async fn graphs_are_printed_in_every_format() {
    let database = Database::new().await;
    let server = Server::on(&database);
    run(&server, &["workflow", "run", "--demo", "--wait", "--timeout", "30s"]).expect(0);
    let graph = |form: &str| run(&server, &["workflow", "graph", "thumbnail demo", "-o", form]).expect(0).out;
    assert!(graph("ascii").contains("▸[thumbnail-md completed]"));
    assert!(graph("dot").starts_with("digraph") && graph("mermaid").starts_with("flowchart"));
    assert!(graph("svg").starts_with("<svg ") && graph("svg").matches("<g>").count() == 6);
    let json: serde_json::Value = serde_json::from_str(&graph("json")).unwrap();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 6);
    assert_eq!(graph("name").lines().count(), 6);

    let job = json["nodes"][0]["job_id"].as_str().unwrap();
    let of_job = |form: &str| run(&server, &["job", "graph", job, "-o", form]).expect(0).out;
    assert!(of_job("ascii").contains("▸[thumbnail-md completed]") && of_job("dot").starts_with("digraph"));
    assert_eq!(of_job("name").lines().count(), 6, "all connected jobs");

    let id = json["workflow_id"].as_str().unwrap();
    let by_prefix = run(&server, &["workflow", "get", &id[..30], "-o", "json"]).expect(0);
    assert_eq!(by_prefix.json()["id"], id);
    run(&server, &["workflow", "get", "ffffffff-"]).expect(3);
}

#[tokio::test]
async fn schedule_update_changes_only_the_given_settings() {
    let database = Database::new().await;
    let server = Server::on(&database);
    run(&server, &["schedule", "create", "beat", "--every", "15m", "--kind", "noop", "--queue", "q", "--paused"])
        .expect(0);
    let changed = ["schedule", "update", "beat", "--cron", "0 4 * * *", "--priority", "8", "--overlap", "skip"];
    let schedule = run(&server, &[&changed[..], &["-o", "json"]].concat()).expect(0).json();
    assert_eq!(
        (&schedule["expression"], &schedule["state"], &schedule["overlap"]),
        (&json!("0 4 * * *"), &json!("paused"), &json!("skip"))
    );
    let job = &schedule["target"]["job"];
    assert_eq!((&job["kind"], &job["queue"], &job["priority"]), (&json!("noop"), &json!("q"), &json!(8)));
    run(&server, &["schedule", "update", "nobody", "--jitter", "1s"]).expect(3);
    for incomplete in [&["--kind", "noop"][..], &["--every", "15m"], &["--every", "15m", "--queue", "q"]] {
        run(&server, &[&["schedule", "create", "other"], incomplete].concat()).expect(2);
    }
}

/// One request changes at most 10,000 jobs. The job of a project is refused, but only once.
#[tokio::test]
async fn bulk_retry_continues_beyond_one_request() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_ROLES", "api,worker,scheduler")]);
    server.create_as("x", json!({"outcome": "failed", "duration_ms": 0})).await;
    run(&server, &["project", "wait", "x"]).expect(1);
    for _ in 0..11 {
        let jobs = vec![json!({"kind": "noop", "queue": "bulk", "delay": "1h"}); 1000];
        server.post("/jobs", json!(jobs)).await.expect(201);
    }
    let result = run(&server, &["job", "retry", "--all", "--yes", "-o", "json"]);
    let result = result.json();
    assert_eq!(result["refused"].as_array().unwrap().len(), 1, "{result}");
    assert_eq!(result["moved"], 11_000);
}

#[tokio::test]
async fn colors_are_optional_and_names_are_escaped() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("<script>alert(1)</script> \u{202e}abc 数").await;
    server
        .create_as("x", json!({"outcome": "failed", "reason": "red \u{1b}[31m and \u{9b}2J", "duration_ms": 0}))
        .await;
    run(&server, &["project", "wait", "x"]).expect(1);
    let list = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = command(&server.url, &[&["project", "list"], more].concat());
        command.envs(variables.iter().copied());
        finish(command).expect(0).out
    };
    let plain = list(&[], &[]);
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{9b}') && !plain.contains('\u{202e}'), "{plain}");
    assert!(plain.contains("<script>alert(1)</script> \\u{202e}abc 数"), "{plain}");
    assert!(list(&[("CLICOLOR_FORCE", "1")], &[]).contains("\u{1b}[32mready"));
    assert!(!list(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]).contains('\u{1b}'));
    assert!(list(&[("NO_COLOR", "1")], &["--color", "always"]).contains('\u{1b}'));
    assert!(!list(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]).contains('\u{1b}'));
}

#[tokio::test]
async fn dev_server_creates_demo_data() {
    let database = Database::new().await;
    let mut command = Server::command();
    command.env("DATABASE_URL", &database.url).env("PROVOST_LOG_FORMAT", "json").arg("dev");
    let server = Server::started(command);
    crate::harness::eventually("the demo data exists", || async {
        let failed = server.get("/projects?status=failed").await.json().as_array().map_or(0, Vec::len);
        let dead = server
            .get("/dlq")
            .await
            .json()
            .as_array()
            .map_or(0, |all| all.iter().filter(|it| it["tags"] == json!(["demo"])).count());
        let schedules = server.get("/schedules").await.json().as_array().map_or(0, Vec::len);
        (failed == 2 && dead == 2 && schedules == 1).then_some(())
    })
    .await;
    let demo = r#"SELECT count(*) FROM projects WHERE labels @> '{"demo": "true"}'"#;
    assert_eq!(database.number(demo).await, 12);
}
