//! `/dashboard/dead-letters`: the jobs that gave up, by error and one by one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::JobState;
use crate::store::jobs::{Filter, Group, Job};
use crate::web::api::convert::place;
use crate::web::app::App;
use crate::web::dashboard::dead_letters::view::{DeadFilter, DeadGroup, DeadLettersPage, DeadRow};
use crate::web::dashboard::jobs::facts::replays;
use crate::web::dashboard::jobs::list::{ROWS, Suggestions, hidden, tenant, words};
use crate::web::dashboard::ui::{
    Bulk, COUNT_CAP, Counts, Nav, Pages, Rendering, Shell, capped, count, first_line, links, or_error_page, respond,
    short_id, stamp,
};
use crate::web::error::ApiError;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/dead-letters";
/// How many of the latest are grouped, and how many groups are shown: a page is made anew every few seconds.
const GROUPED: i64 = 10_000;
const GROUPS: i64 = 20;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["kind", "queue", "error", "cursor"])?;
    let (filter, below) = (query.jobs()?, query.place()?);
    let mut rows = app.store.list_finished_jobs(&filter, below, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let counts = Counts::load(app).await?;
    let known = Suggestions::of(app).await?;
    let matching = matching(app, &filter, &counts).await?;
    let here = href(&filter, query.get("cursor").unwrap_or_default());
    let page = DeadLettersPage {
        shell: Shell::new(app, request).at(Nav::DeadLetters).with_counts(&counts).titled("Dead letters"),
        total: count(counts.jobs_in(JobState::Failed)),
        groups: if below.is_none() { groups(app, &filter).await? } else { Vec::new() },
        pages: Pages {
            matching: matching.clone(),
            newer: below.map(|_| href(&filter, "")),
            older: rows.last().filter(|_| more).map(|last| href(&filter, &place(last))),
        },
        rows: rows.into_iter().map(row).collect(),
        bulk: Bulk { filter: hidden(&filter), back: here.clone(), matching },
        kinds: known.kinds,
        queues: known.queues,
        filter: DeadFilter {
            kind: filter.kind.unwrap_or_default(),
            queue: filter.queue.unwrap_or_default(),
            error: filter.error.unwrap_or_default(),
            here,
        },
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

async fn matching(app: &App, filter: &Filter, counts: &Counts) -> Result<String, ApiError> {
    if words(filter).iter().all(|(_, value)| value.is_empty()) {
        return Ok(count(counts.jobs_in(JobState::Failed)));
    }
    Ok(capped(app.store.count_matching_jobs(filter, &[JobState::Failed], COUNT_CAP + 1).await?))
}

async fn groups(app: &App, filter: &Filter) -> Result<Vec<DeadGroup>, ApiError> {
    let mut groups =
        app.store.group_dead_letters(filter.queue.as_deref(), filter.kind.as_deref(), GROUPED, GROUPS).await?;
    if let Some(part) = filter.error.as_deref().map(str::to_lowercase) {
        groups.retain(|it| it.error.to_lowercase().contains(&part));
    }
    let all: i64 = groups.iter().map(|it| it.n).sum();
    Ok(groups.into_iter().map(|it| group(it, filter, all)).collect())
}

fn group(it: Group, filter: &Filter, all: i64) -> DeadGroup {
    let narrowed = Filter {
        kind: Some(it.kind.clone()),
        queue: filter.queue.clone(),
        // A field of one line cannot hold more than that.
        error: Some(first_line(&it.error).to_owned()),
        ..Filter::default()
    };
    DeadGroup {
        href: href(&narrowed, ""),
        count: count(it.n),
        percent: u32::try_from((it.n * 100 + all / 2) / all.max(1)).unwrap_or(100).min(100),
        first: stamp(it.first_at),
        last: stamp(it.last_at),
        error: it.error,
        kind: it.kind,
    }
}

fn row(job: Job) -> DeadRow {
    DeadRow {
        id: job.id.to_string(),
        short_id: short_id(job.id),
        error: job.error.clone().unwrap_or_default(),
        failures: format!("{} of {}", job.failures, job.max_attempts),
        replays: replays(job.replays).map(|times| format!("replayed {times} before")),
        died: stamp(job.finished_at.unwrap_or(job.updated_at)),
        queue: links::queue(&job.queue),
        tenant: tenant(&job.tenant),
        project: job.project_id.map(|id| format!("/dashboard/projects/{id}")),
        kind: job.kind,
    }
}

fn href(filter: &Filter, cursor: &str) -> String {
    let pairs: Vec<(&str, &str)> = words(filter).into_iter().chain([("cursor", cursor)]).collect();
    links::with_query(PAGE, &pairs)
}
