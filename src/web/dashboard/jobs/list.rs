//! `/dashboard/jobs`: the list. The form that enqueues one more is in `enqueue`.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Ident, JobState, QueueState};
use crate::store::jobs::{Filter, Job};
use crate::web::api::jobs::explain::possible;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::dashboard::jobs::list_view::{EnqueueForm, JobFilter, JobRow, JobsPage};
use crate::web::dashboard::jobs::timeline::{CANCELED, without};
use crate::web::dashboard::ui::{
    Bulk, COUNT_CAP, Counts, Hidden, Nav, Pages, Rendering, Shell, StateBadge, Tab, capped, count, first_line, is_live,
    links, or_error_page, plural, respond, short_id, stamp,
};
use crate::web::error::ApiError;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/jobs";
/// How many rows a page has: a page shall stay light.
pub const ROWS: i64 = 25;
/// How many kinds and queues the fields suggest.
const SUGGESTED: usize = 50;
const KNOWN: &[&str] = &["state", "kind", "queue", "tenant", "tag", "search", "cursor"];
/// The order of the tabs: what moves first, what is rarely looked for last.
const TABS: &[JobState] = &[
    JobState::Queued,
    JobState::Active,
    JobState::Scheduled,
    JobState::Retrying,
    JobState::Blocked,
    JobState::Completed,
    JobState::Failed,
    JobState::Canceled,
];

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request, EnqueueForm::default(), StatusCode::OK).await)
}

