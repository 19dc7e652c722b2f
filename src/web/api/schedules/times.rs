//! Due times of schedules and expressions.

use actix_web::HttpRequest;
use actix_web::web::Data;
use time::OffsetDateTime;

use crate::domain::schedule::{TZDB, TickOutcome, Timing};
use crate::web::api::description;
use crate::web::api::response::{json, page};
use crate::web::api::schedules::plan::{EXPRESSION_REQUIRED, checked_timing, expression};
use crate::web::api::schedules::{load, load_any};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name};
use crate::web::query::Query;
use crate::wire::time::parse_time;
use crate::wire::{self, Preview, PreviewSchedule};

/// Number of due times in a preview.
const DEFAULT_TIMES: i64 = 10;
const MAX_TIMES: i64 = 100;

/// Preview the due times of an expression.
#[utoipa::path(post, path = "/schedules/preview", tag = "schedules", request_body = PreviewSchedule,
    responses((status = 200, body = Preview), description::Write))]
pub async fn preview(app: Data<App>, body: Json<PreviewSchedule>) -> ApiResult {
    let request = body.value;
    let text = expression(request.cron.as_deref(), request.every)?;
    let text = text.ok_or_else(|| ApiError::field("cron", EXPRESSION_REQUIRED))?;
    let n = request.limit.unwrap_or(DEFAULT_TIMES);
    if !(1..=MAX_TIMES).contains(&n) {
        return Err(ApiError::field("limit", "must be a whole number from 1 to 100"));
    }
    let now = app.store.now().await?;
    let after = request.after.as_deref().map(|text| parse_time("after", text)).transpose()?.unwrap_or(now);
    let zone = request.time_zone.as_deref().unwrap_or("UTC");
    json(due_times(&checked_timing(&text, zone, now, request.every.is_some())?, after, n))
}

/// Get the next due times of a schedule, even while it is paused.
#[utoipa::path(get, path = "/schedules/{name}/next", tag = "schedules",
    params(("name" = String, Path), ("limit" = Option<i64>, Query, description = "1 to 100. Default: 10."),
        ("after" = Option<String>, Query, description = "RFC 3339. Default: now.")),
    responses((status = 200, body = Preview), description::ReadOne, description::Conflict))]
pub async fn next(app: Data<App>, request: HttpRequest, Name(name): Name) -> ApiResult {
    let query = Query::parse(request.query_string(), &["limit", "after"])?;
    let n = query.number("limit", DEFAULT_TIMES, 1..=MAX_TIMES)?;
    let after = query.get("after").map(|text| parse_time("after", text).map_err(ApiError::Parameter)).transpose()?;
    let schedule = load(&app, &name).await?;
    json(due_times(&schedule.plan.timing, after.unwrap_or(schedule.at), n))
}

fn due_times(timing: &Timing, after: OffsetDateTime, n: i64) -> Preview {
    let occurrence = |at| wire::Occurrence::from(timing.occurrence(at));
    Preview {
        expression: timing.expression().to_string(),
        words: timing.words(),
        time_zone: timing.zone().name().to_owned(),
        tzdb: TZDB,
        previous: timing.last_before(after).map(occurrence),
        next: timing.after(after).take(n as usize).map(occurrence).collect(),
    }
}

/// List the ticks of a schedule, newest first: its due times and their outcomes. The `Link` header contains the next page.
#[utoipa::path(get, path = "/schedules/{name}/ticks", tag = "schedules",
    params(("name" = String, Path), ("outcome" = Option<String>, Query, description = "`fired` or `skipped`"), description::Paging),
    responses((status = 200, body = [wire::Tick], headers(("Link" = String, description = "The next page: `rel=\"next\"`"))), description::ReadOne))]
pub async fn ticks(app: Data<App>, request: HttpRequest, Name(name): Name) -> ApiResult {
    let query = Query::parse(request.query_string(), &["outcome", "limit", "cursor"])?;
    let parse =
        |text| TickOutcome::parse(text).ok_or_else(|| ApiError::parameter("outcome", "must be fired or skipped"));
    let (outcome, limit) = (query.get("outcome").map(parse).transpose()?, query.limit()?);
    let id = load_any(&app, &name).await?.map_or_else(|it| it.id, |it| it.id);
    let rows = app.store.list_ticks(id, outcome, query.cursor()?, limit + 1).await?;
    page::<wire::Tick, _, _>(&request, rows, limit, |last| last.id)
}
