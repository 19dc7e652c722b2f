//! The queues and attempts that a token gives access to.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use uuid::Uuid;

use crate::config::WorkerToken;
use crate::domain::NewJob;
use crate::store::jobs::{ActiveExecution, LeasedExecution};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::hash::sha256_hex;

/// Maximum number of attempts of one worker.
pub const MAX_EXECUTIONS: usize = 2000;

/// The scope of a token: everything, or some queues and the attempts of workers that use the same token.
#[derive(Clone, Debug)]
pub struct TokenScope(Option<Restriction>);

#[derive(Clone, Debug)]
struct Restriction {
    queues: Vec<String>,
    /// Suffix of the ids of workers that use the token. Identifies the token without revealing it.
    suffix: String,
}

impl TokenScope {
    /// Access to everything.
    pub fn unrestricted() -> Self {
        Self(None)
    }

    /// The scope of a worker token.
    pub fn of(token: &WorkerToken) -> Self {
        let restriction = |queues: &Vec<String>| {
            let hash = sha256_hex(format!("provost worker\0{}", token.secret.reveal()));
            Restriction { queues: queues.clone(), suffix: format!("@{}", &hash[..8]) }
        };
        Self(token.queues.as_ref().map(restriction))
    }

    /// The id under which a worker is stored. The suffix keeps workers of different restricted tokens apart.
    pub fn worker_id(&self, id: String) -> String {
        self.0.iter().fold(id, |id, restriction| id + restriction.suffix.as_str())
    }

    /// Whether the attempts of this worker are in scope.
    pub fn covers(&self, worker: &str) -> bool {
        self.0.as_ref().is_none_or(|restriction| worker.ends_with(&restriction.suffix))
    }

    /// The queues to serve. A restricted token serves its own queues if no queue or `*` is requested.
    pub fn queues(&self, requested: Vec<String>) -> Result<Vec<String>, ApiError> {
        let Some(Restriction { queues, .. }) = &self.0 else { return Ok(requested) };
        if requested.is_empty() || requested.iter().any(|name| name == "*") {
            return Ok(queues.clone());
        }
        let are_allowed = requested.iter().all(|name| queues.contains(name));
        if are_allowed { Ok(requested) } else { Err(ApiError::QueueForbidden(queues.clone())) }
    }

    /// Rejects follow-ups that leave the scope: a restricted token can only add jobs to its own queues, for the tenant of the parent job.
    /// This is an invalid result rather than a 403, so that workers do not send it again.
    pub fn check_follow_ups(&self, jobs: &[NewJob], parent: &ActiveExecution) -> Result<(), ApiError> {
        let Some(Restriction { queues, .. }) = &self.0 else { return Ok(()) };
        if jobs.iter().any(|job| !queues.iter().any(|name| name == job.queue.as_str())) {
            return Err(ApiError::field(
                "next",
                format!("queue must be one of the queues of this token: {}", queues.join(", ")),
            ));
        }
        if jobs.iter().any(|job| job.tenant.as_str() != parent.tenant) {
            return Err(ApiError::field(
                "next",
                format!("tenant must be the tenant of the parent job: {}", parent.tenant),
            ));
        }
        Ok(())
    }

    /// The active attempt with this id, if it is in scope.
    pub async fn active(
        &self,
        app: &App,
        execution: Uuid,
        job: Option<Uuid>,
    ) -> Result<Option<ActiveExecution>, ApiError> {
        let active = app.store.active_execution(execution, job).await?;
        Ok(active.filter(|it| self.covers(&it.worker_id)))
    }

    /// The active attempt with this id, or a `lease_lost` problem.
    pub async fn require_active(
        &self,
        app: &App,
        execution: Uuid,
        job: Option<Uuid>,
    ) -> Result<ActiveExecution, ApiError> {
        self.active(app, execution, job).await?.ok_or(ApiError::LeaseLost(execution))
    }

    /// Removes the attempts whose leases this token must not extend: those of other workers.
    pub async fn retain_own(
        &self,
        app: &App,
        worker: &str,
        executions: &mut Vec<LeasedExecution>,
    ) -> Result<(), ApiError> {
        if self.0.is_some() && !executions.is_empty() {
            let own = app.store.executions_of_worker(worker, MAX_EXECUTIONS as i64).await?;
            executions.retain(|leased| own.iter().any(|(it, _)| it.id == leased.execution_id));
        }
        Ok(())
    }
}

/// Access control stores the scope in the request.
impl FromRequest for TokenScope {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(ApiError::Unauthorized))
    }
}
