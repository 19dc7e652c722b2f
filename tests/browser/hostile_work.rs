//! Hostile payloads, errors, reasons, tags and job names.

use serde_json::json;

use super::work::{dead_letter, enqueue};
use crate::harness::{Browser, Database, Server};

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(1)> {{7*7}} ' OR 1=1 -- \u{202e}txt.exe";
const LONG: usize = 2000;

#[tokio::test]
async fn hostile_job_texts_are_shown_as_text() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_WORKER_QUEUES", "default")]);
    let dead = dead_letter(&server, "cleanup.run", json!({"message": HOSTILE, "long": "y".repeat(LONG)})).await;
    let error = format!("{HOSTILE}\n{}\n</pre></textarea>{HOSTILE}", "z".repeat(LONG));
    database.rows("UPDATE jobs SET error = $1", &[&error]).await;
    database.rows("UPDATE past_executions SET error = $1", &[&error]).await;
    let queue = format!("q{}", "/x:_-.".repeat(21));
    let job = json!({"kind": "k".repeat(128), "queue": queue, "tenant": "t".repeat(128), "tags": ["<b>", "x".repeat(64)], "idempotency_key": "<i>'\"",
                     "payload": {"</textarea>": "</pre>", "quote": "it's"}});
    let waiting = enqueue(&server, job).await;
    server
        .patch(&format!("/jobs/{waiting}"), json!({"priority": 9, "reason": HOSTILE, "actor": "<u>me</u>"}))
        .await
        .expect(200);
    let limit = json!({"name": HOSTILE, "scope": "queue", "value": queue, "mode": "concurrency", "limit": 0});
    server.post("/limits", limit).await.expect(201);
    server.post("/queues", json!({"name": "paused"})).await.expect(201);
    server.post("/queues/paused/pause", json!({"reason": HOSTILE, "actor": "<u>me</u>"})).await.expect(200);
    let worker = "a/b c?d#e%<script>";
    database
        .rows(
            "INSERT INTO workers (id, host, pid, version, state, reason, actor, changed_at, queues, kinds, slots, busy, started_at, seen_at)
             VALUES ($1, $2, 1, $2, 'cordoned', $2, $2, now(), ARRAY[$3], ARRAY[$2], 1, 0, now(), now() + interval '1 hour')",
            &[&worker, &HOSTILE, &queue],
        )
        .await;
    let browser = Browser::on(&server).await;
    browser.phone(390).await;
    let encoded = queue.replace('/', "%2F").replace(':', "%3A");
    let job = |id: &str| format!("/dashboard/jobs/{id}");
    let queue_page = format!("/dashboard/queues/{encoded}");
    let worker_page = "/dashboard/workers/a%2Fb%20c%3Fd%23e%25%3Cscript%3E".to_owned();
    let paths = [
        "/dashboard/jobs".to_owned(),
        job(&dead),
        job(&waiting),
        job(&format!("{waiting}/cancel")),
        "/dashboard/queues".to_owned(),
        queue_page.clone(),
        format!("{queue_page}/drain"),
        "/dashboard/workers".to_owned(),
        worker_page.clone(),
        format!("{worker_page}/drain"),
        "/dashboard/dead-letters".to_owned(),
        format!("/dashboard/dead-letters/{dead}/replay"),
        format!("/dashboard/dead-letters/{dead}/delete"),
        "/dashboard/limits".to_owned(),
    ];
    for path in &paths {
        browser.open(path).await;
        assert_eq!(server.get(path).await.status, 200, "{path}");
        browser.text("h1").await;
        assert_eq!(browser.overflow(390).await, 0, "{path}");
    }
    browser.open(&worker_page).await;
    assert_eq!(browser.js("return document.querySelector('h1').textContent").await, worker);
    browser.open("/dashboard/workers").await;
    let link = browser.js("return document.querySelector('#rows .name').pathname").await;
    assert!(server.get(link.as_str().unwrap()).await.status == 200, "{link}");
    browser.open(&format!("/dashboard/dead-letters/{dead}/replay")).await;
    let original = server.get(&format!("/jobs/{dead}")).await.text;
    let shown = browser.js("return document.querySelector('#payload').value").await;
    assert!(original.contains(shown.as_str().unwrap()), "the field holds the payload unchanged");
    browser.open(&job(&dead)).await;
    let lead = browser.js("return document.querySelector('.callout .lead b').textContent").await;
    assert_eq!(lead, error);
    browser.size(1360, 900, false).await;
    browser.open("/dashboard/limits").await;
    browser.press(&format!("Edit {HOSTILE}")).await;
    browser.until("the form has values", "document.querySelector('#limit-name')?.value").await;
    assert_eq!(browser.js("return document.querySelector('#limit-name').value").await, HOSTILE);
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}
