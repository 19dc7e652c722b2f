//! Hostile project names: markup, scripts, right-to-left text and control characters.

use serde_json::json;

use crate::harness::{Browser, Database, Server};

fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{7*7}}",
        "' OR 1=1 --",
        "قاعدة البيانات \u{202e}txt.exe",
        "👩‍👩‍👧‍👦🚀",
        "a/b.c%20d?e#f",
        "../../etc/passwd",
        "javascript:alert(1)",
        "&lt;b&gt;",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("x".repeat(255));
    names
}

async fn is_shown_literally(browser: &Browser, css: &str, name: &str) {
    let shown = browser.js(&format!("return document.querySelector('{css}').textContent")).await;
    assert_eq!(shown, name, "{css} on {}", browser.path().await);
}

async fn fits(browser: &Browser) {
    assert_eq!(browser.overflow(390).await, 0, "{}", browser.path().await);
}

#[tokio::test]
async fn hostile_project_names_are_shown_as_text() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.phone(390).await;
    let mut made = Vec::new();
    for name in names() {
        let reason = json!({"outcome": "failed", "duration_ms": 0, "reason": format!("because of {name}")});
        let id = server.create_as(&name, reason).await;
        server.until(&id, "failed").await;
        made.push((id, name));
    }
    browser.open("/dashboard/projects").await;
    fits(&browser).await;
    for (id, name) in &made {
        is_shown_literally(&browser, &format!("#p-{id} .name"), name).await;
        is_shown_literally(&browser, &format!("#p-{id} .note"), &format!("because of {name}")).await;
        let link = browser.js(&format!("return document.querySelector('#p-{id} .name').pathname")).await;
        assert_eq!(link, format!("/dashboard/projects/{id}"));
    }
    for (id, name) in &made {
        browser.open(&format!("/dashboard/projects/{id}")).await;
        is_shown_literally(&browser, "h1", name).await;
        is_shown_literally(&browser, ".callout .lead b", &format!("because of {name}")).await;
        assert_eq!(browser.js("return document.querySelector('title').textContent").await, format!("{name} · Provost"));
        fits(&browser).await;
        browser.open(&format!("/dashboard/projects/{id}/delete")).await;
        is_shown_literally(&browser, ".literal", name).await;
        fits(&browser).await;
    }
    browser.open("/dashboard/metrics").await;
    fits(&browser).await;
    assert!(browser.shows("because of <script>alert(1)</script>").await);
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn hostile_names_can_be_typed_searched_and_deleted() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    for name in ["\"><img src=x onerror=alert(1)>", "a/b.c%20d?e#f&g=h+i"] {
        browser.open("/dashboard/projects").await;
        browser.fill("#project-name", name).await;
        browser.choose("#template", "simulated").await;
        browser.press("Create project").await;
        browser.arrives("/dashboard/projects/").await;
        let id = browser.path().await.rsplit('/').next().unwrap().to_owned();
        server.until(&id, "ready").await;
        browser.open("/dashboard/projects").await;
        browser.fill("#search", name).await;
        browser.press("Search").await;
        browser.arrives("/dashboard/projects?status=&search=").await;
        is_shown_literally(&browser, "#rows .name", name).await;
        assert_eq!(browser.js("return document.querySelector('#search').value").await, name);
        browser.open(&format!("/dashboard/projects/{id}/delete")).await;
        browser.fill("#confirm-name", name).await;
        browser.press("Delete project").await;
        browser.wait_for_text("Deletion started.").await;
        server.until(&id, "deleted").await;
    }
    browser.open("/dashboard/projects?search=%3Cscript%3Ealert(1)%3C/script%3E").await;
    browser.wait_for_text("“<script>alert(1)</script>”").await;
    assert!(browser.page_errors().await.is_empty());
}
