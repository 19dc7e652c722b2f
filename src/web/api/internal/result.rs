//! Results of attempts on remote workers.

use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::settle::settle;
use crate::domain::{Budget, FollowUp, Outcome};
use crate::mutant::{self, FailPoint};
use crate::store::jobs::{ActiveExecution, Lease, Settled};
use crate::telemetry::OutcomeLabels;
use crate::web::api::description;
use crate::web::api::internal::token_scope::TokenScope;
use crate::web::api::response::json;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Id, LargeBody, OptionalJson, parse};
use crate::wire::FieldProblem;
use crate::wire::create_job::follow_ups;
use crate::wire::internal::{ExecutionResult, Release, ResultResponse};
use crate::wire::json::storable;

/// Settle an attempt. Safe to repeat if the response was lost.
#[utoipa::path(put, path = "/internal/executions/{id}/result", tag = "internal", params(("id" = Uuid, Path)), request_body = ExecutionResult,
    responses((status = 200, body = ResultResponse), description::Write, description::Conflict))]
pub async fn result(app: Data<App>, scope: TokenScope, Id(id): Id, LargeBody(body): LargeBody) -> ApiResult {
    let result: ExecutionResult = parse(&body)?;
    let flags = [result.snooze.is_some(), result.timed_out, result.released, result.canceled];
    if flags.into_iter().filter(|it| *it).count() > 1 {
        return Err(ApiError::field("body", "must set at most one of snooze, timed_out, released and canceled"));
    }
    if let Some(result) = &result.result {
        storable(result.get()).map_err(|why| ApiError::field("result", why))?;
    }
    end(&app, &scope, id, result).await
}

/// Release a job, so that another worker can claim it immediately. Does not count as a failure.
#[utoipa::path(post, path = "/internal/executions/{id}/release", tag = "internal", params(("id" = Uuid, Path)),
    request_body(content = Option<Release>),
    responses((status = 200, body = ResultResponse), description::Write, description::Conflict))]
pub async fn release(app: Data<App>, scope: TokenScope, Id(id): Id, body: OptionalJson<Release>) -> ApiResult {
    end(&app, &scope, id, ExecutionResult { released: true, job_id: body.0.job_id, ..ExecutionResult::default() }).await
}

async fn end(app: &App, scope: &TokenScope, id: Uuid, result: ExecutionResult) -> ApiResult {
    let job = result.job_id;
    let active = scope.active(app, id, job).await?;
    let outcome = outcome_of(result, active.as_ref());
    json(match active {
        Some(active) => settle_active(app, scope, id, &active, outcome).await?,
        None => already_ended(app, scope, id, job, outcome.word()).await?,
    })
}

/// Decides what the outcome means for the job and settles the attempt.
async fn settle_active(
    app: &App,
    scope: &TokenScope,
    id: Uuid,
    active: &ActiveExecution,
    outcome: Outcome,
) -> Result<ResultResponse, ApiError> {
    let budget = Budget::new(active.failures, active.max_attempts, active.backoff);
    let word = outcome.word();
    let settlement = settle(outcome, budget, rand::random());
    let invalid = |problem: FieldProblem| ApiError::field("next", format!("{} {}", problem.field, problem.message));
    let next = follow_ups(&settlement.next, app.config.max_attempts).map_err(invalid)?;
    scope.check_follow_ups(&next, active)?;
    let lease = Lease { job_id: active.job_id, execution_id: id };
    let settled = app.store.settle_job(&lease, settlement, &next, &active.worker_id).await?;
    mutant::fail_point(FailPoint::Accepted);
    match settled {
        Settled::Recorded { state, .. } => {
            let labels = OutcomeLabels { kind: active.kind.clone(), outcome: word.to_owned() };
            app.telemetry.settlements.get_or_create(&labels).inc();
            Ok(ResultResponse { state: state.to_string(), duplicate: false })
        }
        // The attempt ended since it was read, perhaps by a duplicate of this request.
        Settled::AlreadyRecorded | Settled::LeaseLost => already_ended(app, scope, id, Some(active.job_id), word).await,
    }
}

/// The response for an attempt that is no longer active: a duplicate if it ended with the same outcome, otherwise `lease_lost`.
async fn already_ended(
    app: &App,
    scope: &TokenScope,
    id: Uuid,
    job: Option<Uuid>,
    outcome: &str,
) -> Result<ResultResponse, ApiError> {
    match app.store.ended_execution(id, job).await? {
        Some(it) if it.outcome == outcome && scope.covers(&it.worker_id) => {
            Ok(ResultResponse { state: it.state.map_or(it.outcome, |state| state.to_string()), duplicate: true })
        }
        _ => {
            app.telemetry.stale_settlements.inc();
            Err(ApiError::LeaseLost(id))
        }
    }
}

/// The outcome of a result. Its kind depends only on the result, so that a duplicate is recognized even after the attempt has ended.
fn outcome_of(result: ExecutionResult, active: Option<&ActiveExecution>) -> Outcome {
    let error = result.error.filter(|text| !text.trim().is_empty());
    let next = || result.next.iter().map(|job| FollowUp(job.get().to_owned())).collect();
    if result.released {
        return Outcome::Released;
    }
    if result.canceled {
        let requested = active.and_then(|it| it.cancel_reason.as_deref()).filter(|reason| !reason.is_empty());
        let default = || requested.map_or("canceled".into(), |reason| format!("canceled: {reason}"));
        return Outcome::Canceled { reason: error.unwrap_or_else(default) };
    }
    if let Some(after) = result.snooze {
        return Outcome::Snooze { after: after.0 };
    }
    if result.timed_out {
        return Outcome::TimedOut { after: active.and_then(|it| it.timeout) };
    }
    let reason = match (error, result.exit_code.unwrap_or_default()) {
        (None, 0) => return Outcome::Done { result: result.result.map(|it| it.get().to_owned()), next: next() },
        (None, code) => format!("Exit code {code}"),
        (Some(error), _) => error,
    };
    match result.retryable.unwrap_or(true) {
        true => Outcome::Failed { reason, retry_after: result.retry_after.map(|it| it.0), next: next() },
        false => Outcome::Fatal { reason, next: next() },
    }
}
