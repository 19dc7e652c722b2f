//! Limits are added, edited, renamed and deleted.

use serde_json::json;

use crate::harness::{Browser, Database, Server};

#[tokio::test]
async fn limit_is_added_edited_renamed_and_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.open("/dashboard/limits").await;
    browser.wait_for_text("Workers claim jobs as fast as they can.").await;
    browser.press("Add a limit").await;
    browser.fill("#limit-name", "mail/rate & co").await;
    browser.js("document.querySelector('#scope').value = 'kind'; document.querySelector('#mode').value = 'rate'").await;
    browser.fill("#value", "email.send").await;
    browser.fill("#limit", "100").await;
    browser.fill("#window", "60").await;
    browser.fill("#reason", "the provider says so").await;
    browser.press("Add limit").await;
    browser.wait_for_text("Limit added.").await;
    assert!(browser.shows("100 per 1 m").await && browser.shows("1 limit, none throttling now").await);

    browser.press("Edit mail/rate & co").await;
    browser.arrives("/dashboard/limits?edit=mail%2Frate+%26+co").await;
    assert_eq!(browser.js("return document.querySelector('#limit').value").await, "100");
    browser.fill("#limit", "50").await;
    browser.fill("#limit-name", "mail").await;
    browser.click("#enabled").await;
    browser.press("Save limit").await;
    browser.wait_for_text("Limit changed.").await;
    let limits = server.get("/limits").await.json();
    assert_eq!(limits.as_array().unwrap().len(), 1);
    assert_eq!(
        (&limits[0]["name"], &limits[0]["limit"], &limits[0]["enabled"]),
        (&json!("mail"), &json!(50), &json!(false))
    );
    assert_eq!(browser.texts("#rows .badge").await, ["Off"]);

    browser.press("More for mail").await;
    browser.press("Delete…").await;
    browser.wait_for_text("Jobs are no longer limited to 50 per 1 m, burst 100.").await;
    browser.press("Delete limit").await;
    browser.wait_for_text("Limit deleted.").await;
    assert_eq!(server.get("/limits").await.json(), json!([]));
}

#[tokio::test]
async fn invalid_limit_form_shows_field_errors_and_values() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server
        .post("/limits", json!({"name": "taken", "scope": "global", "mode": "concurrency", "limit": 5}))
        .await
        .expect(201);
    let browser = Browser::on(&server).await;
    for (name, scope, value, limit, wrong) in [
        ("taken", "queue", "bulk", "1", "limit-name"),
        ("new", "queue", "", "1", "value"),
        ("new", "global", "bulk", "1", "value"),
        ("new", "queue", "a b", "1", "value"),
        ("new", "queue", "bulk", "-1", "limit"),
        ("", "queue", "bulk", "1", "limit-name"),
    ] {
        browser.open("/dashboard/limits").await;
        browser.press("Add a limit").await;
        browser
            .js(&format!(
                "const it = document.querySelector('#scope'); it.value = '{scope}'; it.form.noValidate = true"
            ))
            .await;
        browser.fill("#limit-name", name).await;
        browser.fill("#value", value).await;
        browser.fill("#limit", limit).await;
        browser.press("Add limit").await;
        browser.text(&format!("#{wrong}-error")).await;
        assert_eq!(browser.js("return document.querySelector('#scope').value").await, scope);
        assert_eq!(browser.js("return document.querySelector('#limit-name').value").await, name);
    }
    assert_eq!(server.get("/limits").await.json().as_array().unwrap().len(), 1);
    assert_eq!(server.get("/limits").await.json()[0]["limit"], 5);
    assert_eq!(server.get("/dashboard/limits?edit=nothing").await.status, 404);
}
