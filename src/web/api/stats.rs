//! `/stats`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::domain::JobState;
use crate::domain::histogram::Histogram;
use crate::store::stats::{QueueDepth, WorkBucket, WorkerActivity};
use crate::web::api::description;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::ApiResult;
use crate::web::query::Query;
use crate::wire::{self, KindStats, Percentiles, QueueStats, Stats, WorkerStats};

const DEFAULT_WINDOW: Duration = Duration::from_secs(60 * 60);
/// Counters are kept for eight days.
const MAX_WINDOW: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// Maximum number of workers in a response.
const MAX_WORKERS: i64 = 1000;

/// Get job statistics: current counts, and throughput and durations within a window that ends now.
#[utoipa::path(get, path = "/stats", tag = "statistics",
    params(("window" = Option<String>, Query, description = "A duration like `15m`, at most eight days. Default: one hour."),
        ("queue" = Option<String>, Query), ("kind" = Option<String>, Query)),
    responses((status = 200, body = Stats), description::Read))]
pub async fn stats(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["window", "queue", "kind"])?;
    let window = query.duration("window", DEFAULT_WINDOW, MAX_WINDOW)?;
    let (queue, kind) = (query.get("queue"), query.get("kind"));
    let depth = app.store.queue_depths(queue, kind).await?;
    let work = app.store.work_stats(window, queue, kind).await?;
    let workers = app.store.worker_stats(window, queue, None, MAX_WORKERS).await?;
    let removed = app.store.retention_stats().await?;
    json(Stats {
        window_s: window.as_secs_f64(),
        totals: totals(&depth),
        queues: by_queue(&depth, &work, &workers),
        workers: workers.into_iter().map(WorkerStats::from).collect(),
        retention: removed
            .into_iter()
            .map(|it| wire::Retention { class: it.class, removed: it.removed, pruned_at: it.pruned_at })
            .collect(),
    })
}

fn totals(depth: &[QueueDepth]) -> BTreeMap<String, i64> {
    let mut totals: BTreeMap<String, i64> = JobState::ALL.iter().map(|state| (state.to_string(), 0)).collect();
    for row in depth {
        *totals.entry(row.state.to_string()).or_default() += row.n;
    }
    totals
}

/// Sums for one kind.
#[derive(Default)]
struct Sum {
    stats: KindStats,
    duration: Spread,
    wait: Spread,
}

/// Distribution of durations.
#[derive(Default)]
struct Spread {
    histogram: Histogram,
    n: i64,
    total_ms: i64,
}

impl Spread {
    fn add(&mut self, row: &WorkBucket) {
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

fn by_queue(depth: &[QueueDepth], work: &[WorkBucket], workers: &[WorkerActivity]) -> Vec<QueueStats> {
    let mut queues: BTreeMap<&str, BTreeMap<&str, Sum>> = BTreeMap::new();
    for row in depth {
        let stats = &mut queues.entry(&row.queue).or_default().entry(&row.kind).or_default().stats;
        match row.state {
            JobState::Active => stats.in_flight += row.n,
            JobState::Failed => stats.failed += row.n,
            JobState::Completed | JobState::Canceled | JobState::Superseded => {}
            _ => stats.waiting += row.n,
        }
    }
    for row in work {
        let sum = queues.entry(&row.queue).or_default().entry(&row.kind).or_default();
        match row.event.as_str() {
            "enqueued" => sum.stats.enqueued += row.n,
            "started" => {
                sum.stats.started += row.n;
                sum.wait.add(row);
            }
            "completed" => {
                sum.stats.completed += row.n;
                sum.duration.add(row);
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
        duration: sum.duration.percentiles(),
        wait: sum.wait.percentiles(),
        ..sum.stats
    };
    let queue = |(queue, kinds): (&str, BTreeMap<&str, Sum>)| QueueStats {
        queue: queue.to_owned(),
        workers: of_queue(queue),
        kinds: kinds.into_iter().map(finished).collect(),
    };
    queues.into_iter().map(queue).collect()
}

impl From<WorkerActivity> for WorkerStats {
    fn from(row: WorkerActivity) -> Self {
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
