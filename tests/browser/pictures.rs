//! Screenshots of every page.

use std::path::PathBuf;

use super::flows::WorkflowFixtures;
use super::pages::ProjectFixtures;
use super::work::JobFixtures;
use crate::harness::{Browser, Database, Proxy, SCHEMES, Server};

const SIZES: [(&str, u32, u32, bool); 2] = [("", 1360, 900, false), ("-390", 390, 844, true)];

/// Saves a screenshot in `$PROVOST_SCREENSHOTS`, if set.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("PROVOST_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        browser.screenshot(&folder.join(format!("{name}.png"))).await;
    }
}

/// Opens each page in each size and scheme, or in one of each when no screenshots are saved.
async fn pictures(browser: &Browser, pages: &[(&str, String)]) {
    let variants = if std::env::var_os("PROVOST_SCREENSHOTS").is_some() { 2 } else { 1 };
    for (suffix, width, height, mobile) in SIZES.into_iter().take(variants) {
        browser.size(width, height, mobile).await;
        for scheme in SCHEMES.into_iter().take(variants) {
            browser.scheme(scheme).await;
            for (name, path) in pages {
                browser.open(path).await;
                browser.text("h1").await;
                picture(browser, &format!("{name}{suffix}-{scheme}")).await;
            }
        }
    }
}

#[tokio::test]
async fn screenshots_of_every_project_page() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    pictures(&browser, &fixtures.pages()).await;
    browser.size(1360, 900, false).await;
    browser.scheme("light").await;
    browser.open(&format!("/dashboard/projects/{}/delete", fixtures.ready)).await;
    browser.fill("#confirm-name", "shop").await;
    browser.press("Delete project").await;
    browser.text("#confirm-name-error").await;
    picture(&browser, "delete-refused-light").await;
}

#[tokio::test]
async fn screenshots_of_every_job_page() {
    let fixtures = JobFixtures::new().await.with_an_hour_of_history().await;
    let browser = Browser::on(&fixtures.server).await;
    pictures(&browser, &fixtures.pages()).await;
    browser.size(1360, 900, false).await;
    browser.scheme("light").await;
    browser.open("/dashboard/jobs?kind=email.send").await;
    browser.click("[data-all]").await;
    picture(&browser, "jobs-selected-light").await;
    browser.press("Cancel…").await;
    browser.sees("canceled immediately.").await;
    picture(&browser, "jobs-bulk-cancel-light").await;
    browser.open("/dashboard/dead-letters").await;
    browser.press("Replay 6 of email.send…").await;
    browser.sees("6 jobs are queued again with a new retry budget.").await;
    picture(&browser, "dead-letters-bulk-replay-light").await;
    browser.press("Replay 6 jobs").await;
    browser.sees("Replayed 6 jobs.").await;
    picture(&browser, "dead-letters-replayed-light").await;
    browser.open("/dashboard/jobs").await;
    browser.press("Enqueue a job").await;
    browser.js("document.querySelector('#kind').form.noValidate = true").await;
    browser.press("Enqueue job").await;
    browser.text("#kind-error").await;
    picture(&browser, "jobs-refused-light").await;
}

#[tokio::test]
async fn screenshots_of_every_workflow_page() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    pictures(&browser, &fixtures.pages().await).await;
    browser.size(1360, 2000, false).await;
    for scheme in SCHEMES {
        browser.scheme(scheme).await;
        for (name, id) in [("failed", &fixtures.failed), ("running", &fixtures.running)] {
            browser.open(&format!("/dashboard/workflows/{id}")).await;
            browser.text("h1").await;
            picture(&browser, &format!("workflow-whole-{name}-{scheme}")).await;
        }
    }
}

#[tokio::test]
async fn screenshots_of_empty_and_broken_pages() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = Server::with(&proxy.url(&database.url), &[]);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    let page = |name: &'static str, path: &str| (name, path.to_owned());
    let pages = [
        page("empty", "/dashboard/projects"),
        page("metrics-empty", "/dashboard/metrics"),
        page("jobs-empty", "/dashboard/jobs"),
        page("workflows-empty", "/dashboard/workflows"),
        page("dead-letters-empty", "/dashboard/dead-letters"),
        page("limits-empty", "/dashboard/limits"),
    ];
    pictures(&browser, &pages).await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(1).await;
    proxy.cut();
    browser.sees("Showing the last good data").await;
    picture(&browser, "stale-390-dark").await;
    pictures(&browser, &[page("database-down", "/dashboard/projects")]).await;
}