/// The list, with the form as it was typed.
pub async fn list(
    app: &App,
    request: &HttpRequest,
    mut enqueue: EnqueueForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), KNOWN)?;
    let filter = Filter { id: query.get("search").map(|text| text.trim().to_owned()), ..query.jobs()? };
    let cursor = query.cursor::<Uuid>()?;
    let mut rows = app.store.list_jobs(&filter, cursor, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let counts = Counts::load(app).await?;
    let matching = matching(app, &filter, &counts).await?;
    let known = Suggestions::of(app).await?;
    let stuck = Stuck::of(app, &rows).await?;
    if !is_live(request) {
        enqueue.idempotency_key = Uuid::new_v4().to_string();
    }
    let here = href(&filter, filter.state, cursor);
    let now = OffsetDateTime::now_utc();
    let page = JobsPage {
        shell: Shell::new(app, request).at(Nav::Jobs).with_counts(&counts).titled("Jobs"),
        tabs: tabs(&filter, &counts),
        filter: shown(&filter, here.clone()),
        enqueue,
        kinds: known.kinds,
        queues: known.queues,
        pages: Pages {
            matching: matching.clone(),
            newer: cursor.map(|_| href(&filter, filter.state, None)),
            older: rows.last().filter(|_| more).map(|last| href(&filter, filter.state, Some(last.id))),
        },
        rows: rows.into_iter().map(|job| row(job, &stuck, now)).collect(),
        bulk: Bulk { filter: hidden(&filter), back: here, matching },
        can_retry: filter.state.is_none_or(|state| RETRYABLE.contains(&state)),
        can_cancel: filter.state.is_none_or(|state| CANCELABLE.contains(&state)),
        exists: format!("{} in all", plural(counts.all_jobs(), "job")),
        curl: format!(
            "curl -X POST http://{}/jobs -H 'content-type: application/json' -d '{{\"kind\": \"echo\", \"payload\": {{\"hello\": \"world\"}}}}'",
            app.host
        ),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

/// The kinds and queues there are.
pub struct Suggestions {
    pub kinds: Vec<String>,
    pub queues: Vec<String>,
}

impl Suggestions {
    pub async fn of(app: &App) -> Result<Self, ApiError> {
        let depth = app.store.depth(None, None).await?;
        let some = |names: BTreeSet<&str>| names.into_iter().take(SUGGESTED).map(str::to_owned).collect();
        Ok(Self {
            kinds: some(depth.iter().map(|it| it.kind.as_str()).collect()),
            queues: some(depth.iter().map(|it| it.queue.as_str()).collect()),
        })
    }
}

/// Queues in which nothing moves, and why: the list says it in a few words, the job's own page in full.
struct Stuck(BTreeMap<String, &'static str>);

impl Stuck {
    async fn of(app: &App, rows: &[Job]) -> Result<Self, ApiError> {
        if !rows.iter().any(|job| job.state == JobState::Queued) {
            return Ok(Self(BTreeMap::new()));
        }
        let queues = app.store.list_queues(None, app.silence()).await?;
        let why = |state: QueueState, workers: i64| match (state, workers) {
            (QueueState::Paused, _) => Some("Its queue is paused"),
            (_, 0) => Some("No worker serves its queue"),
            _ => None,
        };
        Ok(Self(queues.into_iter().filter_map(|it| Some((it.name, why(it.state, it.workers)?))).collect()))
    }
}

fn row(job: Job, stuck: &Stuck, now: OffsetDateTime) -> JobRow {
    let note = match job.state {
        JobState::Queued => stuck.0.get(&job.queue).map(|why| (*why).to_owned()),
        JobState::Blocked => Some("Waits for other jobs".to_owned()),
        JobState::Active if job.cancel_requested_at.is_some() => Some("Asked to stop".to_owned()),
        JobState::Canceled => job.error.as_deref().and_then(|it| without(it, CANCELED)),
        JobState::Retrying | JobState::Failed => job.error.as_deref().map(|it| first_line(it).to_owned()),
        _ => None,
    };
    let can = possible(&job);
    JobRow {
        id: job.id.to_string(),
        short_id: short_id(job.id),
        state: job.state,
        note,
        running_since: (job.state == JobState::Active).then(|| claimed_at(&job).map(stamp)).flatten(),
        queue: links::queue(&job.queue),
        tenant: tenant(&job.tenant),
        attempt: attempt(job.attempt, job.max_attempts),
        worker: job.worker_id.as_deref().map(links::worker),
        created: stamp(job.created_at),
        due: (!job.state.is_finished() && job.run_at > now).then(|| stamp(job.run_at)),
        finished: job.finished_at.map(stamp),
        can_retry: can.contains(&"retry"),
        can_cancel: can.contains(&"cancel") && job.cancel_requested_at.is_none(),
        kind: job.kind,
    }
}

/// The usual tenant goes without saying.
pub fn tenant(name: &str) -> Option<String> {
    Some(name.to_owned()).filter(|name| *name != Ident::default().as_str())
}

/// "2 of 5". What was handed back or replayed is claimed more often than it may fail.
pub fn attempt(attempt: i32, max_attempts: i32) -> String {
    match attempt {
        0 => "–".to_owned(),
        n if n <= max_attempts => format!("{n} of {max_attempts}"),
        n => n.to_string(),
    }
}

/// When its latest execution was claimed: the id says it, which is minted at the claim.
pub fn claimed_at(job: &Job) -> Option<OffsetDateTime> {
    let (seconds, nanos) = job.execution_id?.get_timestamp()?.to_unix();
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    Some(at + time::Duration::nanoseconds(nanos.into()))
}

fn tabs(filter: &Filter, counts: &Counts) -> Vec<Tab> {
    let tab = |label: &str, one: Option<JobState>, n: i64| Tab {
        label: label.to_owned(),
        count: count(n),
        href: href(filter, one, None),
        current: filter.state == one,
        quiet: one == Some(JobState::Canceled),
    };
    let all = tab("All", None, counts.all_jobs());
    let each = TABS.iter().map(|it| tab(it.badge().label, Some(*it), counts.jobs_in(*it)));
    std::iter::once(all).chain(each).collect()
}

async fn matching(app: &App, filter: &Filter, counts: &Counts) -> Result<String, ApiError> {
    if words(filter).iter().all(|(_, value)| value.is_empty()) {
        return Ok(count(filter.state.map_or_else(|| counts.all_jobs(), |state| counts.jobs_in(state))));
    }
    Ok(capped(app.store.count_matching_jobs(filter, JobState::ALL, COUNT_CAP + 1).await?))
}

/// What narrows a list besides the state, as parameters of its URL.
pub fn words(filter: &Filter) -> [(&'static str, &str); 6] {
    fn text(value: &Option<String>) -> &str {
        value.as_deref().unwrap_or_default()
    }
    [
        ("kind", text(&filter.kind)),
        ("queue", text(&filter.queue)),
        ("tenant", text(&filter.tenant)),
        ("tag", text(&filter.tag)),
        ("search", text(&filter.id)),
        ("error", text(&filter.error)),
    ]
}

/// The same as hidden fields of a form.
pub fn hidden(filter: &Filter) -> Vec<Hidden> {
    let state = filter.state.map_or("", JobState::as_str);
    let pairs = std::iter::once(("state", state)).chain(words(filter)).filter(|(_, value)| !value.is_empty());
    pairs.map(|(field, value)| Hidden { field: field.to_owned(), value: value.to_owned() }).collect()
}

/// The list with another state or another page, keeping the rest.
fn href(filter: &Filter, state: Option<JobState>, cursor: Option<Uuid>) -> String {
    let cursor = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut pairs = vec![("state", state.map_or("", JobState::as_str))];
    pairs.extend(words(filter));
    pairs.push(("cursor", cursor.as_str()));
    links::with_query(PAGE, &pairs)
}

fn shown(filter: &Filter, here: String) -> JobFilter {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    JobFilter {
        state: filter.state,
        kind: text(&filter.kind),
        queue: text(&filter.queue),
        tenant: text(&filter.tenant),
        tag: text(&filter.tag),
        search: text(&filter.id),
        here,
    }
}
