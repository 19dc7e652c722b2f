//! Logs of attempts.

use std::time::Duration;

use serde_json::{Value, json};

use super::{held, server_without_workers, text};
use crate::api::{assert_problem, assert_refused};
use crate::harness::{Database, Server, send};

async fn post(server: &Server, execution: &str, body: Value) -> crate::harness::Answer {
    server.post(&format!("/internal/executions/{execution}/logs"), body).await
}

async fn lines(server: &Server, path: &str) -> Vec<Value> {
    server.get(path).await.expect(200).json()["logs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn log_lines_are_ordered_paged_and_followed() {
    let database = Database::new().await;
    let server = &server_without_workers(&database, &[("PROVOST_LEASE_TTL", "20s")]);
    let (id, execution) = held(server, "r").await;
    let kept = post(server, &execution, json!({"content": "one\ntwo\r\n\nfour\n"})).await.expect(202).json();
    assert_eq!(kept, json!({"kept": 4, "dropped": 0}));
    post(server, &execution, json!({"lines": [{"line": "five", "stream": "stderr"}, {"line": "six"}]}))
        .await
        .expect(202);
    let path = format!("/executions/{execution}/logs");
    let all = lines(server, &path).await;
    let contents: Vec<_> = all.iter().map(|it| format!("{}:{}", text(it, "stream"), text(it, "content"))).collect();
    assert_eq!(contents, ["stdout:one", "stdout:two", "stdout:", "stdout:four", "stderr:five", "stdout:six"]);
    let after = format!("after_id={}&limit=1", all[3]["id"]);
    assert_eq!(text(&lines(server, &format!("{path}?{after}")).await[0], "content"), "five");
    assert_eq!(lines(server, &format!("/jobs/{id}/logs")).await, all);
    let last = format!("{path}?after_id={}&wait=10s", all[5]["id"]);
    let (followed, ()) = tokio::join!(lines(server, &last), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        post(server, &execution, json!({"content": "seven"})).await.expect(202);
    });
    assert_eq!(text(&followed[0], "content"), "seven");
    super::put(server, &format!("/internal/executions/{execution}/result"), json!({})).await.expect(200);
    let end = lines(server, &format!("{path}?after_id={}&wait=10s", followed[0]["id"])).await;
    assert!(end.is_empty(), "a finished log returns immediately");
    assert_problem(&post(server, &execution, json!({"content": "late"})).await, 409, "lease_lost");
    assert_problem(&server.get(&format!("/executions/{}/logs", crate::api::UNKNOWN_ID)).await, 404, "not_found");
    assert_problem(&server.get(&format!("/jobs/{}/logs", crate::api::UNKNOWN_ID)).await, 404, "not_found");
    for (query, name) in [("limit=0", "limit"), ("after_id=x", "after_id"), ("wait=1h", "wait"), ("x=1", "x")] {
        assert_refused(&server.get(&format!("{path}?{query}")).await, 400, "invalid_parameter", name);
    }
}

#[tokio::test]
async fn long_or_invalid_lines_are_truncated_or_cleaned() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[("PROVOST_LEASE_TTL", "60s")]);
    let (_, execution) = held(&server, "r").await;
    let path = format!("/internal/executions/{execution}/logs");
    let odd = b"{\"content\": \"a\\u0000b \xff\xfe c\"}".to_vec();
    send(server.request(reqwest::Method::POST, &path).header("content-type", "application/json").body(odd))
        .await
        .expect(202);
    post(&server, &execution, json!({"content": "x".repeat(10_000)})).await.expect(202);
    let all = lines(&server, &format!("/executions/{execution}/logs")).await;
    assert_eq!((text(&all[0], "content"), text(&all[1], "content").len()), ("ab \u{fffd}\u{fffd} c".into(), 8192));
    assert_refused(
        &post(&server, &execution, json!({"content": "\n".repeat(2000)})).await,
        422,
        "invalid_field",
        "lines",
    );
    for stream in ["", "Out", "provost", "a b", "abcdefghijklmnopq"] {
        let refused = post(&server, &execution, json!({"content": "a", "stream": stream})).await;
        assert_refused(&refused, 422, "invalid_field", "stream");
    }
    let many = json!({"content": vec!["line"; 1000].join("\n")});
    for _ in 0..9 {
        post(&server, &execution, many.clone()).await.expect(202);
    }
    let last = post(&server, &execution, many.clone()).await.expect(202).json();
    assert_eq!(last, json!({"kept": 998, "dropped": 2}));
    assert_eq!(post(&server, &execution, many).await.expect(202).json(), json!({"kept": 0, "dropped": 1000}));
    let end = lines(&server, &format!("/executions/{execution}/logs?limit=10000&after_id={}", all[1]["id"])).await;
    let marker = end.last().unwrap();
    assert_eq!((end.len(), text(marker, "stream")), (9999, "provost".into()));
    assert!(text(marker, "content").contains("10000 lines or 4194304 bytes"), "{marker}");
    let (_, large) = held(&server, "s").await;
    for n in 0..5 {
        let lines = json!({"content": vec!["y".repeat(8000); 125].join("\n")});
        let answer = post(&server, &large, lines).await.expect(202).json();
        assert_eq!(answer["dropped"] == 0, n < 4, "{n}: {answer}");
    }
    assert_eq!(
        database
            .number(
                "SELECT (sum(octet_length(line)) <= 4194304)::integer FROM execution_logs WHERE length(line) = 8000"
            )
            .await,
        1
    );
}

#[tokio::test]
async fn handler_output_is_logged_by_local_and_remote_workers() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = crate::jobs::simulated(&server, json!({"duration_ms": 0, "lines": ["one", "<b>two</b>"]})).await;
    crate::jobs::until(&server, &id, "completed").await;
    let all = lines(&server, &format!("/jobs/{id}/logs")).await;
    let contents: Vec<_> = all.iter().map(|it| text(it, "content")).collect();
    assert_eq!(contents, ["one", "<b>two</b>"], "the last lines are stored before the job finishes");
    let page = server.get(&format!("/dashboard/jobs/{id}")).await.expect(200).text;
    assert!(
        page.contains("id=\"h-logs\"") && page.contains("&#60;b&#62;two") && page.contains(">stdout</span>"),
        "{page}"
    );
    let plain = crate::jobs::simulated(&server, json!({"duration_ms": 0})).await;
    crate::jobs::until(&server, &plain, "completed").await;
    assert!(!server.get(&format!("/dashboard/jobs/{plain}")).await.text.contains("h-logs"));
    let store = crate::harness::worker::store(&database).await;
    assert_eq!(store.prune_logs(Duration::from_secs(3600), 10).await.unwrap(), 0);
    assert_eq!(store.prune_logs(Duration::ZERO, 1).await.unwrap(), 1);
    store.prune_jobs(provost::domain::JobState::Completed, Duration::ZERO, 10).await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM execution_logs").await, 0, "logs are deleted with their job");
}

#[tokio::test]
async fn log_lines_arrive_while_job_runs() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = crate::jobs::simulated(&server, json!({"duration_ms": 600_000, "lines": ["at work"]})).await;
    let found = lines(&server, &format!("/jobs/{id}/logs?wait=15s")).await;
    assert_eq!(text(&found[0], "content"), "at work");
    assert_eq!(crate::jobs::job(&server, &id).await["state"], "active");
}
