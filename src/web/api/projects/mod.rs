//! `/projects`: ask for one, look, change, try again, let go.

pub mod events;
pub mod explain;

use actix_web::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use uuid::Uuid;

use crate::domain::ProjectStatus;
use crate::store::projects::Transition;
use crate::store::projects::{Created, NewProject, Project, ProjectPatch};
use crate::web::api::paging::page;
use crate::web::api::{convert, idempotency, wait};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Json, OptionalJson};
use crate::web::query::Query;
use crate::wire::{self, CreateProject, PatchProject, Problem, Reason};

/// Ask for a project. It is answered at once, before any work is done.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same body, the same project is answered")),
    responses((status = 201, body = wire::Project), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn create(app: Data<App>, request: HttpRequest, body: Json<CreateProject>) -> Result<HttpResponse, ApiError> {
    let Json { value, text } = body;
    let new = NewProject {
        name: convert::name(&value.name)?,
        template: convert::template(value.template, &app.templates)?,
        parameters: convert::parameters(value.parameters)?,
        labels: convert::labels(value.labels.unwrap_or_default())?,
        key: idempotency::key_of(&request, &text)?,
    };
    let audit = convert::audit(convert::API, None)?;
    let (project, replayed) = match app.store.create_project(&new, app.bounds(), &audit).await? {
        Created::New(project) => (project, false),
        Created::Replayed(project) => (project, true),
        Created::InFlight => return Err(ApiError::KeyInFlight),
        Created::KeyReused => return Err(ApiError::KeyReused),
    };
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{}/{}", request.path(), project.id)));
    if replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    } else {
        app.telemetry.created.inc();
    }
    Ok(answer(&mut response, project))
}

/// Projects, newest first; deleted ones only with `status=deleted`. The next page is in the `Link` header.
#[utoipa::path(get, path = "/projects", tag = "projects",
    params(("status" = Option<String>, Query, description = "Only projects with this status"),
        ("label" = Option<String>, Query, description = "`key=value`; may be repeated, all must fit"),
        ("search" = Option<String>, Query, description = "Part of the name, or the beginning of the id"),
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 unless asked otherwise"),
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before")),
    responses((status = 200, body = [wire::Project], headers(("Link" = String, description = "`rel=\"next\"`: the next page"))),
        (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["status", "label", "search", "limit", "cursor"])?;
    let mut filter = query.filter()?;
    let limit = filter.limit;
    filter.limit += 1;
    let rows = app.store.list_projects(&filter).await?;
    Ok(page(&request, rows, limit, |last| last.id, wire::Project::from))
}

/// One project, deleted ones too. With `wait` the answer comes when it has that status, comes to rest, or time is up.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects",
    params(("id" = Uuid, Path), ("wait" = Option<String>, Query, description = "A status to wait for, like `ready`"),
        ("timeout" = Option<String>, Query, description = "How long to wait, up to 60s; 30s unless asked otherwise"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have")),
    responses((status = 200, body = wire::Project, headers(("ETag" = String))), (status = 304, description = "Not changed"),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub async fn get(app: Data<App>, request: HttpRequest, Id(id): Id) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["wait", "timeout"])?;
    let (wanted, patience) = (query.status("wait")?, query.timeout()?);
    let look = || async { app.store.get_project(id).await?.ok_or(ApiError::NoProject(id)) };
    let project = match wanted {
        Some(wanted) => {
            let is_there = |it: &Project| it.status == wanted || !it.status.is_transient();
            wait::until(&app, patience, is_there, look).await?
        }
        None => look().await?,
    };
    let seen = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fits = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag(project.version);
    if seen.is_some_and(|seen| seen.split(',').any(|tag| fits(tag.trim()))) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag(project.version))).finish());
    }
    Ok(answer(&mut HttpResponse::Ok(), project))
}

/// Change the name or the labels.
#[utoipa::path(patch, path = "/projects/{id}", tag = "projects", request_body = PatchProject,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Only if it is still this `ETag`")),
    responses((status = 200, body = wire::Project), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn patch(
    app: Data<App>,
    request: HttpRequest,
    Id(id): Id,
    body: Json<PatchProject>,
) -> Result<HttpResponse, ApiError> {
    let patch = ProjectPatch {
        name: body.value.name.as_deref().map(convert::name).transpose()?,
        labels: body.value.labels.map(convert::labels).transpose()?,
        version: version_of(&request)?,
    };
    if patch.name.is_none() && patch.labels.is_none() {
        return Err(ApiError::field("body", "must have name or labels, or there is nothing to change"));
    }
    let moved = app.store.patch_project(id, &patch).await?;
    let project = moved_or(moved, id, "changed", "A project that is being deleted keeps its last name.")?;
    Ok(answer(&mut HttpResponse::Ok(), project))
}

/// Let it go: the real thing is removed, the record stays. Answered at once, like creating.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Only if it is still this `ETag`")),
    request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn delete(
    app: Data<App>,
    request: HttpRequest,
    Id(id): Id,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    let version = version_of(&request)?;
    let audit = convert::api_audit(reason.0)?;
    let moved = app.store.delete_project(id, version, app.bounds(), &audit).await?;
    let project = moved_or(moved, id, "deleted", DELETE_HINT)?;
    Ok(answer(&mut HttpResponse::Accepted(), project))
}

/// Try again. Only a failed project can be retried.
#[utoipa::path(post, path = "/projects/{id}/retry", tag = "projects", params(("id" = Uuid, Path)),
    request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Project), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    let audit = convert::api_audit(reason.0)?;
    let moved = app.store.retry_project(id, app.bounds(), &audit).await?;
    let project = moved_or(moved, id, "retried", RETRY_HINT)?;
    Ok(answer(&mut HttpResponse::Ok(), project))
}

/// What to do when retrying does not apply.
pub const RETRY_HINT: &str = "Only a failed project can be retried.";
/// What to do when deleting does not apply.
pub const DELETE_HINT: &str = "Only a ready or failed project can be deleted; wait until it comes to rest.";

/// The project that moved, or why it did not.
pub fn moved_or(
    moved: Transition<Project>,
    id: Uuid,
    verb: &'static str,
    hint: &'static str,
) -> Result<Project, ApiError> {
    match moved {
        Transition::Applied(project) => Ok(project),
        Transition::Rejected { was } => Err(ApiError::State { verb, was, hint }),
        Transition::Stale { version } => Err(ApiError::Stale(version)),
        Transition::Missing => Err(ApiError::NoProject(id)),
    }
}

fn answer(response: &mut HttpResponseBuilder, project: Project) -> HttpResponse {
    response.insert_header((ETAG, etag(project.version)));
    if project.status == ProjectStatus::Creating {
        // Somebody who polls need not do so at once.
        response.insert_header(("Retry-After", "1"));
    }
    response.json(wire::Project::from(project))
}

/// The `ETag` of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version in `If-Match`; `None` when any will do.
pub fn version_of(request: &HttpRequest) -> Result<Option<i64>, ApiError> {
    let Some(value) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = tag.and_then(|tag| tag.parse().ok());
    version.map(Some).ok_or_else(|| ApiError::header("If-Match", "must be one ETag, like \"3\", or *"))
}
