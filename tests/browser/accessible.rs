//! Accessibility: no axe violations on any page in either theme, no horizontal scrolling on small screens, no page errors.

use super::pages::ProjectFixtures;
use super::work::JobFixtures;
use crate::harness::{Browser, Database, SCHEMES, Server};

/// Runs all rules in light and the color rules in dark, where the document differs only in colors.
pub async fn has_no_violations(browser: &Browser, what: &str, scheme: &str) {
    let found =
        if scheme == "light" { browser.accessibility_violations().await } else { browser.contrast_violations().await };
    assert!(found.is_empty(), "{what}, {scheme}: {found:#?}");
}

/// Checks the pages that a rejected form shows.
async fn rejected_forms_have_no_violations(browser: &Browser, fixtures: &ProjectFixtures, scheme: &str) {
    browser.open(&format!("/dashboard/projects/{}/delete", fixtures.ready)).await;
    browser.fill("#confirm-name", "wrong").await;
    browser.press("Delete project").await;
    browser.text("#confirm-name-error").await;
    has_no_violations(browser, "rejected deletion", scheme).await;
    browser.open("/dashboard/settings").await;
    browser.js("document.querySelector('#poll').form.noValidate = true").await;
    browser.fill("#poll", "31").await;
    browser.press("Save").await;
    browser.text("#poll-error").await;
    has_no_violations(browser, "rejected settings", scheme).await;
    browser.open("/dashboard/projects").await;
    browser.js("document.querySelector('.create').noValidate = true").await;
    browser.press("Create project").await;
    browser.text("#project-name-error").await;
    has_no_violations(browser, "rejected project", scheme).await;
}

async fn no_project_page_has_violations(scheme: &str) {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.scheme(scheme).await;
    for (name, path) in fixtures.pages() {
        browser.open(&path).await;
        has_no_violations(&browser, name, scheme).await;
    }
    rejected_forms_have_no_violations(&browser, &fixtures, scheme).await;
    browser.open("/dashboard/projects").await;
    browser.press("More for billing-eu").await;
    has_no_violations(&browser, "open menu", scheme).await;
    browser.phone(390).await;
    for path in ["/dashboard/projects", "/dashboard/metrics", "/dashboard/settings"] {
        browser.open(path).await;
        has_no_violations(&browser, &format!("{path} on a phone"), scheme).await;
    }
}

async fn no_job_page_has_violations(scheme: &str) {
    let fixtures = JobFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.scheme(scheme).await;
    for (name, path) in fixtures.pages() {
        browser.open(&path).await;
        has_no_violations(&browser, name, scheme).await;
    }
    browser.open("/dashboard/jobs").await;
    browser.press("Enqueue a job").await;
    browser.js("document.querySelector('#kind').form.noValidate = true").await;
    browser.press("Enqueue job").await;
    browser.text("#kind-error").await;
    has_no_violations(&browser, "rejected job", scheme).await;
    browser.open("/dashboard/jobs").await;
    browser.click("[data-all]").await;
    has_no_violations(&browser, "selected rows", scheme).await;
    browser.press("Cancel…").await;
    browser.sees("canceled immediately.").await;
    has_no_violations(&browser, "bulk confirmation", scheme).await;
    browser.phone(390).await;
    for path in [
        "/dashboard/jobs",
        "/dashboard/queues",
        "/dashboard/workers",
        "/dashboard/dead-letters",
        "/dashboard/limits",
        "/dashboard/schedules",
        "/dashboard/schedules/nightly%20report",
    ] {
        browser.open(path).await;
        has_no_violations(&browser, &format!("{path} on a phone"), scheme).await;
    }
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn no_job_page_has_violations_in_light() {
    no_job_page_has_violations("light").await;
}

#[tokio::test]
async fn no_job_page_has_violations_in_dark() {
    no_job_page_has_violations("dark").await;
}

#[tokio::test]
async fn no_project_page_has_violations_in_light() {
    no_project_page_has_violations("light").await;
}

#[tokio::test]
async fn no_project_page_has_violations_in_dark() {
    no_project_page_has_violations("dark").await;
}

#[tokio::test]
async fn empty_pages_have_no_violations() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    for scheme in SCHEMES {
        browser.scheme(scheme).await;
        for page in
            ["projects", "metrics", "jobs", "queues", "workers", "dead-letters", "limits", "schedules", "workflows"]
        {
            let path = &format!("/dashboard/{page}");
            browser.open(path).await;
            has_no_violations(&browser, &format!("{path}, empty"), scheme).await;
        }
    }
}

#[tokio::test]
async fn no_project_page_scrolls_sideways_on_small_screens() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for width in [390, 320] {
        browser.phone(width).await;
        for (name, path) in fixtures.pages() {
            browser.open(&path).await;
            assert_eq!(browser.overflow(width).await, 0, "{name} at {width}");
        }
    }
}

#[tokio::test]
async fn no_job_page_scrolls_sideways_on_small_screens() {
    let fixtures = JobFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for width in [390, 320] {
        browser.phone(width).await;
        for (name, path) in fixtures.pages() {
            browser.open(&path).await;
            assert_eq!(browser.overflow(width).await, 0, "{name} at {width}");
            assert_eq!(browser.texts("h1").await.len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn pages_have_one_heading_a_title_and_no_errors() {
    let fixtures = ProjectFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    for (name, path) in fixtures.pages() {
        browser.open(&path).await;
        assert_eq!(browser.texts("h1").await.len(), 1, "{name}");
        let title = browser.js("return document.title").await;
        assert!(title.as_str().unwrap().ends_with(" · Provost"), "{name}: {title}");
    }
    browser.open("/dashboard/projects").await;
    for link in ["Metrics", "Queues", "Workers", "Limits", "Settings", "Help"] {
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
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
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
