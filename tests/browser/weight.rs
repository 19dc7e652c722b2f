//! The size of pages and assets.

use reqwest::Method;
use serde_json::json;

use super::jobs::enqueue_unserved;
use super::pages::ProjectFixtures;
use super::work::JobFixtures;
use crate::harness::{Server, send};

pub const MOST: usize = 20 * 1024;

/// The compressed size of a document, in bytes.
pub async fn weight(server: &Server, path: &str) -> usize {
    let request = server.request(Method::GET, path).header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers().get("content-encoding").unwrap(), "gzip", "{path}");
    response.bytes().await.unwrap().len()
}

#[tokio::test]
async fn job_engine_pages_stay_below_weight_limit() {
    let fixtures = JobFixtures::new().await;
    for n in 0..40 {
        let url = format!("https://hooks.example.org/{n}/{}", "a-long-path/".repeat(8));
        let body = json!({"kind": "webhook.dispatch", "payload": {"url": url, "forceError": true, "durationMs": 1}, "max_attempts": 1});
        fixtures.server.post("/jobs", body).await.expect(201);
    }
    enqueue_unserved(&fixtures.server, "image.resize.later", 30).await;
    for (name, path) in fixtures.pages() {
        let weight = weight(&fixtures.server, &path).await;
        println!("{weight:6} {name}");
        assert!(weight < MOST, "{name} weighs {weight} bytes");
    }
}

#[tokio::test]
async fn project_pages_stay_below_weight_limit() {
    let fixtures = ProjectFixtures::new().await.with_an_hour_of_history().await;
    super::list::many(&fixtures.database, 60).await;
    for (name, path) in fixtures.pages() {
        let weight = weight(&fixtures.server, &path).await;
        println!("{weight:6} {name}");
        assert!(weight < MOST, "{name} weighs {weight} bytes");
    }
}

#[tokio::test]
async fn shared_assets_are_cached_and_small() {
    let database = crate::harness::Database::new().await;
    let server = Server::on(&database);
    let page = server.get("/dashboard/jobs").await.text;
    let assets: Vec<&str> = page.split('"').filter(|it| it.starts_with("/static/")).collect();
    let mut all = 0;
    for path in &assets {
        let response = send(server.request(Method::GET, path).header("accept-encoding", "gzip")).await;
        assert!(response.header("cache-control").contains("immutable"), "{path} is cached forever");
        all += server
            .request(Method::GET, path)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .len();
    }
    println!("{all:6} {assets:?}");
    assert!(all < 30 * 1024, "{all} bytes of {assets:?}");
}
