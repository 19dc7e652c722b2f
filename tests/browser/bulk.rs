//! Bulk actions on selected or matching jobs, never on more jobs than were confirmed.

use serde_json::json;

use super::jobs::{enqueue_unserved, form};
use super::work::{dead_letter, enqueue, job_until};
use crate::harness::{Browser, Database, Server};

/// No worker serves this queue.
const SETTINGS: &[(&str, &str)] = &[("PROVOST_WORKER_QUEUES", "default")];

async fn in_state(server: &Server, state: &str) -> usize {
    server.get(&format!("/jobs?state={state}&limit=200")).await.json().as_array().unwrap().len()
}

#[tokio::test]
async fn selected_jobs_are_canceled_after_confirmation() {
    let database = Database::new().await;
    let server = Server::with(&database.url, SETTINGS);
    enqueue_unserved(&server, "a.one", 7).await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/jobs?state=queued&kind=a.one").await;
    for n in 1..=3 {
        browser.click(&format!("#rows tr:nth-child({n}) .pick input")).await;
    }
    browser.press("Cancel…").await;
    browser.wait_for_text("3 waiting jobs are canceled immediately.").await;
    assert_eq!(browser.text("h1").await, "Cancel 3 jobs");
    assert_eq!(browser.texts(".listed li").await.len(), 3);
    browser.press("Go back").await;
    browser.arrives("/dashboard/jobs?state=queued&kind=a.one").await;
    assert_eq!(in_state(&server, "canceled").await, 0);
    browser.click("#rows tr:nth-child(1) .pick input").await;
    browser.press("Cancel…").await;
    browser.fill("#reason", "twice by mistake").await;
    browser.press("Cancel 1 job").await;
    browser.wait_for_text("Canceled 1 job.").await;
    assert_eq!(browser.path().await, "/dashboard/jobs?state=queued&kind=a.one");
    let canceled = server.get("/jobs?state=canceled").await.json();
    assert_eq!(canceled[0]["error"], "canceled: twice by mistake");
}

#[tokio::test]
async fn bulk_cancel_skips_jobs_created_after_confirmation_page() {
    let database = Database::new().await;
    let server = Server::with(&database.url, SETTINGS);
    enqueue_unserved(&server, "a.many", 31).await;
    enqueue_unserved(&server, "b.other", 2).await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/jobs?kind=a.many").await;
    assert!(browser.shows("all 31 matching jobs").await);
    browser.press("Cancel all…").await;
    assert_eq!(browser.text("h1").await, "Cancel 31 jobs");
    assert!(browser.shows("All jobs with kind a.many").await && browser.shows("and 26 more").await);
    enqueue_unserved(&server, "a.many", 2).await;
    browser.press("Cancel 31 jobs").await;
    browser.wait_for_text("Canceled 31 jobs.").await;
    assert_eq!((in_state(&server, "canceled").await, in_state(&server, "queued").await), (31, 4));
}

#[tokio::test]
async fn more_jobs_than_confirmed_are_rejected() {
    let database = Database::new().await;
    let server = Server::with(&database.url, SETTINGS);
    let later = json!({"kind": "cleanup.run", "delay": "1h", "payload": {"forceError": true, "durationMs": 1}, "max_attempts": 1});
    let later = enqueue(&server, later).await;
    for _ in 0..2 {
        dead_letter(&server, "cleanup.run", json!({})).await;
    }
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Delete all…").await;
    assert_eq!(browser.text("h1").await, "Delete 2 jobs");
    server.post(&format!("/jobs/{later}/retry"), json!({})).await.expect(200);
    job_until(&server, &later, "failed").await;
    browser.press("Delete 2 jobs").await;
    browser.wait_for_text("3 jobs match now, but you confirmed 2.").await;
    assert_eq!(in_state(&server, "failed").await, 3);
    browser.press("Delete 3 jobs").await;
    browser.wait_for_text("Deleted 3 jobs.").await;
}

#[tokio::test]
async fn bulk_cancel_stops_active_and_skips_finished_jobs() {
    let database = Database::new().await;
    let server = Server::with(&database.url, SETTINGS);
    let active = enqueue(&server, json!({"kind": "sleep", "payload": {"seconds": 600}})).await;
    let done = enqueue(&server, json!({"kind": "noop"})).await;
    enqueue_unserved(&server, "a.one", 1).await;
    job_until(&server, &active, "active").await;
    job_until(&server, &done, "completed").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/jobs").await;
    browser.click("[data-all]").await;
    browser.press("Cancel…").await;
    browser.wait_for_text("1 active job is asked to stop").await;
    assert!(browser.shows("1 selected job that this action does not apply to.").await);
    browser.press("Cancel 2 jobs").await;
    browser.wait_for_text("Canceled 2 jobs.").await;
    job_until(&server, &active, "canceled").await;
    job_until(&server, &done, "completed").await;
}

#[tokio::test]
async fn invalid_bulk_request_changes_nothing() {
    let database = Database::new().await;
    let server = Server::with(&database.url, SETTINGS);
    let ids = enqueue_unserved(&server, "a.one", 1).await;
    let none = form(&server, "/dashboard/jobs/bulk", "verb=cancel&back=%2Fdashboard%2Fjobs%3Fstate%3Dqueued").await;
    assert_eq!((none.status, none.header("location")), (303, "/dashboard/jobs?state=queued"));
    assert!(none.header("set-cookie").contains("nothing-picked"));
    // Without a confirmation, the confirmation page is shown.
    let confirmation = form(&server, "/dashboard/jobs/bulk", &format!("verb=cancel&job_id={}&count=1", ids[0])).await;
    assert_eq!(confirmation.status, 200);
    assert_eq!(in_state(&server, "queued").await, 1);
    for wrong in ["verb=delete&all=1", "verb=cancel&job_id=x", "verb=cancel&all=1&state=sleeping"] {
        assert_eq!(form(&server, "/dashboard/jobs/bulk", wrong).await.status, 422, "{wrong}");
    }
    let away = form(&server, "/dashboard/jobs/bulk", "verb=cancel&back=https%3A%2F%2Fevil.example").await;
    assert_eq!(away.header("location"), "/dashboard/jobs");
    let long = format!("verb=cancel&job_id={}&count=1&confirmed=1&reason={}", ids[0], "x".repeat(501));
    let long = form(&server, "/dashboard/jobs/bulk", &long).await;
    assert!(long.status == 422 && long.text.contains("at most 500 characters"), "{}", long.text);
}
