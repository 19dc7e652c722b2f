//! `/schedules`: what starts by itself, when, and what became of it.

mod acts;
mod convert;
mod look;
mod plan;

use actix_web::http::header::{ETAG, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use crate::store::schedules::{ParsedSchedule, RemoveOutcome, Schedule};
use crate::web::api::convert::api_audit;
use crate::web::api::projects::{etag, version_of};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Many, OptionalJson, name_in_path, parse};
use crate::web::query::Query;
use crate::wire::{self, Problem, PutSchedule, Reason};

pub use acts::{act_backfill, act_move, act_run, backfill, backfillable, pause, resume, run};
pub use convert::{UNREADABLE_WORDS, note};
pub use look::{next, preview, ticks};
pub use plan::{Edit, name as checked_name, put_plan};

// The document finds the descriptions of these beside them.
#[doc(hidden)]
pub use acts::{__path_backfill, __path_pause, __path_resume, __path_run};
#[doc(hidden)]
pub use look::{__path_next, __path_preview, __path_ticks};

/// The schedules, by name.
#[utoipa::path(get, path = "/schedules", tag = "schedules",
    responses((status = 200, body = [wire::Schedule]), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Query::parse(request.query_string(), &[])?;
    let schedules = app.store.list_schedules(None).await?;
    Ok(HttpResponse::Ok().json(schedules.into_iter().map(shown).collect::<Vec<_>>()))
}

/// From now on this starts by itself; the same name again replaces the schedule.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = PutSchedule,
    responses((status = 200, body = wire::Schedule, description = "Replaced"), (status = 201, body = wire::Schedule), (status = 400, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn put(app: Data<App>, request: HttpRequest, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let mut wish: PutSchedule = parse(&body)?;
    let audit = api_audit(Reason { reason: wish.reason.take(), actor: wish.actor.take() })?;
    let name = plan::name(wish.name.take())?;
    let is_new = put_plan(&app, &name, &wish, Edit::Replace, &audit).await?;
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    let place = request.uri().path().trim_end_matches('/');
    response.insert_header((LOCATION, format!("{place}/{}", crate::wire::segment(&name))));
    Ok(answer(&mut response, found(&app, &name).await?))
}

/// One schedule.
#[utoipa::path(get, path = "/schedules/{name}", tag = "schedules", params(("name" = String, Path)),
    responses((status = 200, body = wire::Schedule), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(answer(&mut HttpResponse::Ok(), found(&app, &name_of(&request)).await?))
}

/// Change some of it, from now on. What is left out stays.
#[utoipa::path(patch, path = "/schedules/{name}", tag = "schedules", request_body = PutSchedule,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Only if it is still this `ETag`")),
    responses((status = 200, body = wire::Schedule), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn patch(app: Data<App>, request: HttpRequest, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let mut wish: PutSchedule = parse(&body)?;
    let name = name_of(&request);
    let audit = api_audit(Reason { reason: wish.reason.take(), actor: wish.actor.take() })?;
    if wish.name.as_ref().is_some_and(|other| *other != name) {
        return Err(ApiError::field("name", "cannot be changed; make a new schedule and delete this one"));
    }
    put_plan(&app, &name, &wish, Edit::Change { version: version_of(&request)? }, &audit).await?;
    Ok(answer(&mut HttpResponse::Ok(), found(&app, &name).await?))
}

/// It starts nothing any more. What it started goes on.
#[utoipa::path(delete, path = "/schedules/{name}", tag = "schedules",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Only if it is still this `ETag`")),
    request_body(content = Option<Reason>),
    responses((status = 204, description = "Gone"), (status = 400, body = Problem), (status = 404, body = Problem), (status = 412, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn remove(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    let (name, audit) = (&name_of(&request), api_audit(reason.0)?);
    match app.store.remove_schedule(name, version_of(&request)?, &audit).await? {
        RemoveOutcome::Removed => Ok(HttpResponse::NoContent().finish()),
        RemoveOutcome::Stale { version } => Err(ApiError::Stale(version)),
        RemoveOutcome::Missing => Err(no_schedule(name)),
    }
}

fn shown(listed: ParsedSchedule) -> wire::Schedule {
    match listed {
        Ok(schedule) => schedule.into(),
        Err(unreadable) => (*unreadable).into(),
    }
}

/// The schedule; 404 when there is none, 409 when this version cannot read it.
pub async fn found(app: &App, name: &str) -> Result<Schedule, ApiError> {
    listed(app, name).await?.map_err(|it| ApiError::InvalidSchedule(it.name))
}

/// The schedule, whether or not this version can read it, or 404.
pub async fn listed(app: &App, name: &str) -> Result<ParsedSchedule, ApiError> {
    app.store.list_schedules(Some(name)).await?.pop().ok_or_else(|| no_schedule(name))
}

/// There is no such schedule.
pub fn no_schedule(name: &str) -> ApiError {
    ApiError::Missing("schedule", name.to_owned())
}

/// `{name}` of the path.
pub fn name_of(request: &HttpRequest) -> String {
    name_in_path(request, "name")
}

fn answer(response: &mut HttpResponseBuilder, schedule: Schedule) -> HttpResponse {
    response.insert_header((ETAG, etag(schedule.version)));
    response.json(wire::Schedule::from(schedule))
}
