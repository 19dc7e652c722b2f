//! `POST /internal/executions/dequeue`: claims jobs for a remote worker.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::domain::Ident;
use crate::mutant::{self, FailPoint};
use crate::store::jobs::{CandidateWindow, ClaimRequest, ClaimedJob, Job, execution_ids};
use crate::telemetry::KindLabels;
use crate::web::api::description;
use crate::web::api::internal::polls::Poll;
use crate::web::api::internal::token_scope::TokenScope;
use crate::web::api::internal::{checked_id, command_agent, millis};
use crate::web::api::response::json;
use crate::web::api::wait::limited;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::OptionalJson;
use crate::wire::internal::{DELIVERY_LEASE, Delivered, Delivery, Dequeue, MAX_DELIVERED};
use crate::wire::json::raw;

/// Maximum `wait`.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// Maximum time between two polls, in case a wakeup is missed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time until the next poll if other workers locked the same candidates.
const CONTENDED_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum number of names in a list.
const MAX_NAMES: usize = 1000;

/// The claimed jobs, and when their leases began.
type Claimed = (Vec<ClaimedJob>, Instant);

/// Claim jobs under leases. With a `request_id`, repeating the request returns the same jobs, and delivered jobs must be confirmed by a
/// heartbeat within ten seconds. Without one, the leases are long, for agents that send few heartbeats.
#[utoipa::path(post, path = "/internal/executions/dequeue", tag = "internal", request_body(content = Option<Dequeue>),
    responses((status = 200, body = Delivery), description::Write, description::Forbidden))]
pub async fn dequeue(
    app: Data<App>,
    scope: TokenScope,
    request: HttpRequest,
    body: OptionalJson<Dequeue>,
) -> ApiResult {
    let arrived = Instant::now();
    let request = Request::parse(&app, &scope, &request, body.0)?;
    let poll = match request.id {
        Some(_) => app.polls.open(&request.claim.worker_id),
        // Several agents may share a name.
        None => Poll::independent(),
    };
    let (jobs, leased_at) = match &request.id {
        None => {
            let new_ids = || execution_ids(request.slots);
            request.claim(&app, &poll, poll.first_lock().await, arrived, new_ids).await?
        }
        Some(id) => request.claim_once(&app, &poll, arrived, id).await?,
    };
    if !jobs.is_empty() {
        mutant::fail_point(FailPoint::Delivered);
    }
    for job in &jobs {
        app.telemetry.claims.get_or_create(&KindLabels { kind: job.kind.clone() }).inc();
    }
    let waited_ms = millis(leased_at.saturating_duration_since(arrived));
    json(Delivery { executions: request.deliver(&app, jobs).await?, waited_ms })
}

/// A validated request.
struct Request {
    claim: ClaimRequest,
    slots: usize,
    wait: Duration,
    id: Option<String>,
}

impl Request {
    fn parse(app: &App, scope: &TokenScope, request: &HttpRequest, body: Dequeue) -> Result<Self, ApiError> {
        let id = body.request_id.map(|id| checked_id("request_id", id)).transpose()?;
        let worker = body.worker_id.map(|id| checked_id("worker_id", id)).transpose()?;
        let worker_id = match (worker, &id) {
            (None, Some(_)) => return Err(ApiError::field("worker_id", "is required with a request_id")),
            (Some(worker), Some(_)) => worker,
            (Some(worker), None) => command_agent::worker_id(&worker),
            (None, None) => {
                let address = request.peer_addr().map_or("nowhere".into(), |it| it.ip().to_string());
                command_agent::worker_id(&address)
            }
        };
        let wait = body.wait.map_or(Duration::ZERO, |it| it.0);
        if wait > MAX_WAIT {
            return Err(ApiError::field("wait", "must be at most 20s"));
        }
        let lease_ttl = match id {
            Some(_) => DELIVERY_LEASE.min(app.config.lease_ttl),
            None => app.config.agent_lease,
        };
        let claim = ClaimRequest {
            worker_id: scope.worker_id(worker_id),
            queues: scope.queues(names("queues", body.queues)?.unwrap_or_else(|| vec!["*".into()]))?,
            kinds: names("kinds", body.kinds)?.unwrap_or_else(|| vec![command_agent::KIND.into()]),
            lease_ttl,
            tenants: names("tenants", body.tenants)?,
            window: CandidateWindow::default(),
        };
        Ok(Self { claim, slots: body.limit.clamp(1, MAX_DELIVERED) as usize, wait, id })
    }

