//! The project list: filters, search and paging.

use crate::harness::{Browser, Database, Server};

const CURRENT: &str = ".bar [aria-current]";

/// Projects without jobs, named p-001, p-002 and so on.
pub async fn many(database: &Database, count: u32) {
    database
        .run(&format!(
            "INSERT INTO projects (id, status, name, template, parameters, labels, requested_at, created_at, updated_at)
             SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'ready', 'p-' || lpad(n::text, 3, '0'),
                    'simulated', '{{}}', '{{}}', now(), now(), now() FROM generate_series(1, {count}) AS n"
        ))
        .await;
}

#[tokio::test]
async fn tabs_and_search_keep_each_other_until_they_are_cleared() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("billing-eu").await;
    server.ready("search-eu").await;
    server.failed("billing-us").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    assert_eq!(browser.text(CURRENT).await, "All 3");
    browser.press("Ready 2").await;
    browser.fill("#search", "billing").await;
    browser.press("Search").await;
    browser.arrives("/dashboard/projects?status=ready&search=billing").await;
    assert_eq!(browser.texts("#rows .name").await, ["billing-eu"]);
    browser.press("Failed 1").await;
    browser.arrives("/dashboard/projects?status=failed&search=billing").await;
    assert_eq!(browser.texts("#rows .name").await, ["billing-us"]);
    assert_eq!(browser.js("return document.querySelector('#search').value").await, "billing");
    browser.press("Deleting 0").await;
    browser.wait_for_text("No projects match").await;
    browser.press("Clear filter").await;
    browser.text("#rows").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 3);
}

#[tokio::test]
async fn filter_survives_a_retry() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.failed("one").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects?status=failed&search=on").await;
    browser.press("Retry one").await;
    browser.wait_for_text("Retry started.").await;
    assert_eq!(browser.path().await, "/dashboard/projects?status=failed&search=on");
}

#[tokio::test]
async fn search_matches_id_prefix_and_literal_text() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("100%_done").await;
    server.ready("1000 done").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.fill("#search", "0%_").await;
    browser.press("Search").await;
    browser.arrives("/dashboard/projects?status=&search=0%25_").await;
    assert_eq!(browser.texts("#rows .name").await, ["100%_done"]);
    browser.open(&format!("/dashboard/projects?search={}", &id[..20])).await;
    assert!(browser.texts("#rows .name").await.contains(&"100%_done".to_owned()));
}

#[tokio::test]
async fn project_pages_show_each_project_once() {
    let database = Database::new().await;
    many(&database, 120).await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    let mut seen = Vec::new();
    for page in 0..3 {
        if page > 0 {
            let last = seen.last().cloned().unwrap();
            browser.press("Older").await;
            browser
                .until("the next page", &format!("document.querySelector('#rows .name').innerText < '{last}'"))
                .await;
        }
        seen.extend(browser.texts("#rows .name").await);
    }
    let all: Vec<String> = (1..=120).rev().map(|n| format!("p-{n:03}")).collect();
    assert_eq!(seen, all);
    browser.press("Newest").await;
    browser.until("the first page", "document.querySelector('#rows .name').innerText === 'p-120'").await;
    assert_eq!(browser.texts("#rows .name").await.len(), 50);
    assert!(browser.shows("50 of 120").await);
}
