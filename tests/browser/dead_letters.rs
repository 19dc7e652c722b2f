//! Jobs that gave up: found by error, mended, replayed, deleted.

use serde_json::json;

use super::work::{Works, dead_letter, job_until};
use crate::harness::{Browser, Database, Server};

#[tokio::test]
async fn a_group_is_found_by_its_error_and_one_of_it_is_mended_and_replayed() {
    let works = Works::new().await;
    let browser = Browser::on(&works.server).await;
    browser.open("/dashboard/dead-letters").await;
    assert_eq!(browser.text("#nav-dead").await, "9");
    assert_eq!(
        browser.texts("#groups .name").await,
        ["simulated SMTP failure", "simulated 500 from downstream webhook"]
    );
    browser.press("simulated SMTP failure").await;
    browser.arrives("/dashboard/dead-letters?kind=email.send&error=simulated+SMTP+failure").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 6);
    browser.open(&format!("/dashboard/dead-letters/{}/replay", works.dead)).await;
    assert!(browser.shows("Also the other 5 with this error").await);
    browser.fill("#payload", "{\"recipient\": ").await;
    browser.press("Replay").await;
    assert!(browser.text("#payload-error").await.contains("not JSON"));
    browser.fill("#payload", "{\"recipient\": 7}").await;
    browser.press("Replay").await;
    browser.text("#payload-error").await;
    assert_eq!(browser.js("return document.querySelector('#payload').value").await, "{\"recipient\": 7}");
    browser.fill("#payload", "{\"recipient\": \"mended@example.org\", \"n\": 12345678901234567890123}").await;
    browser.fill("#reason", "a typo").await;
    browser.press("Replay").await;
    browser.arrives("/dashboard/jobs/").await;
    browser.sees("Replayed: it is queued again").await;
    job_until(&works.server, &works.dead, "completed").await;
    browser.reload().await;
    assert!(browser.shows("12345678901234567890123").await && browser.shows("a typo · the payload was edited").await);
    assert!(browser.shows("Replayed once").await);
    assert_eq!(works.server.get("/dlq").await.json().as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn one_is_replayed_with_all_others_of_its_error_into_another_queue() {
    let works = Works::new().await;
    works.server.post("/queues", json!({"name": "later"})).await.expect(201);
    let browser = Browser::on(&works.server).await;
    browser.open(&format!("/dashboard/dead-letters/{}/replay", works.dead)).await;
    browser.fill("#queue", "later").await;
    browser.click("#others").await;
    browser.press("Replay").await;
    browser.sees("Replayed 6 jobs.").await;
    assert_eq!(works.server.get("/jobs?queue=later&state=queued").await.json().as_array().unwrap().len(), 6);
    assert_eq!(browser.texts("#groups .name").await, ["simulated 500 from downstream webhook"]);
}

#[tokio::test]
async fn a_whole_group_is_replayed_or_deleted_after_a_question() {
    let works = Works::new().await;
    let browser = Browser::on(&works.server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Replay 3 of webhook.dispatch…").await;
    assert_eq!(browser.text("h1").await, "Replay 3 jobs");
    assert!(browser.shows("All with kind webhook.dispatch, error “simulated 500 from downstream webhook”").await);
    browser.fill("#move-to", "later").await;
    browser.press("Replay 3 jobs").await;
    browser.sees("Replayed 3 jobs.").await;
    assert_eq!(works.server.get("/jobs?queue=later").await.json().as_array().unwrap().len(), 3);
    browser.open("/dashboard/dead-letters").await;
    browser.press("Delete all…").await;
    assert_eq!(browser.text("h1").await, "Delete 6 jobs");
    browser.press("Delete 6 jobs").await;
    browser.sees("Nothing here. Good.").await;
    assert!(browser.shows("Deleted 6 jobs.").await);
}

#[tokio::test]
async fn one_is_deleted_after_a_question_and_a_projects_own_is_left_to_its_project() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = dead_letter(&server, "cleanup.run", json!({})).await;
    let project = server.failed("broken").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Project of project.provision").await;
    browser.arrives(&format!("/dashboard/projects/{project}")).await;
    browser.open(&format!("/dashboard/dead-letters/{id}/delete")).await;
    browser.press("Delete a dead letter").await;
    browser.sees("Deleted. The record keeps that it was.").await;
    assert_eq!(server.get(&format!("/jobs/{id}")).await.status, 404);
    let mine = database.text("SELECT id FROM jobs").await;
    browser.open(&format!("/dashboard/dead-letters/{mine}/replay")).await;
    browser.sees("It cannot be replayed now.").await;
}

#[tokio::test]
async fn an_error_of_many_lines_groups_shows_and_replays_as_one() {
    let database = Database::new().await;
    let server = Server::on(&database);
    for _ in 0..2 {
        dead_letter(&server, "cleanup.run", json!({})).await;
    }
    let stack = "boom: no such host\n  at send (mail.rs:12)\n  at main <b>";
    database.rows("UPDATE jobs SET error = $1 WHERE state = 'failed'", &[&stack]).await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/dead-letters").await;
    assert_eq!(browser.texts("#groups .name").await, ["boom: no such host"]);
    browser.press("Replay 2 of cleanup.run…").await;
    assert_eq!(browser.text("h1").await, "Replay 2 jobs");
    browser.press("Go back").await;
    browser.press("boom: no such host").await;
    browser.arrives("/dashboard/dead-letters?kind=cleanup.run&error=boom").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 2);
    browser.click("#rows tr:first-child summary").await;
    browser.sees("at main <b>").await;
}
