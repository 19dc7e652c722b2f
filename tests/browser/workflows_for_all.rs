//! Workflow pages: hostile names, no JavaScript, page weight.

use serde_json::{Value, json};

use super::flows::{CARDS, WorkflowFixtures, step_until, takes};
use super::plain::{plain, shows_no_script_only_controls};
use super::weight::{MOST, weight};
use crate::harness::{Browser, Database, Server};
use crate::workflows::{node, start_whole as start};

const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>\"><img src=x onerror=alert(1)>",
    "{{7*7}} ' OR 1=1 -- &lt;b&gt;",
    "قاعدة البيانات \u{202e}txt.exe",
    "</text></svg></title><script>alert(1)</script>",
    "👩‍👩‍👧‍👦🚀 a/b.c%20d?e#f",
];

#[tokio::test]
async fn hostile_workflow_and_step_names_are_shown_as_text() {
    let database = Database::new().await;
    let server = Server::with(&database.url, &[("PROVOST_WORKER_QUEUES", "default")]);
    let mut names: Vec<String> = HOSTILE.map(str::to_owned).to_vec();
    names.push("x".repeat(128));
    names.push("数".repeat(128));
    let mut steps: Vec<Value> = names.iter().map(|name| takes(name, 5, &[])).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    steps.push(takes("all", 1, &all));
    let mut last = takes("last", 1, &["all"]);
    last["queue"] = json!("nobody/serves:it");
    steps.push(last);
    let name = format!("{}{}", HOSTILE[0], "y".repeat(200 - HOSTILE[0].chars().count()));
    let id = start(&server, json!({"name": name, "steps": steps})).await;
    step_until(&server, &id, "last", "queued").await;
    let browser = Browser::on(&server).await;
    browser.phone(390).await;
    browser.open("/dashboard/workflows").await;
    assert_eq!(browser.js("return document.querySelector('#rows .name').textContent").await, name);
    assert_eq!(browser.overflow(390).await, 0);
    browser.open(&format!("/dashboard/workflows/{id}")).await;
    assert_eq!(browser.js("return document.querySelector('h1').textContent").await, name);
    assert_eq!(browser.overflow(390).await, 0);
    let shown = browser.js("return [...document.querySelectorAll('.steps .name')].map(it => it.textContent)").await;
    let cards = browser.js(CARDS).await;
    for name in &names {
        assert!(shown.as_array().unwrap().iter().any(|it| it == name), "{name} in the table");
        let says = |it: &Value| it["label"].as_str().unwrap().starts_with(&format!("{name}: Completed"));
        assert!(cards.as_array().unwrap().iter().any(says), "{name} in the drawing");
    }
    let job = node(&server, &id, HOSTILE[0]).await;
    browser.open(&format!("/dashboard/jobs/{}", job["job_id"].as_str().unwrap())).await;
    browser.wait_for_text(&format!("Step {} of workflow {name}", HOSTILE[0])).await;
    assert_eq!(browser.overflow(390).await, 0);
    browser.open(&format!("/dashboard/workflows/{id}/cancel")).await;
    assert_eq!(browser.js("return document.querySelector('#h-which').textContent").await, name);
    assert_eq!(browser.overflow(390).await, 0);
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn workflow_pages_stay_below_weight_limit() {
    let fixtures = WorkflowFixtures::shared().await;
    for (name, path) in fixtures.pages().await {
        let weight = weight(&fixtures.server, &path).await;
        println!("{weight:6} {name}");
        assert!(weight < MOST, "{name} weighs {weight} bytes");
    }
}

#[tokio::test]
async fn workflows_work_without_javascript() {
    let fixtures = WorkflowFixtures::new().await;
    let browser = plain(&fixtures.server).await;
    for (_, path) in fixtures.pages().await {
        browser.open(&path).await;
        shows_no_script_only_controls(&browser).await;
    }
    browser.open("/dashboard/workflows").await;
    browser.press("Start the demo workflow").await;
    browser.wait_for_text("Workflow started.").await;
    assert_eq!(browser.js("return document.querySelectorAll('.dag a').length").await, 6);
    browser.open(&format!("/dashboard/workflows/{}", fixtures.failed)).await;
    browser.press("Retry failed steps").await;
    browser.wait_for_text("Retrying the failed steps.").await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.running)).await;
    let clock = browser.js("return document.querySelector('.dag tspan[data-at]').textContent").await;
    assert!(clock.as_str().unwrap().starts_with("since "), "{clock}");
    browser.press("Cancel…").await;
    browser.press("Cancel workflow").await;
    let flash = browser.text(".flash").await;
    assert!(flash.contains("canceled"), "{flash}");
}
