//! How executions of workers elsewhere end.

use actix_web::HttpResponse;
use actix_web::web::Data;
use uuid::Uuid;

use crate::domain::settle::settle;
use crate::domain::{Budget, FollowUp, JobKind, Outcome};
use crate::mutant::{self, Moment};
use crate::store::jobs::{Active, Lease, Settled};
use crate::telemetry::OutcomeLabels;
use crate::web::api::internal::Badge;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Many, OptionalJson, parse};
use crate::wire::create_job::follow_ups;
use crate::wire::internal::{ExecutionResult, Release, ResultAnswer};
use crate::wire::json::storable;
use crate::wire::{FieldProblem, Problem};

/// How it ended. May be sent again when the answer got lost.
#[utoipa::path(put, path = "/internal/executions/{id}/result", tag = "internal", params(("id" = Uuid, Path)), request_body = ExecutionResult,
    responses((status = 200, body = ResultAnswer), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`lease_lost`: somebody else has it, or it ended otherwise"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn result(app: Data<App>, badge: Badge, Id(id): Id, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let said: ExecutionResult = parse(&body)?;
    refuse_contradictions(&said)?;
    if let Some(result) = &said.result {
        storable(result.get()).map_err(|why| ApiError::field("result", why))?;
    }
    end(&app, &badge, id, said).await
}

/// Take it back: somebody else may have it at once. Spends no failure.
#[utoipa::path(post, path = "/internal/executions/{id}/release", tag = "internal", params(("id" = Uuid, Path)), request_body(content = Option<Release>),
    responses((status = 200, body = ResultAnswer), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`lease_lost`: somebody else has it already"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn release(
    app: Data<App>,
    badge: Badge,
    Id(id): Id,
    body: OptionalJson<Release>,
) -> Result<HttpResponse, ApiError> {
    end(&app, &badge, id, ExecutionResult { released: true, job_id: body.0.job_id, ..ExecutionResult::default() }).await
}

async fn end(app: &App, badge: &Badge, id: Uuid, said: ExecutionResult) -> Result<HttpResponse, ApiError> {
    let job = said.job_id;
    let active = badge.active(app, id, job).await?;
    let outcome = outcome_of(said, active.as_ref());
    let answer = match active {
        Some(active) => settled(app, badge, id, &active, outcome).await?,
        None => ended(app, badge, id, job, outcome.word()).await?,
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Decides what the outcome means for the job, and records it.
async fn settled(
    app: &App,
    badge: &Badge,
    id: Uuid,
    active: &Active,
    outcome: Outcome,
) -> Result<ResultAnswer, ApiError> {
    let budget = Budget::new(active.failures, active.max_attempts, active.backoff);
    let word = outcome.word();
    let settlement = settle(outcome, budget, rand::random());
    let named = |problem: FieldProblem| ApiError::field("next", format!("{} {}", problem.field, problem.message));
    let next = follow_ups(&settlement.next, app.config.max_attempts).map_err(named)?;
    badge.may_add(&next, active)?;
    let lease = Lease { job_id: active.job_id, execution_id: id };
    let kind = JobKind::parse(&active.kind);
    let settled = app.store.settle_job(&lease, kind, settlement, &next, &active.worker_id).await?;
    mutant::pass(Moment::Accepted);
    match settled {
        Settled::Yes { state, .. } => {
            let labels = OutcomeLabels { kind: active.kind.clone(), outcome: word.to_owned() };
            app.telemetry.settlements.get_or_create(&labels).inc();
            Ok(ResultAnswer { state: state.to_string(), duplicate: false })
        }
        // Between our look and the settlement somebody was quicker; perhaps the same result, sent twice.
        Settled::Already | Settled::LeaseLost => ended(app, badge, id, Some(active.job_id), word).await,
    }
}

/// It is not active any more. If it ended like this, the answer got lost; otherwise it is refused.
async fn ended(app: &App, badge: &Badge, id: Uuid, job: Option<Uuid>, word: &str) -> Result<ResultAnswer, ApiError> {
    match app.store.ended_execution(id, job).await? {
        Some(it) if it.outcome == word && badge.covers(&it.worker_id) => {
            Ok(ResultAnswer { state: it.state.map_or(it.outcome, |state| state.to_string()), duplicate: true })
        }
        _ => {
            app.telemetry.stale_settlements.inc();
            Err(ApiError::LeaseLost(id))
        }
    }
}

fn refuse_contradictions(said: &ExecutionResult) -> Result<(), ApiError> {
    let (timed_out, released, canceled) = (said.timed_out, said.released, said.canceled);
    if [said.snooze.is_some(), timed_out, released, canceled].into_iter().filter(|it| *it).count() > 1 {
        return Err(ApiError::field("body", "must say no more than one of snooze, timed_out, released and canceled"));
    }
    Ok(())
}

/// What the words mean. How it is recorded is up to them alone, so that they mean the same when nothing is known of the execution any more.
fn outcome_of(said: ExecutionResult, active: Option<&Active>) -> Outcome {
    let error = said.error.filter(|text| !text.trim().is_empty());
    let next = || said.next.iter().map(|job| FollowUp(job.get().to_owned())).collect();
    if said.released {
        return Outcome::Released;
    }
    if said.canceled {
        let asked = active.and_then(|it| it.cancel_reason.as_deref()).filter(|reason| !reason.is_empty());
        let reason = error.unwrap_or_else(|| asked.map_or("canceled".into(), |reason| format!("canceled: {reason}")));
        return Outcome::Canceled { reason };
    }
    if let Some(after) = said.snooze {
        return Outcome::Later { after: after.0 };
    }
    if said.timed_out {
        return Outcome::TimedOut { after: active.and_then(|it| it.timeout) };
    }
    let reason = match (error, said.exit_code.unwrap_or_default()) {
        (None, 0) => return Outcome::Done { result: said.result.map(|it| it.get().to_owned()), next: next() },
        (None, code) => format!("Exit code {code}"),
        (Some(error), _) => error,
    };
    match said.retryable.unwrap_or(true) {
        true => Outcome::Failed { reason, retry_after: said.retry_after.map(|it| it.0), next: next() },
        false => Outcome::Refused { reason, next: next() },
    }
}
