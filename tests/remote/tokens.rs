//! Worker tokens and their scope.

use reqwest::Method;
use serde_json::{Value, json};

use super::process::worker_of;
use super::{server_without_workers, text};
use crate::api::{UNKNOWN_ID, assert_problem, assert_refused};
use crate::harness::{Answer, Database, Server, eventually, send};
use crate::jobs::{enqueue, job, until};

const ADMIN: &str = "an-admin-token-0123456789";
const WORKER: &str = "a-worker-token-0123456789";

fn guarded(database: &Database) -> Server {
    server_without_workers(database, &[("PROVOST_ADMIN_TOKEN", ADMIN), ("PROVOST_WORKER_TOKEN", WORKER)])
}

#[tokio::test]
async fn worker_token_opens_only_internal() {
    let database = Database::new().await;
    let server = guarded(&database);
    let document = send(server.request(Method::GET, "/openapi.json").bearer_auth(ADMIN)).await.expect(200).json();
    let mut requests = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|it| it.len() <= 6 && *it != "parameters") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let url = ["{id}", "{worker}", "{name}", "{limit}", "{kind}", "{version}"]
                .iter()
                .fold(path.clone(), |url, it| url.replace(it, UNKNOWN_ID));
            for mount in ["", "/api/v1"] {
                let ask = |token: Option<&str>| {
                    let request =
                        server.request(method.clone(), &format!("{mount}{url}")).json(&json!({"worker_id": 7}));
                    send(token.into_iter().fold(request, |request, token| request.bearer_auth(token)))
                };
                let (open, internal) =
                    (url.ends_with("/healthz") || url.ends_with("/readyz"), url.starts_with("/internal/"));
                let (nobody, worker) = (ask(None).await, ask(Some(WORKER)).await);
                assert_eq!(nobody.status == 401, !open, "{method} {mount}{url} without a token: {}", nobody.status);
                assert_eq!(
                    worker.status == 401,
                    !open && !internal,
                    "{method} {mount}{url} of a worker: {}",
                    worker.status
                );
                if internal {
                    assert_ne!(ask(Some(ADMIN)).await.status, 401, "the admin token is accepted: {url}");
                }
                requests += 1;
            }
        }
    }
    assert!(requests > 100, "{requests}");
    for path in
        ["/dashboard/projects", "/internal", "/internalx", "/internal/../jobs", "//internal/../projects", "/nothing"]
    {
        let answer = send(server.request(Method::GET, path).bearer_auth(WORKER)).await;
        assert!(matches!(answer.status, 303 | 401), "{path}: {}", answer.status);
    }
    let signed_in = server.request(Method::POST, "/dashboard/login").body(format!("token={WORKER}"));
    let answer = send(signed_in.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!(answer.status, 401, "a worker token cannot sign in");
    let wrong = server.request(Method::POST, "/internal/executions/dequeue").bearer_auth(format!("{WORKER}x"));
    assert_problem(&send(wrong).await, 401, "unauthorized");
}

#[tokio::test]
async fn workers_need_no_token_on_loopback() {
    let database = Database::new().await;
    let server = server_without_workers(&database, &[]);
    let answer = server.post("/internal/executions/dequeue", Value::from(serde_json::Map::new())).await.expect(200);
    assert_eq!(answer.json()["executions"], json!([]));
    let foreign = server.request(Method::POST, "/internal/executions/dequeue").header("host", "evil.example");
    assert_problem(&send(foreign).await, 421, "misdirected_request");
    let site = server.request(Method::POST, "/internal/executions/dequeue").header("sec-fetch-site", "cross-site");
    assert_problem(&send(site).await, 403, "cross_site_request");
}

/// A server with tokens restricted to one queue and to two queues.
const CRITICAL: &str = "a-critical-token-0123456789";
const BOTH: &str = "another-token-0123456789";

fn bound(database: &Database) -> Server {
    let tokens = format!("{WORKER}, {CRITICAL}@critical,{BOTH}@default+critical");
    server_without_workers(database, &[("PROVOST_WORKER_TOKEN", &tokens), ("PROVOST_LEASE_TTL", "20s")])
}

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: Value) -> Answer {
    send(server.request(method, path).bearer_auth(token).json(&body)).await
}

