//! Clients and their ledger: which job was requested under which key, and the response.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::flows::{self, Step};
use crate::node::Node;
use crate::options::Options;

/// How many requests run at once.
const CONCURRENCY: usize = 32;
/// How long a client waits for a server, and how long it avoids a server that did not respond, so that one frozen
/// server does not take most of the load off the others.
const TIMEOUT: Duration = Duration::from_secs(2);
const AVOIDED_MS: u64 = 1000;

/// A job or workflow to create.
#[derive(Clone, Debug)]
pub struct PlannedRequest {
    pub key: String,
    /// The path of the request.
    pub path: &'static str,
    pub body: String,
    /// Whether its handler fails permanently.
    pub dies: bool,
    /// The number of follow-up jobs.
    pub next: usize,
    /// Whether a limit or a low priority may delay it.
    pub held_back: bool,
    /// The steps of a workflow; empty for a job.
    pub steps: Vec<Step>,
}

/// The outcome of the requests.
#[derive(Default, Debug)]
pub struct Ledger {
    /// The acknowledged jobs by id.
    pub acked: BTreeMap<Uuid, PlannedRequest>,
    /// The acknowledged workflows by id.
    pub flows: BTreeMap<Uuid, PlannedRequest>,
    pub requests: usize,
    /// Rejected with 503.
    pub refused: usize,
    /// No response, or one that leaves the outcome unknown.
    pub unknown: usize,
    /// Unknown at first, and found when repeated.
    pub recovered: usize,
    /// Responses that must not happen.
    pub unexpected: Vec<String>,
    /// Keys that were never acknowledged.
    pub given_up: Vec<String>,
}

/// The jobs and workflows of a run, derived from its seed.
pub fn plan(options: &Options) -> Vec<PlannedRequest> {
    let mut rng = StdRng::seed_from_u64(options.seed);
    let lease = options.lease.as_millis() as f64;
    let mut plan: Vec<PlannedRequest> = (0..options.jobs).map(|n| planned(n, &mut rng, options, lease)).collect();
    let flows = flows::plan(options);
    let every = plan.len().div_ceil(flows.len().max(1)) + 1;
    for (n, flow) in flows.into_iter().enumerate() {
        plan.insert((n * every).min(plan.len()), flow);
    }
    plan
}

fn planned(n: usize, rng: &mut StdRng, options: &Options, lease: f64) -> PlannedRequest {
    let long = rng.random_bool(options.long);
    let work_ms = match rng.random_range(0..10) {
        _ if long => (lease * rng.random_range(0.5..1.5)) as u64,
        0 => 50,
        _ => rng.random_range(1..6),
    };
    let dies = rng.random_bool(0.01);
    let fails = if rng.random_bool(0.05) { rng.random_range(1..3) } else { 0 };
    let next = if rng.random_bool(0.05) { rng.random_range(1..3) } else { 0 };
    let queue = match rng.random_range(0..20) {
        0 if !long => "narrow",
        1 => "other",
        _ => "default",
    };
    let tenant = ["one", "two", "three", "metered"][rng.random_range(0..4)];
    let key = format!("chaos-{}-{n}", options.seed);
    let follower = json!({"kind": "ledger", "payload": {"work_ms": 2}, "max_attempts": 50, "tenant": tenant});
    let mut body = json!({
        "kind": "ledger", "queue": queue, "tenant": tenant, "max_attempts": 50, "backoff": {"base": 0.2, "max": 2},
        "payload": {"work_ms": work_ms, "fail_times": fails, "refuse": dies, "next": vec![follower; next]},
    });
    let priority = if rng.random_bool(0.1) { rng.random_range(0..10) } else { 5 };
    body["priority"] = priority.into();
    let held_back = queue == "narrow" || tenant == "metered" || priority < 5;
    PlannedRequest { key, path: "/jobs", body: body.to_string(), dies, next, held_back, steps: Vec::new() }
}

