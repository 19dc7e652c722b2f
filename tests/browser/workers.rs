//! Workers are cordoned, uncordoned, drained and forgotten.

use serde_json::json;

use super::work::{JobFixtures, enqueue, job_until};
use crate::harness::{Browser, eventually};

#[tokio::test]
async fn cordoned_worker_takes_no_jobs() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/workers").await;
    assert!(browser.shows("1 of 3 online").await);
    browser.press(&format!("Cordon {}…", fixtures.worker)).await;
    browser.wait_for_text("The worker finishes its running jobs").await;
    browser.fill("#reason", "kernel update").await;
    browser.press("Cordon worker").await;
    browser.wait_for_text("Cordoned. The worker finishes its jobs").await;
    assert!(browser.shows("“kernel update” · dashboard").await);
    assert!(browser.shows("sleep").await, "its jobs are listed");
    eventually("the worker is cordoned", async || {
        let is = fixtures.server.get(&format!("/workers/{}", fixtures.worker)).await.json()["state"] == "cordoned";
        is.then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    let waits = enqueue(&fixtures.server, json!({"kind": "noop"})).await;
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    job_until(&fixtures.server, &waits, "queued").await;
    browser.press("Uncordon").await;
    browser.wait_for_text("Uncordoned. The worker claims jobs again.").await;
    job_until(&fixtures.server, &waits, "completed").await;
}

#[tokio::test]
async fn only_lost_workers_can_be_forgotten() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/workers?state=lost").await;
    assert_eq!(browser.text("ul.tabs [aria-current]").await, "Lost 1");
    browser.press("node-5-811-77c1e2d0").await;
    browser.wait_for_text("The worker missed its heartbeats and its leases expired.").await;
    browser.press("Forget").await;
    browser.wait_for_text("Worker forgotten.").await;
    assert_eq!(browser.path().await, "/dashboard/workers");
    assert_eq!(browser.texts("#rows .name").await.len(), 2);
    let path = format!("/dashboard/workers/{}/forget", fixtures.worker);
    let refused = super::jobs::form(&fixtures.server, &path, "").await;
    assert!(refused.header("set-cookie").contains("forget-refused.online"));
    browser.open("/dashboard/workers?state=draining").await;
    browser.wait_for_text("No draining workers").await;
}

#[tokio::test]
async fn drained_worker_releases_unfinished_jobs() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open(&format!("/dashboard/workers/{}", fixtures.worker)).await;
    browser.press("Drain…").await;
    browser.wait_for_text("Unfinished jobs (1 job now) are released to other workers without a failure.").await;
    browser.press("Drain worker").await;
    browser.wait_for_text("Draining. The worker claims no new jobs").await;
    assert_eq!(browser.text(".head .badge").await, "Draining");
}
