//! Workflows are listed, drawn, canceled and retried.

use serde_json::json;

use super::flows::{CARDS, WorkflowFixtures, fails, import, takes};
use crate::harness::{Browser, Database, Server, key};
use crate::workflows::{job_of, node, start_whole as start, until};

#[tokio::test]
async fn demo_workflow_runs_to_completion() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/workflows").await;
    browser.wait_for_text("A workflow is a set of jobs with dependencies").await;
    browser.wait_for_text("/workflows/demo/thumbnail").await;
    browser.press("Start the demo workflow").await;
    browser.wait_for_text("Workflow started.").await;
    browser.arrives("/dashboard/workflows/").await;
    assert_eq!(browser.text("h1").await, "thumbnail demo");
    browser.until("it is done", "document.querySelector('.head .badge')?.innerText === 'Completed'").await;
    browser.wait_for_text("6 of 6 steps").await;
    browser
        .until("polling has stopped", "document.querySelector('#live-state').innerText === 'Final; no further updates'")
        .await;
    browser.press("Workflows").await;
    browser.until("the list", "document.querySelector('#rows .name')").await;
    assert_eq!(browser.texts("#rows .badge").await, ["Completed"]);
    assert!(browser.text("#rows td:nth-child(3)").await.contains("6 of 6 steps"));
    let errors = browser.page_errors().await;
    assert!(errors.is_empty(), "{errors:#?}");
}

#[tokio::test]
async fn workflow_list_is_filtered_and_paged() {
    let fixtures = WorkflowFixtures::new().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open("/dashboard/workflows").await;
    assert_eq!(browser.texts("#rows .name").await, ["movie", "not needed", "nightly import", "nightly import", "wide"]);
    assert_eq!(browser.text("#nav-workflows").await, "1");
    browser.press("Failed 1").await;
    browser.until("only failed workflows", "document.querySelectorAll('#rows .name').length === 1").await;
    browser.wait_for_text("4 of 8 steps 1 failed, 1 canceled, 2 blocked").await;
    browser.press("All 5").await;
    browser.fill("#search", "IMPORT").await;
    browser.fill("#f-tenant", "acme").await;
    browser.press("Filter").await;
    browser.arrives("/dashboard/workflows?search=IMPORT&tenant=acme").await;
    assert_eq!(browser.texts("#rows .name").await, ["nightly import", "nightly import"]);
    browser.open("/dashboard/workflows?search=nothing&state=completed").await;
    browser.wait_for_text("No workflows with state Completed, name “nothing”.").await;
    for n in 0..26 {
        start(&fixtures.server, json!({"name": format!("many {n}"), "steps": [takes("one", 1, &[])]})).await;
    }
    browser.open("/dashboard/workflows?search=many").await;
    browser.wait_for_text("25 of 26").await;
    browser.press("Older").await;
    browser.until("the last one", "document.querySelectorAll('#rows .name').length === 1").await;
    browser.press("Newest").await;
    browser.until("the first page", "document.querySelectorAll('#rows .name').length === 25").await;
    assert_eq!(fixtures.server.get("/dashboard/workflows?state=nonsense").await.status, 400);
}

#[tokio::test]
async fn drawing_and_table_have_same_order_and_states() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.failed)).await;
    let cards = browser.js(CARDS).await;
    let cards = cards.as_array().unwrap();
    assert_eq!(cards.len(), 8);
    assert!(
        cards.is_sorted_by_key(|it| (it["x"].as_f64().unwrap() as i64, it["y"].as_f64().unwrap() as i64)),
        "{cards:#?}"
    );
    let rows = browser
        .js("return [...document.querySelectorAll('.steps tbody tr')].map(row => [row.querySelector('.name').getAttribute('href'), \
             row.querySelector('.name').innerText + ': ' + row.querySelector('.badge').innerText])")
        .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for (card, row) in cards.iter().zip(rows) {
        assert_eq!(card["href"], row[0]);
        assert!(card["label"].as_str().unwrap().starts_with(row[1].as_str().unwrap()), "{card} {row}");
    }
    for look in ["", "unmet", "bad", "critical"] {
        let there = format!(
            "return document.querySelectorAll('.dag .edge{}').length",
            if look.is_empty() { String::new() } else { format!(".{look}") }
        );
        assert_ne!(browser.js(&there).await, 0, "edges of style {look:?}");
    }
    browser.wait_for_text("1 step failed; 2 steps wait for it.").await;
    browser.wait_for_text("depends on check rates, which failed; a successful retry unblocks it").await;
    browser.wait_for_text("check rates (any outcome), join").await;
    // Keyboard focus enters the container, then visits each card.
    browser.js("document.querySelector('.dag').focus()").await;
    for card in cards {
        browser.keys(key::TAB).await;
        let href = browser.js("return document.activeElement.getAttribute('href')").await;
        assert_eq!(href, card["href"]);
    }
    browser.keys(key::ENTER).await;
    browser.arrives("/dashboard/jobs/").await;
    browser.wait_for_text("of workflow nightly import").await;
}

