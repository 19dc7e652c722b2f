//! What a job does or waits for now, and what happened to it.

use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::histogram::Histogram;
use crate::domain::{JobState, LimitMode, WorkerState};
use crate::store::events::Event;
use crate::store::jobs::{Execution, Job, TightLimit};
use crate::web::api::jobs::explain::{blocked, why};
use crate::web::app::App;
use crate::web::dashboard::jobs::facts::{holder, how_far};
use crate::web::dashboard::jobs::list::claimed_at;
use crate::web::dashboard::jobs::page::Known;
use crate::web::dashboard::jobs::view::{Canceling, ExecutionRow, JobCallout, Running, WaitReason, Waiting};
use crate::web::dashboard::ui::{
    Badge, Link, StateBadge, TimelineEntry, duration, elapsed, links, outcome_badge, short_id, stamp,
};
use crate::web::error::ApiError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How `jobs/cancel` begins what it notes.
const ASKED: &str = "cancel requested";
pub const CANCELED: &str = "canceled";

/// What is going on, in one box.
pub async fn callout(app: &App, known: &Known) -> Result<JobCallout, ApiError> {
    let job = &known.job;
    let at = stamp(job.finished_at.unwrap_or(job.updated_at));
    Ok(match job.state {
        JobState::Completed => JobCallout::Completed {
            at,
            took: known.executions.first().and_then(|it| Some(elapsed(it.claimed_at, it.ended_at?))),
        },
        JobState::Canceled => {
            let reason = job.error.as_deref().and_then(|it| without(it, CANCELED));
            JobCallout::Canceled { at, reason, by: known.links.doomed_by.clone() }
        }
        JobState::Failed => JobCallout::Dead {
            error: job.error.clone().unwrap_or_else(|| "It failed without saying why.".to_owned()),
            advice: advice(job).to_owned(),
            at,
        },
        JobState::Active => match running(app, known).await? {
            Some(running) => JobCallout::Running(running),
            None => JobCallout::Waiting(waiting(app, known).await?),
        },
        _ => JobCallout::Waiting(waiting(app, known).await?),
    })
}

fn advice(job: &Job) -> &'static str {
    if job.project_id.is_some() {
        return "It worked on a project: retry the project, and a new job does it again.";
    }
    "Replay it once the cause is gone, or edit its payload first."
}

/// What follows a word that the record begins with.
pub fn without(text: &str, word: &str) -> Option<String> {
    let rest = text.strip_prefix(word)?.trim_start_matches([':', ' ']);
    Some(rest.to_owned()).filter(|text| !text.is_empty())
}

async fn running(app: &App, known: &Known) -> Result<Option<Running>, ApiError> {
    let job = &known.job;
    let Some(holder) = holder(job) else { return Ok(None) };
    let since = known.executions.first().map(|it| it.claimed_at).or_else(|| claimed_at(job)).unwrap_or(job.updated_at);
    let mut taken = Histogram::default();
    let work = app.store.work_done(DAY, Some(&job.queue), Some(&job.kind)).await?;
    work.iter().filter(|it| it.what == "completed").for_each(|it| taken.add(it.bucket, it.n));
    let seconds = |quantile| taken.percentile(quantile).map(|ms| ms / 1000.0);
    let elapsed = (known.explained.at - since).as_seconds_f64();
    Ok(Some(Running {
        since: stamp(since),
        usual: seconds(0.5).map(duration),
        slow: seconds(0.95).is_some_and(|p95| elapsed > p95 + 1.0),
        holder,
        timeout: job.timeout.map(|timeout| stamp(since + timeout)),
        deadline: job.deadline_at.map(stamp),
        canceling: job.cancel_requested_at.map(|at| Canceling {
            at: stamp(at),
            reason: known.events.iter().find_map(|it| without(it.reason.as_deref()?, ASKED)),
            revoked: Some(stamp(at + app.config.cancel_grace)),
        }),
        progress: how_far(job.progress.as_ref()),
    }))
}

