//! Keyboard use.

use crate::harness::{Browser, Database, Server, key};

#[tokio::test]
async fn project_lifecycle_works_with_tab_and_enter_only() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/projects").await;
    browser.tab_to("Name").await;
    browser.keys("by-hand").await;
    browser.tab_to("Template").await;
    browser.keys("simulated").await;
    browser.tab_to("Create project").await;
    browser.keys(key::ENTER).await;
    browser.until("it is ready", "document.querySelector('.head .badge')?.innerText === 'Ready'").await;

    browser.tab_to("Projects").await;
    browser.keys(key::ENTER).await;
    browser.arrives("/dashboard/projects").await;
    browser.until("it is listed", "document.querySelector('#rows')").await;
    browser.tab_to("by-hand").await;
    browser.keys(key::ENTER).await;
    browser.arrives("/dashboard/projects/").await;
    browser.tab_to("Delete…").await;
    browser.keys(key::ENTER).await;
    browser.until("the confirmation page", "location.pathname.endsWith('/delete')").await;
    browser.tab_to("Type the project name to confirm").await;
    browser.keys("by-hand").await;
    browser.tab_to("Delete project").await;
    browser.keys(key::ENTER).await;
    browser.until("the project is deleted", "document.querySelector('.head .badge')?.innerText === 'Deleted'").await;
}

#[tokio::test]
async fn single_keys_open_every_page() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("older").await;
    server.ready("newer").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.keys("/").await;
    assert_eq!(browser.js("return document.activeElement.id").await, "search");
    browser.keys(key::ESCAPE).await;
    browser.keys("n").await;
    assert_eq!(browser.js("return document.activeElement.id").await, "project-name");
    browser.keys(key::ESCAPE).await;
    for (keys, name) in [("j", "newer"), ("j", "older"), ("j", "older"), ("k", "newer")] {
        browser.keys(keys).await;
        assert_eq!(browser.focused().await, name);
    }
    browser.keys(key::ENTER).await;
    browser.arrives("/dashboard/projects/").await;
    // Escape ends the prefix: "m" alone opens no page.
    for keys in ["g", key::ESCAPE, "m"] {
        browser.keys(keys).await;
    }
    for (keys, path) in [
        ("gq", "/dashboard/queues"),
        ("gm", "/dashboard/metrics"),
        ("gf", "/dashboard/workflows"),
        ("gs", "/dashboard/settings"),
        ("?", "/dashboard/help"),
    ] {
        browser.keys(keys).await;
        browser.arrives(path).await;
    }
    for (keys, id) in [("n", "project-name"), ("/", "search")] {
        browser.open("/dashboard/help").await;
        browser.keys(keys).await;
        browser.until("the field has the focus", &format!("document.activeElement.id === '{id}'")).await;
    }
}

#[tokio::test]
async fn shortcuts_are_off_while_typing() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.click("#project-name").await;
    browser.keys("gs/n?jkr").await;
    assert_eq!(browser.js("return document.querySelector('#project-name').value").await, "gs/n?jkr");
    assert_eq!(browser.path().await, "/dashboard/projects");
    assert_eq!(browser.js("return document.querySelector('#live-toggle').ariaPressed").await, "false");
}

#[tokio::test]
async fn first_tab_stops_skip_to_content_and_pause() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.keys(key::TAB).await;
    assert_eq!(browser.focused().await, "Skip to content");
    browser.keys(key::ENTER).await;
    browser.until("main has the focus", "document.activeElement.id === 'main'").await;
    browser.open("/dashboard/metrics").await;
    browser.keys(key::TAB).await;
    browser.keys(key::TAB).await;
    assert_eq!(browser.focused().await, "Skip to pause live updates");
    browser.keys(key::ENTER).await;
    browser.until("the button has the focus", "document.activeElement.id === 'live-toggle'").await;
    browser.keys(key::ENTER).await;
    browser.until("it is paused", "document.querySelector('#live-state').innerText === 'Paused'").await;
}

#[tokio::test]
async fn row_menu_opens_by_key_and_returns_focus() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("with-menu").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/projects").await;
    browser.tab_to("More for with-menu").await;
    browser.keys(key::ENTER).await;
    browser.wait_for_text("Delete…").await;
    browser.keys(key::ESCAPE).await;
    browser.until("it is closed", "!document.querySelector('details.more[open]')").await;
    assert_eq!(browser.focused().await, "More for with-menu");
}
