//! What whoever speaks as a worker may have, by the token that it came in with.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::WorkerToken;
use crate::store::jobs::{Active, Holding};
use crate::web::access::hex;
use crate::web::app::App;
use crate::web::error::ApiError;

/// With no binding, every queue and every execution; with one, those of some queues, as far as workers with the same token hold them.
#[derive(Clone, Debug, Default)]
pub struct Badge(Option<Binding>);

#[derive(Clone, Debug)]
struct Binding {
    queues: Vec<String>,
    /// How the names of its workers end. It tells tokens apart, and tells no token.
    mark: String,
}

impl Badge {
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

    /// The execution, if it is its job's current one. What somebody else holds does not exist.
    pub async fn active(&self, app: &App, execution: Uuid, job: Option<Uuid>) -> Result<Option<Active>, ApiError> {
        let active = app.store.active_execution(execution, job).await?;
        Ok(active.filter(|it| self.covers(&it.worker_id)))
    }

    /// The same, where nothing can be said of one that is not.
    pub async fn current(&self, app: &App, execution: Uuid, job: Option<Uuid>) -> Result<Active, ApiError> {
        self.active(app, execution, job).await?.ok_or(ApiError::LeaseLost(execution))
    }

    /// Which of these executions whoever asks may keep alive, of those that a worker holds.
    pub async fn held(&self, app: &App, worker: &str, asked: &mut Vec<Holding>) -> Result<(), ApiError> {
        if self.0.is_some() && !asked.is_empty() {
            let theirs = app.store.executions_of_worker(worker, super::beat::MOST as i64).await?;
            asked.retain(|held| theirs.iter().any(|(it, _)| it.id == held.execution_id));
        }
        Ok(())
    }
}

impl FromRequest for Badge {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}
