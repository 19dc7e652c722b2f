//! A server whose pages of the job engine all have content.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::{Database, Server, eventually};

/// Four slots for three queues. Jobs in other queues wait.
const SETTINGS: &[(&str, &str)] = &[
    ("PROVOST_WORKER_CONCURRENCY", "4"),
    ("PROVOST_WORKER_QUEUES", "default,bulk,mail"),
    ("PROVOST_CANCEL_GRACE", "1h"),
];

/// A server with jobs in every state, and their ids.
pub struct JobFixtures {
    pub database: Database,
    pub server: Server,
    pub active: String,
    pub completed: String,
    pub dead: String,
    pub retrying: String,
    pub scheduled: String,
    pub paused: String,
    pub unserved: String,
    pub throttled: String,
    pub canceled: String,
    pub worker: String,
}

/// Enqueues a job and returns its id.
pub async fn enqueue(server: &Server, job: Value) -> String {
    let job = server.post("/jobs", job).await.expect(201).json();
    job["id"].as_str().unwrap().to_owned()
}

/// Waits until a job is in this state.
pub async fn job_until(server: &Server, id: &str, state: &str) {
    let is = async || {
        let job = server.get(&format!("/jobs/{id}")).await.expect(200).json();
        (job["state"] == state).then_some(())
    };
    eventually(&format!("the job is {state}"), is).await;
}

/// A failed job with the payload of the demo.
pub async fn dead_letter(server: &Server, kind: &str, payload: Value) -> String {
    let mut payload = payload;
    payload["forceError"] = json!(true);
    payload["durationMs"] = json!(5);
    let id = enqueue(server, json!({"kind": kind, "payload": payload, "max_attempts": 1})).await;
    job_until(server, &id, "failed").await;
    id
}

impl JobFixtures {
    /// The server that all read-only tests share.
    pub async fn shared() -> Self {
        static SHARED: OnceCell<JobFixtures> = OnceCell::const_new();
        let shared = SHARED.get_or_init(async || Self::new().await.with_an_hour_of_history().await).await;
        Self {
            database: Database::at(&shared.database.url).await,
            server: Server::at(&shared.server.url),
            active: shared.active.clone(),
            completed: shared.completed.clone(),
            dead: shared.dead.clone(),
            retrying: shared.retrying.clone(),
            scheduled: shared.scheduled.clone(),
            paused: shared.paused.clone(),
            unserved: shared.unserved.clone(),
            throttled: shared.throttled.clone(),
            canceled: shared.canceled.clone(),
            worker: shared.worker.clone(),
        }
    }

    pub async fn new() -> Self {
        let database = Database::new().await;
        let server = Server::with(&database.url, SETTINGS);
        let webhook = |n| {
            json!({"kind": "webhook.dispatch", "max_attempts": 1,
                   "payload": {"url": format!("https://hooks.example.org/{n}"), "forceError": true, "durationMs": 5}})
        };
        let email = |n| {
            json!({"kind": "email.send", "max_attempts": 1,
                   "payload": {"recipient": format!("user{n}@example.org"), "forceError": true, "durationMs": 5}})
        };
        let thumbnail = |n| {
            json!({"kind": "image.thumbnail", "queue": "bulk",
                   "payload": {"fileId": format!("f{n}"), "size": "sm", "durationMs": 10}})
        };
        let jobs: Vec<Value> = (0..3).map(webhook).chain((0..6).map(email)).chain((0..18).map(thumbnail)).collect();
        let jobs = server.post("/jobs", json!(jobs)).await.expect(201).json();
        let dead = jobs[8]["id"].as_str().unwrap().to_owned();
        let settled = "SELECT count(*) FROM jobs WHERE state IN ('completed', 'failed')";
        eventually("all jobs are settled", async || (database.number(settled).await == 27).then_some(())).await;
        let completed = enqueue(
            &server,
            json!({"kind": "report.generate", "queue": "bulk", "payload": {"reportId": "2026-q3", "durationMs": 40}, "tenant": "acme",
                   "tags": ["finance", "eu"], "timeout": "30s", "idempotency_key": "report-2026-q3"}),
        )
        .await;
        job_until(&server, &completed, "completed").await;
        server.post(&format!("/jobs/{completed}/run-again"), json!({})).await.expect(201);
        let retrying = enqueue(
            &server,
            json!({"kind": "email.send", "payload": {"recipient": "late@example.org", "forceError": true, "durationMs": 5}, "max_attempts": 5,
                   "backoff": {"strategy": "fixed", "base": "1h", "jitter": false}}),
        )
        .await;
        job_until(&server, &retrying, "retrying").await;
        let Waiting { active, scheduled, paused, unserved, throttled, canceled } = Self::waiting(&server).await;
        let worker = server.get("/workers").await.json()[0]["id"].as_str().unwrap().to_owned();
        database.run(OTHER_WORKERS).await;
        Self::schedules(&server).await;
        database.run(TICKS).await;
        Self {
            database,
            active,
            completed,
            dead,
            retrying,
            scheduled,
            paused,
            unserved,
            throttled,
            canceled,
            worker,
            server,
        }
    }
}

