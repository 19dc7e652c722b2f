//! `/dashboard/dead-letters`: the failed jobs, by error and one by one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::{JobState, search};
use crate::store::dead_letters::DeadLetterGroup;
use crate::store::jobs::Filter;
use crate::web::api::dead_letters::cursor;
use crate::web::app::App;
use crate::web::dashboard::dead_letters::view::{DeadLettersPage, ErrorGroup};
use crate::web::dashboard::jobs::list::{ROWS, Suggestions};
use crate::web::dashboard::jobs::verbs::DEAD_LETTERS;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{
    Bulk, COUNT_CAP, Counts, Nav, Pages, Rendering, Shell, capped, count, first_line, links, or_error_page, respond,
};

/// How many of the latest dead letters are grouped.
const GROUPED: i64 = 10_000;
const GROUPS: i64 = 20;

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request).await)
}

async fn list(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["kind", "queue", "error", "cursor"])?;
    let (filter, below) = (query.jobs()?, query.finished_cursor()?);
    let mut rows = app.store.list_finished_jobs(&filter, below, ROWS + 1).await?;
    let more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let counts = Counts::load(app).await?;
    let suggestions = Suggestions::load(app).await?;
    let matching = matching(app, &filter, &counts).await?;
    let page = DeadLettersPage {
        shell: Shell::new(app, request).at(Nav::DeadLetters).with_counts(&counts).titled("Dead letters"),
        total: count(counts.jobs_in(JobState::Failed)),
        groups: if below.is_none() { groups(app, &filter).await? } else { Vec::new() },
        pages: Pages {
            matching: matching.clone(),
            newer: below.map(|_| href(&filter, "")),
            older: rows.last().filter(|_| more).map(|last| href(&filter, &cursor(last))),
        },
        bulk: Bulk { filter: filter.hidden(), back: href(&filter, query.get("cursor").unwrap_or_default()), matching },
        rows,
        kinds: suggestions.kinds,
        queues: suggestions.queues,
        filter,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

async fn matching(app: &App, filter: &Filter, counts: &Counts) -> Result<String, ApiError> {
    if filter.words().is_empty() {
        return Ok(count(counts.jobs_in(JobState::Failed)));
    }
    Ok(capped(app.store.count_matching_jobs(filter, &[JobState::Failed], COUNT_CAP + 1).await?))
}

async fn groups(app: &App, filter: &Filter) -> Result<Vec<ErrorGroup>, ApiError> {
    let mut groups =
        app.store.group_dead_letters(filter.queue.as_deref(), filter.kind.as_deref(), GROUPED, GROUPS).await?;
    if let Some(part) = filter.error.as_deref() {
        groups.retain(|it| search::contains(&it.error, part));
    }
    let all: i64 = groups.iter().map(|it| it.n).sum();
    Ok(groups.into_iter().map(|it| group(it, filter, all)).collect())
}

fn group(group: DeadLetterGroup, filter: &Filter, all: i64) -> ErrorGroup {
    let narrowed = Filter {
        kind: Some(group.kind.clone()),
        queue: filter.queue.clone(),
        // The error field of the form holds one line.
        error: Some(first_line(&group.error).to_owned()),
        ..Filter::default()
    };
    ErrorGroup { href: href(&narrowed, ""), percent: (group.n * 100 + all / 2) / all.max(1), group }
}

fn href(filter: &Filter, cursor: &str) -> String {
    let pairs: Vec<(&str, &str)> = filter.parameters().into_iter().chain([("cursor", cursor)]).collect();
    links::with_query(DEAD_LETTERS.page, &pairs)
}
