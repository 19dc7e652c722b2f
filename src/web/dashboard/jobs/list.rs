//! `/dashboard/jobs`: the list. `enqueue` handles its form.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, QueueState};
use crate::store::jobs::{Filter, Job};
use crate::web::api::jobs::explain::possible;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::dashboard::jobs::format::PAGE;
use crate::web::dashboard::jobs::view::{EnqueueForm, JobRow, JobsPage};
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    Bulk, COUNT_CAP, Counts, Nav, Pages, Rendering, Shell, StateBadge, Tab, capped, count, is_live, links,
    or_error_page, plural, respond,
};

/// Rows per page.
pub const ROWS: i64 = 25;
/// How many kinds and queues the fields suggest.
const SUGGESTED: usize = 50;
const PARAMETERS: &[&str] = &["state", "kind", "queue", "tenant", "tag", "search", "cursor"];
/// The order of the tabs.
const TABS: &[JobState] = &[
    JobState::Queued,
    JobState::Active,
    JobState::Scheduled,
    JobState::Retrying,
    JobState::Blocked,
    JobState::Completed,
    JobState::Failed,
    JobState::Canceled,
    JobState::Superseded,
];

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request, EnqueueForm::default(), StatusCode::OK).await)
}

/// The list with the enqueue form as typed.
pub async fn list(
    app: &App,
    request: &HttpRequest,
    mut enqueue: EnqueueForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), PARAMETERS)?;
    let filter = Filter { id: query.get("search").map(|text| text.trim().to_owned()), ..query.jobs()? };
    let cursor = query.cursor::<Uuid>()?;
    let mut rows = app.store.list_jobs(&filter, cursor, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let counts = Counts::load(app).await?;
    let matching = matching(app, &filter, &counts).await?;
    let suggestions = Suggestions::load(app).await?;
    let stalled = stalled_queues(app, &rows).await?;
    if !is_live(request) {
        enqueue.idempotency_key = Uuid::new_v4().to_string();
    }
    let here = href(&filter, filter.state, cursor);
    let now = OffsetDateTime::now_utc();
    let page = JobsPage {
        shell: Shell::new(app, request).at(Nav::Jobs).with_counts(&counts).titled("Jobs"),
        tabs: tabs(&filter, &counts),
        enqueue,
        kinds: suggestions.kinds,
        queues: suggestions.queues,
        pages: Pages {
            matching: matching.clone(),
            newer: cursor.map(|_| href(&filter, filter.state, None)),
            older: rows.last().filter(|_| more).map(|last| href(&filter, filter.state, Some(last.id))),
        },
        rows: rows.into_iter().map(|job| row(job, &stalled, now)).collect(),
        bulk: Bulk { filter: filter.hidden(), back: here.clone(), matching },
        can_retry: filter.state.is_none_or(|state| RETRYABLE.contains(&state)),
        can_cancel: filter.state.is_none_or(|state| CANCELABLE.contains(&state)),
        total: plural(counts.all_jobs(), "job"),
        curl: format!(
            "curl -X POST http://{}/jobs -H 'content-type: application/json' -d '{{\"kind\": \"echo\", \"payload\": {{\"hello\": \"world\"}}}}'",
            app.host
        ),
        here,
        filter,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

/// The kinds and queues that exist.
pub struct Suggestions {
    pub kinds: Vec<String>,
    pub queues: Vec<String>,
}

impl Suggestions {
    pub async fn load(app: &App) -> Result<Self, ApiError> {
        let depth = app.store.queue_depths(None, None).await?;
        let first = |names: BTreeSet<&str>| names.into_iter().take(SUGGESTED).map(str::to_owned).collect();
        Ok(Self {
            kinds: first(depth.iter().map(|it| it.kind.as_str()).collect()),
            queues: first(depth.iter().map(|it| it.queue.as_str()).collect()),
        })
    }
}

/// Why queues dispatch no jobs, by queue.
async fn stalled_queues(app: &App, rows: &[Job]) -> Result<BTreeMap<String, &'static str>, ApiError> {
    if !rows.iter().any(|job| job.state == JobState::Queued) {
        return Ok(BTreeMap::new());
    }
    let queues = app.store.list_queues(None, app.max_heartbeat_age()).await?;
    let reason = |state: QueueState, workers: i64| match (state, workers) {
        (QueueState::Paused, _) => Some("Queue paused"),
        (_, 0) => Some("No worker for this queue"),
        _ => None,
    };
    Ok(queues.into_iter().filter_map(|it| Some((it.name, reason(it.state, it.workers)?))).collect())
}

fn row(job: Job, stalled: &BTreeMap<String, &'static str>, now: OffsetDateTime) -> JobRow {
    let note = match job.state {
        JobState::Queued => stalled.get(&job.queue).map(|reason| (*reason).to_owned()),
        JobState::Blocked => Some("Waits for dependencies".to_owned()),
        JobState::Active if job.cancel_requested_at.is_some() => Some("Cancellation requested".to_owned()),
        JobState::Canceled => job.cancel_reason(),
        JobState::Retrying | JobState::Failed | JobState::Superseded => {
            job.error.as_ref().map(|_| job.error_line().to_owned())
        }
        _ => None,
    };
    let due = (!job.state.is_finished() && job.run_at > now).then_some(job.run_at);
    JobRow { note, verbs: possible(&job), due, job }
}

fn tabs(filter: &Filter, counts: &Counts) -> Vec<Tab> {
    let tab = |label: &str, state: Option<JobState>, n: i64| Tab {
        label: label.to_owned(),
        count: count(n),
        href: href(filter, state, None),
        current: filter.state == state,
        quiet: matches!(state, Some(JobState::Canceled | JobState::Superseded)),
    };
    let all = tab("All", None, counts.all_jobs());
    let states = TABS.iter().map(|state| tab(state.badge().label, Some(*state), counts.jobs_in(*state)));
    std::iter::once(all).chain(states).collect()
}

async fn matching(app: &App, filter: &Filter, counts: &Counts) -> Result<String, ApiError> {
    if filter.words().is_empty() {
        return Ok(count(filter.state.map_or_else(|| counts.all_jobs(), |state| counts.jobs_in(state))));
    }
    Ok(capped(app.store.count_matching_jobs(filter, JobState::ALL, COUNT_CAP + 1).await?))
}

/// The list with another state or page and the same filter.
fn href(filter: &Filter, state: Option<JobState>, cursor: Option<Uuid>) -> String {
    let cursor = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut pairs = vec![("state", state.map_or("", JobState::as_str))];
    pairs.extend(filter.parameters());
    pairs.push(("cursor", cursor.as_str()));
    links::with_query(PAGE, &pairs)
}
