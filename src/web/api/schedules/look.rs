//! Looking: what comes next, what was, and what an expression would mean.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::schedule::{TZDB, TickOutcome, Timing};
use crate::web::api::paging::page;
use crate::web::api::schedules::plan::{checked, expression};
use crate::web::api::schedules::{found, listed, name_of};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Json;
use crate::web::query::Query;
use crate::wire::time::parse_time;
use crate::wire::{self, Preview, PreviewSchedule, Problem};

/// How many due times are shown unless asked otherwise, and at most.
const USUAL: usize = 10;
const MOST: usize = 100;

/// What an expression means: in words, and when it would be due. Nothing is kept.
#[utoipa::path(post, path = "/schedules/preview", tag = "schedules", request_body = PreviewSchedule,
    responses((status = 200, body = Preview), (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn preview(app: Data<App>, body: Json<PreviewSchedule>) -> Result<HttpResponse, ApiError> {
    let wish = body.value;
    let text = expression(wish.cron.as_deref(), wish.every)?;
    let text = text
        .ok_or_else(|| ApiError::field("cron", "is missing; say when: five fields of cron, @daily, or every: 15m"))?;
    let n = match wish.limit {
        None => USUAL,
        Some(n) => usize::try_from(n)
            .ok()
            .filter(|n| (1..=MOST).contains(n))
            .ok_or_else(|| ApiError::field("limit", MOST_HINT))?,
    };
    let now = app.store.clock().await?;
    let after = wish.after.as_deref().map(|text| parse_time("after", text)).transpose()?.unwrap_or(now);
    let timing = checked(&text, wish.time_zone.as_deref().unwrap_or("UTC"), now, wish.every.is_some())?;
    Ok(HttpResponse::Ok().json(shown(&timing, after, n)))
}

/// What to write instead of a number that is none.
const MOST_HINT: &str = "must be a whole number from 1 to 100";

/// When it is due next, also while it is paused.
#[utoipa::path(get, path = "/schedules/{name}/next", tag = "schedules",
    params(("name" = String, Path), ("limit" = Option<i64>, Query, description = "1 to 100, 10 unless asked otherwise"),
        ("after" = Option<String>, Query, description = "After this moment (RFC 3339); now unless asked otherwise")),
    responses((status = 200, body = Preview), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub async fn next(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["limit", "after"])?;
    let n = match query.get("limit") {
        None => USUAL,
        Some(text) => {
            let n = text.parse().ok().filter(|n| (1..=MOST).contains(n));
            n.ok_or_else(|| ApiError::parameter("limit", MOST_HINT))?
        }
    };
    let after = query.get("after").map(|text| parse_time("after", text).map_err(ApiError::Parameter)).transpose()?;
    let schedule = found(&app, &name_of(&request)).await?;
    Ok(HttpResponse::Ok().json(shown(&schedule.plan.timing, after.unwrap_or(schedule.at), n)))
}

fn shown(timing: &Timing, after: OffsetDateTime, n: usize) -> Preview {
    let look = |at| wire::Occurrence::from(timing.look(at));
    Preview {
        expression: timing.expression().to_string(),
        words: timing.words(),
        time_zone: timing.zone().name().to_owned(),
        tzdb: TZDB,
        previous: timing.last_before(after).map(look),
        next: timing.after(after).take(n).map(look).collect(),
    }
}

/// What became of its due times, newest first. The next page is in the `Link` header.
#[utoipa::path(get, path = "/schedules/{name}/ticks", tag = "schedules",
    params(("name" = String, Path), ("outcome" = Option<String>, Query, description = "`fired` or `skipped`"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 unless asked otherwise"), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = [wire::Tick], headers(("Link" = String, description = "`rel=\"next\"`: the next page"))),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn ticks(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["outcome", "limit", "cursor"])?;
    let word =
        |word| TickOutcome::parse(word).ok_or_else(|| ApiError::parameter("outcome", "must be fired or skipped"));
    let (outcome, limit) = (query.get("outcome").map(word).transpose()?, query.limit()?);
    let id = listed(&app, &name_of(&request)).await?.map_or_else(|it| it.id, |it| it.id);
    let rows = app.store.list_ticks(id, outcome, query.cursor()?, limit + 1).await?;
    Ok(page(&request, rows, limit, |last| last.id, wire::Tick::from))
}
