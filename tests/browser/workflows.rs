//! Workflows: listed, drawn, told as a table, canceled, taken up again.

use serde_json::json;

use super::flows::{CARDS, Flows, fails, import, takes};
use crate::harness::{Browser, Database, Server, key};
use crate::workflows::{job_of, node, start_whole as start, until};

#[tokio::test]
async fn the_demonstration_starts_from_the_empty_list_and_is_followed_to_its_end() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let browser = Browser::on(&server).await;
    browser.prefer("poll=1").await;
    browser.open("/dashboard/workflows").await;
    browser.sees("A workflow is a set of jobs that wait for each other").await;
    browser.sees("/workflows/demo/thumbnail").await;
    browser.press("Start the demo workflow").await;
    browser.sees("Started.").await;
    browser.arrives("/dashboard/workflows/").await;
    assert_eq!(browser.text("h1").await, "thumbnail demo");
    browser.until("it is done", "document.querySelector('.head .badge')?.innerText === 'Completed'").await;
    browser.sees("6 of 6 steps").await;
    browser
        .until("nothing moves any more", "document.querySelector('#live-state').innerText === 'Final, not polling'")
        .await;
    browser.press("Workflows").await;
    browser.until("the list", "document.querySelector('#rows .name')").await;
    assert_eq!(browser.texts("#rows .badge").await, ["Completed"]);
    assert!(browser.text("#rows td:nth-child(3)").await.contains("6 of 6 steps"));
    let crimes = browser.crimes().await;
    assert!(crimes.is_empty(), "{crimes:#?}");
}

#[tokio::test]
async fn the_list_is_narrowed_by_state_tenant_and_name_and_has_pages() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    browser.open("/dashboard/workflows").await;
    assert_eq!(browser.texts("#rows .name").await, ["movie", "not needed", "nightly import", "nightly import", "wide"]);
    assert_eq!(browser.text("#nav-workflows").await, "1");
    browser.press("Failed 1").await;
    browser.until("only what failed", "document.querySelectorAll('#rows .name').length === 1").await;
    browser.sees("4 of 8 steps 1 failed, 1 canceled, 2 blocked").await;
    browser.press("All 5").await;
    browser.fill("#search", "IMPORT").await;
    browser.fill("#f-tenant", "acme").await;
    browser.press("Filter").await;
    browser.arrives("/dashboard/workflows?search=IMPORT&tenant=acme").await;
    assert_eq!(browser.texts("#rows .name").await, ["nightly import", "nightly import"]);
    browser.open("/dashboard/workflows?search=nothing&state=completed").await;
    browser.sees("Nothing in the state Completed with “nothing” in its name.").await;
    for n in 0..26 {
        start(&flows.server, json!({"name": format!("many {n}"), "steps": [takes("one", 1, &[])]})).await;
    }
    browser.open("/dashboard/workflows?search=many").await;
    browser.sees("25 of 26").await;
    browser.press("Older").await;
    browser.until("the last one", "document.querySelectorAll('#rows .name').length === 1").await;
    browser.press("Newest").await;
    browser.until("the first page", "document.querySelectorAll('#rows .name').length === 25").await;
    assert_eq!(flows.server.get("/dashboard/workflows?state=nonsense").await.status, 400);
}

#[tokio::test]
async fn the_drawing_is_read_rank_by_rank_and_the_table_says_the_same() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    browser.open(&format!("/dashboard/workflows/{}", flows.failed)).await;
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
        assert_ne!(browser.js(&there).await, 0, "edges that look {look:?}");
    }
    browser.sees("1 step failed, and 2 wait for it.").await;
    browser.sees("depends on check rates, which failed: it goes on when that is tried again and completes").await;
    browser.sees("check rates (however it ends), join").await;
    // By hand: the container takes the focus, and then each card in turn.
    browser.js("document.querySelector('.dag').focus()").await;
    for card in cards {
        browser.keys(key::TAB).await;
        let href = browser.js("return document.activeElement.getAttribute('href')").await;
        assert_eq!(href, card["href"]);
    }
    browser.keys(key::ENTER).await;
    browser.arrives("/dashboard/jobs/").await;
    browser.sees("of workflow nightly import").await;
}

#[tokio::test]
async fn what_is_active_counts_its_seconds_in_the_drawing_too() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    browser.prefer("poll=1").await;
    browser.open(&format!("/dashboard/workflows/{}", flows.running)).await;
    let counts = r"/^\d+ (s|m \d+ s)$/.test(document.querySelector('.dag tspan[data-at]')?.textContent)";
    browser.until("it counts", counts).await;
    browser.further_polls(2).await;
    browser.until("it still counts", counts).await;
    assert_eq!(browser.texts(".dag + .legend li").await.len(), 3);
    browser.sees("what holds up the whole").await;
    let told = browser.js("return document.querySelector('#wf-desc').textContent").await;
    assert!(told.as_str().unwrap().contains("How long each ran: prepare"), "{told}");
}