/// The jobs of a delivery.
async fn dequeue(server: &Server, token: &str, request: &str, more: Value) -> Answer {
    let mut request = json!({"worker_id": "w", "request_id": request, "kinds": ["noop"], "limit": 9});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ask(server, token, Method::POST, "/internal/executions/dequeue", request).await
}

fn given(answer: &Answer) -> Vec<Value> {
    answer.json()["executions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn restricted_token_receives_only_its_queues() {
    let database = Database::new().await;
    let server = bound(&database);
    for queue in ["default", "critical", "critical", "other"] {
        enqueue(&server, json!({"kind": "noop", "queue": queue})).await;
    }
    for theirs in [json!(["default"]), json!(["critical", "default"])] {
        let refused = dequeue(&server, CRITICAL, "r", json!({"queues": theirs, "limit": 1})).await;
        assert_problem(&refused, 403, "queue_forbidden");
        assert!(
            text(&refused.json(), "detail").contains("critical"),
            "the error names the allowed queues: {}",
            refused.text
        );
    }
    for (request, more) in [("one", json!({"limit": 1})), ("two", json!({"queues": ["*"]}))] {
        let answer = given(&dequeue(&server, CRITICAL, request, more).await.expect(200));
        assert_eq!((answer.len(), text(&answer[0], "queue")), (1, "critical".into()));
    }
    assert_eq!(
        given(&dequeue(&server, BOTH, "one", json!({})).await.expect(200)).len(),
        1,
        "jobs of other queues are not returned"
    );
    let rest = given(&dequeue(&server, WORKER, "one", json!({})).await.expect(200));
    assert_eq!(text(&rest[0], "queue"), "other", "an unrestricted token serves every queue");
}

#[tokio::test]
async fn attempts_of_other_tokens_are_invisible() {
    let database = Database::new().await;
    let server = bound(&database);
    let id = enqueue(&server, json!({"kind": "noop", "queue": "critical"})).await;
    let execution = text(&given(&dequeue(&server, CRITICAL, "r", json!({})).await.expect(200))[0], "execution_id");
    assert_eq!(
        given(&dequeue(&server, BOTH, "r", json!({})).await.expect(200)),
        [] as [Value; 0],
        "requests of other tokens are invisible"
    );
    let beat = |token: &'static str| {
        let worker = json!({"id": "w", "queues": ["*"], "kinds": ["noop"], "slots": 1});
        let beat = json!({"worker": worker, "executions": [{"execution_id": execution, "job_id": id}]});
        ask(&server, token, Method::POST, "/internal/executions/heartbeat", beat)
    };
    let of = |what: &str| format!("/internal/executions/{execution}/{what}");
    let done = || json!({"exit_code": 0, "job_id": id});
    for (method, what) in [("PUT", "heartbeat"), ("PUT", "result"), ("POST", "release"), ("POST", "logs")] {
        let answer = ask(&server, BOTH, method.parse().unwrap(), &of(what), json!({"job_id": id})).await;
        assert_problem(&answer, 409, "lease_lost");
    }
    assert_eq!(beat(BOTH).await.expect(200).json()["lost"], json!([execution]), "the other worker has the same name");
    let queues = server.get("/workers").await.json()[0]["queues"].clone();
    assert_eq!(queues, json!(["default", "critical"]), "only allowed queues are shown");
    assert_eq!(text(&job(&server, &id).await, "state"), "active", "the job is unchanged");

    assert_eq!(beat(CRITICAL).await.expect(200).json()["lost"], json!([]));
    ask(&server, BOTH, Method::POST, "/internal/workers/w/leave", json!({})).await.expect(204);
    assert_eq!(server.get("/workers").await.json()[0]["queues"], json!(["critical"]), "other workers are unaffected");
    let logs = json!({"content": "at work"});
    ask(&server, CRITICAL, Method::POST, &of("logs"), logs).await.expect(202);
    ask(&server, CRITICAL, Method::PUT, &of("result"), done()).await.expect(200);
    assert_problem(&ask(&server, BOTH, Method::PUT, &of("result"), done()).await, 409, "lease_lost");
    let again = ask(&server, CRITICAL, Method::PUT, &of("result"), done()).await.expect(200).json();
    assert_eq!(again, json!({"state": "completed", "duplicate": true}));

    enqueue(&server, json!({"kind": "noop", "queue": "critical"})).await;
    let plain = text(&given(&dequeue(&server, WORKER, "r", json!({})).await.expect(200))[0], "execution_id");
    let release = format!("/internal/executions/{plain}/release");
    assert_problem(&ask(&server, CRITICAL, Method::POST, &release, json!({})).await, 409, "lease_lost");
    ask(&server, WORKER, Method::POST, &release, json!({})).await.expect(200);
    database.check_invariants().await;
}