async fn waiting(app: &App, known: &Known) -> Result<Waiting, ApiError> {
    let (job, explained) = (&known.job, &known.explained);
    // The error has a line of its own.
    let quiet = Job { error: None, ..job.clone() };
    let (reason, summary) = match job.state {
        JobState::Blocked => ("blocked", blocked(app, job).await?),
        _ => why(&quiet, explained),
    };
    let tight = explained.limit.as_ref().filter(|_| reason == "throttled");
    let free = tight.and_then(|it| it.free_in).filter(|it| it.is_finite() && *it > 0.0);
    let due = match reason {
        "not_due" | "retrying_later" => Some(job.run_at),
        // Never later than anything can be.
        _ => free.map(|seconds| explained.at + time::Duration::seconds_f64(seconds.min(1e9))),
    };
    let is_shut = tight.is_some_and(|it| it.most == 0);
    // Where workers serve the queue, it is the kind that none of them can do, and another one like them would not help.
    let unserved = reason == "no_worker" && !is_served(app, &job.queue).await?;
    Ok(Waiting {
        since: stamp(known.events.first().map_or(job.created_at, |latest| latest.occurred_at)),
        headline: tight.map_or(summary, throttled),
        reasons: where_to_look(job, reason).into_iter().collect(),
        stuck: is_shut || matches!(reason, "paused" | "no_worker"),
        command: unserved.then(|| worker_line(&job.queue)),
        due: due.map(stamp),
        deadline: job.deadline_at.map(stamp),
        last_error: job.error.clone().filter(|_| job.state == JobState::Retrying),
    })
}

async fn is_served(app: &App, queue: &str) -> Result<bool, ApiError> {
    let workers = app.store.list_workers(None, Some(queue), app.silence()).await?;
    Ok(workers.iter().any(|it| it.state != WorkerState::Lost))
}

/// Like the API says it, but for the seconds: they change with every look, and the page counts them by itself.
fn throttled(limit: &TightLimit) -> String {
    let TightLimit { name, mode, most, span, .. } = limit;
    if mode == LimitMode::Concurrency.as_str() {
        return format!("The limit {name} lets {most} be active at once, and so many are.");
    }
    let window = duration(span.unwrap_or(1.0));
    if *most == 0 {
        format!("The limit {name} lets nothing start.")
    } else {
        format!("The limit {name} lets {most} start in {window}.")
    }
}

fn where_to_look(job: &Job, reason: &str) -> Option<WaitReason> {
    let queue = links::queue_page(&job.queue);
    let (text, href, label) = match reason {
        "paused" => ("Its jobs wait until it is resumed.", queue, "Look at the queue"),
        "no_worker" => (
            "A worker says itself which queues and kinds it serves.",
            "/dashboard/workers".to_owned(),
            "Look at the workers",
        ),
        "throttled" => {
            ("It starts as soon as the limit lets it.", "/dashboard/limits".to_owned(), "Look at the limits")
        }
        "no_free_slot" => ("It starts when one of them is done.", queue, "Look at the queue"),
        "queued_behind_others" => ("A higher priority goes first.", queue, "Look at the queue"),
        _ => return None,
    };
    Some(WaitReason { text: text.to_owned(), link: Some(Link::to(href, label)) })
}

/// The line that starts a worker for this queue, on the same database.
pub fn worker_line(queue: &str) -> String {
    format!("provost --roles worker --worker-queues {queue} --database-url \"$DATABASE_URL\"")
}

/// The attempts, newest first.
pub fn executions(rows: &[Execution]) -> Vec<ExecutionRow> {
    let row = |it: &Execution| ExecutionRow {
        id: it.id.to_string(),
        short_id: short_id(it.id),
        attempt: it.attempt.unsigned_abs(),
        worker: links::worker(&it.worker_id),
        started: stamp(it.claimed_at),
        took: it.ended_at.map(|ended| elapsed(it.claimed_at, ended)),
        outcome: if it.ended_at.is_none() { Badge::RUNNING } else { outcome_badge(it.outcome.as_deref()) },
        error: it.error.clone(),
    };
    rows.iter().map(row).collect()
}

