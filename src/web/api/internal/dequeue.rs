//! `POST /internal/executions/dequeue`: work for whoever asks, at once or as soon as there is some.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::domain::Ident;
use crate::mutant::{self, Moment};
use crate::store::jobs::{CandidateWindow, ClaimRequest, ClaimedJob, execution_ids};
use crate::telemetry::KindLabels;
use crate::web::api::internal::polls::Poll;
use crate::web::api::internal::{Badge, agent, checked_id, millis};
use crate::web::api::wait::in_turn;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::OptionalJson;
use crate::wire::Problem;
use crate::wire::internal::{DELIVERY_LEASE, Delivered, Delivery, Dequeue, MAX_DELIVERED};
use crate::wire::json::raw;

/// The longest that a request may wait.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How often to look without having been rung, and how soon when others were at the same jobs.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The most words in a list.
const MAX_WORDS: usize = 1000;

/// Work to do, under leases. With a `request_id`, the same request again is answered with the same executions, and what is delivered
/// has to be confirmed by a heartbeat within ten seconds; without one, the leases are as long as agents need that rarely beat.
#[utoipa::path(post, path = "/internal/executions/dequeue", tag = "internal", request_body(content = Option<Dequeue>),
    responses((status = 200, body = Delivery), (status = 400, body = Problem),
        (status = 403, body = Problem, description = "`queue_forbidden`: not a queue of this token"), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn dequeue(
    app: Data<App>,
    badge: Badge,
    request: HttpRequest,
    body: OptionalJson<Dequeue>,
) -> Result<HttpResponse, ApiError> {
    let arrived = Instant::now();
    let question = Question::read(&app, &badge, &request, body.0)?;
    let poll = match question.request_id {
        Some(_) => app.polls.open(&question.claimer.worker_id),
        // Many agents may share a name.
        None => Poll::alone(),
    };
    let (jobs, began) = match &question.request_id {
        None => {
            let fresh = || execution_ids(question.slots);
            question.wait(&app, &poll, poll.first_turn().await, arrived, fresh).await?
        }
        Some(id) => question.wait_once(&app, &poll, arrived, id).await?,
    };
    if !jobs.is_empty() {
        mutant::pass(Moment::Delivered);
    }
    for job in &jobs {
        app.telemetry.claims.get_or_create(&KindLabels { kind: job.kind.clone() }).inc();
    }
    let waited_ms = millis(began.saturating_duration_since(arrived));
    let executions = delivered(&app, &question, jobs).await?;
    Ok(HttpResponse::Ok().json(Delivery { executions, waited_ms }))
}

/// What somebody asks, checked.
struct Question {
    claimer: ClaimRequest,
    slots: usize,
    wait: Duration,
    request_id: Option<String>,
}

impl Question {
    fn read(app: &App, badge: &Badge, request: &HttpRequest, asked: Dequeue) -> Result<Self, ApiError> {
        let request_id = asked.request_id.map(|id| checked_id("request_id", id)).transpose()?;
        let worker = asked.worker_id.map(|id| checked_id("worker_id", id)).transpose()?;
        let worker_id = match (worker, &request_id) {
            (None, Some(_)) => return Err(ApiError::field("worker_id", "is missing: a request_id is one of a worker")),
            (Some(worker), Some(_)) => worker,
            (Some(worker), None) => agent::id_of(&worker),
            (None, None) => agent::id_of(&request.peer_addr().map_or("nowhere".into(), |it| it.ip().to_string())),
        };
        let wait = asked.wait.map_or(Duration::ZERO, |it| it.0);
        if wait > MAX_WAIT {
            return Err(ApiError::field("wait", "must be at most 20s"));
        }
        let lease_ttl = match request_id {
            Some(_) => DELIVERY_LEASE.min(app.config.lease_ttl),
            None => app.config.agent_lease,
        };
        let claimer = ClaimRequest {
            worker_id: badge.name(worker_id),
            queues: badge.queues(words("queues", asked.queues)?.unwrap_or_else(|| vec!["*".into()]))?,
            kinds: words("kinds", asked.kinds)?.unwrap_or_else(|| vec![agent::KIND.into()]),
            lease_ttl,
            project_deadline: app.config.project_deadline,
            tenants: words("tenants", asked.tenants)?,
            reach: CandidateWindow::default(),
        };
        Ok(Self { claimer, slots: asked.limit.clamp(1, MAX_DELIVERED) as usize, wait, request_id })
    }

    /// As [`Question::wait`], but what this request began before is what it gets.
    async fn wait_once(
        &self,
        app: &App,
        poll: &Poll,
        arrived: Instant,
        id: &str,
    ) -> Result<(Vec<ClaimedJob>, Instant), ApiError> {
        let ids = execution_ids(self.slots);
        // Whoever asked the same first may be claiming right now; then we have what it has.
        let turn = poll.first_turn().await;
        if app.store.reserve_delivery(&self.claimer.worker_id, id, &ids).await? {
            return self.wait(app, poll, turn, arrived, || ids.clone()).await;
        }
        let mut jobs = app.store.replay_delivery(&self.claimer.worker_id, id).await?;
        let held: Vec<_> = jobs.iter().map(|it| (it.lease.job_id, it.lease.execution_id).into()).collect();
        let began = Instant::now();
        // The lease began long ago; and a heartbeat may have extended it further than this does, but never for long.
        let kept = app.store.heartbeat_jobs(&held, self.claimer.lease_ttl).await?;
        jobs.retain(|job| kept.iter().any(|beat| beat.execution_id == job.lease.execution_id));
        Ok((jobs, began))
    }

    /// ClaimOutcome, as soon as there is something; and when the leases began. `ids` are those of the executions. An error ends it:
    /// whether anything was claimed under these ids is then not known, so they must not be used again.
    async fn wait(
        &self,
        app: &App,
        poll: &Poll,
        turn: MutexGuard<'_, ()>,
        arrived: Instant,
        ids: impl Fn() -> Vec<Uuid>,
    ) -> Result<(Vec<ClaimedJob>, Instant), ApiError> {
        let deadline = arrived + self.wait;
        let mut first = Some(turn);
        let mut wakeups = app.wakeup.subscribe();
        loop {
            // Clear, look, wait: a ring between the look and the wait is then not lost.
            wakeups.clear();
            let over = Instant::now() >= deadline || app.stop.is_cancelled();
            let turn = match first.take() {
                Some(turn) => Some(turn),
                None => poll.turn().await,
            };
            let Some(turn) = turn else { return Ok((Vec::new(), Instant::now())) };
            let began = Instant::now();
            let claims = in_turn(app, app.store.claim_jobs_as(&self.claimer, &ids())).await?;
            drop(turn);
            if over || !claims.jobs.is_empty() {
                return Ok((claims.jobs, began));
            }
            let patience = if claims.contended { LOOK_AGAIN } else { claims.next_due.unwrap_or(LOOK).min(LOOK) };
            tokio::select! {
                () = app.stop.cancelled() => {}
                _ = timeout_at(deadline.min(Instant::now() + patience), wakeups.woken()) => {}
            }
        }
    }
}

/// A list of names; an empty one is as good as none.
fn words(field: &str, words: Option<Vec<String>>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(words) = words.filter(|words| !words.is_empty()) else { return Ok(None) };
    if words.len() > MAX_WORDS {
        return Err(ApiError::field(field, format!("must be at most {MAX_WORDS} names")));
    }
    for (at, word) in words.iter().enumerate().filter(|(_, word)| field != "queues" || *word != "*") {
        Ident::parse(word).map_err(|error| ApiError::field(format!("{field}.{at}"), error))?;
    }
    Ok(Some(words))
}

async fn delivered(app: &App, question: &Question, jobs: Vec<ClaimedJob>) -> Result<Vec<Delivered>, ApiError> {
    let is_agent = question.request_id.is_none();
    // What only agents are told is in no claim.
    let ids: Vec<Uuid> = jobs.iter().filter(|_| is_agent).map(|it| it.lease.job_id).collect();
    let rows = if ids.is_empty() { Vec::new() } else { app.store.get_jobs(&ids).await? };
    let lease_ttl_ms = millis(question.claimer.lease_ttl);
    let of = |job: ClaimedJob| {
        let row = rows.iter().find(|row| row.id == job.lease.job_id);
        let payload = is_agent.then(|| agent::payload(&job, row));
        Delivered {
            execution_id: job.lease.execution_id,
            job_id: job.lease.job_id,
            kind: job.kind,
            queue: job.queue,
            tenant: job.tenant,
            attempt: job.attempt,
            failures: job.failures,
            max_attempts: job.max_attempts,
            timeout_ms: job.timeout.map(millis),
            lease_ttl_ms,
            previous_state: job.previous_state.to_string(),
            project_id: job.project_id,
            inputs: job.inputs.map(raw),
            payload_json: raw(job.payload),
            payload,
        }
    };
    Ok(jobs.into_iter().map(of).collect())
}
