//! What executions write while they run: workers post it, everybody may read and follow it.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::store::logs::{Line, NewLine};
use crate::web::api::internal::Badge;
use crate::web::api::jobs::found;
use crate::web::api::wait;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Many, parse};
use crate::web::query::Query;
use crate::wire::Problem;
use crate::wire::internal::{LogLine, Logs, LogsAnswer, PostLogs};

/// The most lines in one request.
const MAX_LINES: usize = 1000;
/// How many lines are answered, unless asked otherwise, and at most.
const USUAL: i64 = 1000;
const MOST: i64 = 10_000;
/// How long an answer may be waited for.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// Where lines come from that do not say so.
const STREAM: &str = "stdout";
/// The stream of what we say ourselves.
const OURS: &str = "provost";

/// It wrote this. Only whoever holds the lease may say so.
#[utoipa::path(post, path = "/internal/executions/{id}/logs", tag = "internal", params(("id" = Uuid, Path)), request_body = PostLogs,
    responses((status = 202, body = LogsAnswer), (status = 400, body = Problem), (status = 409, body = Problem, description = "`lease_lost`"),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn append(app: Data<App>, badge: Badge, Id(id): Id, Many(body): Many) -> Result<HttpResponse, ApiError> {
    // What a program writes need not be text; what is not is shown as such.
    let said: PostLogs = parse(String::from_utf8_lossy(&body).as_bytes())?;
    let job = said.job_id;
    let lines = lines_of(said)?;
    badge.current(&app, id, job).await?;
    let kept = app.store.append_logs(id, job, &lines).await?.ok_or(ApiError::LeaseLost(id))?;
    Ok(HttpResponse::Accepted().json(LogsAnswer { kept, dropped: lines.len() as i64 - kept }))
}

fn lines_of(said: PostLogs) -> Result<Vec<NewLine>, ApiError> {
    let usual = stream("stream", said.stream)?.unwrap_or_else(|| STREAM.to_owned());
    let text = said.content.as_deref().map(|text| text.strip_suffix('\n').unwrap_or(text)).filter(|it| !it.is_empty());
    let mut lines: Vec<NewLine> = text
        .into_iter()
        .flat_map(|text| text.split('\n'))
        .map(|line| NewLine::of(usual.clone(), line.strip_suffix('\r').unwrap_or(line)))
        .collect();
    for (at, line) in said.lines.into_iter().enumerate() {
        let of = stream(&format!("lines.{at}.stream"), line.stream)?;
        lines.push(NewLine::of(of.unwrap_or_else(|| usual.clone()), &line.line));
    }
    if lines.len() > MAX_LINES {
        return Err(ApiError::field(
            "lines",
            format!("must be at most {MAX_LINES} at once; these are {}", lines.len()),
        ));
    }
    Ok(lines)
}

fn stream(field: &str, word: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(word) = word else { return Ok(None) };
    let is_good = (1..=16).contains(&word.len()) && word.bytes().all(|it| it.is_ascii_lowercase()) && word != OURS;
    if is_good { Ok(Some(word)) } else { Err(ApiError::field(field, "must be a word of 1 to 16 small letters")) }
}

/// What an execution wrote, oldest first. `?after_id=` the last line that you have goes on from there; with `?wait=` the answer comes
/// when there is something, so that asking again and again follows it.
#[utoipa::path(get, path = "/executions/{id}/logs", tag = "jobs", params(("id" = Uuid, Path), ("after_id" = Option<i64>, Query),
        ("limit" = Option<i64>, Query, description = "1 to 10,000, 1,000 unless asked otherwise"), ("wait" = Option<String>, Query, description = "Up to 20s")),
    responses((status = 200, body = Logs), (status = 400, body = Problem),
        (status = 404, body = Problem, description = "It wrote nothing, and is not active"), (status = 503, body = Problem)))]
pub async fn of_execution(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let wanted = Wanted::read(&request)?;
    let lines = follow(&app, &wanted, || async {
        let lines = app.store.logs_of_execution(id, wanted.after, wanted.limit).await?;
        if lines.is_empty() && app.store.active_execution(id, None).await?.is_none() {
            if wanted.after > 0 || app.store.ended_execution(id, None).await?.is_some() {
                return Ok(None);
            }
            return Err(ApiError::Missing("execution with logs", id.to_string()));
        }
        Ok(Some(lines))
    });
    respond(lines.await?)
}

/// What the executions of a job wrote, oldest first; the same parameters.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs", params(("id" = Uuid, Path), ("after_id" = Option<i64>, Query), ("limit" = Option<i64>, Query),
        ("wait" = Option<String>, Query, description = "Up to 20s")),
    responses((status = 200, body = Logs), (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn of_job(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let wanted = Wanted::read(&request)?;
    let lines = follow(&app, &wanted, || async {
        let lines = app.store.logs_of_job(id, wanted.after, wanted.limit).await?;
        if lines.is_empty() && found(&app, id).await?.state.is_finished() {
            return Ok(None);
        }
        Ok(Some(lines))
    });
    respond(lines.await?)
}

/// Looks until there are lines; nothing when there will be none.
async fn follow<F: Future<Output = Result<Option<Vec<Line>>, ApiError>>>(
    app: &App,
    wanted: &Wanted,
    look: impl Fn() -> F,
) -> Result<Vec<Line>, ApiError> {
    let said = |found: &Option<Vec<Line>>| found.as_ref().is_none_or(|lines| !lines.is_empty());
    Ok(wait::until(app, wanted.wait, said, look).await?.unwrap_or_default())
}

struct Wanted {
    after: i64,
    limit: i64,
    wait: Duration,
}

impl Wanted {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let query = Query::parse(request.query_string(), &["after_id", "limit", "wait"])?;
        Ok(Self {
            after: query.number("after_id", 0, 0..=i64::MAX)?,
            limit: query.number("limit", USUAL, 1..=MOST)?,
            wait: query.span("wait", Duration::ZERO, MAX_WAIT)?,
        })
    }
}

fn respond(lines: Vec<Line>) -> Result<HttpResponse, ApiError> {
    let line = |it: Line| LogLine {
        id: it.id,
        execution_id: it.execution_id,
        content: it.line,
        stream: it.stream,
        created_at: it.at,
    };
    Ok(HttpResponse::Ok().json(Logs { logs: lines.into_iter().map(line).collect() }))
}
