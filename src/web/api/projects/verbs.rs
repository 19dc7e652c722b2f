//! The verbs of a project: each starts, stops or takes back an operation.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::ProjectVerb;
use crate::store::projects::{Expiry, Project, ProjectPatch, Request};
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::projects::operations::{self, applied};
use crate::web::api::projects::{expected_versions, fields, load, patched, respond};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json, OptionalJson};
use crate::web::query::Query;
use crate::wire::{self, ExtendProject, Reason};

/// Delete a project, whatever its status: an operation in progress is stopped first. With a grace time, the project is only taken out
/// of service, and `undelete` brings it back until the time is over. The response is sent before that; the events are kept.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Only delete the version with this `ETag`"),
        ("grace" = Option<String>, Query, description = "How long the project can be restored, such as `7d`; `0s` deletes at once. Default: as the template says.")),
    request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict, description::Stale))]
pub async fn delete(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let query = Query::parse(request.query_string(), &["grace"])?;
    let grace = query.get("grace").map(fields::grace).transpose().map_err(ApiError::into_parameter)?;
    let audit = api_audit(reason.0)?;
    let deletion = Request { grace, versions: expected_versions(&request)?, ..Request::new(ProjectVerb::Delete) };
    let outcome = operations::begin(&app, id, &deletion, &audit).await?;
    respond(HttpResponse::Accepted(), applied(outcome, id, ProjectVerb::Delete)?)
}

/// Bring back a project that is pending deletion.
#[utoipa::path(post, path = "/projects/{id}/undelete", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn undelete(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Undelete, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Let a project expire later: `by` is added to its time of expiry, or to the present if that has passed.
#[utoipa::path(post, path = "/projects/{id}/extend", tag = "projects", params(("id" = Uuid, Path)), request_body = ExtendProject,
    responses((status = 200, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn extend(app: Data<App>, request: HttpRequest, Id(id): Id, body: Json<ExtendProject>) -> ApiResult {
    if load(&app, id).await?.expires_at.is_none() {
        return Err(ApiError::field("by", "cannot be applied: the project does not expire"));
    }
    let expiry = Some(Expiry::LaterBy(fields::extension(body.value.by)?));
    let patch = ProjectPatch { expiry, versions: expected_versions(&request)?, ..ProjectPatch::default() };
    respond(HttpResponse::Ok(), patched(app.store.patch_project(id, &patch).await?, id)?)
}

/// Retry a failed project.
#[utoipa::path(post, path = "/projects/{id}/retry", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    respond(HttpResponse::Ok(), begin(&app, id, ProjectVerb::Retry, None, reason).await?)
}

/// Continue an undo that failed: the last operation removes what it had made, from the step whose undoing failed.
#[utoipa::path(post, path = "/projects/{id}/undo", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn undo(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Undo, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Leave what a failed undo could not remove, and continue the undo with the step before. The failure of the project says what is left.
#[utoipa::path(post, path = "/projects/{id}/skip", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn skip(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Skip, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Starts an operation.
async fn begin(
    app: &App,
    id: Uuid,
    verb: ProjectVerb,
    versions: Option<Vec<i64>>,
    reason: OptionalJson<Reason>,
) -> Result<Project, ApiError> {
    let request = Request { versions, ..Request::new(verb) };
    let outcome = operations::begin(app, id, &request, &api_audit(reason.0)?).await?;
    applied(outcome, id, verb)
}

/// Pause a ready project: all access to it is blocked, and open sessions are ended. What it consists of is kept.
#[utoipa::path(post, path = "/projects/{id}/pause", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn pause(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Pause, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Resume a paused project.
#[utoipa::path(post, path = "/projects/{id}/resume", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn resume(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Resume, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Replace the credential of a ready project. The previous one stays valid until the next replacement, so that clients can change over.
#[utoipa::path(post, path = "/projects/{id}/rotate", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn rotate(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let project = begin(&app, id, ProjectVerb::Rotate, expected_versions(&request)?, reason).await?;
    respond(HttpResponse::Accepted(), project)
}

/// Cancel the operation in progress. Afterwards the project is as it was before, or failed if it was being created or deleted.
#[utoipa::path(post, path = "/projects/{id}/cancel", tag = "projects", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn cancel(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let outcome =
        app.store.cancel_operation(id, expected_versions(&request)?.as_deref(), &api_audit(reason.0)?).await?;
    respond(HttpResponse::Accepted(), applied(outcome, id, ProjectVerb::Cancel)?)
}

/// Give up on a project: end its job and mark the project deleted without removing anything. The event says what may be left behind.
#[utoipa::path(post, path = "/projects/{id}/force", tag = "projects", params(("id" = Uuid, Path)), request_body = Reason,
    responses((status = 200, body = wire::Project), description::WriteOne, description::Conflict))]
pub async fn force(app: Data<App>, request: HttpRequest, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let audit = api_audit(reason.0)?;
    if audit.reason.is_none() {
        return Err(ApiError::field("reason", "is required: it stays in the events of the project"));
    }
    let outcome = app.store.force_project(id, expected_versions(&request)?.as_deref(), &audit).await?;
    respond(HttpResponse::Ok(), applied(outcome, id, ProjectVerb::Delete)?)
}
