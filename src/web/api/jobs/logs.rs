//! `/jobs/{id}/logs` and `/executions/{id}/logs`.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::store::logs;
use crate::web::api::jobs::load;
use crate::web::api::response::json;
use crate::web::api::{description, wait};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Id;
use crate::web::query::Query;
use crate::wire::internal::{LogLine, Logs};

/// Lines per response.
const DEFAULT_LINES: i64 = 1000;
const MAX_LINES: i64 = 10_000;
/// Maximum `?wait=`.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// List log lines of an attempt, oldest first. To follow a log, repeat the request with `?after_id=` set to the last line's id and
/// `?wait=`: the response is sent once there are new lines.
#[utoipa::path(get, path = "/executions/{id}/logs", tag = "jobs", params(("id" = Uuid, Path), ("after_id" = Option<i64>, Query),
        ("limit" = Option<i64>, Query, description = "1 to 10,000. Default: 1,000."), ("wait" = Option<String>, Query, description = "At most 20s")),
    responses((status = 200, body = Logs), description::ReadOne))]
pub async fn of_execution(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let params = Params::parse(&request)?;
    let poll = || async {
        let lines = app.store.logs_of_execution(id, params.after, params.limit).await?;
        if lines.is_empty() && app.store.active_execution(id, None).await?.is_none() {
            if params.after > 0 || app.store.ended_execution(id, None).await?.is_some() {
                return Ok(None);
            }
            return Err(ApiError::not_found("execution with logs", id));
        }
        Ok(Some(lines))
    };
    respond(&app, &params, poll).await
}

/// List log lines of all attempts of a job, oldest first, with the same parameters.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs", params(("id" = Uuid, Path), ("after_id" = Option<i64>, Query),
        ("limit" = Option<i64>, Query, description = "1 to 10,000. Default: 1,000."), ("wait" = Option<String>, Query, description = "At most 20s")),
    responses((status = 200, body = Logs), description::ReadOne))]
pub async fn of_job(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let params = Params::parse(&request)?;
    let poll = || async {
        let lines = app.store.logs_of_job(id, params.after, params.limit).await?;
        let is_complete = lines.is_empty() && load(&app, id).await?.state.is_finished();
        Ok((!is_complete).then_some(lines))
    };
    respond(&app, &params, poll).await
}

/// Polls until there are lines, or until `poll` returns `None` because no more lines will follow.
async fn respond<F: Future<Output = Result<Option<Vec<logs::LogLine>>, ApiError>>>(
    app: &App,
    params: &Params,
    poll: impl Fn() -> F,
) -> ApiResult {
    let is_done = |lines: &Option<Vec<logs::LogLine>>| lines.as_ref().is_none_or(|lines| !lines.is_empty());
    let lines = wait::until(app, params.wait, is_done, poll).await?.unwrap_or_default();
    json(Logs { logs: lines.into_iter().map(LogLine::from).collect() })
}

struct Params {
    after: i64,
    limit: i64,
    wait: Duration,
}

impl Params {
    fn parse(request: &HttpRequest) -> Result<Self, ApiError> {
        let query = Query::parse(request.query_string(), &["after_id", "limit", "wait"])?;
        Ok(Self {
            after: query.number("after_id", 0, 0..=i64::MAX)?,
            limit: query.number("limit", DEFAULT_LINES, 1..=MAX_LINES)?,
            wait: query.duration("wait", Duration::ZERO, MAX_WAIT)?,
        })
    }
}

impl From<logs::LogLine> for LogLine {
    fn from(row: logs::LogLine) -> Self {
        Self { id: row.id, execution_id: row.execution_id, content: row.line, stream: row.stream, created_at: row.at }
    }
}
