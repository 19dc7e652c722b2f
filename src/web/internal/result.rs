//! How executions of workers elsewhere end.

use actix_web::HttpResponse;
use actix_web::web::Data;
use uuid::Uuid;

use super::current;
use crate::domain::settle::settle;
use crate::domain::{Budget, FollowUp, JobKind, Outcome};
use crate::meter::OutcomeLabels;
use crate::mutant::{self, Moment};
use crate::store::jobs::{Active, Lease, Settled};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Id, Many, OptionalJson, parse};
use crate::wire::create_job::follow_ups;
use crate::wire::worker::{ExecutionResult, Release, ResultAnswer};
use crate::wire::{FieldProblem, Problem};

/// How it ended. May be sent again when the answer got lost.
#[utoipa::path(put, path = "/internal/executions/{id}/result", tag = "internal", params(("id" = Uuid, Path)), request_body = ExecutionResult,
    responses((status = 200, body = ResultAnswer), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`lease_lost`: somebody else has it, or it ended otherwise"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn result(app: Data<App>, Id(id): Id, Many(body): Many) -> Result<HttpResponse, ApiError> {
    let said: ExecutionResult = parse(&body)?;
    refuse_contradictions(&said)?;
    let job = said.job_id;
    let answer = match current(&app, id, job).await {
        Ok(active) => {
            let outcome = outcome_of(said, &active);
            settled(&app, id, &active, outcome).await?
        }
        Err(ApiError::LeaseLost(_)) => ended(&app, id, job, &word_of(said)).await?,
        Err(error) => return Err(error),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Take it back: somebody else may have it at once. Spends no failure.
#[utoipa::path(post, path = "/internal/executions/{id}/release", tag = "internal", params(("id" = Uuid, Path)), request_body(content = Option<Release>),
    responses((status = 200, body = ResultAnswer), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`lease_lost`: somebody else has it already"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn release(app: Data<App>, Id(id): Id, body: OptionalJson<Release>) -> Result<HttpResponse, ApiError> {
    let job = body.0.job_id;
    let answer = match current(&app, id, job).await {
        Ok(active) => settled(&app, id, &active, Outcome::Released).await?,
        Err(ApiError::LeaseLost(_)) => ended(&app, id, job, Outcome::Released.word()).await?,
        Err(error) => return Err(error),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Decides what the outcome means for the job, and records it.
async fn settled(app: &App, id: Uuid, active: &Active, outcome: Outcome) -> Result<ResultAnswer, ApiError> {
    let budget = Budget {
        failures: active.failures.unsigned_abs(),
        max_attempts: active.max_attempts.unsigned_abs(),
        backoff: active.backoff.unwrap_or_default(),
    };
    let word = outcome.word();
    let settlement = settle(outcome, budget, rand::random());
    let named = |problem: FieldProblem| ApiError::field("next", format!("{} {}", problem.field, problem.message));
    let next = follow_ups(&settlement.next, app.config.max_attempts).map_err(named)?;
    let lease = Lease { job_id: active.job_id, execution_id: id };
    let kind = JobKind::parse(&active.kind);
    let settled = app.store.settle_job(&lease, kind, &settlement, &next, &active.worker_id).await?;
    mutant::pass(Moment::Accepted);
    match settled {
        Settled::Yes { state, .. } => {
            let labels = OutcomeLabels { kind: active.kind.clone(), outcome: word.to_owned() };
            app.meter.settlements.get_or_create(&labels).inc();
            Ok(ResultAnswer { state: state.to_string(), duplicate: false })
        }
        // Between our look and the settlement somebody was quicker; perhaps the same result, sent twice.
        Settled::Already | Settled::LeaseLost => ended(app, id, Some(active.job_id), word).await,
    }
}

/// It is not active any more. If it ended like this, the answer got lost; otherwise it is refused.
async fn ended(app: &App, id: Uuid, job: Option<Uuid>, word: &str) -> Result<ResultAnswer, ApiError> {
    match app.store.ended_execution(id, job).await? {
        Some((outcome, state)) if outcome == word => {
            Ok(ResultAnswer { state: state.map_or(outcome, |state| state.to_string()), duplicate: true })
        }
        _ => {
            app.meter.stale_settlements.inc();
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

fn outcome_of(said: ExecutionResult, active: &Active) -> Outcome {
    let error = said.error.filter(|text| !text.trim().is_empty());
    let next = || said.next.iter().map(|job| FollowUp(job.get().to_owned())).collect();
    if said.released {
        return Outcome::Released;
    }
    if said.canceled {
        let asked = active.cancel_reason.as_deref().filter(|reason| !reason.is_empty());
        let reason = error.unwrap_or_else(|| asked.map_or("canceled".into(), |reason| format!("canceled: {reason}")));
        return Outcome::Canceled { reason };
    }
    if let Some(after) = said.snooze {
        return Outcome::Later { after: after.0 };
    }
    if let (true, Some(after)) = (said.timed_out, active.timeout) {
        return Outcome::TimedOut { after };
    }
    let reason = match (error, said.exit_code.unwrap_or_default()) {
        (None, 0) if said.timed_out => "timed out".to_owned(),
        (None, 0) => return Outcome::Done { result: said.result.map(|it| it.get().to_owned()), next: next() },
        (None, code) => format!("Exit code {code}"),
        (Some(error), _) => error,
    };
    match said.retryable.unwrap_or(true) {
        true => Outcome::Failed { reason, retry_after: said.retry_after.map(|it| it.0), next: next() },
        false => Outcome::Refused { reason, next: next() },
    }
}

/// How it would be recorded.
fn word_of(said: ExecutionResult) -> String {
    let timed_out = said.timed_out;
    let nobody = Active {
        job_id: Uuid::nil(),
        kind: String::new(),
        failures: 0,
        max_attempts: 1,
        backoff: None,
        timeout: timed_out.then_some(std::time::Duration::ZERO),
        worker_id: String::new(),
        cancel_reason: None,
        drain: false,
    };
    outcome_of(said, &nobody).word().to_owned()
}
