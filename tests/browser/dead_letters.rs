//! Dead letters are found by error, edited, replayed and deleted.

use serde_json::json;

use super::work::{JobFixtures, dead_letter, job_until};
use crate::harness::{Browser, Database, Server};

#[tokio::test]
async fn job_is_found_by_error_edited_and_replayed() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/dead-letters").await;
    assert_eq!(browser.text("#nav-dead").await, "9");
    assert_eq!(
        browser.texts("#groups .name").await,
        ["simulated SMTP failure", "simulated 500 from downstream webhook"]
    );
    browser.press("simulated SMTP failure").await;
    browser.arrives("/dashboard/dead-letters?kind=email.send&error=simulated+SMTP+failure").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 6);
    browser.open(&format!("/dashboard/dead-letters/{}/replay", fixtures.dead)).await;
    assert!(browser.shows("Also replay the other 5 with this error").await);
    browser.fill("#payload", "{\"recipient\": ").await;
    browser.press("Replay").await;
    assert!(browser.text("#payload-error").await.contains("not JSON"));
    browser.fill("#payload", "{\"recipient\": 7}").await;
    browser.press("Replay").await;
    browser.text("#payload-error").await;
    assert_eq!(browser.js("return document.querySelector('#payload').value").await, "{\"recipient\": 7}");
    browser.fill("#payload", "{\"recipient\": \"fixed@example.org\", \"n\": 12345678901234567890123}").await;
    browser.fill("#reason", "a typo").await;
    browser.press("Replay").await;
    browser.arrives("/dashboard/jobs/").await;
    browser.wait_for_text("Replayed. The job is queued again").await;
    job_until(&fixtures.server, &fixtures.dead, "completed").await;
    browser.reload().await;
    assert!(browser.shows("12345678901234567890123").await && browser.shows("a typo · payload edited").await);
    assert!(browser.shows("Replayed once").await);
    assert_eq!(fixtures.server.get("/dlq").await.json().as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn replay_with_others_moves_all_to_another_queue() {
    let fixtures = JobFixtures::new().await;
    fixtures.server.post("/queues", json!({"name": "later"})).await.expect(201);
    let browser = Browser::on(&fixtures.server).await;
    browser.open(&format!("/dashboard/dead-letters/{}/replay", fixtures.dead)).await;
    browser.fill("#queue", "later").await;
    browser.click("#others").await;
    browser.press("Replay").await;
    browser.wait_for_text("Replayed 6 jobs.").await;
    assert_eq!(fixtures.server.get("/jobs?queue=later&state=queued").await.json().as_array().unwrap().len(), 6);
    assert_eq!(browser.texts("#groups .name").await, ["simulated 500 from downstream webhook"]);
}

#[tokio::test]
async fn error_group_is_replayed_or_deleted_after_confirmation() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Replay 3 of webhook.dispatch…").await;
    assert_eq!(browser.text("h1").await, "Replay 3 jobs");
    assert!(browser.shows("All jobs with kind webhook.dispatch, error “simulated 500 from downstream webhook”").await);
    browser.fill("#move-to", "later").await;
    browser.press("Replay 3 jobs").await;
    browser.wait_for_text("Replayed 3 jobs.").await;
    assert_eq!(fixtures.server.get("/jobs?queue=later").await.json().as_array().unwrap().len(), 3);
    browser.open("/dashboard/dead-letters").await;
    browser.press("Delete all…").await;
    assert_eq!(browser.text("h1").await, "Delete 6 jobs");
    browser.press("Delete 6 jobs").await;
    browser.wait_for_text("No failed jobs").await;
    assert!(browser.shows("Deleted 6 jobs.").await);
}

#[tokio::test]
async fn dead_letter_is_deleted_unless_it_belongs_to_a_project() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = dead_letter(&server, "cleanup.run", json!({})).await;
    let project = server.failed("broken").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Project of project.provision").await;
    browser.arrives(&format!("/dashboard/projects/{project}")).await;
    browser.open(&format!("/dashboard/dead-letters/{id}/delete")).await;
    browser.press("Delete dead letter").await;
    browser.wait_for_text("Dead letter deleted. Its events are kept.").await;
    assert_eq!(server.get(&format!("/jobs/{id}")).await.status, 404);
    let project_job = database.text("SELECT id FROM jobs").await;
    browser.open(&format!("/dashboard/dead-letters/{project_job}/replay")).await;
    browser.wait_for_text("This job cannot be replayed now.").await;
}

#[tokio::test]
async fn multiline_error_is_grouped_and_replayed_as_one() {
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
    browser.wait_for_text("at main <b>").await;
}
