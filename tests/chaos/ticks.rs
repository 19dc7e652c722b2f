//! Schedules that are due every second or two, and the count of their due times.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::check::{Check, check};
use crate::node::Node;
use crate::postgres::Postgres;
use crate::record::Record;

const SECOND: i64 = 1_000_000;

/// The timing of each schedule, and its period in µs.
fn timings() -> [(&'static str, Value, i64); 4] {
    [
        ("seconds", json!({"cron": "* * * * * *"}), SECOND),
        ("seconds elsewhere", json!({"cron": "* * * * * *", "time_zone": "Australia/Lord_Howe"}), SECOND),
        ("every other second", json!({"cron": "*/2 * * * * *"}), 2 * SECOND),
        ("interval", json!({"every": "1s"}), SECOND),
    ]
}

/// A schedule with its first due time, in microseconds since 1970.
pub struct Schedule {
    name: &'static str,
    first: i64,
    period: i64,
}

/// Creates the schedules, which start all missed due times.
pub async fn start(http: &reqwest::Client, node: &Node) -> Vec<Schedule> {
    let mut schedules = Vec::new();
    for (name, mut body, period) in timings() {
        body["name"] = name.into();
        body["misfire"] = "all".into();
        body["catch_up"] = 1000.into();
        body["misfire_grace"] = "2s".into();
        body["target"] =
            json!({"job": {"kind": "ledger", "tenant": "ticks", "max_attempts": 50, "payload": {"work_ms": 2}}});
        let answer = http.post(format!("{}/schedules", node.url)).json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 201, "{text}");
        let made: Value = serde_json::from_str(&text).unwrap();
        let first = OffsetDateTime::parse(made["next_at"].as_str().unwrap(), &Rfc3339).unwrap();
        schedules.push(Schedule { name, first: (first.unix_timestamp_nanos() / 1000) as i64, period });
    }
    schedules
}

/// Waits until all due times are handled, then pauses the schedules. Returns the time of the database at that point,
/// less a margin for the latest due time, in microseconds.
pub async fn pause(http: &reqwest::Client, postgres: &Postgres, nodes: &[Node], timeout: Duration) -> i64 {
    let deadline = Instant::now() + timeout;
    let sql =
        "SELECT (extract(epoch FROM clock_timestamp() - interval '1 second') * 1e6)::bigint, count(*) FROM schedules
               WHERE state = 'enabled' AND next_at <= clock_timestamp() - interval '1 second'";
    let mut until = 0;
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let Ok(client) = postgres.connect().await else { continue };
        let Ok(row) = client.query_one(sql, &[]).await else { continue };
        until = row.get(0);
        if row.get::<_, i64>(1) == 0 {
            break;
        }
    }
    for (name, ..) in timings() {
        let url = format!("{}/schedules/{}/pause", nodes[0].url, name.replace(' ', "%20"));
        while Instant::now() < deadline && !http.post(&url).send().await.is_ok_and(|it| it.status() == 200) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    until
}

/// The recorded due times.
#[derive(Default)]
pub struct Ticks {
    pub expected: usize,
    pub missed: Vec<String>,
    pub started_twice: Vec<String>,
    /// The jobs that were started, each by which due time.
    pub jobs: HashMap<Uuid, String>,
}

impl Ticks {
    /// Compares them with the expected due times of each schedule, from its first to its last, which is not before `until`.
    pub async fn read(client: &Client, schedules: &[Schedule], until: i64) -> Result<Self, tokio_postgres::Error> {
        let mut all = Self::default();
        let sql = "SELECT (extract(epoch FROM t.due_at) * 1e6)::bigint, t.job_id FROM ticks t JOIN schedules s ON s.id = t.schedule_id
                   WHERE s.name = $1 AND t.outcome = 'fired' ORDER BY t.due_at";
        for Schedule { name, first, period } in schedules {
            let mut fired: BTreeMap<i64, usize> = BTreeMap::new();
            for row in client.query(sql, &[name]).await? {
                let due: i64 = row.get(0);
                *fired.entry(due).or_default() += 1;
                all.jobs.insert(row.get(1), format!("{name} at {due}"));
            }
            let last = fired.keys().last().copied().unwrap_or_default().max(until);
            for due in (*first..=last).step_by(*period as usize) {
                all.expected += 1;
                match fired.remove(&due) {
                    None => all.missed.push(format!("{name} at {due}")),
                    Some(1) => {}
                    Some(n) => all.started_twice.push(format!("{name} at {due}: {n} times")),
                }
            }
            all.started_twice.extend(fired.keys().map(|due| format!("{name} at {due}: not a due time")));
        }
        Ok(all)
    }

    pub fn checks(&self, record: &Record) -> Vec<Check> {
        let undone = self.jobs.iter().filter(|(id, _)| record.jobs.get(id).is_none_or(|job| job.state != "completed"));
        vec![
            check("due times that started nothing", &self.missed),
            check("due times that started something twice", &self.started_twice),
            check("due times whose job did not complete", undone.map(|(id, what)| format!("{what}: {id}"))),
        ]
    }
}
