//! `/dashboard/queues/{name}`: one queue, and the form of its limits.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;

use crate::domain::{QueueState, WorkerState};
use crate::store::queues::{KindWaiting, Queue};
use crate::store::workers::RegisteredWorker;
use crate::web::api::queues::load;
use crate::web::app::App;
use crate::web::dashboard::jobs::format as jobs;
use crate::web::dashboard::jobs::format::worker_command;
use crate::web::dashboard::queues::limits::QueueLimits;
use crate::web::dashboard::queues::list::{PAGE, QueueView};
use crate::web::error::ApiError;
use crate::web::ui::{
    BarChart, BarData, Cause, Kpi, MetricsRange, Nav, Rendering, Shell, StateBadge, Tone, Usage, chart, count, filters,
    links, name_in_path, or_error_page, plural, respond, stamp,
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// The maximum number of workers shown; each costs a query.
const WORKERS: usize = 20;
const LEASES: i64 = 1000;

#[derive(Debug, Clone, Template)]
#[template(path = "queues/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct QueuePage {
    pub shell: Shell,
    pub queue: Queue,
    /// Completed and failed jobs per minute in the last hour; `None` without any.
    pub throughput: Option<BarChart>,
    pub limits: QueueLimits,
    pub workers: Vec<QueueWorker>,
    pub kinds: Vec<KindWaiting>,
}

/// A worker that serves the queue.
#[derive(Debug, Clone)]
pub struct QueueWorker {
    pub worker: RegisteredWorker,
    /// Active jobs of this queue.
    pub running: i64,
}

pub async fn show(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    let answer = match name_in_path(name) {
        Ok(name) => page(&app, &request, &name, None).await,
        Err(error) => Err(error),
    };
    or_error_page(&app, &request, answer)
}

/// The page. `rejected` is a form with errors.
pub async fn page(
    app: &App,
    request: &HttpRequest,
    name: &str,
    rejected: Option<QueueLimits>,
) -> Result<HttpResponse, ApiError> {
    let queue = load(app, name).await?;
    let status = if rejected.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let limits = rejected.unwrap_or_else(|| QueueLimits::stored(&queue));
    let page = QueuePage {
        throughput: throughput(app, name).await?,
        limits: limits.with_context(name, &app.store.list_limits(None).await?),
        workers: workers(app, name).await?,
        kinds: app.store.kinds_in_queue(name, app.max_heartbeat_age()).await?,
        shell: Shell::load(app, request, Nav::Queues).await?.crumb("Queues", PAGE).titled(name),
        queue,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

impl QueuePage {
    /// Why the jobs of this queue do not run, other than a pause.
    pub fn cause(&self) -> Option<Cause> {
        let pending = self.queue.pending();
        let verb = if pending == 1 { "waits" } else { "wait" };
        self.queue.is_unserved().then(|| Cause {
            text: format!("{} {verb}, but no worker serves queue {}.", plural(pending, "job"), self.queue.name),
            command: Some(worker_command(&self.queue.name)),
        })
    }

    pub fn kpis(&self) -> Vec<Kpi> {
        let queue = &self.queue;
        let kpi = |label: &str, n: i64, hint: String, state: &str| Kpi {
            label: label.to_owned(),
            value: count(n),
            hint,
            tone: None,
            href: Some(queue.jobs(state)),
        };
        let limit = queue.concurrency.map_or_else(|| "no limit".to_owned(), |n| format!("limit {}", count(n.into())));
        vec![
            Kpi {
                tone: (queue.running().tone == Tone::Wait).then_some(Tone::Wait),
                ..kpi("Running", queue.active, limit, "active")
            },
            kpi("Waiting", queue.waiting, format!("{} per minute", queue.flow()), "queued"),
            kpi("Scheduled", queue.scheduled, format!("and {} retrying", count(queue.retrying)), "scheduled"),
            Kpi {
                tone: (queue.failed > 0).then_some(Tone::Bad),
                ..kpi("Failed", queue.failed, "dead letters".to_owned(), "failed")
            },
        ]
    }

    pub fn range(&self) -> MetricsRange {
        MetricsRange::H1
    }

    pub fn jobs_of_kind(&self, kind: &str) -> String {
        links::with_query(jobs::PAGE, &[("queue", &self.queue.name), ("kind", kind)])
    }

    /// Whether no worker handles the kind. A paused queue and a queue without workers have a callout instead.
    pub fn is_unhandled(&self, kind: &KindWaiting) -> bool {
        kind.workers == 0 && self.queue.workers > 0 && self.queue.state != QueueState::Paused
    }
}

impl QueueWorker {
    pub fn href(&self) -> String {
        links::worker_page(&self.worker.worker.id)
    }

    pub fn slots(&self) -> Usage {
        Usage::of(self.worker.busy.into(), self.worker.worker.slots.into())
    }
}

async fn throughput(app: &App, name: &str) -> Result<Option<BarChart>, ApiError> {
    let flow = app.store.throughput(HOUR, MINUTE, Some(name)).await?;
    let last = OffsetDateTime::now_utc().unix_timestamp().div_euclid(60) * 60;
    let mut minutes: BTreeMap<i64, (u64, u64)> = (0..60).map(|n| (last - n * 60, (0, 0))).collect();
    for it in flow {
        let Some((completed, failed)) = minutes.get_mut(&it.slice.unix_timestamp()) else { continue };
        match it.event.as_str() {
            "completed" => *completed += it.n.max(0).unsigned_abs(),
            "failed" | "timed_out" | "lease_expired" => *failed += it.n.max(0).unsigned_abs(),
            _ => {}
        }
    }
    let bar = |(at, (ready, failed)): (i64, (u64, u64))| BarData {
        at: stamp(OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH)),
        ready,
        failed,
    };
    let data: Vec<BarData> = minutes.into_iter().map(bar).collect();
    Ok(chart::bars_of(&data, MetricsRange::H1, "completed"))
}

async fn workers(app: &App, queue: &str) -> Result<Vec<QueueWorker>, ApiError> {
    let mut rows = Vec::new();
    let serving = app.store.list_workers(None, Some(queue), app.max_heartbeat_age()).await?;
    for worker in serving.into_iter().filter(|it| it.state != WorkerState::Lost).take(WORKERS) {
        let leases = app.store.executions_of_worker(&worker.worker.id, LEASES).await?;
        let running = leases.iter().filter(|(execution, _)| execution.queue == queue).count() as i64;
        rows.push(QueueWorker { worker, running });
    }
    Ok(rows)
}
