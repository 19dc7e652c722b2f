//! Metrics and health.

use reqwest::Method;
use serde_json::{Value, json};

use super::{api_server, post_raw};
use crate::harness::{Answer, Database, Server, eventually, send};

async fn accepting(server: &Server, path: &str, accept: &str) -> Answer {
    send(server.request(Method::GET, path).header("accept", accept)).await
}

#[tokio::test]
async fn metrics_count_every_status() {
    let database = Database::new().await;
    let server = api_server(&database);
    let none = json!({
        "creating": 0, "provisioning": 0, "ready": 0, "failed": 0, "updating": 0, "pausing": 0, "paused": 0, "resuming": 0,
        "deleting": 0, "pending_deletion": 0, "restoring": 0, "deleted": 0
    });
    for path in ["/metrics", "/api/v1/metrics"] {
        let metrics = server.get(path).await.expect(200).json();
        assert_eq!(metrics, json!({"counts_by_status": none, "failed_total": 0}));
    }
}

#[tokio::test]
async fn metrics_match_table_scan() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("r1").await;
    let gone = server.ready("r2").await;
    server.delete(&format!("/projects/{gone}")).await.expect(202);
    server.until(&gone, "deleted").await;
    let again = server.failed("f1").await;
    server.failed("f2").await;
    server.post(&format!("/projects/{again}/retry"), json!({})).await.expect(200);
    server.until(&again, "failed").await;
    let busy = server.create_as("busy", json!({"duration_ms": 600_000})).await;
    server.until(&busy, "provisioning").await;
    server.post(&format!("/projects/{busy}/retry"), json!({})).await.expect(409);
    post_raw(&server, "/projects", "{").await.expect(400);
    let quiet = api_server(&database);
    server.kill();
    quiet.create("waiting").await;
    quiet.delete(&format!("/projects/{again}")).await.expect(202);

    let metrics = quiet.get("/metrics").await.expect(200).json();
    let counts = json!({
        "creating": 1, "provisioning": 1, "ready": 1, "failed": 1, "updating": 0, "pausing": 0, "paused": 0, "resuming": 0,
        "deleting": 1, "pending_deletion": 0, "restoring": 0, "deleted": 1
    });
    assert_eq!(metrics, json!({"counts_by_status": counts, "failed_total": 1}));
    for (status, n) in metrics["counts_by_status"].as_object().unwrap() {
        let scanned = database.number(&format!("SELECT count(*) FROM projects WHERE status = '{status}'")).await;
        assert_eq!(n.as_i64(), Some(scanned), "{status}");
    }
    database.check_invariants().await;
}

#[tokio::test]
async fn prometheus_format_is_served() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.failed("a").await;
    eventually("the worker's listener is connected", async || {
        server.get("/metrics/prometheus").await.text.contains("provost_listener_notify 1").then_some(())
    })
    .await;
    let scraper = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let (negotiated, direct) = (accepting(&server, "/metrics", scraper), server.get("/api/v1/metrics/prometheus"));
    for answer in [negotiated.await, direct.await, accepting(&server, "/metrics", "text/plain").await] {
        let answer = answer.expect(200);
        assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{:?}", answer.headers);
        assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
        for line in [
            "provost_database_up 1",
            "provost_projects{status=\"failed\"} 1",
            "provost_projects{status=\"ready\"} 0",
            "provost_projects_created_total 1",
            "provost_jobs_claimed_total{kind=\"project.provision\"} 1",
            "provost_jobs_settled_total{kind=\"project.provision\",outcome=\"failed\"} 1",
            "provost_http_requests_total{method=\"POST\",route=\"/projects\",status=\"201\"} 1",
        ] {
            assert!(answer.text.lines().any(|it| it == line), "{line} is missing in {}", answer.text);
        }
    }
}

#[tokio::test]
async fn metrics_default_to_json() {
    let database = Database::new().await;
    let server = api_server(&database);
    let common = ["*/*", "application/json", "application/json, text/plain, */*", "text/html,*/*;q=0.8"];
    for accept in common {
        let answer = accepting(&server, "/metrics", accept).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "Accept: {accept}");
    }
}

#[tokio::test]
async fn health_reports_all_dependencies() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let health = eventually("the server is healthy", async || {
        let health = server.get("/health").await.expect(200).json();
        (health["status"] == "ok" && health["workers"]["online"] == 1).then_some(health)
    })
    .await;
    assert_eq!((&health["db"], &health["listener"]["mode"]), (&json!("ok"), &json!("notify")), "{health}");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["db_ms"].as_f64() > Some(0.0) && health["schema_version"].as_i64() >= Some(1), "{health}");
    assert_eq!((&health["workers"]["slots"], &health["workers"]["busy"]), (&json!(10), &json!(0)), "{health}");
    let services = health["services"].as_object().unwrap();
    for name in ["listener", "worker", "heartbeat", "reaper", "folder", "pruner"] {
        assert_eq!(services.get(name).map(|it| &it["state"]), Some(&json!("running")), "{name}: {health}");
    }
}

#[tokio::test]
async fn health_reports_missing_workers() {
    let database = Database::new().await;
    let health: Value = api_server(&database).get("/api/v1/health").await.expect(200).json();
    assert_eq!(health["workers"], json!({"online": 0, "slots": 0, "busy": 0}));
    assert!(health["services"].get("worker").is_none(), "{health}");
}

#[tokio::test]
async fn probes_return_plain_text() {
    let database = Database::new().await;
    let server = api_server(&database);
    for mount in ["", "/api/v1"] {
        for (path, word) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
            let answer = server.get(&format!("{mount}{path}")).await.expect(200);
            assert_eq!((answer.text.as_str(), answer.header("content-type")), (word, "text/plain; charset=utf-8"));
        }
    }
}