#[tokio::test]
async fn active_step_counts_seconds_in_drawing() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.prefer("poll=1").await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.running)).await;
    let counts = r"/^\d+ (s|m \d+ s)$/.test(document.querySelector('.dag tspan[data-at]')?.textContent)";
    browser.until("the seconds are counted", counts).await;
    browser.further_polls(2).await;
    browser.until("the seconds are still counted", counts).await;
    assert_eq!(browser.texts(".dag + .legend li").await.len(), 3);
    browser.wait_for_text("the longest chain").await;
    let description = browser.js("return document.querySelector('#wf-desc').textContent").await;
    assert!(description.as_str().unwrap().contains("Run times: prepare"), "{description}");
}

#[tokio::test]
async fn large_workflow_is_listed_by_stage_and_paged() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.wide)).await;
    assert_eq!(browser.js("return document.querySelectorAll('.dag').length").await, 0);
    browser.wait_for_text("230 steps 230 completed").await;
    browser.wait_for_text("Steps 1 to 200 of 231").await;
    browser.wait_for_text("60 of 231 started steps: the critical path and the longest").await;
    browser.press("Next").await;
    browser.wait_for_text("Steps 201 to 231 of 231").await;
    browser.js("document.querySelector('.ranks .name').scrollIntoView({block: 'center'})").await;
    browser.press("Stage 1").await;
    browser.wait_for_text("Stage 1 only.").await;
    assert_eq!(browser.texts(".steps .name").await, ["split"]);
    browser.press("Show all stages").await;
    browser.until("all of them", "document.querySelectorAll('.steps .name').length === 200").await;
    let answer = fixtures.server.get(&format!("/dashboard/workflows/{}?page=0", fixtures.wide)).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn workflow_is_canceled_and_failed_steps_are_retried() {
    let fixtures = WorkflowFixtures::new().await;
    let server = &fixtures.server;
    let browser = Browser::on(server).await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.running)).await;
    browser.press("Cancel…").await;
    browser.wait_for_text("2 waiting steps are canceled immediately.").await;
    browser.wait_for_text("1 active step is asked to stop").await;
    browser.press("Go back").await;
    browser.press("Cancel…").await;
    browser.fill("#reason", "wrong film").await;
    browser.press("Cancel workflow").await;
    // The active step may already have stopped when the page is drawn.
    let message = browser.text(".flash").await;
    assert!(message.contains("canceled"), "{message}");
    until(server, &fixtures.running, "canceled").await;
    browser.open(&format!("/dashboard/workflows/{}", fixtures.running)).await;
    assert!(!browser.shows("Cancel…").await);

    let failed = format!("/dashboard/workflows/{}", fixtures.failed);
    let check = node(server, &fixtures.failed, "check rates").await;
    browser.open(&format!("/dashboard/dead-letters/{}/replay", check["job_id"].as_str().unwrap())).await;
    browser.fill("#payload", "{\"fileId\": \"fixed\"}").await;
    browser.press("Replay").await;
    until(server, &fixtures.failed, "completed").await;
    let again = start(server, import(fails("check rates", &[]))).await;
    until(server, &again, "failed").await;
    browser.open(&format!("/dashboard/workflows/{again}")).await;
    browser.press("Retry failed steps").await;
    browser.wait_for_text("Retrying the failed steps. Their dependents run afterwards.").await;
    until(server, &again, "failed").await;
    browser.open(&failed).await;
    browser.wait_for_text("Retried").await;
    assert!(!browser.shows("Retry failed steps").await);
    // Another operator acted first.
    for action in ["retry", "cancel"] {
        browser.open(&failed).await;
        let post = format!(
            "const form = document.createElement('form'); form.method = 'post'; form.action = '{failed}/{action}'; \
             form.innerHTML = '<input name=confirmed value=1>'; document.body.append(form); form.submit()"
        );
        browser.js(&post).await;
        browser.wait_for_text("Nothing was changed: the workflow is now completed.").await;
    }
}

#[tokio::test]
async fn job_shows_dependencies_dependents_and_cancel_cause() {
    let fixtures = WorkflowFixtures::shared().await;
    let browser = Browser::on(&fixtures.server).await;
    let page = async |name: &str| format!("/dashboard/jobs/{}", job_of(&fixtures.server, &fixtures.failed, name).await);
    browser.open(&page("load").await).await;
    browser.wait_for_text("Step load of workflow nightly import").await;
    browser.wait_for_text("The job depends on check rates, which failed").await;
    let verdicts = browser.texts("[aria-labelledby=h-on] td:nth-child(3) .badge").await;
    assert_eq!(verdicts, ["Not until retried", "Yes"]);
    browser.press("check rates").await;
    browser.until("the failed step", "document.querySelector('[aria-labelledby=h-by]')").await;
    let verdicts = browser.texts("[aria-labelledby=h-by] td:nth-child(3) .badge").await;
    assert_eq!(verdicts.len(), 3);
    browser.press("discard").await;
    browser.wait_for_text("See check rates").await;
    browser.wait_for_text("Canceled if the dependency fails.").await;
}