#[tokio::test]
async fn restricted_token_limits_follow_ups() {
    let database = Database::new().await;
    let server = bound(&database);
    let begun = async |token: &'static str, request: &str, tenant: &str| {
        enqueue(&server, json!({"kind": "noop", "queue": "critical", "tenant": tenant})).await;
        text(&given(&dequeue(&server, token, request, json!({})).await.expect(200))[0], "execution_id")
    };
    let end = async |token: &'static str, execution: &str, next: Value| {
        let path = format!("/internal/executions/{execution}/result");
        ask(&server, token, Method::PUT, &path, json!({"next": [next]})).await
    };
    let execution = begun(CRITICAL, "one", "acme").await;
    for (next, allowed) in [
        (json!({"kind": "echo", "queue": "other", "tenant": "acme"}), "one of the queues of this token: critical"),
        (json!({"kind": "echo", "tenant": "acme"}), "one of the queues of this token: critical"),
        (json!({"kind": "echo", "queue": "critical", "tenant": "other"}), "the parent job: acme"),
        (json!({"kind": "echo", "queue": "critical"}), "the parent job: acme"),
    ] {
        let refused = end(CRITICAL, &execution, next.clone()).await;
        assert_refused(&refused, 422, "invalid_field", "next");
        assert!(refused.text.contains(allowed), "{next}: {}", refused.text);
    }
    assert_eq!(server.get("/jobs?kind=echo").await.json(), json!([]), "no follow-up was enqueued");
    end(CRITICAL, &execution, json!({"kind": "echo", "queue": "critical", "tenant": "acme"})).await.expect(200);
    let execution = begun(BOTH, "two", "default").await;
    end(BOTH, &execution, json!({"kind": "echo"})).await.expect(200);
    let execution = begun(WORKER, "three", "acme").await;
    end(WORKER, &execution, json!({"kind": "echo", "queue": "other", "tenant": "else"})).await.expect(200);
    let added = server.get("/jobs?kind=echo").await.json();
    let queues: Vec<String> = added.as_array().unwrap().iter().map(|it| text(it, "queue")).collect();
    assert_eq!(queues, ["other", "default", "critical"]);
}

#[tokio::test]
async fn worker_with_restricted_token_runs_jobs() {
    let database = Database::new().await;
    let server = bound(&database);
    let worker = worker_of(&server.url, &["--token", CRITICAL], &[]);
    let theirs = enqueue(&server, json!({"kind": "noop"})).await;
    let long = json!({"kind": "sleep", "queue": "critical", "payload": {"seconds": 600}});
    let long = enqueue(&server, long).await;
    let id = enqueue(&server, json!({"kind": "noop", "queue": "critical"})).await;
    until(&server, &id, "completed").await;
    until(&server, &long, "active").await;
    assert_eq!(text(&job(&server, &theirs).await, "state"), "queued");
    let held =
        eventually("the worker is listed", || async { server.get("/workers").await.json().get(0).cloned() }).await;
    assert_eq!(held["queues"], json!(["critical"]));
    worker.signal("TERM");
    until(&server, &long, "queued").await;
}