/// Oldest first; every claim begins an attempt.
pub fn timeline(events: &[Event], state: JobState) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::with_capacity(events.len());
    let (mut moved_at, mut attempts): (Option<OffsetDateTime>, i32) = (None, 0);
    for event in events.iter().rev() {
        let moves = event.previous_state != event.new_state;
        let claimed = moves && event.new_state == JobState::Active.as_str();
        if claimed {
            attempts = event.attempt.unwrap_or(attempts + 1);
        }
        let lasted = moved_at.map(|before| (event.occurred_at - before).as_seconds_f64());
        let waits = claimed && lasted.is_some_and(|it| it >= 60.0);
        entries.push(TimelineEntry {
            id: event.id.to_string(),
            mark: mark(event),
            title: title(event).to_owned(),
            from: moves.then(|| event.previous_state.clone()),
            to: moves.then(|| event.new_state.clone()),
            actor: event.actor.clone(),
            reason: reason(event),
            took: lasted.filter(|_| event.previous_state == JobState::Active.as_str() && moves).map(duration),
            gap: lasted.filter(|_| waits).map(|it| format!("waited {}", duration(it))),
            group: claimed.then(|| format!("Attempt {attempts}")),
            at: stamp(event.occurred_at),
            running: false,
        });
        if moves {
            moved_at = Some(event.occurred_at);
        }
    }
    if let Some(last) = entries.last_mut() {
        last.running = state == JobState::Active;
    }
    entries
}

fn mark(event: &Event) -> Badge {
    let replayed = event.previous_state == JobState::Failed.as_str() && event.new_state == JobState::Queued.as_str();
    if replayed { Badge::RETRY } else { JobState::parse(&event.new_state).badge() }
}

fn title(event: &Event) -> &'static str {
    let is = |word: &str| event.reason.as_deref().is_some_and(|reason| reason.starts_with(word));
    match (JobState::parse(&event.previous_state), JobState::parse(&event.new_state)) {
        (before, after) if before == after && is(ASKED) => "Asked to stop",
        (before, after) if before == after && is("priority changed") => "Priority changed",
        (before, after) if before == after => "Noted",
        (None, Some(JobState::Scheduled)) => "Enqueued for later",
        (None, _) => "Enqueued",
        (_, Some(JobState::Active)) => "Claimed",
        (_, Some(JobState::Completed)) => "Completed",
        (_, Some(JobState::Failed)) => "Gave up",
        (_, Some(JobState::Canceled)) => "Canceled",
        (_, Some(JobState::Retrying)) => "Failed, will be tried again",
        (_, Some(JobState::Scheduled)) => "Put off",
        (Some(JobState::Failed), Some(JobState::Queued)) => "Replayed",
        (Some(JobState::Active), Some(JobState::Queued)) => "Handed back",
        (_, Some(JobState::Queued)) => "Due now",
        _ => "Transition",
    }
}

/// Why; for a change of priority, from what to what.
fn reason(event: &Event) -> Option<String> {
    let detail: Option<serde_json::Value> = event.detail.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let Some(detail) = detail else { return event.reason.clone() };
    let changed: Vec<String> = ["kind", "queue", "priority", "payload"]
        .into_iter()
        .filter(|name| detail["before"][name] != detail["after"][name])
        .map(|name| match name {
            "payload" => "the payload was edited".to_owned(),
            name => format!("{name} {} → {}", said(&detail["before"][name]), said(&detail["after"][name])),
        })
        .collect();
    let told = event.reason.clone().filter(|it| it != "priority changed");
    let all: Vec<String> = told.into_iter().chain(changed).collect();
    Some(all.join(" · ")).filter(|text| !text.is_empty())
}

fn said(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
