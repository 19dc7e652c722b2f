//! Operations on projects, and their steps.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{OperationKind, ProjectStatus, ProjectVerb};
use crate::store::Audit;
use crate::store::projects::{Operation, Project, Request, Transition};
use crate::store::steps::Step;
use crate::web::api::audit::{API, audit};
use crate::web::api::description;
use crate::web::api::projects::{fields, load, not_found};
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::Id;
use crate::web::query::Query;
use crate::wire;
use crate::wire::json::raw;

/// Starts an operation, with the policy of the project's template.
pub async fn begin(app: &App, id: Uuid, request: &Request, audit: &Audit) -> Result<Transition<Project>, ApiError> {
    let template = app.store.template_of_project(id).await?.unwrap_or_default();
    let operation = request.verb.operation().unwrap_or(OperationKind::Create);
    // A deletion without an explicit grace time is possible for every template.
    let needed = match request.grace {
        Some(grace) if !grace.is_zero() => OperationKind::Retire,
        _ => operation,
    };
    require_support(app, &template, needed)?;
    let policy = app.operation_policy(&template, operation);
    Ok(app.store.begin_operation(id, request, policy, audit).await?)
}

/// Rejects an operation that the provisioner of the template cannot perform.
pub fn require_support(app: &App, template: &str, operation: OperationKind) -> Result<(), ApiError> {
    if app.templates.supports(template, operation) {
        return Ok(());
    }
    Err(ApiError::Unsupported { template: template.to_owned(), operation })
}

/// Starts an update with these parameters.
pub async fn update(
    app: &App,
    id: Uuid,
    parameters: Box<RawValue>,
    versions: Option<Vec<i64>>,
) -> Result<Project, ApiError> {
    let project = load(app, id).await?;
    let unknown = || {
        ApiError::field("parameters", format!("cannot be checked: this server has no template {}", project.template))
    };
    let template = app.templates.get(&project.template).ok_or_else(unknown)?;
    let parameters = Some(fields::parameters(Some(parameters), template)?);
    let request = Request { parameters, versions, ..Request::new(ProjectVerb::Update) };
    let outcome = begin(app, id, &request, &audit(API, None)?).await?;
    applied(outcome, id, ProjectVerb::Update)
}

/// Why a project cannot be retried.
pub const RETRY_HINT: &str = "Only a failed project can be retried.";
/// Why an operation cannot be canceled.
pub const CANCEL_HINT: &str = "No operation on it is in progress.";

/// Why there is no undo to continue.
const UNDO_HINT: &str = "The undoing of its last operation has not failed.";

/// The project after a transition, or why the transition was not applied.
pub fn applied(outcome: Transition<Project>, id: Uuid, verb: ProjectVerb) -> Result<Project, ApiError> {
    match outcome {
        Transition::Applied(project) => Ok(project),
        Transition::Rejected { was } => Err(refused(verb, was)),
        Transition::Protected => Err(ApiError::Protected),
        Transition::Stale { version } => Err(ApiError::Stale(version)),
        Transition::Missing => Err(not_found(id)),
    }
}

/// Why a verb does not apply to a project of this status.
pub fn refused(verb: ProjectVerb, was: ProjectStatus) -> ApiError {
    let (verb, hint) = refusal(verb);
    ApiError::InvalidState { what: "project", verb, was: was.to_string(), hint }
}

/// What cannot be done, and when it could be.
fn refusal(verb: ProjectVerb) -> (&'static str, &'static str) {
    match verb {
        ProjectVerb::Retry => ("retried", RETRY_HINT),
        ProjectVerb::Cancel => ("canceled", CANCEL_HINT),
        ProjectVerb::Undo => ("undone", UNDO_HINT),
        ProjectVerb::Skip => ("changed", UNDO_HINT),
        ProjectVerb::Update => ("updated", "Only a ready project can be updated."),
        ProjectVerb::Rotate => ("rotated", "Only the credential of a ready project can be replaced."),
        ProjectVerb::Pause => ("paused", "Only a ready project can be paused."),
        ProjectVerb::Resume => ("resumed", "Only a paused project can be resumed."),
        ProjectVerb::Undelete => ("undeleted", "Only a project that is pending deletion can be brought back."),
        ProjectVerb::Delete => ("deleted", "It is deleted already."),
    }
}

/// List the latest operations on a project with their steps, newest first.
#[utoipa::path(get, path = "/projects/{id}/operations", tag = "projects",
    params(("id" = Uuid, Path), ("limit" = Option<i64>, Query, description = "1 to 100. Default: 20.")),
    responses((status = 200, body = [wire::ProjectOperation]), description::ReadOne))]
pub async fn list(app: Data<App>, request: HttpRequest, Id(id): Id) -> ApiResult {
    let limit = Query::parse(request.query_string(), &["limit"])?.limit()?.min(100);
    load(&app, id).await?;
    let operations = app.store.jobs_of_project(id, limit).await?;
    let steps = app.store.steps_of_project(id, limit).await?;
    let operation = |job: Operation| {
        let own = steps.iter().filter(|step| step.job_id == job.id).cloned();
        wire::ProjectOperation {
            operation: operation_of(&job.kind),
            steps: own.map(wire::ProjectStep::from).collect(),
            job_id: job.id,
            state: job.state.to_string(),
            attempt: job.attempt,
            error: job.error,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    };
    json(operations.into_iter().map(operation).collect::<Vec<_>>())
}

/// List the steps of the latest operation on a project.
#[utoipa::path(get, path = "/projects/{id}/steps", tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, body = [wire::ProjectStep]), description::ReadOne))]
pub async fn steps(app: Data<App>, Id(id): Id) -> ApiResult {
    load(&app, id).await?;
    let steps = app.store.steps_of_project(id, 1).await?;
    json(steps.into_iter().map(wire::ProjectStep::from).collect::<Vec<_>>())
}

/// The operation of a kind of job.
pub fn operation_of(kind: &str) -> String {
    OperationKind::of_job_kind(kind).map_or_else(|| kind.to_owned(), |it| it.to_string())
}

impl From<Step> for wire::ProjectStep {
    fn from(row: Step) -> Self {
        let duration = row.ended_at.map(|end| (end - row.started_at).whole_milliseconds());
        Self {
            position: row.position,
            name: row.name,
            state: row.state.to_string(),
            attempt: row.attempt,
            started_at: row.started_at,
            ended_at: row.ended_at,
            duration_ms: duration.and_then(|it| i64::try_from(it).ok()),
            code: row.code,
            error: row.error,
            retryable: row.is_retryable,
            output: row.output.map(raw),
            execution_id: row.execution_id,
        }
    }
}