/// Rows of two workers without a process: one cordoned, one lost.
const OTHER_WORKERS: &str = "
    INSERT INTO workers (id, host, pid, incarnation, version, state, reason, actor, changed_at, queues, kinds, slots, busy, started_at, seen_at)
    VALUES ('node-2-4711-1f0a93bb', 'node-2', 4711, '1f0a93bb', '0.1.0', 'cordoned', 'kernel update', 'maria', now(), '{default,mail}', '{email.send}', 8, 2, now() - interval '3 days', now() + interval '1 hour'),
           ('node-5-811-77c1e2d0', 'node-5', 811, '77c1e2d0', '0.0.9', 'online', NULL, NULL, NULL, '{*}', '{email.send,report.generate}', 8, 0, now() - interval '9 days', now() - interval '3 hours')";

/// Ticks of a schedule with all outcomes.
const TICKS: &str = "
    INSERT INTO ticks (schedule_id, due_at, since, n, cause, outcome, reason, job_id, actor)
    SELECT s.id, t.due, t.since, t.n, t.cause, t.outcome, t.reason, j.id, 'schedule:nightly report'
    FROM schedules s, (VALUES
        (now() - interval '4 days', now() - interval '9 days', 6, 'due', 'skipped', 'missed by more than 1m; misfire policy latest', NULL),
        (now() - interval '3 days', now() - interval '3 days', 1, 'due', 'fired', NULL, 'completed'),
        (now() - interval '2 days', now() - interval '2 days', 1, 'backfill', 'fired', 'the March bug', 'failed'),
        (now() - interval '1 days', now() - interval '1 days', 1, 'due', 'fired', NULL, 'active')) AS t (due, since, n, cause, outcome, reason, state)
    LEFT JOIN LATERAL (SELECT id FROM jobs WHERE state = t.state ORDER BY id LIMIT 1) AS j ON true
    WHERE s.name = 'nightly report'";

/// Jobs that do not finish, by reason.
struct Waiting {
    active: String,
    scheduled: String,
    paused: String,
    unserved: String,
    throttled: String,
    canceled: String,
}

impl JobFixtures {
    /// An enabled one across a DST change, and a paused one.
    async fn schedules(server: &Server) {
        for schedule in [
            json!({"name": "nightly report", "cron": "30 2 8 3 *", "time_zone": "America/New_York", "overlap": "skip", "jitter": "30s",
                   "target": {"job": {"kind": "report.generate", "queue": "bulk", "payload": {"reportId": "{{due_at}}"}}}}),
            json!({"name": "eu/sweep", "every": "15m", "enabled": false, "reason": "holidays", "actor": "maria",
                   "target": {"project": {"action": "create", "name": "sweep of {{due_at}}"}}}),
        ] {
            server.post("/schedules", schedule).await.expect(201);
        }
    }

    async fn waiting(server: &Server) -> Waiting {
        let active =
            enqueue(server, json!({"kind": "sleep", "payload": {"seconds": 3600}, "timeout": "2h", "tags": ["slow"]}))
                .await;
        job_until(server, &active, "active").await;
        server.post("/queues", json!({"name": "mail"})).await.expect(201);
        server.post("/queues/mail/pause", json!({"reason": "card processor down", "actor": "maria"})).await.expect(200);
        let paused = enqueue(
            server,
            json!({"kind": "email.send", "queue": "mail", "payload": {"recipient": "a@example.org"}, "priority": 9}),
        )
        .await;
        let unserved = enqueue(
            server,
            json!({"kind": "email.send", "queue": "eu/west:1", "payload": {"recipient": "b@example.org"}}),
        )
        .await;
        let scheduled = enqueue(server, json!({"kind": "cleanup.run", "delay": "2h", "tenant": "globex"})).await;
        let limit = json!({"name": "sleepers", "scope": "kind", "value": "sleep", "mode": "concurrency", "limit": 1, "reason": "they are heavy"});
        server.post("/limits", limit).await.expect(201);
        let rate =
            json!({"name": "acme mail", "scope": "tenant", "value": "acme", "limit": 100, "window": 60, "burst": 20});
        server.post("/limits", rate).await.expect(201);
        server.patch("/queues/bulk", json!({"concurrency": 10})).await.expect(200);
        let throttled = enqueue(server, json!({"kind": "sleep", "payload": {"seconds": 1}})).await;
        let canceled = enqueue(server, json!({"kind": "cleanup.run", "delay": "1h"})).await;
        server.post(&format!("/jobs/{canceled}/cancel"), json!({"reason": "not needed any more"})).await.expect(200);
        tokio::time::sleep(Duration::from_millis(300)).await;
        Waiting { active, scheduled, paused, unserved, throttled, canceled }
    }

