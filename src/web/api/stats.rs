//! `/stats` and `/events`: numbers, and the whole record.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::domain::histogram::Histogram;
use crate::store::events::EventFilter;
use crate::store::stats::{Depth, Work, Worked};
use crate::web::api::paging::page;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::wire::{self, KindStats, Percentiles, Problem, QueueStats, Stats, WorkerStats};

/// The window unless asked otherwise, and the longest: counters are kept for eight days.
const WINDOW: Duration = Duration::from_secs(60 * 60);
const LONGEST: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// What the record speaks of.
const ENTITIES: &[&str] = &["project", "job", "queue", "worker", "limit", "schema", "schedule", "workflow"];
/// The most rows about workers.
const WORKERS: i64 = 1000;

/// What waits where, what goes on, what came out in a window that ends now, and how long it took.
#[utoipa::path(get, path = "/stats", tag = "statistics",
    params(("window" = Option<String>, Query, description = "Like `15m`; one hour unless asked otherwise, eight days at most"),
        ("queue" = Option<String>, Query), ("kind" = Option<String>, Query)),
    responses((status = 200, body = Stats), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn stats(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["window", "queue", "kind"])?;
    let window = query.span("window", WINDOW, LONGEST)?;
    let (queue, kind) = (query.get("queue"), query.get("kind"));
    let depth = app.store.depth(queue, kind).await?;
    let work = app.store.work_done(window, queue, kind).await?;
    let workers = app.store.work_of_workers(window, queue, None, WORKERS).await?;
    let removed = app.store.removed().await?;
    Ok(HttpResponse::Ok().json(Stats {
        window_s: window.as_secs_f64(),
        totals: totals(&depth),
        queues: by_queue(&depth, &work, &workers),
        workers: workers.into_iter().map(WorkerStats::from).collect(),
        retention: removed
            .into_iter()
            .map(|it| wire::Retention { class: it.class, removed: it.removed, pruned_at: it.pruned_at })
            .collect(),
    }))
}

/// The whole record, newest first: who moved what, from where to where, why, when.
#[utoipa::path(get, path = "/events", tag = "statistics",
    params(("entity" = Option<String>, Query, description = "project, job, queue, worker, limit, schema, schedule or workflow"),
        ("id" = Option<String>, Query, description = "Of this thing: the id of a project or job, the name of anything else"),
        ("actor" = Option<String>, Query), ("since" = Option<String>, Query, description = "RFC 3339, or so long ago, like `1h`"),
        ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Event]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn events(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["entity", "id", "actor", "since", "limit", "cursor"])?;
    let filter = filter(&query)?;
    let limit = query.limit()?;
    let rows = app.store.list_events(&filter, query.cursor()?, limit + 1).await?;
    Ok(page(&request, rows, limit, |last| last.id, wire::Event::from))
}

fn totals(depth: &[Depth]) -> BTreeMap<String, i64> {
    let mut totals: BTreeMap<String, i64> = JobState::ALL.iter().map(|state| (state.to_string(), 0)).collect();
    for row in depth {
        *totals.entry(row.state.to_string()).or_default() += row.n;
    }
    totals
}

/// A kind's numbers while they are added up.
#[derive(Default)]
struct Sum {
    stats: KindStats,
    taken: Spread,
    waited: Spread,
}

/// Durations: their spread, how many, and their sum.
#[derive(Default)]
struct Spread {
    histogram: Histogram,
    n: i64,
    total_ms: i64,
}

impl Spread {
    fn add(&mut self, row: &Work) {
        self.histogram.add(row.bucket, row.n);
        self.n += row.n;
        self.total_ms += row.total_ms;
    }

    fn percentiles(&self) -> Percentiles {
        Percentiles {
            mean_ms: (self.n > 0).then(|| self.total_ms as f64 / self.n as f64),
            p50_ms: self.histogram.percentile(0.5),
            p95_ms: self.histogram.percentile(0.95),
            p99_ms: self.histogram.percentile(0.99),
        }
    }
}

/// `?entity=&id=&actor=&since=`.
pub fn filter(query: &Query) -> Result<EventFilter, ApiError> {
    let entity = query.get("entity");
    if entity.is_some_and(|word| !ENTITIES.contains(&word)) {
        return Err(ApiError::parameter("entity", format!("must be one of {}", ENTITIES.join(", "))));
    }
    let thing = query.get("id");
    let id = thing.and_then(|text| Uuid::try_parse(text).ok());
    Ok(EventFilter {
        entity: entity.map(str::to_owned),
        entity_id: id,
        entity_name: thing.filter(|_| id.is_none()).map(str::to_owned),
        actor: query.get("actor").map(str::to_owned),
        since: query.since()?,
    })
}

fn by_queue(depth: &[Depth], work: &[Work], workers: &[Worked]) -> Vec<QueueStats> {
    let mut queues: BTreeMap<&str, BTreeMap<&str, Sum>> = BTreeMap::new();
    for row in depth {
        let stats = &mut queues.entry(&row.queue).or_default().entry(&row.kind).or_default().stats;
        match row.state {
            JobState::Active => stats.in_flight += row.n,
            JobState::Failed => stats.failed += row.n,
            JobState::Completed | JobState::Canceled => {}
            _ => stats.waiting += row.n,
        }
    }
    for row in work {
        let sum = queues.entry(&row.queue).or_default().entry(&row.kind).or_default();
        match row.what.as_str() {
            "enqueued" => sum.stats.enqueued += row.n,
            "started" => {
                sum.stats.started += row.n;
                sum.waited.add(row);
            }
            "completed" => {
                sum.stats.completed += row.n;
                sum.taken.add(row);
            }
            "failed" => sum.stats.failures += row.n,
            "timed_out" | "lease_expired" => sum.stats.timeouts += row.n,
            "canceled" => sum.stats.canceled += row.n,
            _ => {}
        }
    }
    let of_queue = |queue: &str| workers.iter().filter(|it| it.queue == queue).count();
    let finished = |(kind, sum): (&str, Sum)| KindStats {
        kind: kind.to_owned(),
        duration: sum.taken.percentiles(),
        wait: sum.waited.percentiles(),
        ..sum.stats
    };
    let queue = |(queue, kinds): (&str, BTreeMap<&str, Sum>)| QueueStats {
        queue: queue.to_owned(),
        workers: of_queue(queue),
        kinds: kinds.into_iter().map(finished).collect(),
    };
    queues.into_iter().map(queue).collect()
}

impl From<Worked> for WorkerStats {
    fn from(row: Worked) -> Self {
        Self {
            queue: row.queue,
            worker_id: row.worker_id,
            executions: row.executions,
            completed: row.completed,
            failed: row.failed,
            timeouts: row.timeouts,
            last_at: row.last_at,
        }
    }
}