/// Sends all requests, evenly over the time of the faults, and repeats each until it is acknowledged.
pub async fn send_all(plan: Vec<PlannedRequest>, nodes: Arc<Vec<Node>>, over: Duration, give_up: Instant) -> Ledger {
    let (plan, next) = (Arc::new(plan), Arc::new(AtomicUsize::new(0)));
    let avoided_until: Arc<Vec<AtomicU64>> = Arc::new(nodes.iter().map(|_| AtomicU64::new(0)).collect());
    let (started, pause) = (Instant::now(), over.div_f64(plan.len().max(1) as f64));
    let mut clients = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (plan, next, nodes, avoided_until) = (plan.clone(), next.clone(), nodes.clone(), avoided_until.clone());
        clients.spawn(async move {
            let http = reqwest::Client::builder().timeout(TIMEOUT).build().unwrap();
            let mut ledger = Ledger::default();
            let choose = || choose(&avoided_until, started);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(planned) = plan.get(n) else { return ledger };
                tokio::time::sleep_until((started + pause.mul_f64(n as f64)).into()).await;
                send(&http, &nodes, choose, planned, give_up, &mut ledger).await;
            }
        });
    }
    let mut whole = Ledger::default();
    for ledger in clients.join_all().await {
        whole.requests += ledger.requests;
        whole.refused += ledger.refused;
        whole.unknown += ledger.unknown;
        whole.recovered += ledger.recovered;
        whole.acked.extend(ledger.acked);
        whole.flows.extend(ledger.flows);
        whole.unexpected.extend(ledger.unexpected);
        whole.given_up.extend(ledger.given_up);
    }
    whole
}

/// Chooses a server, preferably one that responded lately, and returns a function to report that it did not.
fn choose(avoided_until: &[AtomicU64], started: Instant) -> (usize, impl Fn()) {
    let now = move || started.elapsed().as_millis() as u64;
    let first = rand::random_range(0..avoided_until.len());
    let candidates = (0..avoided_until.len()).map(|n| (first + n) % avoided_until.len());
    let well = candidates.into_iter().find(|at| avoided_until[*at].load(Ordering::Relaxed) <= now()).unwrap_or(first);
    (well, move || avoided_until[well].store(now() + AVOIDED_MS, Ordering::Relaxed))
}

async fn send<S: Fn()>(
    http: &reqwest::Client,
    nodes: &[Node],
    choose: impl Fn() -> (usize, S),
    planned: &PlannedRequest,
    give_up: Instant,
    ledger: &mut Ledger,
) {
    let mut unknown = false;
    while Instant::now() < give_up {
        let (at, avoid) = choose();
        let request = http.post(format!("{}{}", nodes[at].url, planned.path)).header("idempotency-key", &planned.key);
        let request = request.header("content-type", "application/json").body(planned.body.clone());
        ledger.requests += 1;
        let answer = async {
            let answer = request.send().await?;
            let (status, replayed) = (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"));
            Ok::<_, reqwest::Error>((status, replayed, answer.text().await?))
        };
        match answer.await {
            Ok((200 | 201, replayed, text)) => {
                let job: Value = serde_json::from_str(&text).unwrap_or_default();
                match job["id"].as_str().and_then(|id| id.parse().ok()) {
                    Some(id) if planned.steps.is_empty() => _ = ledger.acked.insert(id, planned.clone()),
                    Some(id) => _ = ledger.flows.insert(id, planned.clone()),
                    None => ledger.unexpected.push(format!("no id in {text}")),
                }
                ledger.recovered += usize::from(replayed && unknown);
                return;
            }
            // The change of a 503 may have committed before the connection broke.
            Ok((503, ..)) => (ledger.refused, unknown) = (ledger.refused + 1, true),
            // The server was frozen while it read the request.
            Ok((408, ..)) => (ledger.unknown, unknown) = (ledger.unknown + 1, true),
            Ok((status, _, text)) => {
                ledger.unexpected.push(format!("{status} {text}"));
                if status < 500 {
                    return;
                }
                unknown = true;
            }
            Err(error) => {
                avoid();
                if !error.is_connect() {
                    (ledger.unknown, unknown) = (ledger.unknown + 1, true);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
    }
    ledger.given_up.push(planned.key.clone());
}
