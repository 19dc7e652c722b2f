//! Steps and secrets of operations that remote workers perform.

use actix_web::HttpRequest;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::StepState;
use crate::secrets::SensitiveText;
use crate::store::steps::{Holder, StepUpdate};
use crate::web::api::description;
use crate::web::api::internal::checked_id;
use crate::web::api::internal::token_scope::TokenScope;
use crate::web::api::response::{json, no_content};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, Json};
use crate::web::query::Query;
use crate::wire::internal::{
    EarlierStep, RecordStep, RunTokenReply, RunTokenRequest, SecretReply, SecretRequest, StepReply,
};
use crate::wire::json::{raw, storable};

/// Maximum number of steps of an operation.
const MAX_STEPS: i32 = 1000;
/// Maximum number of characters of a code, an error and a secret, and of bytes of an output.
const MAX_CODE: usize = 64;
const MAX_ERROR: usize = 1000;
const MAX_SECRET: usize = 64 * 1024;
const MAX_OUTPUT: usize = 64 * 1024;

/// List the steps that were recorded for the operation of an attempt.
#[utoipa::path(get, path = "/internal/executions/{id}/steps", tag = "internal",
    params(("id" = Uuid, Path), ("job_id" = Uuid, Query)),
    responses((status = 200, body = [EarlierStep]), description::Read, description::Conflict))]
pub async fn list(app: Data<App>, scope: TokenScope, request: HttpRequest, Id(id): Id) -> ApiResult {
    let query = Query::parse(request.query_string(), &["job_id"])?;
    let job = query.get("job_id").and_then(|text| text.parse().ok());
    let job = job.ok_or_else(|| ApiError::parameter("job_id", "must be the id of the job"))?;
    let holder = holder(&app, &scope, id, job).await?;
    let steps = app.store.steps_of_attempt(holder).await?.held_or(ApiError::LeaseLost(id))?;
    let step = |it: crate::store::steps::EarlierStep| EarlierStep {
        position: it.position,
        name: it.name,
        state: it.state.to_string(),
        code: it.code,
        error: it.error,
        retryable: it.is_retryable,
        output: it.output.map(raw),
    };
    json(steps.into_iter().map(step).collect::<Vec<_>>())
}

/// Record a change of a step. The response says whether the operation is to stop.
#[utoipa::path(put, path = "/internal/executions/{id}/steps", tag = "internal", params(("id" = Uuid, Path)), request_body = RecordStep,
    responses((status = 200, body = StepReply), description::Write, description::Conflict))]
pub async fn record(app: Data<App>, scope: TokenScope, Id(id): Id, body: Json<RecordStep>) -> ApiResult {
    let step = body.value;
    let update = checked(&step)?;
    let holder = holder(&app, &scope, id, step.job_id).await?;
    let stop_request = app.store.record_step(holder, &update).await?.held_or(ApiError::LeaseLost(id))?;
    json(StepReply { stop_request })
}

fn checked(step: &RecordStep) -> Result<StepUpdate<'_>, ApiError> {
    if !(0..MAX_STEPS).contains(&step.position) {
        return Err(ApiError::field("position", format!("must be a whole number from 0 to {}", MAX_STEPS - 1)));
    }
    // Only a person skips the undoing of a step.
    let is_of_attempt = |it: &StepState| *it != StepState::UndoSkipped;
    let state = StepState::parse(&step.state).filter(is_of_attempt).ok_or_else(|| {
        let known: Vec<&str> = StepState::ALL.iter().filter(|it| is_of_attempt(it)).map(|it| it.as_str()).collect();
        ApiError::field("state", format!("must be one of {}", known.join(", ")))
    })?;
    let is_failure = matches!(state, StepState::Failed | StepState::UndoFailed);
    if is_failure && step.error.as_ref().is_none_or(|it| it.trim().is_empty()) {
        return Err(ApiError::field("error", "is required for a failed step"));
    }
    let limits = [
        ("name", Some(&step.name), 128),
        ("code", step.code.as_ref(), MAX_CODE),
        ("error", step.error.as_ref(), MAX_ERROR),
    ];
    for (field, text, max) in limits {
        if text.is_some_and(|text| text.chars().count() > max || text.contains('\0'))
            || (field == "name" && step.name.is_empty())
        {
            return Err(ApiError::field(field, format!("must have 1 to {max} characters, without U+0000")));
        }
    }
    let output = step.output.as_ref().map(|it| it.get());
    if let Some(output) = output {
        if output.len() > MAX_OUTPUT || !output.trim_start().starts_with('{') {
            return Err(ApiError::field("output", format!("must be an object of at most {MAX_OUTPUT} bytes")));
        }
        storable(output).map_err(|why| ApiError::field("output", why))?;
    }
    Ok(StepUpdate {
        position: step.position,
        name: &step.name,
        state,
        code: step.code.as_deref(),
        error: step.error.as_deref(),
        is_retryable: step.retryable,
        output: output.map(str::to_owned),
    })
}

