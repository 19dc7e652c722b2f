//! Real projects: databases in a cluster of their own, on which clients start one operation after the other. At the end, the cluster
//! must hold exactly what the projects say.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provost::domain::{ProjectStatus, ProjectVerb};
use provost::embedded::{Embedded, Options};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::check::{Check, check};
use crate::fences::Truth;
use crate::harness::{Database, Server, connect};
use crate::node::Node;

/// The key of the secrets.
pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// How long a client waits for a server.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// The configuration of every process: a template that makes databases in this cluster.
const CONFIG: &str = "[clusters.test]\nurl_env = \"TENANTS_URL\"\n\
                      [templates.db]\nprovisioner = \"postgres\"\nsettings = { cluster = \"test\" }\nmax_attempts = 50\n\
                      [templates.db.parameters]\ntype = \"object\"\n";

/// The cluster for the databases of projects.
pub struct Tenants {
    server: Mutex<Embedded>,
    pub url: String,
}

impl Tenants {
    pub fn start(folder: &Path) -> Self {
        std::fs::write(folder.join("provost.toml"), CONFIG).unwrap();
        let settings = [("fsync", "off"), ("max_connections", "200"), ("shared_buffers", "32MB")];
        let options = Options {
            state_dir: folder.join("tenants"),
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            ..Options::default()
        };
        let server = Embedded::start(&options).unwrap_or_else(|error| panic!("chaos needs a PostgreSQL: {error}"));
        Self { url: server.url().to_owned(), server: Mutex::new(server) }
    }

