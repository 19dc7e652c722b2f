//! The job list and the job page.

use serde_json::json;

use super::life::BADGE;
use super::work::{JobFixtures, dead_letter, enqueue, job_until};
use crate::harness::{Browser, Database, Server, eventually, key};

const CURRENT: &str = "ul.tabs [aria-current]";

#[tokio::test]
async fn job_filter_survives_tabs_and_actions() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/jobs").await;
    browser.fill("#f-kind", "email.send").await;
    browser.press("Filter").await;
    browser.arrives("/dashboard/jobs?kind=email.send").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 9);
    browser.press("Failed 9").await;
    browser.arrives("/dashboard/jobs?state=failed&kind=email.send").await;
    assert_eq!(browser.text(CURRENT).await, "Failed 9");
    assert_eq!(browser.js("return document.querySelector('#f-kind').value").await, "email.send");
    assert!(browser.shows("6 of 6").await, "jobs matching both filters are counted");
    browser.click("#rows tr:first-child .act button").await;
    browser.wait_for_text("Replayed. The job is queued again").await;
    assert_eq!(browser.path().await, "/dashboard/jobs?state=failed&kind=email.send");
    browser.open(&format!("/dashboard/jobs?search={}", &fixtures.completed[..30])).await;
    assert_eq!(browser.texts("#rows .name").await, ["report.generate"]);
    browser.open("/dashboard/jobs?tag=finance&tenant=acme").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 2, "the job and its copy");
    browser.open("/dashboard/jobs?state=blocked&kind=nothing").await;
    browser.wait_for_text("No jobs with state Blocked, kind “nothing”").await;
    let wrong = fixtures.server.get("/dashboard/jobs?state=sleeping").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn job_pages_show_each_job_once() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_WORKER_KINDS", "noop")]);
    let jobs: Vec<_> = (0..60).map(|n| json!({"kind": format!("k.{n:02}")})).collect();
    server.post("/jobs", json!(jobs)).await.expect(201);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/jobs").await;
    let mut seen = browser.texts("#rows .name").await;
    for _ in 0..2 {
        let last = seen.last().cloned().unwrap();
        browser.press("Older").await;
        let next = format!("document.querySelector('#rows .name').innerText < '{last}'");
        browser.until("the next page", &next).await;
        seen.extend(browser.texts("#rows .name").await);
    }
    let all: Vec<String> = (0..60).rev().map(|n| format!("k.{n:02}")).collect();
    assert_eq!(seen, all);
    assert!(browser.shows("10 of 60").await);
    browser.press("Newest").await;
    browser.until("the first page", "document.querySelector('#rows .name').innerText === 'k.59'").await;
}

