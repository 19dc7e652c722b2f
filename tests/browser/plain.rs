//! The dashboard without JavaScript.

use crate::harness::{Browser, Database, Server};

/// Visible controls that work only with JavaScript.
const DEAD_CONTROLS: &str = "return [...document.querySelectorAll('.js-only, .copy, [data-dismiss]')] \
    .filter(it => it.checkVisibility({visibilityProperty: true})).map(it => it.outerHTML)";

pub async fn plain(server: &Server) -> Browser {
    let browser = Browser::on(server).await;
    browser.without_javascript().await;
    browser
}

pub async fn shows_no_script_only_controls(browser: &Browser) {
    assert_eq!(browser.js(DEAD_CONTROLS).await, serde_json::json!([]), "on {}", browser.path().await);
}

#[tokio::test]
async fn project_lifecycle_works_without_javascript() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let failed = server.failed("broken").await;
    let browser = plain(&server).await;
    browser.open("/dashboard").await;
    assert!(browser.shows("Live updates need JavaScript.").await);
    browser.fill("#project-name", "plain").await;
    browser.choose("#template", "simulated").await;
    browser.press("Create project").await;
    browser.arrives("/dashboard/projects/").await;
    shows_no_script_only_controls(&browser).await;
    let id = browser.path().await.rsplit('/').next().unwrap().to_owned();
    server.until(&id, "ready").await;
    browser.reload().await;
    assert_eq!(browser.text(".head .badge").await, "Ready");

    browser.open("/dashboard/projects?status=failed").await;
    shows_no_script_only_controls(&browser).await;
    browser.press("Retry broken").await;
    browser.wait_for_text("Retry started.").await;
    shows_no_script_only_controls(&browser).await;
    server.until(&failed, "failed").await;
    assert_eq!(server.history(&failed).await.len(), 6);

    browser.open("/dashboard/projects").await;
    browser.press("More for plain").await;
    browser.press("Delete…").await;
    browser.fill("#confirm-name", "nonsense").await;
    browser.press("Delete project").await;
    browser.text("#confirm-name-error").await;
    shows_no_script_only_controls(&browser).await;
    browser.fill("#confirm-name", "plain").await;
    browser.press("Delete project").await;
    browser.wait_for_text("Deletion started.").await;
    server.until(&id, "deleted").await;
}

#[tokio::test]
async fn filters_settings_and_charts_work_without_javascript() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("alpha").await;
    server.failed("beta").await;
    let browser = plain(&server).await;
    browser.open("/dashboard/projects").await;
    browser.press("Failed 1").await;
    browser.until("only failed ones", "document.querySelectorAll('#rows .name').length === 1").await;
    browser.fill("#search", "bet").await;
    browser.press("Search").await;
    browser.arrives("/dashboard/projects?status=failed&search=bet").await;
    assert_eq!(browser.texts("#rows .name").await, ["beta"]);

    browser.open("/dashboard/settings").await;
    shows_no_script_only_controls(&browser).await;
    browser.click("[name=theme][value=dark]").await;
    browser.press("Save").await;
    browser.wait_for_text("Settings saved in this browser.").await;
    assert_eq!(browser.js("return document.documentElement.dataset.theme").await, "dark");

    browser.open("/dashboard/metrics").await;
    shows_no_script_only_controls(&browser).await;
    assert!(browser.shows("no quota").await);
    browser.click("#th-data summary").await;
    browser.text("#th-data table").await;
    browser.open("/dashboard/help").await;
    shows_no_script_only_controls(&browser).await;
    browser.phone(390).await;
    browser.press("Menu").await;
    browser.press("Metrics").await;
    browser.arrives("/dashboard/metrics").await;
}

/// The page that creates a project also clones one, and an undo that failed has its buttons.
#[tokio::test]
async fn clone_and_undo_work_without_javascript() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let source = server.ready("shop").await;
    let browser = plain(&server).await;
    browser.open(&format!("/dashboard/projects/{source}")).await;
    browser.press("Clone…").await;
    browser.arrives("/dashboard/projects/new?source=").await;
    browser.fill("#project-name", "copy").await;
    browser.click("#more summary").await;
    browser.fill("#expires-in", "soon").await;
    browser.press("Clone project").await;
    assert!(browser.text("#expires-in-error").await.contains("must be a duration"));
    browser.fill("#expires-in", "7d").await;
    browser.fill("#labels", "team=a").await;
    browser.press("Clone project").await;
    browser.wait_for_text("Project created.").await;
    shows_no_script_only_controls(&browser).await;
    let id = browser.path().await.rsplit('/').next().unwrap().to_owned();
    let clone = server.until(&id, "ready").await;
    assert_eq!(
        (&clone["source_id"], &clone["labels"]),
        (&serde_json::json!(source), &serde_json::json!({"team": "a"}))
    );
    assert!(clone["expires_at"].is_string(), "{clone}");
    browser.open("/dashboard/projects").await;
    assert!(browser.shows("team=a").await);

    let failed = server.failed("stuck").await;
    let step = format!(
        "INSERT INTO steps (job_id, position, project_id, name, state, execution_id, started_at, ended_at, code, error)
         SELECT id, 1, project_id, 'database', 'undo_failed', id, now(), now(), 'stuck', 'in use' FROM jobs WHERE project_id = '{failed}'"
    );
    database.run(&step).await;
    browser.open(&format!("/dashboard/projects/{failed}")).await;
    assert!(browser.shows("Undo failed").await);
    browser.press("Skip the step…").await;
    assert!(browser.shows("Nothing removes it later.").await);
    browser.press("Skip the step").await;
    browser.wait_for_text("The undo continues.").await;
    server.until(&failed, "failed").await;
    browser.reload().await;
    assert!(browser.shows("Undo skipped").await);
}
