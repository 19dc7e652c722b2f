//! Display settings.

use serde_json::json;

use crate::harness::{Browser, Database, Server, key};

const DARK: &str = "rgb(14, 17, 22)";
const LIGHT: &str = "rgb(246, 247, 249)";

async fn save(browser: &Browser) {
    browser.press("Save").await;
    browser.wait_for_text("Settings saved in this browser.").await;
}

#[tokio::test]
async fn poll_interval_out_of_range_is_refused() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    for wrong in ["0", "31", ""] {
        browser.open("/dashboard/settings").await;
        browser.fill("#poll", wrong).await;
        let valid = browser.js("return document.querySelector('#poll').validity.valid").await;
        assert_eq!(valid, false, "the browser rejects {wrong:?}");
        browser.js("document.querySelector('#poll').form.noValidate = true").await;
        browser.press("Save").await;
        assert!(browser.text("#poll-error").await.contains("from 1 to 30"));
        assert_eq!(browser.js("return document.querySelector('#poll').value").await, wrong);
    }
    browser.fill("#poll", "7").await;
    save(&browser).await;
    assert_eq!(browser.js("return document.querySelector('#poll').value").await, "7");
    browser.open("/dashboard/projects").await;
    browser.wait_for_text("Live, every 7 s").await;
}

#[tokio::test]
async fn list_starts_with_the_default_filter() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("good").await;
    server.failed("bad").await;
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/settings").await;
    browser.js("document.querySelector('#status').value = 'failed'").await;
    save(&browser).await;
    browser.open("/dashboard").await;
    assert_eq!(browser.texts("#rows .name").await, ["bad"]);
    assert_eq!(browser.text(".bar [aria-current]").await, "Failed 1");
    browser.press("All 2").await;
    browser.until("all are shown", "document.querySelectorAll('#rows .name').length === 2").await;
    browser.fill("#search", "good").await;
    browser.press("Search").await;
    browser.until("the search keeps the status filter", "location.search.includes('search=good')").await;
    assert_eq!(browser.texts("#rows .name").await, ["good"]);
}

#[tokio::test]
async fn first_frame_has_the_chosen_theme() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    for (system, choice, theme, color) in
        [("light", "dark", "dark", DARK), ("dark", "light", "light", LIGHT), ("dark", "system", "system", DARK)]
    {
        browser.scheme(system).await;
        browser.open("/dashboard/settings").await;
        browser.click(&format!("[name=theme][value={choice}]")).await;
        save(&browser).await;
        for page in ["/dashboard/projects", "/dashboard/metrics", "/dashboard/no-such-page"] {
            browser.open(page).await;
            let first = browser.until("a frame was drawn", "window.firstFrame").await;
            assert_eq!(first, json!([theme, color]), "{choice} on {page}");
            let now = "return [document.documentElement.dataset.theme, getComputedStyle(document.documentElement).backgroundColor]";
            assert_eq!(browser.js(now).await, json!([theme, color]));
        }
    }
}

#[tokio::test]
async fn times_use_the_chosen_zone() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.cdp("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Tokyo"})).await;
    browser.open("/dashboard/settings").await;
    assert!(browser.text("footer time").await.ends_with("GMT+9"));
    browser.click("[name=zone][value=utc]").await;
    save(&browser).await;
    assert!(browser.text("footer time").await.ends_with("UTC"));
    let iso = browser.js("return document.querySelector('footer time').dateTime").await;
    let shown = browser.text("footer time").await;
    assert_eq!(shown.get(..19), iso.as_str().unwrap().replacen('T', " ", 1).get(..19), "the same second");
}

#[tokio::test]
async fn shortcuts_can_be_switched_off() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/settings").await;
    browser.click("#shortcuts").await;
    save(&browser).await;
    browser.open("/dashboard/projects").await;
    browser.text(".create").await;
    browser.keys("n/?gm").await;
    browser.keys(key::ESCAPE).await;
    assert_eq!(browser.js("return document.activeElement.tagName").await, "BODY");
    assert_eq!(browser.path().await, "/dashboard/projects");
    browser.open("/dashboard/help").await;
    assert!(browser.shows("off; change it in Settings").await);
}
