//! What a job is doing now, or why it waits.

use std::time::Duration;

use crate::domain::histogram::Histogram;
use crate::domain::{JobState, LimitMode, WorkerState};
use crate::store::jobs::{ExhaustedLimit, Job};
use crate::web::api::jobs::explain::{blocked, why};
use crate::web::app::App;
use crate::web::dashboard::jobs::data::JobData;
use crate::web::dashboard::jobs::format::{without_prefix, worker_command};
use crate::web::dashboard::jobs::view::{Callout, Running, Waiting};
use crate::web::error::ApiError;
use crate::web::ui::{Link, duration, links};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How the recorded reason of a cancellation request begins.
pub const CANCEL_REQUESTED: &str = "cancel requested";

pub async fn callout(app: &App, data: &JobData) -> Result<Callout, ApiError> {
    let job = &data.job;
    Ok(match job.state {
        JobState::Completed => Callout::Completed { took: data.executions.first().and_then(|it| it.took()) },
        JobState::Canceled => Callout::Canceled { cause: data.relations.canceled_by.clone() },
        JobState::Superseded => {
            Callout::Failed { advice: "A later operation on the project has taken its place. There is nothing to do." }
        }
        JobState::Failed if job.project_id.is_some() => {
            Callout::Failed { advice: "This job belongs to a project. Retry the project to enqueue a new job." }
        }
        JobState::Failed => Callout::Failed { advice: "Fix the cause, then replay; you can edit the payload first." },
        JobState::Active if job.lease().is_some() => Callout::Running(running(app, data).await?),
        _ => Callout::Waiting(waiting(app, data).await?),
    })
}

async fn running(app: &App, data: &JobData) -> Result<Running, ApiError> {
    let job = &data.job;
    let claimed_at = data.executions.first().map(|it| it.claimed_at).or_else(|| job.claimed_at());
    let since = claimed_at.unwrap_or(job.updated_at);
    let mut durations = Histogram::default();
    let work = app.store.work_stats(DAY, Some(&job.queue), Some(&job.kind)).await?;
    work.iter().filter(|it| it.event == "completed").for_each(|it| durations.add(it.bucket, it.n));
    let percentile = |quantile| durations.percentile(quantile).map(|ms| ms / 1000.0);
    let elapsed = (data.explained.at - since).as_seconds_f64();
    Ok(Running {
        since,
        usual: percentile(0.5).map(duration),
        slow: percentile(0.95).is_some_and(|p95| elapsed > p95 + 1.0),
        times_out_at: job.timeout.map(|timeout| since + timeout),
        cancel_reason: data.events.iter().find_map(|it| without_prefix(it.reason.as_deref()?, CANCEL_REQUESTED)),
        revoked_at: job.cancel_requested_at.map(|at| at + app.config.cancel_grace),
    })
}

async fn waiting(app: &App, data: &JobData) -> Result<Waiting, ApiError> {
    let (job, explained) = (&data.job, &data.explained);
    // The page shows the error on its own line.
    let without_error = Job { error: None, ..job.clone() };
    let (reason, summary) = match job.state {
        JobState::Blocked => ("blocked", blocked(app, job).await?),
        _ => why(&without_error, explained),
    };
    let limit = explained.limit.as_ref().filter(|_| reason == "throttled");
    let free_in = limit.and_then(|it| it.free_in).filter(|it| it.is_finite() && *it > 0.0);
    let due = match reason {
        "not_due" | "retrying_later" => Some(job.run_at),
        // Bounded, because a timestamp cannot hold every number of seconds.
        _ => free_in.map(|seconds| explained.at + time::Duration::seconds_f64(seconds.min(1e9))),
    };
    // If workers serve the queue but none handles the kind, another worker of the same version does not help.
    let unserved = reason == "no_worker" && !is_served(app, &job.queue).await?;
    Ok(Waiting {
        since: data.events.first().map_or(job.created_at, |latest| latest.occurred_at),
        headline: limit.map_or(summary, throttled),
        hint: hint(job, reason),
        stuck: limit.is_some_and(|it| it.max == 0) || matches!(reason, "paused" | "no_worker"),
        command: unserved.then(|| worker_command(&job.queue)),
        due,
    })
}

async fn is_served(app: &App, queue: &str) -> Result<bool, ApiError> {
    let workers = app.store.list_workers(None, Some(queue), app.max_heartbeat_age()).await?;
    Ok(workers.iter().any(|it| it.state != WorkerState::Lost))
}

/// Without the remaining seconds: the page counts them down, and they would change its `ETag`.
fn throttled(limit: &ExhaustedLimit) -> String {
    let ExhaustedLimit { name, mode, max, window, .. } = limit;
    if *max == 0 {
        format!("Limit \"{name}\" is 0: no job starts.")
    } else if mode == LimitMode::Concurrency.as_str() {
        format!("Limit \"{name}\" reached ({max} of {max} running).")
    } else {
        format!("Limit \"{name}\" reached ({max} starts per {}).", duration(window.unwrap_or(1.0)))
    }
}

fn hint(job: &Job, reason: &str) -> Option<(&'static str, Link)> {
    let queue = || Link::to(links::queue_page(&job.queue), "View queue");
    Some(match reason {
        "paused" => ("Runs after the queue is resumed.", queue()),
        "no_worker" => {
            ("Workers declare the queues and kinds they handle.", Link::to("/dashboard/workers", "View workers"))
        }
        "throttled" => ("Runs when the limit allows it.", Link::to("/dashboard/limits", "View limits")),
        "no_free_slot" => ("Runs when a slot frees up.", queue()),
        "queued_behind_others" => ("Jobs with a higher priority run first.", queue()),
        _ => return None,
    })
}
