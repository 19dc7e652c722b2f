//! `/schedules`.

pub mod actions;
pub mod convert;
pub mod plan;
pub mod times;

use actix_web::http::header::{ETAG, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use self::plan::{Edit, save_schedule};
use crate::store::schedules::{ParsedSchedule, RemoveOutcome, Schedule};
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::projects::{etag, expected_versions};
use crate::web::api::response::{created, list as json_list, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{LargeBody, Name, OptionalJson, parse};
use crate::web::query::Query;
use crate::wire::{self, PutSchedule, Reason};

/// List schedules by name.
#[utoipa::path(get, path = "/schedules", tag = "schedules", responses((status = 200, body = [wire::Schedule]), description::Read))]
pub async fn list(app: Data<App>, request: HttpRequest) -> ApiResult {
    Query::parse(request.query_string(), &[])?;
    json_list::<wire::Schedule, _>(app.store.list_schedules(None).await?)
}

/// Create a schedule, or replace the schedule with the same name.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = PutSchedule,
    responses((status = 200, body = wire::Schedule, description = "Replaced"), (status = 201, body = wire::Schedule), description::Write))]
pub async fn put(app: Data<App>, request: HttpRequest, LargeBody(body): LargeBody) -> ApiResult {
    let mut put: PutSchedule = parse(&body)?;
    let audit = api_audit(Reason { reason: put.reason.take(), actor: put.actor.take() })?;
    let name = plan::checked_name(put.name.take())?;
    let is_new = save_schedule(&app, &name, &put, Edit::Replace, &audit).await?;
    let mut response = created(is_new);
    let path = request.uri().path().trim_end_matches('/');
    response.insert_header((LOCATION, format!("{path}/{}", wire::segment(&name))));
    respond(response, load(&app, &name).await?)
}

/// Get a schedule.
#[utoipa::path(get, path = "/schedules/{name}", tag = "schedules", params(("name" = String, Path)),
    responses((status = 200, body = wire::Schedule), description::ReadOne, description::Conflict))]
pub async fn get(app: Data<App>, Name(name): Name) -> ApiResult {
    respond(HttpResponse::Ok(), load(&app, &name).await?)
}

/// Change a schedule. Omitted fields keep their values.
#[utoipa::path(patch, path = "/schedules/{name}", tag = "schedules", request_body = PutSchedule,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Only change the version with this `ETag`")),
    responses((status = 200, body = wire::Schedule), description::WriteOne, description::Conflict, description::Stale))]
pub async fn patch(app: Data<App>, request: HttpRequest, Name(name): Name, LargeBody(body): LargeBody) -> ApiResult {
    let mut put: PutSchedule = parse(&body)?;
    let audit = api_audit(Reason { reason: put.reason.take(), actor: put.actor.take() })?;
    if put.name.as_ref().is_some_and(|other| *other != name) {
        return Err(ApiError::field("name", "cannot be changed; create a new schedule and delete this one"));
    }
    save_schedule(&app, &name, &put, Edit::Change { versions: expected_versions(&request)? }, &audit).await?;
    respond(HttpResponse::Ok(), load(&app, &name).await?)
}

/// Delete a schedule. Jobs that it started continue.
#[utoipa::path(delete, path = "/schedules/{name}", tag = "schedules",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "Only delete the version with this `ETag`")),
    request_body(content = Option<Reason>),
    responses((status = 204, description = "Deleted"), description::WriteOne, description::Stale))]
pub async fn remove(app: Data<App>, request: HttpRequest, Name(name): Name, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    match app.store.remove_schedule(&name, expected_versions(&request)?.as_deref(), &audit).await? {
        RemoveOutcome::Removed => no_content(),
        RemoveOutcome::Stale { version } => Err(ApiError::Stale(version)),
        RemoveOutcome::Missing => Err(not_found(&name)),
    }
}

/// The schedule; a 404 problem if there is none, a 409 problem if this version cannot read it.
pub async fn load(app: &App, name: &str) -> Result<Schedule, ApiError> {
    load_any(app, name).await?.map_err(|it| ApiError::InvalidSchedule(it.name))
}

/// The schedule, even if this version cannot read it, or a 404 problem.
pub async fn load_any(app: &App, name: &str) -> Result<ParsedSchedule, ApiError> {
    app.store.list_schedules(Some(name)).await?.pop().ok_or_else(|| not_found(name))
}

/// The 404 problem of a schedule.
pub fn not_found(name: &str) -> ApiError {
    ApiError::not_found("schedule", name)
}

fn respond(mut response: HttpResponseBuilder, schedule: Schedule) -> ApiResult {
    Ok(response.insert_header((ETAG, etag(schedule.version, None))).json(wire::Schedule::from(schedule)))
}