#[tokio::test]
async fn too_many_steps_to_draw_are_listed_by_rank_and_all_can_be_reached() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    browser.open(&format!("/dashboard/workflows/{}", flows.wide)).await;
    assert_eq!(browser.js("return document.querySelectorAll('.dag').length").await, 0);
    browser.sees("230 steps 230 completed").await;
    browser.sees("Steps 1 to 200 of 231").await;
    browser.sees("the critical path and the longest: 60 of 231 steps that began").await;
    browser.press("Next").await;
    browser.sees("Steps 201 to 231 of 231").await;
    browser.js("document.querySelector('.ranks .name').scrollIntoView({block: 'center'})").await;
    browser.press("Rank 1").await;
    browser.sees("Only those of rank 1.").await;
    assert_eq!(browser.texts(".steps .name").await, ["split"]);
    browser.press("Show all ranks").await;
    browser.until("all of them", "document.querySelectorAll('.steps .name').length === 200").await;
    let answer = flows.server.get(&format!("/dashboard/workflows/{}?page=0", flows.wide)).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_workflow_is_canceled_with_a_question_and_taken_up_again_from_what_failed() {
    let flows = Flows::new().await;
    let server = &flows.server;
    let browser = Browser::on(server).await;
    browser.open(&format!("/dashboard/workflows/{}", flows.running)).await;
    browser.press("Cancel…").await;
    browser.sees("2 steps that have not begun are called off at once.").await;
    browser.sees("1 step that is active is asked to stop").await;
    browser.press("Go back").await;
    browser.press("Cancel…").await;
    browser.fill("#reason", "wrong film").await;
    browser.press("Cancel a workflow").await;
    browser.sees("Canceled what waited, and asked to stop what is active.").await;
    until(server, &flows.running, "canceled").await;
    browser.open(&format!("/dashboard/workflows/{}", flows.running)).await;
    assert!(!browser.shows("Cancel…").await);

    let failed = format!("/dashboard/workflows/{}", flows.failed);
    let check = node(server, &flows.failed, "check rates").await;
    browser.open(&format!("/dashboard/dead-letters/{}/replay", check["job_id"].as_str().unwrap())).await;
    browser.fill("#payload", "{\"fileId\": \"mended\"}").await;
    browser.press("Replay").await;
    until(server, &flows.failed, "completed").await;
    let again = start(server, import(fails("check rates", &[]))).await;
    until(server, &again, "failed").await;
    browser.open(&format!("/dashboard/workflows/{again}")).await;
    browser.press("Retry failed steps").await;
    browser.sees("Retrying what failed. What waited for it goes on from there.").await;
    until(server, &again, "failed").await;
    browser.open(&failed).await;
    browser.sees("Taken up again").await;
    assert!(!browser.shows("Retry failed steps").await);
    // Somebody else was faster.
    for act in ["retry", "cancel"] {
        browser.open(&failed).await;
        let post = format!(
            "const form = document.createElement('form'); form.method = 'post'; form.action = '{failed}/{act}'; \
             form.innerHTML = '<input name=confirmed value=1>'; document.body.append(form); form.submit()"
        );
        browser.js(&post).await;
        browser.sees("Not done: the workflow is completed now.").await;
    }
}

#[tokio::test]
async fn a_job_says_what_it_waits_for_what_waits_for_it_and_what_canceled_it() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    let page = async |name: &str| format!("/dashboard/jobs/{}", job_of(&flows.server, &flows.failed, name).await);
    browser.open(&page("load").await).await;
    browser.sees("Step load of workflow nightly import").await;
    browser.sees("It depends on check rates, which failed").await;
    let verdicts = browser.texts("[aria-labelledby=h-on] td:nth-child(3) .badge").await;
    assert_eq!(verdicts, ["Not until it is retried", "Yes"]);
    browser.press("check rates").await;
    browser.until("the failed step", "document.querySelector('[aria-labelledby=h-by]')").await;
    let verdicts = browser.texts("[aria-labelledby=h-by] td:nth-child(3) .badge").await;
    assert_eq!(verdicts.len(), 3);
    browser.press("discard").await;
    browser.sees("it depends on check rates, which failed. Look at check rates").await;
    browser.sees("Is canceled if it fails.").await;
}