    /// An immediate shutdown, which is like a crash, and a start with recovery. Blocks.
    pub fn crash(&self) {
        let mut server = self.server.lock().unwrap();
        _ = kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGQUIT);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !server.revive().unwrap_or(false) {
            assert!(Instant::now() < deadline, "the cluster of the projects does not come back");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The clients of the projects.
pub struct Lives {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Outcome>,
}

/// What one client did.
#[derive(Default)]
pub struct Outcome {
    /// Operations that were acknowledged.
    pub operations: usize,
    pub unexpected: Vec<String>,
}

impl Lives {
    /// Starts a client for each of this number of projects.
    pub fn start(number: usize, seed: u64, nodes: &Arc<Vec<Node>>, give_up: Instant) -> Self {
        let (stop, mut clients) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for n in 0..number {
            let http = Client::builder().timeout(TIMEOUT).build().unwrap();
            let rng = StdRng::seed_from_u64(seed ^ (n as u64) << 32 ^ 0x7072_6f6a);
            let life = Life { nodes: nodes.clone(), http, rng, give_up, outcome: Outcome::default(), serial: 0 };
            clients.spawn(life.run(stop.clone(), format!("chaos-project-{seed}-{n}")));
        }
        Self { stop, clients }
    }

    /// Waits until the operations in progress have ended.
    pub async fn end(self) -> Outcome {
        self.stop.store(true, Ordering::SeqCst);
        let mut whole = Outcome::default();
        for outcome in self.clients.join_all().await {
            whole.operations += outcome.operations;
            whole.unexpected.extend(outcome.unexpected);
        }
        whole
    }
}

struct Life {
    nodes: Arc<Vec<Node>>,
    http: Client,
    rng: StdRng,
    give_up: Instant,
    outcome: Outcome,
    serial: usize,
}

impl Life {
    /// One project after the other, and one operation after the other on each.
    async fn run(mut self, stop: Arc<AtomicBool>, name: String) -> Outcome {
        while !stop.load(Ordering::SeqCst) && Instant::now() < self.give_up {
            let Some(id) = self.create(&name).await else { break };
            while let Some(status) = self.settled(&id).await {
                if stop.load(Ordering::SeqCst) || status == ProjectStatus::Deleted {
                    break;
                }
                self.change(&id, status).await;
            }
        }
        self.outcome
    }

    async fn create(&mut self, name: &str) -> Option<String> {
        self.serial += 1;
        let key = format!("{name}-{}", self.serial);
        let body = json!({"name": name, "template": "db", "parameters": {"connections": 5}});
        while Instant::now() < self.give_up {
            let url = format!("{}/projects", self.node());
            let request = self.http.post(url).header("idempotency-key", &key).json(&body);
            if let Some((200 | 201, project)) = self.send(request, &[]).await {
                self.outcome.operations += 1;
                return project["id"].as_str().map(str::to_owned);
            }
        }
        None
    }

    /// Starts one of the operations that the status allows. Most projects are deleted in the end.
    async fn change(&mut self, id: &str, status: ProjectStatus) {
        let verbs = ProjectVerb::ALL.iter().copied().filter(|it| it.applies_to(status) && *it != ProjectVerb::Cancel);
        let verbs: Vec<ProjectVerb> = verbs.collect();
        let verb = verbs[self.rng.random_range(0..verbs.len())];
        let url = format!("{}/projects/{id}", self.node());
        let parameters = json!({"connections": self.rng.random_range(1..9)});
        let request = match verb {
            ProjectVerb::Update => self.http.patch(url).json(&json!({ "parameters": parameters })),
            ProjectVerb::Delete => self.http.request(Method::DELETE, url),
            verb => self.http.post(format!("{url}/{verb}")).json(&json!({})),
        };
        // An earlier request without an answer may have changed the status.
        if self.send(request, &[409]).await.is_some_and(|(code, _)| code < 300) {
            self.outcome.operations += 1;
        }
    }

    /// Waits until no operation is in progress.
    async fn settled(&mut self, id: &str) -> Option<ProjectStatus> {
        while Instant::now() < self.give_up {
            let url = format!("{}/projects/{id}", self.node());
            let request = self.http.get(url);
            if let Some((200, project)) = self.send(request, &[]).await {
                let status = ProjectStatus::parse(project["status"].as_str().unwrap_or_default())?;
                if !status.is_transient() {
                    return Some(status);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    fn node(&mut self) -> &str {
        &self.nodes[self.rng.random_range(0..self.nodes.len())].url
    }

    /// `None` if the outcome is unknown.
    async fn send(&mut self, request: reqwest::RequestBuilder, also: &[u16]) -> Option<(u16, Value)> {
        let Ok(response) = request.send().await else {
            tokio::time::sleep(PAUSE).await;
            return None;
        };
        let status = response.status().as_u16();
        let body = response.text().await.ok()?;
        match status {
            200..300 => Some((status, serde_json::from_str(&body).unwrap_or_default())),
            408 | 503 => {
                tokio::time::sleep(PAUSE).await;
                None
            }
            _ if also.contains(&status) => Some((status, Value::Null)),
            _ => {
                self.outcome.unexpected.push(format!("{status} {body}"));
                None
            }
        }
    }
}

/// Compares every project with the cluster.
pub async fn checks(tenants: &Tenants, database_url: &str, node: &Node, outcome: &Outcome) -> Vec<Check> {
    let (server, database) = (Server::at(&node.url), Database::at(database_url).await);
    let (truth, cluster) =
        (Truth { server: &server, database: &database, cluster: &tenants.url }, connect(&tenants.url).await);
    let (mut wrong, mut failed) = (Vec::new(), Vec::new());
    for row in database.rows("SELECT id::text, status FROM projects ORDER BY id", &[]).await {
        let (id, status): (String, String) = (row.get(0), row.get(1));
        match ProjectStatus::parse(&status) {
            Some(ProjectStatus::Failed) => failed.push(id),
            Some(status) => {
                let found = truth.of_project(&cluster, &id, status).await;
                wrong.extend(found.into_iter().map(|it| format!("{id}, {status}: {it}")));
            }
            None => wrong.push(format!("{id} is {status}")),
        }
    }
    vec![
        check("projects that differ from what exists", wrong),
        check("projects that failed", failed),
        check("remains in the cluster of the projects", truth.of_cluster(&cluster).await),
        check("unexpected responses about projects", outcome.unexpected.iter()),
    ]
}
