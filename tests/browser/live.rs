//! Live updates: pages stay current without disturbing the user.

use serde_json::json;

use super::life::LONG_LEASE;
use crate::harness::{Browser, Database, Server, eventually};

const PILL: &str = "document.querySelector('#live-state').innerText";

/// A browser whose pages poll every second.
async fn watching(server: &Server, path: &str) -> Browser {
    let browser = Browser::on(server).await;
    browser.prefer("poll=1").await;
    browser.open(path).await;
    browser.further_polls(1).await;
    browser
}

#[tokio::test]
async fn unchanged_page_answers_304_without_dom_changes() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("still").await;
    let failed = server.failed("still too").await;
    let browser = watching(&server, "/dashboard/projects").await;
    for path in ["/dashboard/projects".to_owned(), format!("/dashboard/projects/{failed}")] {
        browser.open(&path).await;
        // The first poll has no ETag, so its response is applied.
        browser.further_polls(2).await;
        browser
            .js("window.mutations = []; \
                 const ours = it => (it.target.nodeType === 1 ? it.target : it.target.parentElement)?.closest('time'); \
                 new MutationObserver(all => window.mutations.push(...all.filter(it => !ours(it)).map(it => it.type + ' of ' + it.target.nodeName))) \
                   .observe(document, {subtree: true, childList: true, attributes: true, characterData: true})")
            .await;
        browser.further_polls(4).await;
        let polls = browser.polls().await;
        assert!(polls[polls.len() - 4..].iter().all(|status| *status == 304), "{polls:?} on {path}");
        assert_eq!(browser.js("return window.mutations").await, json!([]), "on {path}");
    }
}

#[tokio::test]
async fn typed_text_and_focus_survive_updates() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("first").await;
    let browser = watching(&server, "/dashboard/projects").await;
    // Focus alone does not pause updates.
    browser.click("#search").await;
    server.ready("second").await;
    browser.wait_for_text("second").await;
    assert_eq!(browser.js("return document.activeElement.id").await, "search");

    browser.keys("half a w").await;
    server.ready("third").await;
    browser.until("the pill shows why updates are paused", &format!("{PILL} === 'Paused while you edit a form'")).await;
    browser.keys("ord").await;
    let state = "const it = document.activeElement; return [it.id, it.value, it.selectionStart]";
    assert_eq!(browser.js(state).await, json!(["search", "half a word", 11]));
    browser.fill("#search", "").await;
    browser.wait_for_text("third").await;
}

#[tokio::test]
async fn open_details_stay_open_across_updates() {
    let database = Database::new().await;
    let gate = database.gate("projects", "NEW.status = 'ready'").await;
    let server = Server::with(&database.url, LONG_LEASE);
    let id = server.create_as("unfolded", json!({})).await;
    let browser = watching(&server, &format!("/dashboard/projects/{id}")).await;
    browser.press("Show curl").await;
    browser.until("it is provisioning", "document.querySelector('.head .badge').innerText === 'Provisioning'").await;
    gate.open().await;
    browser.until("it is ready", "document.querySelector('.head .badge').innerText === 'Ready'").await;
    assert_eq!(browser.js("return document.querySelector('#curls').open").await, true);
    assert!(browser.shows("-X DELETE").await, "the content of the fold is current");
}

#[tokio::test]
async fn row_under_the_pointer_stays_in_place() {
    let database = Database::new().await;
    let server = Server::on(&database);
    for name in ["a", "b", "c"] {
        server.ready(name).await;
    }
    let browser = watching(&server, "/dashboard/projects").await;
    browser.point_at("#rows tr:nth-child(2) .badge").await;
    browser
        .js("window.row = document.querySelector('#rows tr:hover'); window.top0 = row.getBoundingClientRect().top")
        .await;
    let name = browser.js("return row.querySelector('.name').innerText").await;
    assert_eq!(name, "b");
    for new in ["d", "e"] {
        server.ready(new).await;
    }
    let held = format!("{PILL} === '2 row changes wait until you leave the list'");
    browser.until("the pill shows the pending changes", &held).await;
    browser.further_polls(2).await;
    let same = "return row === document.querySelector('#rows tr:hover') && row.getBoundingClientRect().top === top0";
    assert_eq!(browser.js(same).await, true, "the same element is still under the pointer");
    assert_eq!(browser.texts("#rows .name").await, ["c", "b", "a"]);

    // Cells change in place.
    let id = database.text("SELECT id FROM projects WHERE name = 'c'").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    browser.point_at("h1").await;
    browser.until("the list catches up", "document.querySelectorAll('#rows tr').length === 4").await;
    assert_eq!(browser.texts("#rows .name").await, ["e", "d", "b", "a"]);
}

#[tokio::test]
async fn cells_change_in_place_under_the_pointer() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.create_as("moving", json!({"duration_ms": 3000})).await;
    server.ready("at rest").await;
    let browser = watching(&server, "/dashboard/projects").await;
    let badge = format!("#p-{id} .badge");
    browser.point_at(&badge).await;
    browser.js(&format!("window.row = document.querySelector('#p-{id}')")).await;
    browser.until("it is ready", &format!("document.querySelector('{badge}').innerText === 'Ready'")).await;
    assert_eq!(browser.js(&format!("return row === document.querySelector('#p-{id}:hover')")).await, true);
}

#[tokio::test]
async fn hidden_tab_does_not_poll() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = watching(&server, "/dashboard/projects").await;
    let hide = |hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{configurable: true, value: {hidden}}}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.js(&hide(true)).await;
    browser.until("no poll is in flight", "window.pending === 0").await;
    let before = browser.polls().await.len();
    server.ready("unseen").await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(browser.polls().await.len(), before);
    browser.js(&hide(false)).await;
    browser.wait_for_text("unseen").await;
}

#[tokio::test]
async fn pause_stops_polling_and_persists_across_pages() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = watching(&server, "/dashboard/projects").await;
    browser.press("Pause live updates").await;
    browser.until("it is paused", &format!("{PILL} === 'Paused'")).await;
    browser.open("/dashboard/metrics").await;
    browser.until("it is still paused", &format!("{PILL} === 'Paused'")).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(browser.polls().await, [0; 0]);
    assert_eq!(browser.js("return document.querySelector('#live-toggle').ariaPressed").await, "true");
    browser.press("Pause live updates").await;
    browser.further_polls(2).await;
}

#[tokio::test]
async fn deleted_project_page_stops_polling() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("final").await;
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open(&format!("/dashboard/projects/{id}")).await;
    browser.until("the pill shows the final state", &format!("{PILL} === 'Final; no further updates'")).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert!(browser.polls().await.len() <= 1, "{:?}", browser.polls().await);
    assert_eq!(browser.js("return document.querySelector('#live-toggle').checkVisibility()").await, false);
}

#[tokio::test]
async fn navigation_count_follows_the_list() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = watching(&server, "/dashboard/projects").await;
    server.ready("counted").await;
    browser.until("the navigation shows the count", "document.querySelector('#nav-projects').innerText === '1'").await;
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 1);
    eventually("the tab shows the count", || async { browser.shows("All 1").await.then_some(()) }).await;
}
