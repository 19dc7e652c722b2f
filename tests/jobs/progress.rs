//! Progress of running attempts, reported by handlers and remote workers.

use serde_json::{Value, json};

use super::{fast_server, job, only_worker, simulated, text, until};
use crate::harness::{Database, Server, eventually};
use crate::remote::{held, put};

/// The progress of a job, which must be the same in all responses: `null` or `{"fraction", "text"}`.
async fn shown(server: &Server, id: &str) -> Value {
    job(server, id).await["progress"].clone()
}

#[tokio::test]
async fn handler_progress_is_shown_while_running() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let id = simulated(&server, json!({"duration_ms": 60_000, "steps": 1000})).await;
    let reported = || async { Some(shown(&server, &id).await).filter(|it| !it.is_null()) };
    let first = eventually("a heartbeat reports the progress", reported).await;
    let later =
        || async { (shown(&server, &id).await["fraction"].as_f64() > first["fraction"].as_f64()).then_some(()) };
    eventually("the next heartbeat reports progress", later).await;
    assert!(text(&first, "text").starts_with("step ") && text(&first, "text").ends_with(" of 1000"), "{first}");
    let executions = server.get(&format!("/jobs/{id}/executions")).await.expect(200).json();
    assert!(text(&executions[0]["progress"], "text").starts_with("step "), "{executions}");
    let worker = only_worker(&server).await;
    for path in [format!("/dashboard/jobs/{id}"), format!("/dashboard/workers/{worker}")] {
        let page = server.get(&path).await.expect(200).text;
        assert!(page.contains("<progress max=\"100\" value=\"") && page.contains(" of 1000</span>"), "{page}");
    }
    super::act(&server, &id, "cancel", json!({})).await.expect(202);
    assert_eq!(until(&server, &id, "canceled").await["progress"], Value::Null, "a finished job has no progress");
    let executions = server.get(&format!("/jobs/{id}/executions")).await.expect(200).json();
    assert_eq!(executions[0]["progress"], Value::Null);
}

#[tokio::test]
async fn remote_progress_is_reset_by_next_attempt() {
    let database = Database::new().await;
    let server = &crate::remote::server_without_workers(&database, &[("PROVOST_LEASE_TTL", "60s")]);
    let (id, execution) = held(server, "r").await;
    assert_eq!(shown(server, &id).await, Value::Null);
    let one = format!("/internal/executions/{execution}/heartbeat");
    let all = "/internal/executions/heartbeat";
    let many = |progress: Value| json!({"worker": {"id": "w"}, "executions": [{"execution_id": execution, "job_id": id, "progress": progress}]});
    put(server, &one, json!({"progress": {"fraction": 0.4, "text": "3 of 7"}})).await.expect(200);
    assert_eq!(shown(server, &id).await, json!({"fraction": 0.4, "text": "3 of 7"}));
    for silent in [json!({}), json!({"progress": null})] {
        put(server, &one, silent).await.expect(200);
        assert_eq!(shown(server, &id).await["text"], "3 of 7", "progress stays until the next report");
    }
    server.post(all, many(json!({"text": "nearly"}))).await.expect(200);
    assert_eq!(shown(server, &id).await, json!({"fraction": null, "text": "nearly"}));
    // Invalid progress never costs a lease.
    let odd = json!({"fraction": 7.5, "text": format!("a\u{0}\u{1b}b {}", "x".repeat(300))});
    server.post(all, many(odd)).await.expect(200);
    let it = shown(server, &id).await;
    assert_eq!((&it["fraction"], text(&it, "text").len()), (&json!(1.0), 200));
    assert!(text(&it, "text").starts_with("a  b xx"));
    for nonsense in [json!("far"), json!({"fraction": "far"}), json!({"share": 1})] {
        put(server, &one, json!({"progress": nonsense})).await.expect(422);
    }
    server.post(&format!("/internal/executions/{execution}/release"), json!({})).await.expect(200);
    assert_eq!(shown(server, &id).await, Value::Null);
    let again = crate::remote::dequeue(server, "r2").await.remove(0);
    assert_eq!(text(&again, "job_id"), id);
    assert_eq!(shown(server, &id).await, Value::Null, "a new attempt starts without progress");
    let late = put(server, &one, json!({"progress": {"text": "late"}})).await;
    assert_eq!(late.status, 409);
    assert_eq!(shown(server, &id).await, Value::Null);
}

#[tokio::test]
async fn largest_heartbeat_is_accepted() {
    let database = Database::new().await;
    let server = &crate::remote::server_without_workers(&database, &[("PROVOST_LEASE_TTL", "60s")]);
    let (id, execution) = held(server, "r").await;
    let heartbeat = |execution: &str, job: &str| json!({"execution_id": execution, "job_id": job, "progress": {"text": "字".repeat(200)}});
    let mut all = vec![heartbeat(crate::api::UNKNOWN_ID, crate::api::UNKNOWN_ID); 1999];
    all.push(heartbeat(&execution, &id));
    let beat = json!({"worker": {"id": "w"}, "executions": all});
    let answer = server.post("/internal/executions/heartbeat", beat).await.expect(200).json();
    assert_eq!(answer["held"], json!([{"execution_id": execution}]));
    assert_eq!(text(&shown(server, &id).await, "text"), "字".repeat(200));
}
