//! Workflows: listed, drawn, told as a table, canceled, taken up again.

use serde_json::{Value, json};

use crate::harness::{Browser, Database, Server, eventually};

const SETTINGS: &[(&str, &str)] = &[("PROVOST_WORKER_CONCURRENCY", "8"), ("PROVOST_CANCEL_GRACE", "1h")];

/// A server with workflows in every state, by state.
pub struct Flows {
    pub server: Server,
    pub database: Database,
    pub running: String,
    pub completed: String,
    pub failed: String,
    pub canceled: String,
    /// Of more steps than are drawn.
    pub wide: String,
}

/// Starts a workflow; its id.
pub async fn start(server: &Server, wish: Value) -> String {
    let workflow = server.post("/workflows", wish).await.expect(201).json();
    workflow["id"].as_str().unwrap().to_owned()
}

/// Waits until a workflow is in this state.
pub async fn flow_until(server: &Server, id: &str, state: &str) {
    let is = async || {
        let workflow = server.get(&format!("/workflows/{id}")).await.expect(200).json();
        (workflow["state"] == state).then_some(())
    };
    eventually(&format!("the workflow is {state}"), is).await;
}

/// The job of a step.
async fn step(server: &Server, workflow: &str, name: &str) -> Value {
    let graph = server.get(&format!("/workflows/{workflow}/graph")).await.expect(200).json();
    graph["nodes"].as_array().unwrap().iter().find(|it| it["step"] == name).unwrap().clone()
}

async fn step_until(server: &Server, workflow: &str, name: &str, state: &str) {
    let is = async || (step(server, workflow, name).await["state"] == state).then_some(());
    eventually(&format!("{name} is {state}"), is).await;
}

/// A step that takes so many milliseconds.
fn takes(name: &str, ms: u64, depends_on: &[&str]) -> Value {
    json!({"name": name, "kind": "metadata.aggregate", "payload": {"fileId": name, "durationMs": ms}, "depends_on": depends_on})
}

/// A step that fails at once, for good.
fn fails(name: &str, depends_on: &[&str]) -> Value {
    json!({"name": name, "kind": "metadata.aggregate", "payload": {"fileId": name, "durationMs": 30, "forceError": true},
           "max_attempts": 1, "depends_on": depends_on})
}

/// An import whose steps are in as many states as there are.
fn import(check: Value) -> Value {
    json!({"name": "nightly import", "tenant": "acme", "steps": [
        takes("fetch orders", 300, &[]),
        takes("fetch customers", 700, &[]),
        check,
        takes("join", 200, &["fetch orders", "fetch customers"]),
        takes("load", 100, &["join", "check rates"]),
        {"name": "report", "kind": "report.generate", "payload": {"reportId": "r", "durationMs": 50}, "depends_on": ["load"]},
        {"name": "discard", "kind": "cleanup.run", "depends_on": [{"step": "check rates", "policy": "cancel"}]},
        {"name": "tell somebody", "kind": "user.notify", "payload": {"userId": "u", "channel": "email", "durationMs": 50},
         "depends_on": [{"step": "check rates", "policy": "allow_failed"}, "join"]},
    ]})
}

impl Flows {
    pub async fn new() -> Self {
        let database = Database::new().await;
        let server = Server::with(&database.url, SETTINGS);
        let steps: Vec<Value> = std::iter::once(takes("split", 5, &[]))
            .chain((0..230).map(|n| takes(&format!("part {n}"), 1, &["split"])))
            .collect();
        let wide = start(&server, json!({"name": "wide", "steps": steps})).await;
        flow_until(&server, &wide, "completed").await;
        let completed = start(&server, import(takes("check rates", 400, &["fetch orders"]))).await;
        flow_until(&server, &completed, "completed").await;
        let failed = start(&server, import(fails("check rates", &["fetch orders"]))).await;
        flow_until(&server, &failed, "failed").await;
        let canceled = start(
            &server,
            json!({"name": "not needed", "steps": [takes("first", 1, &[]),
            {"name": "later", "kind": "cleanup.run", "delay": "1h", "depends_on": ["first"]}]}),
        )
        .await;
        step_until(&server, &canceled, "later", "scheduled").await;
        server.post(&format!("/workflows/{canceled}/cancel"), json!({"reason": "not needed"})).await.expect(200);
        let sleep = json!({"name": "render", "kind": "sleep", "payload": {"seconds": 3600}, "depends_on": ["prepare"]});
        let running = start(&server, json!({"name": "movie", "steps": [takes("prepare", 60, &[]), sleep,
            takes("sound", 90, &["prepare"]), takes("subtitles", 40, &["sound"]), takes("publish", 20, &["render", "subtitles"]),
            {"name": "far away", "kind": "cleanup.run", "queue": "nobody/serves:it", "depends_on": ["prepare"]}]}))
        .await;
        step_until(&server, &running, "render", "active").await;
        step_until(&server, &running, "subtitles", "completed").await;
        Self { database, running, completed, failed, canceled, wide, server }
    }