#[tokio::test]
async fn enqueued_job_is_followed_to_its_end() {
    let database = Database::new().await;
    let gate = database.gate("jobs", "NEW.state = 'completed'").await;
    let server = Server::with(&database.url, &[("PROVOST_LEASE_TTL", "10m")]);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/jobs").await;
    browser.wait_for_text("No jobs yet").await;
    browser.press("Enqueue a job").await;
    browser.fill("#kind", "sleep").await;
    browser.fill("#payload", r#"{"seconds": 0, "n": 12345678901234567890123}"#).await;
    browser.press("Enqueue job").await;
    browser.arrives("/dashboard/jobs/").await;
    browser.wait_for_text("Job enqueued.").await;
    browser.until("it is active", &format!("{BADGE} === 'Active'")).await;
    browser.wait_for_text("Leased to").await;
    gate.open().await;
    browser.until("it is completed", &format!("{BADGE} === 'Completed'")).await;
    browser.wait_for_text("Final; no further updates").await;
    assert!(browser.shows(r#"{"seconds": 0, "n": 12345678901234567890123}"#).await, "every digit is kept");
    assert_eq!(browser.texts(".timeline li b").await, ["Enqueued", "Claimed", "Completed"]);
    browser.press("Run again").await;
    browser.wait_for_text("Copy enqueued.").await;
    assert!(browser.shows("Copy of").await);
}

#[tokio::test]
async fn invalid_enqueue_form_shows_field_errors_and_values() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.post("/queues", json!({"name": "closed"})).await.expect(201);
    server.post("/queues/closed/drain", json!({})).await.expect(200);
    let browser = Browser::on(&server).await;
    for (kind, queue, delay, payload, wrong) in [
        ("a b", "", "", "", "kind"),
        ("echo", "*", "", "", "queue"),
        ("echo", "closed", "", "", "queue"),
        ("echo", "", "soon", "", "delay"),
        ("echo", "", "", "{\"a\": ", "payload"),
        ("email.send", "", "", "{\"recipient\": 5}", "payload"),
    ] {
        browser.open("/dashboard/jobs").await;
        browser.press("Enqueue a job").await;
        browser.fill("#kind", kind).await;
        browser.fill("#queue", queue).await;
        browser.fill("#delay", delay).await;
        browser.fill("#payload", payload).await;
        browser.press("Enqueue job").await;
        browser.text(&format!("#{wrong}-error")).await;
        assert_eq!(browser.js("return document.querySelector('#payload').value").await, payload);
        assert_eq!(browser.js("return document.querySelector('#kind').value").await, kind);
    }
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn waiting_job_shows_reason_and_accepts_priority() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    for (id, why, help) in [
        (&fixtures.paused, "Queue mail is paused by maria: card processor down.", "View queue"),
        (
            &fixtures.unserved,
            "No online worker handles kind email.send on queue eu/west:1.",
            "--worker-queues eu/west:1",
        ),
        (&fixtures.throttled, "Limit \"sleepers\" reached (1 of 1 running).", "View limits"),
        (&fixtures.scheduled, "The job is scheduled for a later time.", "Due in 1 h"),
        (
            &fixtures.retrying,
            "The last attempt failed (1 of 5 failures); a retry is scheduled.",
            "The last attempt failed: simulated SMTP failure",
        ),
    ] {
        browser.open(&format!("/dashboard/jobs/{id}")).await;
        browser.wait_for_text(why).await;
        assert!(browser.shows(help).await, "{why}");
    }
    browser.open(&format!("/dashboard/jobs/{}", fixtures.paused)).await;
    browser.press("Change priority").await;
    browser.fill("#priority", "2").await;
    browser.press("Save").await;
    browser.wait_for_text("Priority changed.").await;
    browser.wait_for_text("priority 9 → 2").await;
    assert_eq!(fixtures.server.get(&format!("/jobs/{}", fixtures.paused)).await.json()["priority"], 2);
    browser.press("Change priority").await;
    browser.js("document.querySelector('#priority').form.noValidate = true").await;
    browser.fill("#priority", "11").await;
    browser.press("Save").await;
    assert!(browser.text("#priority-error").await.contains("from 0 to 9"));
    browser.open(&format!("/dashboard/jobs/{}", fixtures.scheduled)).await;
    browser.press("Start now").await;
    browser.wait_for_text("Due now").await;
    job_until(&fixtures.server, &fixtures.scheduled, "completed").await;
}

#[tokio::test]
async fn job_is_canceled_after_confirmation() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open(&format!("/dashboard/jobs/{}", fixtures.paused)).await;
    browser.press("Cancel…").await;
    browser.wait_for_text("1 waiting job is canceled immediately.").await;
    browser.fill("#reason", "wrong recipient").await;
    browser.press("Cancel job").await;
    browser.wait_for_text("Canceled.").await;
    assert!(browser.shows("wrong recipient").await);
    assert_eq!(browser.text(".head .badge").await, "Canceled");
    browser.open(&format!("/dashboard/jobs/{}/cancel", fixtures.active)).await;
    browser.press("Cancel job").await;
    browser.wait_for_text("Cancellation requested").await;
    job_until(&fixtures.server, &fixtures.active, "canceled").await;
    browser.open(&format!("/dashboard/jobs/{}/cancel", fixtures.active)).await;
    browser.wait_for_text("The job is now canceled.").await;
    assert_eq!(browser.texts("form .destroy").await.len(), 0);
}

#[tokio::test]
async fn second_operator_sees_current_job_state() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = dead_letter(&server, "cleanup.run", json!({})).await;
    let browser = Browser::on(&server).await;
    // A poll would show the change first.
    browser.prefer("poll=30").await;
    browser.open(&format!("/dashboard/jobs/{id}")).await;
    server.post("/dlq/delete", json!({"job_ids": [id]})).await.expect(200);
    browser.press("Replay").await;
    browser.wait_for_text("Job not found").await;
    assert!(browser.shows("Back to jobs").await);
    let id = dead_letter(&server, "cleanup.run", json!({})).await;
    browser.open("/dashboard/jobs?state=failed").await;
    server.post("/dlq/replay", json!({"job_ids": [id], "payload": {"durationMs": 1}})).await.expect(200);
    job_until(&server, &id, "completed").await;
    browser.click("#rows .act button").await;
    browser.wait_for_text("Nothing was changed: the job is now completed.").await;
}