/// Read a secret of the project that an attempt works on.
#[utoipa::path(post, path = "/internal/executions/{id}/secrets/read", tag = "internal", params(("id" = Uuid, Path)),
    request_body = SecretRequest, responses((status = 200, body = SecretReply), description::Write, description::Conflict))]
pub async fn read_secret(app: Data<App>, scope: TokenScope, Id(id): Id, body: Json<SecretRequest>) -> ApiResult {
    let SecretRequest { job_id, name, .. } = body.value;
    let (name, holder) = (checked_id("name", name)?, holder(&app, &scope, id, job_id).await?);
    let value = match app.store.secret_of_attempt(holder, &name).await? {
        Some(stored) => Some(app.keyring()?.open(stored.project_id, &stored.name, &stored.sealed)?),
        None => None,
    };
    let value = value.map(|text| text.reveal().to_owned());
    Ok(actix_web::HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(SecretReply { value }))
}

/// Store a secret of the project that an attempt works on. A secret of this name that exists stays as it is.
#[utoipa::path(put, path = "/internal/executions/{id}/secrets", tag = "internal", params(("id" = Uuid, Path)), request_body = SecretRequest,
    responses((status = 204, description = "Stored, or one of this name exists"), description::Write, description::Conflict))]
pub async fn store_secret(app: Data<App>, scope: TokenScope, Id(id): Id, body: Json<SecretRequest>) -> ApiResult {
    let SecretRequest { job_id, name, value } = body.value;
    let value = value.filter(|it| (1..=MAX_SECRET).contains(&it.len()));
    let value = value.ok_or_else(|| ApiError::field("value", format!("must have 1 to {MAX_SECRET} bytes")))?;
    let (name, holder) = (checked_id("name", name)?, holder(&app, &scope, id, job_id).await?);
    let sealed = app.keyring()?.seal(holder.project_id, &name, &SensitiveText::new(value))?;
    app.store.put_secret(holder, &name, &sealed).await?.held_or(ApiError::LeaseLost(id))?;
    no_content()
}

/// Delete a secret of the project that an attempt works on.
#[utoipa::path(post, path = "/internal/executions/{id}/secrets/forget", tag = "internal", params(("id" = Uuid, Path)),
    request_body = SecretRequest, responses((status = 204, description = "Deleted, or there was none"), description::Write, description::Conflict))]
pub async fn forget_secret(app: Data<App>, scope: TokenScope, Id(id): Id, body: Json<SecretRequest>) -> ApiResult {
    let SecretRequest { job_id, name, .. } = body.value;
    let (name, holder) = (checked_id("name", name)?, holder(&app, &scope, id, job_id).await?);
    app.store.remove_secret(holder, &name).await?.held_or(ApiError::LeaseLost(id))?;
    no_content()
}

/// Get the token with which the programs of an attempt reach the Terraform state of its project. It ends with the attempt.
#[utoipa::path(post, path = "/internal/executions/{id}/token", tag = "internal", params(("id" = Uuid, Path)), request_body = RunTokenRequest,
    responses((status = 200, body = RunTokenReply), description::Write, description::Conflict))]
pub async fn run_token(app: Data<App>, scope: TokenScope, Id(id): Id, body: Json<RunTokenRequest>) -> ApiResult {
    holder(&app, &scope, id, body.value.job_id).await?;
    let token = app.keyring.as_ref().map(|it| it.run_token(id).reveal().to_owned());
    Ok(actix_web::HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(RunTokenReply { token }))
}

/// The attempt, if its job belongs to a project and is in scope.
async fn holder(app: &App, scope: &TokenScope, execution: Uuid, job: Uuid) -> Result<Holder, ApiError> {
    scope.require_active(app, execution, Some(job)).await?;
    let project = app.store.get_job(job).await?.and_then(|job| job.project_id);
    let project_id = project.ok_or_else(|| ApiError::field("job_id", "must be a job of a project"))?;
    Ok(Holder { job_id: job, execution_id: execution, project_id })
}
