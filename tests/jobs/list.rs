//! `GET /jobs`.

use std::collections::BTreeSet;

use serde_json::json;

use super::{enqueue, fast_server, text, until};
use crate::api::{UNKNOWN_ID, api_server, assert_problem, assert_refused, ids, next_page};
use crate::harness::{Database, Server};

async fn matching(server: &Server, query: &str) -> Vec<String> {
    ids(&server.get(&format!("/jobs?{query}")).await.expect(200).json())
}

#[tokio::test]
async fn filters_match_exactly() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let failing = json!({"outcome": "failed", "duration_ms": 0, "reason": "No Quota left"});
    let failed = enqueue(&server, json!({"kind": "simulated", "payload": failing, "tenant": "acme"})).await;
    let tagged = enqueue(&server, json!({"kind": "unserved", "queue": "q", "tags": ["red", "blue"]})).await;
    let later = enqueue(&server, json!({"kind": "unserved", "delay": "1h"})).await;
    let project = server.ready("p").await;
    until(&server, &failed, "failed").await;
    let of_project = matching(&server, &format!("project={project}")).await;
    assert_eq!(of_project.len(), 1);
    for (query, expected) in [
        ("state=failed", &failed),
        ("state=scheduled", &later),
        ("state=queued", &tagged),
        ("kind=simulated", &failed),
        ("kind=project.provision", &of_project[0]),
        ("queue=q", &tagged),
        ("tenant=acme", &failed),
        ("tag=blue", &tagged),
        ("error=quota", &failed),
        ("kind=unserved&state=scheduled", &later),
        (&format!("id={}", &later[..30]), &later),
        (&format!("id={later}"), &later),
    ] {
        assert_eq!(matching(&server, query).await, [expected.as_str()], "{query}");
    }
    for nothing in ["tag=r", "state=active&kind=unserved", "queue=Q", "before=1h", "since=2099-01-01T00:00:00Z"] {
        assert_eq!(matching(&server, nothing).await, [""; 0], "{nothing}");
    }
    assert_eq!(matching(&server, "since=1h").await.len(), 4);
    assert_eq!(matching(&server, &format!("project={UNKNOWN_ID}")).await.len(), 0);
}

#[tokio::test]
async fn pages_have_no_gaps_during_inserts() {
    let database = Database::new().await;
    let server = api_server(&database);
    let bodies: Vec<_> = (0..53).map(|_| json!({"kind": "a"})).collect();
    let there: BTreeSet<String> = ids(&server.post("/jobs", json!(bodies)).await.json()).into_iter().collect();
    let (mut seen, mut path) = (Vec::new(), "/api/v1/jobs?kind=a&limit=10".to_owned());
    loop {
        let page = server.get(&path).await.expect(200);
        seen.extend(ids(&page.json()));
        server.post("/jobs", json!([{"kind": "a"}, {"kind": "b"}])).await.expect(201);
        let Some(next) = next_page(&page) else { break };
        assert!(next.starts_with("/api/v1/jobs?"), "{next}");
        path = next;
    }
    assert_eq!(seen.len(), 53);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), there);
}

#[tokio::test]
async fn invalid_parameter_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    for (query, parameter) in [
        ("colour=red", "colour"),
        ("state=sleeping", "state"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=7", "cursor"),
        ("project=p", "project"),
        ("since=yesterday", "since"),
        ("kind=a&kind=b", "kind"),
        ("error=%00", "error"),
    ] {
        assert_refused(&server.get(&format!("/jobs?{query}")).await, 400, "invalid_parameter", parameter);
    }
    for path in ["", "/events", "/executions", "/explain", "/inspection"] {
        assert_problem(&server.get(&format!("/jobs/{UNKNOWN_ID}{path}")).await, 404, "not_found");
        assert_refused(&server.get(&format!("/jobs/7{path}")).await, 400, "invalid_parameter", "id");
    }
}

#[tokio::test]
async fn inspection_contains_full_job() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let payload = json!({"duration_ms": 0, "fail_times": 1, "retry_after_s": 0, "next": [{"kind": "noop"}]});
    let id = enqueue(&server, json!({"kind": "simulated", "payload": payload})).await;
    until(&server, &id, "completed").await;
    let whole = server.get(&format!("/jobs/{id}/inspection")).await.expect(200).json();
    assert_eq!((text(&whole["job"], "id"), text(&whole["waiting"], "reason")), (id.clone(), "finished".to_owned()));
    assert_eq!(whole["executions"].as_array().unwrap().len(), 2);
    assert_eq!(text(&whole["executions"][1], "outcome"), "failed", "latest first");
    assert!(whole["executions"][0]["duration_ms"].is_i64(), "{whole}");
    assert_eq!(whole["events"].as_array().unwrap().len(), 5);
    assert_eq!(text(&whole["followers"][0], "origin_id"), id);
    for path in ["events?limit=2", "executions?limit=1"] {
        let part = server.get(&format!("/jobs/{id}/{path}")).await.expect(200);
        assert_eq!(part.json().as_array().unwrap().len().to_string(), path[path.len() - 1..]);
    }
}
