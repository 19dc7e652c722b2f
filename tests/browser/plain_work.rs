//! The pages of the job engine without JavaScript.

use super::plain::{plain, shows_no_script_only_controls};
use super::work::{JobFixtures, job_until};

#[tokio::test]
async fn job_engine_pages_hide_script_only_controls() {
    let fixtures = JobFixtures::shared().await;
    let browser = plain(&fixtures.server).await;
    for (_, path) in fixtures.pages() {
        browser.open(&path).await;
        shows_no_script_only_controls(&browser).await;
    }
}

#[tokio::test]
async fn job_engine_forms_work_without_javascript() {
    let fixtures = JobFixtures::new().await;
    let (server, browser) = (&fixtures.server, plain(&fixtures.server).await);
    browser.open("/dashboard/jobs").await;
    browser.press("Enqueue a job").await;
    browser.fill("#kind", "echo").await;
    browser.fill("#payload", "{\"a\": 1}").await;
    browser.press("Enqueue job").await;
    browser.wait_for_text("Job enqueued.").await;
    browser.open("/dashboard/jobs?state=failed&kind=webhook.dispatch").await;
    browser.click("#rows tr:nth-child(1) .pick input").await;
    browser.click("#rows tr:nth-child(2) .pick input").await;
    browser.press("Retry…").await;
    browser.press("Retry 2 jobs").await;
    browser.wait_for_text("Retried 2 jobs.").await;
    assert_eq!(browser.path().await, "/dashboard/jobs?state=failed&kind=webhook.dispatch");

    browser.open("/dashboard/queues/bulk").await;
    browser.press("Pause…").await;
    browser.fill("#reason", "by hand").await;
    browser.press("Pause queue").await;
    browser.wait_for_text("“by hand” · dashboard").await;
    browser.press("Resume").await;
    browser.wait_for_text("Resumed.").await;
    browser.fill("#concurrency", "3").await;
    browser.press("Save limits").await;
    browser.wait_for_text("limit 3").await;

    browser.open(&format!("/dashboard/workers/{}", fixtures.worker)).await;
    browser.press("Cordon…").await;
    browser.press("Cordon worker").await;
    browser.wait_for_text("Cordoned.").await;
    browser.press("Uncordon").await;
    browser.wait_for_text("Uncordoned.").await;

    browser.open(&format!("/dashboard/dead-letters/{}/replay", fixtures.dead)).await;
    browser.fill("#payload", "{\"recipient\": \"plain@example.org\"}").await;
    browser.press("Replay").await;
    browser.wait_for_text("Replayed. The job is queued again").await;
    job_until(server, &fixtures.dead, "completed").await;
    browser.open("/dashboard/schedules/eu%2Fsweep").await;
    browser.press("Resume").await;
    browser.wait_for_text("Resumed.").await;
    browser.press("Run now").await;
    browser.wait_for_text("Run started.").await;
    browser.open("/dashboard/limits/delete?limit=sleepers").await;
    browser.press("Delete limit").await;
    browser.wait_for_text("Limit deleted.").await;
    browser.open(&format!("/dashboard/jobs/{}", fixtures.paused)).await;
    browser.press("Cancel…").await;
    browser.press("Cancel job").await;
    browser.wait_for_text("Canceled.").await;
}