    /// Every page, with a name for it.
    pub async fn pages(&self) -> Vec<(&'static str, String)> {
        let flow = |id: &str| format!("/dashboard/workflows/{id}");
        let job = async |workflow: &str, name: &str| {
            format!("/dashboard/jobs/{}", step(&self.server, workflow, name).await["job_id"].as_str().unwrap())
        };
        vec![
            ("workflows", "/dashboard/workflows".to_owned()),
            ("workflows-failed", "/dashboard/workflows?state=failed&tenant=acme".to_owned()),
            ("workflows-no-match", "/dashboard/workflows?state=completed&search=nothing".to_owned()),
            ("workflow-running", flow(&self.running)),
            ("workflow-completed", flow(&self.completed)),
            ("workflow-failed", flow(&self.failed)),
            ("workflow-canceled", flow(&self.canceled)),
            ("workflow-wide", flow(&self.wide)),
            ("workflow-wide-rank", flow(&format!("{}?rank=2&state=completed&page=2", self.wide))),
            ("workflow-cancel", flow(&format!("{}/cancel", self.running))),
            ("workflow-cancel-blocked", flow(&format!("{}/cancel", self.completed))),
            ("job-step-blocked", job(&self.failed, "load").await),
            ("job-step-doomed", job(&self.failed, "discard").await),
            ("job-step-failed", job(&self.failed, "check rates").await),
            ("no-such-workflow", flow("01900000-0000-7000-8000-000000000000")),
        ]
    }
}

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
    browser.sees("Started. This page shows every step.").await;
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
    browser.sees("5 of 8 steps 1 failed, 1 canceled, 1 blocked").await;
    browser.press("All 5").await;
    browser.fill("#search", "IMPORT").await;
    browser.fill("#f-tenant", "acme").await;
    browser.press("Filter").await;
    browser.arrives("/dashboard/workflows?tenant=acme&search=IMPORT").await;
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

/// What the cards of the drawing say, in the order of the document.
const CARDS: &str = "return [...document.querySelectorAll('.dag a')].map(it => ({x: Number(it.querySelector('svg').getAttribute('x')), \
    y: Number(it.querySelector('svg').getAttribute('y')), href: it.getAttribute('href'), label: it.getAttribute('aria-label')}))";

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
    browser.sees("1 step failed, and 1 waits for it.").await;
    browser.sees("depends on check rates, which failed: it goes on when that is tried again and completes").await;
    browser.sees("check rates (however it ends), join").await;
    // By hand: the container takes the focus, and then each card in turn.
    browser.js("document.querySelector('.dag').focus()").await;
    for card in cards {
        browser.keys(crate::harness::key::TAB).await;
        let href = browser.js("return document.activeElement.getAttribute('href')").await;
        assert_eq!(href, card["href"]);
    }
    browser.keys(crate::harness::key::ENTER).await;
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
    browser.text("#wf-desc").await;
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
    browser.press("Back, change nothing").await;
    browser.press("Cancel…").await;
    browser.fill("#reason", "wrong film").await;
    browser.press("Cancel a workflow").await;
    browser.sees("Canceled what waited, and asked to stop what is active.").await;
    flow_until(server, &flows.running, "canceled").await;
    browser.open(&format!("/dashboard/workflows/{}", flows.running)).await;
    assert!(!browser.shows("Cancel…").await);

    let failed = format!("/dashboard/workflows/{}", flows.failed);
    let check = step(server, &flows.failed, "check rates").await;
    let payload = json!({"payload": {"fileId": "mended", "durationMs": 5}, "reason": "mended"});
    server.post(&format!("/dlq/{}/replay", check["job_id"].as_str().unwrap()), payload).await;
    flow_until(server, &flows.failed, "completed").await;
    let again = start(server, import(fails("check rates", &[]))).await;
    flow_until(server, &again, "failed").await;
    browser.open(&format!("/dashboard/workflows/{again}")).await;
    browser.press("Retry failed steps").await;
    browser.sees("Retrying what failed. What waited for it goes on from there.").await;
    flow_until(server, &again, "failed").await;
    browser.open(&failed).await;
    browser.sees("Taken up again").await;
    assert!(!browser.shows("Retry failed steps").await);
    // Somebody else was faster.
    let form = [("confirmed", "1")];
    for act in ["retry", "cancel"] {
        let answer = server.form(&format!("{failed}/{act}"), &form).await;
        assert_eq!(answer.status, 303, "{act}");
        assert!(answer.header("set-cookie").contains("workflow-refused.completed"), "{act}");
    }
}

#[tokio::test]
async fn a_job_says_what_it_waits_for_what_waits_for_it_and_what_canceled_it() {
    let flows = Flows::new().await;
    let browser = Browser::on(&flows.server).await;
    let page = async |name: &str| {
        format!("/dashboard/jobs/{}", step(&flows.server, &flows.failed, name).await["job_id"].as_str().unwrap())
    };
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