    /// Every page with a name.
    pub fn pages(&self) -> Vec<(&'static str, String)> {
        let job = |id: &str| format!("/dashboard/jobs/{id}");
        let page = |path: &str| format!("/dashboard/{path}");
        vec![
            ("jobs", page("jobs")),
            ("jobs-queued", page("jobs?state=queued")),
            ("jobs-completed", page("jobs?state=completed&queue=bulk")),
            ("jobs-no-match", page("jobs?state=blocked&kind=nothing")),
            ("job-active", job(&self.active)),
            ("job-completed", job(&self.completed)),
            ("job-dead", job(&self.dead)),
            ("job-retrying", job(&self.retrying)),
            ("job-scheduled", job(&self.scheduled)),
            ("job-paused", job(&self.paused)),
            ("job-unserved", job(&self.unserved)),
            ("job-throttled", job(&self.throttled)),
            ("job-canceled", job(&self.canceled)),
            ("job-cancel", job(&format!("{}/cancel", self.active))),
            ("queues", page("queues")),
            ("queue-bulk", page("queues/bulk")),
            ("queue-paused", page("queues/mail")),
            ("queue-unserved", page("queues/eu%2Fwest%3A1")),
            ("queue-pause", page("queues/bulk/pause")),
            ("queue-drain", page("queues/bulk/drain")),
            ("workers", page("workers")),
            ("workers-none", page("workers?state=draining")),
            ("worker", page(&format!("workers/{}", self.worker))),
            ("worker-cordoned", page("workers/node-2-4711-1f0a93bb")),
            ("worker-lost", page("workers/node-5-811-77c1e2d0")),
            ("worker-drain", page(&format!("workers/{}/drain", self.worker))),
            ("dead-letters", page("dead-letters")),
            ("dead-letters-no-match", page("dead-letters?error=nothing")),
            ("dead-letter-replay", page(&format!("dead-letters/{}/replay", self.dead))),
            ("dead-letter-delete", page(&format!("dead-letters/{}/delete", self.dead))),
            ("clusters", page("clusters")),
            ("limits", page("limits")),
            ("limits-edit", page("limits?edit=acme+mail")),
            ("limits-delete", page("limits/delete?limit=sleepers")),
            ("schedules", page("schedules")),
            ("schedule", page("schedules/nightly%20report")),
            ("schedule-paused", page("schedules/eu%2Fsweep")),
            ("schedule-pause", page("schedules/nightly%20report/pause")),
            ("schedule-delete", page("schedules/nightly%20report/delete")),
            (
                "schedule-backfill",
                page("schedules/nightly%20report/backfill?from=2020-01-01T00:00:00Z&to=2025-01-01T00:00:00Z"),
            ),
            ("no-such-job", job("01900000-0000-7000-8000-000000000000")),
        ]
    }
}

impl JobFixtures {
    /// Adds an hour of throughput on one queue, mostly successful.
    pub async fn with_an_hour_of_history(self) -> Self {
        self.database
            .run(
                "INSERT INTO work_stats (minute, queue, kind, event, bucket, n, total_ms)
                 SELECT date_trunc('minute', now() - m * interval '1 minute'), 'bulk', 'image.thumbnail', event, histogram_bucket(200), n, n * 200
                 FROM generate_series(1, 58) AS m,
                      LATERAL (VALUES ('enqueued', 9 + m * 7 % 11), ('completed', 8 + m * 13 % 23), ('failed', m % 9 / 6)) AS s (event, n)",
            )
            .await;
        self
    }
}
