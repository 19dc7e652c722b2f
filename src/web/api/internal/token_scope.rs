//! What whoever speaks as a worker may have, by the token that it came in with.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::WorkerToken;
use crate::domain::NewJob;
use crate::store::jobs::{ActiveExecution, LeasedExecution};
use crate::web::access::hex;
use crate::web::app::App;
use crate::web::error::ApiError;

/// With no binding, every queue and every execution; with one, those of some queues, as far as workers with the same token hold them.
#[derive(Clone, Debug)]
pub struct Badge(Option<Binding>);

#[derive(Clone, Debug)]
struct Binding {
    queues: Vec<String>,
    /// How the names of its workers end. It tells tokens apart, and tells no token.
    mark: String,
}

impl Badge {
    /// Of whoever comes in by no token of workers: everything.
    pub fn unbound() -> Self {
        Self(None)
    }

    pub fn of(token: &WorkerToken) -> Self {
        let binding = |queues: &Vec<String>| {
            let digest = Sha256::digest(format!("provost worker\0{}", token.secret.reveal()));
            Binding { queues: queues.clone(), mark: format!("@{}", hex(&digest[..4])) }
        };
        Self(token.queues.as_ref().map(binding))
    }

    /// What a worker of this name is called here: with a bound token nobody can speak for a worker of another.
    pub fn name(&self, worker: String) -> String {
        self.0.iter().fold(worker, |worker, binding| worker + binding.mark.as_str())
    }

    /// Whether what this worker holds is any business of whoever asks.
    pub fn covers(&self, worker: &str) -> bool {
        self.0.as_ref().is_none_or(|binding| worker.ends_with(&binding.mark))
    }

    /// The queues that are meant: of a bound token, its own, where none or every queue is asked for.
    pub fn queues(&self, asked: Vec<String>) -> Result<Vec<String>, ApiError> {
        let Some(Binding { queues, .. }) = &self.0 else { return Ok(asked) };
        if asked.is_empty() || asked.iter().any(|name| name == "*") {
            return Ok(queues.clone());
        }
        let all_theirs = asked.iter().all(|name| queues.contains(name));
        if all_theirs { Ok(asked) } else { Err(ApiError::NotYourQueue(queues.clone())) }
    }

    /// Refuses jobs that whoever asks may not add: with a bound token, what follows stays on its queues, and with the tenant of the job that
    /// it follows from. It is the result that is wrong, so that a worker knows that sending it again would go no better.
    pub fn may_add(&self, jobs: &[NewJob], from: &ActiveExecution) -> Result<(), ApiError> {
        let Some(Binding { queues, .. }) = &self.0 else { return Ok(()) };
        if jobs.iter().any(|job| !queues.iter().any(|name| name == job.queue.as_str())) {
            return Err(ApiError::field("next", format!("queue must be one of this token: {}", queues.join(", "))));
        }
        match jobs.iter().find(|job| job.tenant.as_str() != from.tenant) {
            Some(_) => Err(ApiError::field(
                "next",
                format!("tenant must be that of the job that it follows from: {}", from.tenant),
            )),
            None => Ok(()),
        }
    }

    /// The execution, if it is its job's current one. What somebody else holds does not exist.
    pub async fn active(
        &self,
        app: &App,
        execution: Uuid,
        job: Option<Uuid>,
    ) -> Result<Option<ActiveExecution>, ApiError> {
        let active = app.store.active_execution(execution, job).await?;
        Ok(active.filter(|it| self.covers(&it.worker_id)))
    }

    /// The same, where nothing can be said of one that is not.
    pub async fn current(&self, app: &App, execution: Uuid, job: Option<Uuid>) -> Result<ActiveExecution, ApiError> {
        self.active(app, execution, job).await?.ok_or(ApiError::LeaseLost(execution))
    }

    /// Which of these executions whoever asks may keep alive, of those that a worker holds.
    pub async fn held(&self, app: &App, worker: &str, asked: &mut Vec<LeasedExecution>) -> Result<(), ApiError> {
        if self.0.is_some() && !asked.is_empty() {
            let theirs =
                app.store.executions_of_worker(worker, crate::web::api::internal::heartbeat::MOST as i64).await?;
            asked.retain(|held| theirs.iter().any(|(it, _)| it.id == held.execution_id));
        }
        Ok(())
    }
}

/// The guard at the door hands it out; where none was handed out, nobody was let in.
impl FromRequest for Badge {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(ApiError::Unauthorized))
    }
}
