//! Which token opens what.

use reqwest::Method;
use serde_json::{Value, json};

use super::idle;
use crate::api::{NOBODY, assert_problem};
use crate::harness::{Database, Server, send};

const ADMIN: &str = "an-admin-token-0123456789";
const WORKER: &str = "a-worker-token-0123456789";

fn guarded(database: &Database) -> Server {
    idle(database, &[("PROVOST_ADMIN_TOKEN", ADMIN), ("PROVOST_WORKER_TOKEN", WORKER)])
}

#[tokio::test]
async fn the_token_of_workers_opens_internal_and_nothing_else() {
    let database = Database::new().await;
    let server = guarded(&database);
    let document = send(server.request(Method::GET, "/openapi.json").bearer_auth(ADMIN)).await.expect(200).json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|it| it.len() <= 6 && *it != "parameters") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let url = ["{id}", "{worker}", "{name}", "{limit}", "{kind}", "{version}"]
                .iter()
                .fold(path.clone(), |url, it| url.replace(it, NOBODY));
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
                    assert_ne!(ask(Some(ADMIN)).await.status, 401, "the admin may do that, too: {url}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
    for path in
        ["/dashboard/projects", "/internal", "/internalx", "/internal/../jobs", "//internal/../projects", "/nothing"]
    {
        let answer = send(server.request(Method::GET, path).bearer_auth(WORKER)).await;
        assert!(matches!(answer.status, 303 | 401), "{path}: {}", answer.status);
    }
    let signed_in = server.request(Method::POST, "/dashboard/login").body(format!("token={WORKER}"));
    let answer = send(signed_in.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!(answer.status, 401, "it is no sign-in either");
    let wrong = server.request(Method::POST, "/internal/executions/dequeue").bearer_auth(format!("{WORKER}x"));
    assert_problem(&send(wrong).await, 401, "unauthorized");
}

#[tokio::test]
async fn on_loopback_without_tokens_workers_come_in_like_everybody() {
    let database = Database::new().await;
    let server = idle(&database, &[]);
    let answer = server.post("/internal/executions/dequeue", Value::from(serde_json::Map::new())).await.expect(200);
    assert_eq!(answer.json()["executions"], json!([]));
    let foreign = server.request(Method::POST, "/internal/executions/dequeue").header("host", "evil.example");
    assert_problem(&send(foreign).await, 421, "misdirected_request");
    let site = server.request(Method::POST, "/internal/executions/dequeue").header("sec-fetch-site", "cross-site");
    assert_problem(&send(site).await, 403, "cross_site_request");
}
