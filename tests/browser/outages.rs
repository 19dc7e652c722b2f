//! The dashboard during outages of its server or database.

use crate::harness::{Browser, Database, Proxy, Server};

const BANNER: &str = "document.querySelector('#stale').innerText";

async fn behind(proxy: &Proxy, database: &Database) -> Server {
    Server::with(&proxy.url(&database.url), &[])
}

#[tokio::test]
async fn page_keeps_rows_during_a_database_outage() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = behind(&proxy, &database).await;
    server.ready("kept").await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(2).await;
    proxy.cut();
    browser.wait_for_text("The server responds, but its database does not. Showing the last good data from").await;
    assert_eq!(browser.texts("#rows .name").await, ["kept"]);
    assert_eq!(browser.js("return document.querySelector('#mark-db').textContent").await, "Database: down");
    assert!(browser.polls().await.len() < 10, "failed polls back off");
    assert!(browser.accessibility_violations().await.is_empty());
    proxy.repair();
    browser.until("the banner disappears", &format!("{BANNER} === ''")).await;
    browser.until("the mark shows up", "document.querySelector('#mark-db').textContent === 'Database: up'").await;
    server.ready("afterwards").await;
    browser.wait_for_text("afterwards").await;
    assert!(browser.page_errors().await.is_empty());
}

#[tokio::test]
async fn retry_now_polls_immediately() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = behind(&proxy, &database).await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=5").await;
    browser.open("/dashboard/projects").await;
    proxy.cut();
    browser.wait_for_text("its database does not.").await;
    proxy.repair();
    browser.press("Retry now").await;
    browser.until("the banner disappears", &format!("{BANNER} === ''")).await;
}

#[tokio::test]
async fn page_reports_an_unreachable_server() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("kept").await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(1).await;
    server.kill();
    browser.wait_for_text("The server is not responding. Showing the last good data from").await;
    assert_eq!(browser.texts("#rows .name").await, ["kept"]);
    assert_eq!(browser.js("return document.querySelector('#mark-api').textContent").await, "API: down");
}

#[tokio::test]
async fn offline_device_shows_banner_and_recovers() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    browser.further_polls(1).await;
    browser.offline(true).await;
    browser.wait_for_text("This device is offline.").await;
    server.ready("meanwhile").await;
    browser.offline(false).await;
    browser.wait_for_text("meanwhile").await;
    browser.until("the banner disappears", &format!("{BANNER} === ''")).await;
}

#[tokio::test]
async fn error_page_reloads_when_the_database_returns() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = behind(&proxy, &database).await;
    server.ready("kept").await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    proxy.cut();
    browser.open("/dashboard/projects").await;
    let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
    assert_eq!(browser.js(status).await, 503);
    assert_eq!(browser.text("h1").await, "The database is not responding");
    assert!(browser.shows("Settings").await && browser.shows("Your data is safe.").await);
    assert!(browser.accessibility_violations().await.is_empty(), "{:#?}", browser.accessibility_violations().await);
    proxy.repair();
    browser.until("the list is shown", "document.querySelector('#rows .name')?.innerText === 'kept'").await;
    browser.until("the outage texts disappear", "!document.body.innerText.includes('not responding')").await;
    assert_eq!(browser.js("return document.title").await, "Projects · Provost");
    assert_eq!(browser.text(".crumbs [aria-current]").await, "Projects");
}

#[tokio::test]
async fn form_sent_during_outage_shows_an_error() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = behind(&proxy, &database).await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.fill("#project-name", "not-now").await;
    proxy.cut();
    browser.press("Create project").await;
    browser.wait_for_text("The database is not responding").await;
    proxy.repair();
    browser.back().await;
    browser.arrives("/dashboard/projects").await;
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn settings_are_shown_while_the_database_is_down() {
    let database = Database::new().await;
    let proxy = Proxy::before(&database.url);
    let server = behind(&proxy, &database).await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    proxy.cut();
    browser.open("/dashboard/settings").await;
    browser.wait_for_text("not responding").await;
    browser.wait_for_text("The database is not responding. Your data is safe").await;
    proxy.repair();
    browser.wait_for_text("responded in").await;
    browser.until("the banner disappears", &format!("{BANNER} === ''")).await;
}
