//! An agent of another system, which only knows dequeue, heartbeat, logs and result.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{server_without_workers, text};
use crate::harness::{Database, Proxy, Server, eventually};
use crate::jobs::{job, outcomes, until};

const SECRET: &str = "the-system-secret-of-this-test";

/// Decoded as Go does it: field names in any case, without underscores.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
struct GoJob {
    id: uuid::Uuid,
    tenantid: uuid::Uuid,
    name: String,
    image: String,
    command: Vec<String>,
    defaulttimeout: u64,
    priority: i64,
    createdat: String,
}

struct Agent {
    http: reqwest::Client,
    url: String,
}

impl Agent {
    fn of(url: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        Self { http, url: url.to_owned() }
    }

    /// Sends a request. Network errors, 5xx and 429 are retried after 1, 2, 4 and 8 s (here: tenths of that); other 4xx are fatal.
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        for n in 0..6 {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(SECRET);
            request = request.header("content-type", "application/json");
            request = body.iter().fold(request, |request, body| request.body(body.to_string()));
            match request.send().await {
                Ok(answer) if answer.status().as_u16() < 500 && answer.status() != 429 => {
                    return (answer.status().as_u16(), answer.text().await.unwrap_or_default());
                }
                _ => tokio::time::sleep(Duration::from_millis(100 << n)).await,
            }
        }
        panic!("gave up {path}");
    }

    async fn fetch(&self, limit: i64) -> Vec<(String, GoJob)> {
        let (status, text) =
            self.send(Method::POST, "/internal/executions/dequeue", Some(json!({"limit": limit}))).await;
        assert_eq!(status, 200, "expected status 200: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let read = |it: &Value| {
            let trace: HashMap<String, String> = serde_json::from_value(it["payload"]["trace"].clone()).unwrap();
            assert!(trace.is_empty());
            let fields = it["payload"]["job"].as_object().unwrap();
            let folded: serde_json::Map<_, _> = fields.iter().map(|(k, v)| (k.to_lowercase(), v.clone())).collect();
            (it["execution_id"].as_str().unwrap().to_owned(), serde_json::from_value(folded.into()).unwrap())
        };
        answer["executions"].as_array().unwrap().iter().map(read).collect()
    }

    /// Pretends to run the command.
    async fn work(&self, (id, job): (String, GoJob)) {
        let of = |what: &str| format!("/internal/executions/{id}/{what}");
        assert_eq!(self.send(Method::PUT, &of("heartbeat"), None).await.0, 200, "an empty body counts as absent");
        let command_line = job.command.join(" ");
        assert_eq!(
            self.send(Method::POST, &of("logs"), Some(json!({"content": format!("{command_line}\ndone")}))).await.0,
            202
        );
        let result = match job.command.first().map(String::as_str) {
            Some("false") => json!({"exit_code": 1, "error": "Exit code 1", "result": null}),
            _ => json!({"exit_code": 0, "error": "", "result": {"image": job.image}}),
        };
        assert_eq!(self.send(Method::PUT, &of("result"), Some(result)).await.0, 200);
    }
}

fn server(database: &Database) -> Server {
    let tokens = [("PROVOST_ADMIN_TOKEN", "an-admin-token-0123456789"), ("PROVOST_WORKER_TOKEN", SECRET)];
    server_without_workers(database, &[&tokens[1..], &[("PROVOST_LEASE_TTL", "1s")]].concat())
}

async fn command(server: &Server, payload: Value) -> String {
    let request = json!({"kind": "command", "tenant": "acme", "timeout": "90s", "max_attempts": 1, "payload": payload});
    text(&server.post("/jobs", request).await.expect(201).json(), "id")
}

#[tokio::test]
async fn foreign_agent_works_unchanged() {
    let database = Database::new().await;
    let server = server(&database);
    let agent = Agent::of(&server.url);
    assert!(agent.fetch(3).await.is_empty());
    server.post("/jobs", json!({"kind": "noop"})).await.expect(201);
    let good = command(&server, json!({"name": "build", "image": "alpine", "command": ["echo", "hi"]})).await;
    let bad = command(&server, json!({"image": "alpine", "command": ["false"]})).await;
    let given = agent.fetch(0).await;
    assert_eq!(given.len(), 1, "the default limit is one");
    let given: Vec<_> = given.into_iter().chain(agent.fetch(500).await).collect();
    assert_eq!(given.len(), 2, "agents without kinds receive only commands");
    let first = &given[0].1;
    assert_eq!((first.id.to_string(), first.name.as_str(), first.image.as_str()), (good.clone(), "build", "alpine"));
    assert_eq!((first.defaulttimeout, first.priority, first.tenantid), (90, 5, given[1].1.tenantid));
    assert_eq!((given[1].1.name.as_str(), given[1].1.createdat.len() > 18), ("command", true));
    let lease = "SELECT bool_and(lease_until - claimed_at = interval '5 minutes') FROM jobs WHERE state = 'active'";
    assert_eq!(database.text(lease).await, "t", "the lease exceeds the heartbeat interval of two minutes");
    for it in given {
        agent.work(it).await;
    }
    until(&server, &good, "completed").await;
    assert_eq!(job(&server, &good).await["result"], json!({"image": "alpine"}));
    let failed = until(&server, &bad, "failed").await;
    assert_eq!((text(&failed, "error"), outcomes(&server, &bad).await), ("Exit code 1".into(), vec!["failed".into()]));
    let logs = server.get(&format!("/jobs/{good}/logs")).await.expect(200).json();
    assert_eq!(
        (text(&logs["logs"][0], "content"), text(&logs["logs"][1], "content")),
        ("echo hi".into(), "done".into())
    );
    database.check_invariants().await;
}

#[tokio::test]
async fn agent_survives_network_outage() {
    let database = Database::new().await;
    let server = server(&database);
    let proxy = Proxy::to(server.port());
    let agent = Agent::of(&proxy.address());
    let id = command(&server, json!({"image": "alpine", "command": ["true"]})).await;
    let given = agent.fetch(1).await.remove(0);
    proxy.cut();
    let (_, ()) = tokio::join!(agent.work(given), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.repair();
    });
    until(&server, &id, "completed").await;
    eventually("once", || async { (outcomes(&server, &id).await == ["completed"]).then_some(()) }).await;
}
