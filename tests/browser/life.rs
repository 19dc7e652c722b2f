//! The life of a project, operated with the mouse.

use serde_json::json;

use crate::harness::{Browser, Database, Server};

/// A lease longer than any gate stays closed.
pub const LONG_LEASE: &[(&str, &str)] = &[("PROVOST_LEASE_TTL", "10m")];

pub const BADGE: &str = "document.querySelector('.head .badge').innerText";

#[tokio::test]
async fn created_project_becomes_ready_without_reload() {
    let database = Database::new().await;
    let gate = database.gate("projects", "NEW.status = 'ready'").await;
    let server = Server::with(&database.url, LONG_LEASE);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard").await;
    browser.wait_for_text("No projects yet").await;
    browser.fill("#project-name", "billing-eu").await;
    browser.choose("#template", "simulated").await;
    browser.press("Create project").await;
    browser.wait_for_text("Project created. Provisioning is in progress.").await;
    assert_eq!(browser.text("h1").await, "billing-eu");
    browser.js("window.same = true").await;
    browser.until("it is provisioning", &format!("{BADGE} === 'Provisioning'")).await;
    gate.open().await;
    browser.until("it is ready", &format!("{BADGE} === 'Ready' && window.same")).await;
    assert!(browser.shows("Became ready").await);
    browser.press("Projects").await;
    assert_eq!(browser.text("#rows .badge").await, "Ready");
    assert!(browser.page_errors().await.is_empty());
}

#[tokio::test]
async fn failed_project_shows_its_reason_and_is_retried() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.failed("flaky-preview").await;
    // Fix the cause, so that the retry succeeds.
    database.run(r#"UPDATE projects SET parameters = '{"simulate": {"duration_ms": 1200}}'"#).await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    assert!(browser.text("#rows .note").await.contains("no quota"));
    browser.press("Retry flaky-preview").await;
    browser.wait_for_text("Retry started.").await;
    browser.until("it is ready", "document.querySelector('#rows .badge').innerText === 'Ready'").await;
    browser.open(&format!("/dashboard/projects/{id}")).await;
    browser.wait_for_text("Attempt 2").await;
    assert_eq!(server.history(&id).await.len(), 6);
}

#[tokio::test]
async fn project_is_deleted_only_with_its_name() {
    let database = Database::new().await;
    let server = Server::with(&database.url, LONG_LEASE);
    let id = server.ready("old-preview").await;
    let gate = database.gate("projects", "NEW.status = 'deleted'").await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open(&format!("/dashboard/projects/{id}")).await;
    browser.press("Delete…").await;
    browser.fill("#confirm-name", "Old-preview").await;
    browser.press("Delete project").await;
    browser.wait_for_text("Nothing was changed.").await;
    assert!(browser.text("#confirm-name-error").await.contains("The names differ."));
    assert_eq!(browser.js("return document.querySelector('#confirm-name').ariaInvalid").await, "true");
    assert_eq!(database.text("SELECT status FROM projects").await, "ready");

    browser.fill("#confirm-name", "old-preview").await;
    browser.fill("#reason", "no longer needed").await;
    browser.press("Delete project").await;
    browser.until("it is deleting", "document.querySelector('.head .badge').innerText === 'Deleting'").await;
    gate.open().await;
    browser.until("the project is deleted", "document.querySelector('.head .badge').innerText === 'Deleted'").await;
    browser.wait_for_text("no longer needed").await;
    browser.open("/dashboard/projects").await;
    browser.wait_for_text("No projects yet").await;
    browser.open("/dashboard/projects?status=deleted").await;
    assert_eq!(browser.text("#rows .name").await, "old-preview");
}

#[tokio::test]
async fn project_with_changed_status_is_not_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("contested").await;
    let browser = Browser::on(&server).await;
    browser.open(&format!("/dashboard/projects/{id}/delete")).await;
    let rename = server.request(reqwest::Method::PATCH, &format!("/projects/{id}")).header("if-match", "*");
    crate::harness::send(rename.json(&json!({"labels": {"keep": "yes"}}))).await.expect(200);
    browser.fill("#confirm-name", "contested").await;
    browser.press("Delete project").await;
    browser.wait_for_text("The project changed after you opened this page.").await;
    assert_eq!(database.text("SELECT status FROM projects").await, "ready");
}

#[tokio::test]
async fn second_operator_sees_the_current_status() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.failed("shared").await;
    database.run(r#"UPDATE projects SET parameters = '{"simulate": {"duration_ms": 60000}}'"#).await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=30").await;
    browser.open("/dashboard/projects?status=failed").await;
    browser.text("#rows .name").await;
    server.post(&format!("/projects/{id}/retry"), json!({})).await.expect(200);
    browser.press("Retry shared").await;
    browser.wait_for_text("Only failed projects can be retried; this project is now").await;
    assert!(browser.path().await.starts_with("/dashboard/projects?status=failed"), "the browser returns to the list");
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 2, "the first request and one retry");
}

#[tokio::test]
async fn double_click_or_back_creates_one_project() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.fill("#project-name", "only-one").await;
    browser.choose("#template", "simulated").await;
    browser.double_click(".create .primary").await;
    browser.arrives("/dashboard/projects/").await;
    browser.until("it is shown", "document.querySelector('h1').innerText === 'only-one'").await;
    browser.back().await;
    browser.until("the form is shown", "location.pathname === '/dashboard/projects' && document.readyState === 'complete' && document.querySelector('.create')").await;
    // The browser may restore the typed text at any time. The page and its idempotency key stay the same.
    browser
        .js("const form = document.querySelector('.create'); form.project_name.value = 'only-one'; form.requestSubmit()")
        .await;
    browser.until("it is shown again", "document.querySelector('h1').innerText === 'only-one'").await;
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
}

#[tokio::test]
async fn invalid_name_is_refused_at_its_field_and_kept() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.js("document.querySelector('.create').noValidate = true").await;
    browser.fill("#project-name", "   ").await;
    browser.press("Create project").await;
    assert!(browser.text("#project-name-error").await.contains("must not be empty"));
    browser.wait_for_text("Not saved. Correct these fields:").await;
    assert_eq!(browser.js("return document.querySelector('#project-name').value").await, "   ");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn project_is_renamed_on_its_page() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("before").await;
    let browser = Browser::on(&server).await;
    browser.open(&format!("/dashboard/projects/{id}")).await;
    let ready = "const note = document.querySelector('.quiet-note'); return [note.querySelector('time').dateTime, note.innerText.split(', in ')[1]]";
    let before = browser.js(ready).await;
    browser.press("Rename").await;
    browser.fill("#project-name", "after").await;
    browser.click("#rename button").await;
    browser.wait_for_text("Project renamed.").await;
    assert_eq!(browser.text("h1").await, "after");
    assert_eq!(
        browser.js(ready).await,
        before,
        "a new name does not change when it became ready, nor how long that took"
    );
}