    /// Claims jobs, or returns the jobs that an earlier request with the same id claimed.
    async fn claim_once(&self, app: &App, poll: &Poll, arrived: Instant, id: &str) -> Result<Claimed, ApiError> {
        let ids = execution_ids(self.slots);
        // An earlier request with the same id may be claiming right now.
        let guard = poll.first_lock().await;
        if app.store.reserve_delivery(&self.claim.worker_id, id, &ids).await? {
            return self.claim(app, poll, guard, arrived, || ids.clone()).await;
        }
        let mut jobs = app.store.replay_delivery(&self.claim.worker_id, id).await?;
        let leased: Vec<_> = jobs.iter().map(|it| (it.lease.job_id, it.lease.execution_id).into()).collect();
        let leased_at = Instant::now();
        // Renew the leases: they began with the earlier request. A heartbeat may already have extended them further.
        let renewed = app.store.heartbeat_jobs(&leased, self.claim.lease_ttl).await?;
        jobs.retain(|job| renewed.iter().any(|lease| lease.execution_id == job.lease.execution_id));
        Ok((jobs, leased_at))
    }

    /// Claims jobs as soon as there are any, within `wait`. `ids` returns the execution ids to use. After an error it is unknown whether
    /// jobs were claimed under these ids, so they must not be reused.
    async fn claim(
        &self,
        app: &App,
        poll: &Poll,
        guard: MutexGuard<'_, ()>,
        arrived: Instant,
        ids: impl Fn() -> Vec<Uuid>,
    ) -> Result<Claimed, ApiError> {
        let deadline = arrived + self.wait;
        let mut first_guard = Some(guard);
        let mut wakeups = app.wakeup.subscribe();
        loop {
            // Clear before polling: a wakeup during the poll must end the wait that follows.
            wakeups.clear();
            let is_over = Instant::now() >= deadline || app.stop.is_cancelled();
            let guard = match first_guard.take() {
                Some(guard) => Some(guard),
                None => poll.lock().await,
            };
            let Some(guard) = guard else { return Ok((Vec::new(), Instant::now())) };
            let leased_at = Instant::now();
            let outcome = limited(app, app.store.claim_jobs_as(&self.claim, &ids())).await?;
            drop(guard);
            if is_over || !outcome.jobs.is_empty() {
                return Ok((outcome.jobs, leased_at));
            }
            let pause = match outcome.contended {
                true => CONTENDED_INTERVAL,
                false => outcome.next_due.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL),
            };
            tokio::select! {
                () = app.stop.cancelled() => {}
                _ = timeout_at(deadline.min(Instant::now() + pause), wakeups.woken()) => {}
            }
        }
    }

    async fn deliver(&self, app: &App, jobs: Vec<ClaimedJob>) -> Result<Vec<Delivered>, ApiError> {
        let is_agent = self.id.is_none();
        // Agents receive fields that a claim does not return.
        let ids: Vec<Uuid> = jobs.iter().filter(|_| is_agent).map(|it| it.lease.job_id).collect();
        let rows: Vec<Job> = if ids.is_empty() { Vec::new() } else { app.store.get_jobs(&ids).await? };
        let lease_ttl_ms = millis(self.claim.lease_ttl);
        let delivered = |job: ClaimedJob| {
            let row = rows.iter().find(|row| row.id == job.lease.job_id);
            let payload = is_agent.then(|| command_agent::payload(&job, row));
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
        Ok(jobs.into_iter().map(delivered).collect())
    }
}

/// Validates a list of names; an empty list counts as absent.
fn names(field: &str, names: Option<Vec<String>>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(names) = names.filter(|names| !names.is_empty()) else { return Ok(None) };
    if names.len() > MAX_NAMES {
        return Err(ApiError::field(field, format!("must be at most {MAX_NAMES} names")));
    }
    for (at, name) in names.iter().enumerate().filter(|(_, name)| field != "queues" || *name != "*") {
        Ident::parse(name).map_err(|error| ApiError::field(format!("{field}.{at}"), error))?;
    }
    Ok(Some(names))
}
