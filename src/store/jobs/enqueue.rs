//! Enqueues jobs.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Due, NewJob, moment};
use crate::store::group_commit::Grouped;
use crate::store::row::row;
use crate::store::sql::JOBS_ENQUEUE;
use crate::store::{Store, StoreError};

/// A request with more jobs than this has a statement of its own.
const MAX_SHARED: usize = 50;

row! {
    /// The job that exists after a request to enqueue one.
    #[derive(Clone, Copy, Debug)]
    pub struct Enqueued {
        pub id: Uuid as "job_id",
        /// False if an earlier request with the same idempotency key enqueued it.
        pub is_new: bool,
        /// When it can first be claimed.
        pub due_at: OffsetDateTime,
        pub created_at: OffsetDateTime,
    }
}

/// A job in a shared statement, with the request that enqueues it.
#[derive(Clone)]
pub struct EnqueueRequest {
    job: NewJob,
    origin: Option<Uuid>,
    actor: String,
    request_id: Option<String>,
}

/// A new job as the SQL function `enqueue_jobs` reads it. The payload is a string within the JSON, so that every byte of it
/// is kept.
#[derive(Serialize)]
struct NewJobJson<'a> {
    id: Uuid,
    kind: &'a str,
    queue: &'a str,
    tenant: &'a str,
    tags: &'a [String],
    priority: i16,
    payload: &'a str,
    run_at: Option<String>,
    delay_s: Option<f64>,
    max_attempts: u32,
    timeout_s: Option<f64>,
    deadline_at: Option<String>,
    backoff: Option<String>,
    origin_id: Option<Uuid>,
    schema_version: Option<i32>,
    idempotency_key: Option<&'a str>,
    request_hash: Option<&'a str>,
    window_s: Option<f64>,
    /// The actor and the request, if they differ from those of the statement.
    actor: Option<&'a str>,
    request_id: Option<&'a str>,
    workflow_id: Option<Uuid>,
    step: Option<&'a str>,
    depends_on: Vec<Uuid>,
    policies: Vec<&'static str>,
}

impl<'a> NewJobJson<'a> {
    fn new(job: &'a NewJob, origin_id: Option<Uuid>) -> Self {
        let (key, step) = (job.key.as_ref(), job.step.as_ref());
        Self {
            id: job.id,
            kind: job.kind.as_str(),
            queue: job.queue.as_str(),
            tenant: job.tenant.as_str(),
            tags: &job.tags,
            priority: job.priority,
            payload: &job.payload,
            run_at: if let Due::At(at) = job.due { Some(moment::exact(at)) } else { None },
            delay_s: job.due.delay().map(|it| it.as_secs_f64()),
            max_attempts: job.max_attempts,
            timeout_s: job.timeout.map(|it| it.as_secs_f64()),
            deadline_at: job.deadline_at.map(moment::exact),
            backoff: job.backoff.map(|it| it.text()),
            origin_id,
            schema_version: job.schema_version,
            idempotency_key: key.map(|it| it.key.as_str()),
            request_hash: key.map(|it| it.hash.as_str()),
            window_s: key.map(|it| it.window.as_secs_f64()),
            actor: None,
            request_id: None,
            workflow_id: step.map(|it| it.workflow),
            step: step.map(|it| it.name.as_str()),
            depends_on: job.dependencies.iter().map(|it| it.on).collect(),
            policies: job.dependencies.iter().map(|it| it.policy.as_str()).collect(),
        }
    }

    fn shared(request: &'a EnqueueRequest) -> Self {
        let json = Self::new(&request.job, request.origin);
        Self { actor: Some(&request.actor), request_id: request.request_id.as_deref(), ..json }
    }
}

/// New jobs as the JSON text that `enqueue_jobs` reads.
pub fn new_jobs_json<'a>(jobs: impl IntoIterator<Item = &'a NewJob>, origin: Option<Uuid>) -> String {
    json_text(jobs.into_iter().map(|job| NewJobJson::new(job, origin)).collect())
}

fn json_text(jobs: Vec<NewJobJson<'_>>) -> String {
    // Strings and numbers always serialize.
    serde_json::to_string(&jobs).unwrap_or_else(|_| "[]".to_owned())
}

impl Store {
    /// Enqueues every job, or none; returns them in the order of `jobs`. Requests that arrive at the same time share a
    /// statement and a commit, unless a job has an idempotency key or dependencies, or the request has many jobs.
    pub async fn enqueue_jobs(
        &self,
        jobs: &[NewJob],
        origin: Option<Uuid>,
        actor: &str,
        request_id: Option<&str>,
    ) -> Result<Vec<Enqueued>, StoreError> {
        let is_single = |job: &NewJob| job.key.is_some() || !job.dependencies.is_empty();
        if jobs.len() > MAX_SHARED || jobs.iter().any(is_single) {
            return self.enqueue(new_jobs_json(jobs, origin), actor, request_id).await;
        }
        let request = |job: &NewJob| EnqueueRequest {
            job: job.clone(),
            origin,
            actor: actor.to_owned(),
            request_id: request_id.map(str::to_owned),
        };
        let store = self.clone();
        let enqueue = move |requests: Vec<EnqueueRequest>| async move {
            store.enqueue(json_text(requests.iter().map(NewJobJson::shared).collect()), "", None).await
        };
        match self.batches.enqueue.join(jobs.iter().map(request).collect(), enqueue).await {
            Grouped::Done(enqueued) => Ok(enqueued),
            Grouped::Refused => self.enqueue(new_jobs_json(jobs, origin), actor, request_id).await,
            Grouped::Failed(error) => Err(StoreError::shared(error)),
        }
    }

    /// `jobs/enqueue`: every job, or none.
    async fn enqueue(&self, jobs: String, actor: &str, request_id: Option<&str>) -> Result<Vec<Enqueued>, StoreError> {
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&JOBS_ENQUEUE, &[&jobs, &actor, &request_id, &notify]).await?;
        Ok(self.committed(notify, rows))
    }
}
