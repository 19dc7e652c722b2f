//! A server on which every workflow page has content.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::{Database, Server, eventually};
use crate::workflows::{job_of, node, start_whole as start, until};

const SETTINGS: &[(&str, &str)] =
    &[("PROVOST_WORKER_CONCURRENCY", "8"), ("PROVOST_WORKER_QUEUES", "default"), ("PROVOST_CANCEL_GRACE", "1h")];

/// A server with workflows in every state, and their ids.
pub struct WorkflowFixtures {
    pub server: Server,
    _database: Database,
    pub running: String,
    pub completed: String,
    pub failed: String,
    pub canceled: String,
    /// A workflow with more steps than the graph draws.
    pub wide: String,
}

pub async fn step_until(server: &Server, workflow: &str, name: &str, state: &str) {
    let is = async || (node(server, workflow, name).await["state"] == state).then_some(());
    eventually(&format!("{name} is {state}"), is).await;
}

/// A step that runs for this many milliseconds.
pub fn takes(name: &str, ms: u64, depends_on: &[&str]) -> Value {
    json!({"name": name, "kind": "metadata.aggregate", "payload": {"fileId": name, "durationMs": ms}, "depends_on": depends_on})
}

/// A step that fails permanently on its first attempt.
pub fn fails(name: &str, depends_on: &[&str]) -> Value {
    json!({"name": name, "kind": "metadata.aggregate", "payload": {"fileId": name, "durationMs": 30, "forceError": true},
           "max_attempts": 1, "depends_on": depends_on})
}

/// An import with steps in every state.
pub fn import(check: Value) -> Value {
    json!({"name": "nightly import", "tenant": "acme", "steps": [
        takes("fetch orders", 300, &[]),
        takes("fetch customers", 700, &[]),
        check,
        takes("join", 200, &["fetch orders", "fetch customers"]),
        takes("load", 100, &["join", "check rates"]),
        {"name": "report", "kind": "report.generate", "payload": {"reportId": "r", "durationMs": 50}, "depends_on": ["load"]},
        {"name": "discard", "kind": "cleanup.run", "depends_on": [{"step": "check rates", "policy": "cancel"}]},
        {"name": "notify user", "kind": "user.notify", "payload": {"userId": "u", "channel": "email", "durationMs": 50},
         "depends_on": [{"step": "check rates", "policy": "allow_failed"}, "join"]},
    ]})
}

impl WorkflowFixtures {
    /// The server that all read-only tests share.
    pub async fn shared() -> Self {
        static SHARED: OnceCell<WorkflowFixtures> = OnceCell::const_new();
        let shared = SHARED.get_or_init(Self::new).await;
        Self {
            _database: Database::at(&shared._database.url).await,
            server: Server::at(&shared.server.url),
            running: shared.running.clone(),
            completed: shared.completed.clone(),
            failed: shared.failed.clone(),
            canceled: shared.canceled.clone(),
            wide: shared.wide.clone(),
        }
    }

    pub async fn new() -> Self {
        let database = Database::new().await;
        let server = Server::with(&database.url, SETTINGS);
        let steps: Vec<Value> = std::iter::once(takes("split", 5, &[]))
            .chain((0..230).map(|n| takes(&format!("part {n}"), 1, &["split"])))
            .collect();
        let wide = start(&server, json!({"name": "wide", "steps": steps})).await;
        until(&server, &wide, "completed").await;
        let completed = start(&server, import(takes("check rates", 400, &["fetch orders"]))).await;
        until(&server, &completed, "completed").await;
        let failed = start(&server, import(fails("check rates", &["fetch orders"]))).await;
        until(&server, &failed, "failed").await;
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
        Self { _database: database, running, completed, failed, canceled, wide, server }
    }

    /// Every page, with a name.
    pub async fn pages(&self) -> Vec<(&'static str, String)> {
        let flow = |id: &str| format!("/dashboard/workflows/{id}");
        let job = async |workflow: &str, name: &str| {
            format!("/dashboard/jobs/{}", job_of(&self.server, workflow, name).await)
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

/// The texts of the graph cards, in document order.
pub const CARDS: &str = "return [...document.querySelectorAll('.dag a')].map(it => ({x: it.querySelector('.face').getBoundingClientRect().x, \
    y: it.querySelector('.face').getBoundingClientRect().y, href: it.getAttribute('href'), \
    label: [...it.querySelectorAll('text:not([aria-hidden])')].map(text => text.textContent).join(': ')}))";
