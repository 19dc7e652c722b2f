//! Actions on workflows: cancel and retry.

use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::{JobState, WorkflowState};
use crate::store::Audit;
use crate::store::jobs::Edit;
use crate::store::workflows::Workflow;
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::jobs::CANCELABLE;
use crate::web::api::response::{accepted, json};
use crate::web::api::workflows::load;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, OptionalJson};
use crate::wire::{self, Reason};

/// Maximum number of steps that one statement changes.
const BATCH: usize = 1000;
/// How often to look for steps that became cancelable while others were being canceled.
const MAX_PASSES: usize = 5;

/// Cancel a workflow. Waiting steps are canceled immediately; active steps are canceled once their workers have stopped.
#[utoipa::path(post, path = "/workflows/{id}/cancel", tag = "workflows", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Workflow, description = "Canceled"),
        (status = 202, body = wire::Workflow, description = "Cancellation of active steps requested"), description::WriteOne, description::Conflict))]
pub async fn cancel(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    let workflow = cancel_steps(&app, id, &api_audit(reason.0)?).await?;
    Ok(accepted(workflow.state == WorkflowState::Running).json(wire::Workflow::from(workflow)))
}

/// Cancels all unfinished steps and returns the workflow. The last steps go first, so that canceling a step never unblocks another one.
pub async fn cancel_steps(app: &App, id: Uuid, audit: &Audit) -> Result<Workflow, ApiError> {
    let mut any = false;
    for _ in 0..MAX_PASSES {
        let mut steps = app.store.steps_of_workflow(id, Some(CANCELABLE)).await?;
        steps.reverse();
        let mut canceled = false;
        for batch in steps.chunks(BATCH) {
            for answer in app.store.cancel_jobs(batch, audit).await? {
                any |= answer.canceled || answer.requested;
                canceled |= answer.canceled;
            }
        }
        if !canceled {
            break;
        }
    }
    changed(app, id, any, "canceled", "All its steps have finished.").await
}

/// Retry all failed steps of a workflow. Their failures are reset to zero, and dependents that were canceled because of them are blocked
/// again.
#[utoipa::path(post, path = "/workflows/{id}/retry", tag = "workflows", params(("id" = Uuid, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Workflow), description::WriteOne, description::Conflict))]
pub async fn retry(app: Data<App>, Id(id): Id, reason: OptionalJson<Reason>) -> ApiResult {
    json(wire::Workflow::from(retry_steps(&app, id, &api_audit(reason.0)?).await?))
}

/// Retries all failed steps and returns the workflow.
pub async fn retry_steps(app: &App, id: Uuid, audit: &Audit) -> Result<Workflow, ApiError> {
    let steps = app.store.steps_of_workflow(id, Some(&[JobState::Failed])).await?;
    let mut any = false;
    for batch in steps.chunks(BATCH) {
        any |= app.store.retry_jobs(batch, &Edit::default(), true, audit).await?.iter().any(|it| it.changed);
    }
    let hint = match steps.is_empty() {
        true => "None of its steps has failed.",
        false => {
            "Its failed steps were waiting for a dependency that can no longer complete. Start the workflow again."
        }
    };
    changed(app, id, any, "retried", hint).await
}

/// The workflow, or the problem that nothing was changed.
async fn changed(app: &App, id: Uuid, any: bool, verb: &'static str, hint: &'static str) -> Result<Workflow, ApiError> {
    let workflow = load(app, id).await?;
    if any {
        return Ok(workflow);
    }
    Err(ApiError::InvalidState { what: "workflow", verb, was: workflow.state.to_string(), hint })
}
