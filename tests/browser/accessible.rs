//! Every page is visited once: no axe violations in either scheme, no horizontal scrolling on small screens, one heading, a title,
//! no page errors. With `PROVOST_SCREENSHOTS`, each visit also saves its screenshots.

use std::path::PathBuf;

use super::flows::WorkflowFixtures;
use super::pages::ProjectFixtures;
use super::work::JobFixtures;
use crate::harness::{Browser, Database, Proxy, Server};

/// Saves a screenshot in the folder `$PROVOST_SCREENSHOTS`, if that is set.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("PROVOST_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        browser.screenshot(&folder.join(format!("{name}.png"))).await;
    }
}

/// The page as it is has no violations: by all rules in one scheme, and by the color rules in the other, where only colors differ.
async fn look(browser: &Browser, name: &str, [first, second]: [&str; 2]) {
    browser.scheme(first).await;
    picture(browser, &format!("{name}-{first}")).await;
    let mut found = browser.accessibility_violations().await;
    browser.scheme(second).await;
    picture(browser, &format!("{name}-{second}")).await;
    found.extend(browser.contrast_violations().await);
    assert!(found.is_empty(), "{name}: {found:#?}");
}

/// Opens a page and checks what holds on every page.
async fn visit(browser: &Browser, name: &str, path: &str) {
    browser.open(path).await;
    assert_eq!(browser.texts("h1").await.len(), 1, "{name}");
    let title = browser.js("return document.title").await;
    assert!(title.as_str().unwrap().ends_with(" · Provost"), "{name}: {title}");
    look(browser, name, ["light", "dark"]).await;
    for width in [320, 390] {
        browser.phone(width).await;
        assert_eq!(browser.overflow(width).await, 0, "{name} at {width}");
    }
    // The colors are those of the wide page.
    picture(browser, &format!("{name}-390-dark")).await;
    let found = browser.layout_violations().await;
    assert!(found.is_empty(), "{name} at 390: {found:#?}");
    browser.size(1360, 900, false).await;
}

async fn has_no_page_errors(browser: &Browser) {
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn project_pages_are_accessible_and_fit_the_screen() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for (name, path) in fixtures.pages() {
        visit(&browser, name, &path).await;
    }
    browser.open("/dashboard/projects").await;
    browser.press("More for billing-eu").await;
    look(&browser, "projects-menu", ["light", "dark"]).await;
    browser.open(&format!("/dashboard/projects/{}/delete", fixtures.ready)).await;
    browser.fill("#confirm-name", "wrong").await;
    browser.press("Delete project").await;
    browser.text("#confirm-name-error").await;
    look(&browser, "delete-rejected", ["light", "dark"]).await;
    browser.open("/dashboard/settings").await;
    browser.js("document.querySelector('#poll').form.noValidate = true").await;
    browser.fill("#poll", "31").await;
    browser.press("Save").await;
    browser.text("#poll-error").await;
    look(&browser, "settings-rejected", ["light", "dark"]).await;
    browser.open("/dashboard/projects").await;
    browser.js("document.querySelector('.create').noValidate = true").await;
    browser.press("Create project").await;
    browser.text("#project-name-error").await;
    look(&browser, "projects-rejected", ["light", "dark"]).await;
    has_no_page_errors(&browser).await;
}

#[tokio::test]
async fn job_engine_pages_are_accessible_and_fit_the_screen() {
    let fixtures = JobFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for (name, path) in fixtures.pages() {
        visit(&browser, name, &path).await;
    }
    browser.open("/dashboard/jobs").await;
    browser.press("Enqueue a job").await;
    browser.js("document.querySelector('#kind').form.noValidate = true").await;
    browser.press("Enqueue job").await;
    browser.text("#kind-error").await;
    look(&browser, "jobs-rejected", ["light", "dark"]).await;
    browser.open("/dashboard/jobs?kind=email.send").await;
    browser.click("[data-all]").await;
    // The bar with actions sticks to the bottom edge and may cover half a row, until the page is scrolled to its end.
    browser.js("window.scrollTo(0, document.body.scrollHeight)").await;
    look(&browser, "jobs-selected", ["light", "dark"]).await;
    browser.press("Cancel…").await;
    browser.wait_for_text("canceled immediately.").await;
    look(&browser, "jobs-bulk-cancel", ["light", "dark"]).await;
    has_no_page_errors(&browser).await;
}

#[tokio::test]
async fn workflow_pages_are_accessible_and_fit_the_screen() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for (name, path) in fixtures.pages().await {
        visit(&browser, name, &path).await;
    }
    has_no_page_errors(&browser).await;
}

#[tokio::test]
async fn empty_and_outage_pages_are_accessible_and_fit_the_screen() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = Server::with(&proxy.url(&database.url), &[]);
    let browser = Browser::on(&server).await;
    for page in [
        "projects",
        "metrics",
        "jobs",
        "queues",
        "workers",
        "dead-letters",
        "limits",
        "schedules",
        "workflows",
        "drift",
    ] {
        visit(&browser, &format!("{page}-empty"), &format!("/dashboard/{page}")).await;
    }
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(1).await;
    proxy.cut();
    browser.wait_for_text("Showing the last good data").await;
    look(&browser, "projects-stale", ["light", "dark"]).await;
    visit(&browser, "database-down", "/dashboard/projects").await;
}

#[tokio::test]
async fn navigation_links_open_their_pages() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/projects").await;
    for link in ["Clusters", "Drift", "Metrics", "Queues", "Workers", "Limits", "Settings", "Help"] {
        browser.press(link).await;
        browser.until("the page opens", &format!("document.querySelector('h1').innerText === '{link}'")).await;
    }
    browser.open("/dashboard/projects").await;
    browser.press("billing-us").await;
    browser.press("Copy ID").await;
    browser.press("Rename").await;
    browser.press("Delete…").await;
    browser.press("Go back").await;
    browser.arrives("/dashboard/projects/").await;
    has_no_page_errors(&browser).await;
}

#[tokio::test]
async fn reduced_motion_stops_all_animations() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for (preference, is_still) in [("no-preference", false), ("reduce", true)] {
        let feature = serde_json::json!({"name": "prefers-reduced-motion", "value": preference});
        browser.cdp("Emulation.setEmulatedMedia", serde_json::json!({"features": [feature]})).await;
        browser.open("/dashboard/projects").await;
        assert_eq!(browser.js("return document.getAnimations().length").await == 0, is_still, "{preference}");
    }
}
