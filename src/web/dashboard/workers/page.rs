//! `/dashboard/workers/{id}`: one worker, its active jobs and the outcomes of its attempts.

use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::WorkerState;
use crate::store::jobs::{Execution, Job};
use crate::store::stats::WorkerActivity;
use crate::store::workers::RegisteredWorker;
use crate::web::api::workers::load;
use crate::web::app::App;
use crate::web::dashboard::jobs::format::{ProgressText, attempt};
use crate::web::dashboard::workers::list::{PAGE, WorkerView};
use crate::web::error::ApiError;
use crate::web::ui::{
    Badge, JobLink, Link, Nav, Rendering, Shell, Stamp, StateBadge, filters, links, name_in_path, or_error_page,
    outcome_badge, plural, respond, stamp,
};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// The maximum number of active jobs, and of queues in the statistics.
const LEASES: i64 = 100;
const QUEUES: i64 = 1000;

#[derive(Debug, Clone, Template)]
#[template(path = "workers/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkerPage {
    pub shell: Shell,
    pub worker: RegisteredWorker,
    /// Active jobs, oldest first.
    pub running: Vec<RunningRow>,
    /// Outcomes of the last hour, most frequent first.
    pub outcomes: Vec<OutcomeRow>,
}

/// An active job of the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    pub job: JobLink,
    pub queue: Link,
    /// "2 of 5".
    pub attempt: String,
    pub since: Stamp,
    pub lease_until: Stamp,
    pub canceling: bool,
    pub progress: Option<ProgressText>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRow {
    pub outcome: &'static str,
    pub n: i64,
    pub percent: i64,
}

impl OutcomeRow {
    pub fn badge(&self) -> Badge {
        outcome_badge(Some(self.outcome))
    }
}

pub async fn show(app: Data<App>, request: HttpRequest, id: Path<String>) -> HttpResponse {
    or_error_page(&app, &request, page(&app, &request, id).await)
}

async fn page(app: &App, request: &HttpRequest, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = name_in_path(id)?;
    let page = WorkerPage {
        worker: load(app, &id).await?,
        running: running(app, &id).await?,
        outcomes: outcomes(&app.store.worker_stats(HOUR, None, Some(&id), QUEUES).await?),
        shell: Shell::load(app, request, Nav::Workers).await?.crumb("Workers", PAGE).titled(&id),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

async fn running(app: &App, id: &str) -> Result<Vec<RunningRow>, ApiError> {
    let leases = app.store.executions_of_worker(id, LEASES).await?;
    let ids: Vec<Uuid> = leases.iter().map(|(execution, _)| execution.job_id).collect();
    let jobs = app.store.get_jobs(&ids).await?;
    let job = |id: Uuid| jobs.iter().find(|job| job.id == id);
    Ok(leases.iter().map(|(execution, until)| row(execution, *until, job(execution.job_id))).collect())
}

fn row(execution: &Execution, lease_until: OffsetDateTime, job: Option<&Job>) -> RunningRow {
    RunningRow {
        job: links::job(execution.job_id, &execution.kind),
        queue: links::queue(&execution.queue),
        attempt: job.map_or_else(|| execution.attempt.to_string(), |job| attempt(job.attempt, job.max_attempts)),
        since: stamp(execution.claimed_at),
        lease_until: stamp(lease_until),
        progress: ProgressText::of(execution.progress.as_ref()),
        canceling: job.is_some_and(|job| job.cancel_requested_at.is_some()),
    }
}

fn outcomes(worked: &[WorkerActivity]) -> Vec<OutcomeRow> {
    let sum = |of: fn(&WorkerActivity) -> i64| worked.iter().map(of).sum::<i64>();
    let counts =
        [("completed", sum(|it| it.completed)), ("failed", sum(|it| it.failed)), ("timed_out", sum(|it| it.timeouts))];
    let all: i64 = counts.iter().map(|(_, n)| n).sum();
    let row = |(outcome, n)| OutcomeRow { outcome, n, percent: (n * 100 + all / 2) / all.max(1) };
    let mut rows: Vec<OutcomeRow> = counts.into_iter().filter(|(_, n)| *n > 0).map(row).collect();
    rows.sort_by_key(|row| -row.n);
    rows
}

impl WorkerPage {
    /// What the state means, unless the worker is online.
    pub fn meaning(&self) -> String {
        let jobs = plural(self.worker.busy.into(), "job");
        match (self.worker.state, self.worker.busy) {
            (WorkerState::Online, _) => String::new(),
            (WorkerState::Cordoned, 0) => "The worker has no jobs left and claims no new ones.".to_owned(),
            (WorkerState::Cordoned, _) => format!("The worker finishes {jobs} and claims no new ones."),
            (WorkerState::Draining, 0) => "The worker has no jobs left; you can stop its process.".to_owned(),
            (WorkerState::Draining, _) => {
                format!("The worker claims no new jobs and releases unfinished ones ({jobs} left).")
            }
            (WorkerState::Lost, _) => {
                "The worker missed its heartbeats and its leases expired. Its jobs were released to other workers."
                    .to_owned()
            }
        }
    }

    pub fn queues(&self) -> Vec<Link> {
        self.worker.queues().iter().map(|queue| links::queue(queue)).collect()
    }
}