#[tokio::test]
async fn project_job_links_to_project_and_cannot_be_replayed() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let project = server.failed("broken").await;
    let browser = Browser::on(&server).await;
    browser.open(&format!("/dashboard/projects/{project}")).await;
    browser.press("project.provision").await;
    browser.arrives("/dashboard/jobs/").await;
    assert!(browser.shows("Retry the project to enqueue a new job.").await);
    assert_eq!(browser.texts(".actions .btn.primary").await.len(), 0, "no replay button is shown");
    let id = browser.path().await.rsplit('/').next().unwrap().to_owned();
    let answer = form(&server, &format!("/dashboard/jobs/{id}/retry"), "").await;
    assert_eq!((answer.status, answer.header("location")), (303, format!("/dashboard/jobs/{id}").as_str()));
    assert!(answer.header("set-cookie").contains("of-project"));
}

#[tokio::test]
async fn unchanged_job_engine_page_answers_304() {
    let fixtures = JobFixtures::shared().await;
    let live = async |path: &str, etag: &str| {
        let request = fixtures.server.request(reqwest::Method::GET, path).header("x-live", "1");
        let request = if etag.is_empty() { request } else { request.header("if-none-match", etag) };
        crate::harness::send(request).await
    };
    let mut answers = Vec::new();
    for (name, path) in fixtures.pages() {
        let first = live(&path, "").await;
        if first.status == 200 {
            answers.push((name, path, first.header("etag").to_owned()));
        }
    }
    // Time alone must not change a page.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    for (name, path, mut etag) in answers {
        // A heartbeat extends a lease, which changes the page and the ETag of the next response.
        eventually(&format!("{name} stays the same"), async || {
            let next = live(&path, &etag).await;
            etag = next.header("etag").to_owned();
            (next.status == 304).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn jobs_are_selected_by_key_and_retried() {
    let fixtures = JobFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/dead-letters").await;
    browser.keys("gj").await;
    browser.arrives("/dashboard/jobs").await;
    browser.open("/dashboard/jobs?state=failed").await;
    for _ in 0..3 {
        browser.keys("jx").await;
    }
    browser.until("three are selected", "document.querySelectorAll('.pick input[name]:checked').length === 3").await;
    browser.wait_for_text("Paused while rows are selected").await;
    browser.tab_to("Retry…").await;
    browser.keys(key::ENTER).await;
    browser.wait_for_text("3 failed jobs are replayed with a new retry budget.").await;
    browser.tab_to("Retry 3 jobs").await;
    browser.keys(key::ENTER).await;
    browser.wait_for_text("Retried 3 jobs.").await;
    assert_eq!(browser.path().await, "/dashboard/jobs?state=failed");
}

/// Posts a form as a browser does.
pub async fn form(server: &Server, path: &str, body: &str) -> crate::harness::Answer {
    let request = server.request(reqwest::Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded").header("origin", &server.url);
    crate::harness::send(request.body(body.to_owned())).await
}

/// Enqueues `n` jobs on a queue without workers.
pub async fn enqueue_unserved(server: &Server, kind: &str, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..n {
        ids.push(enqueue(server, json!({"kind": kind, "queue": "nobody"})).await);
    }
    ids
}
