//! Jobs: what they are as rows, who asks for them, who works on them, who steers them.

mod act;
mod ask;
mod deliver;
mod settle;
mod work;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::gather::Gather;
use super::{Reader, StoreError};
use crate::domain::{Backoff, JobState, NewJob, Progress, Step};

pub use act::{Cancelled, Edit, Forgotten, Prioritised, Retried};
pub(super) use ask::wishes;
pub use ask::{Enqueued, Explained, Filter, Group, TightLimit};
pub use deliver::{Active, EndedExecution};
pub use settle::Settled;
pub use work::{
    CandidateWindow, ClaimOutcome, ClaimRequest, ClaimedJob, Graces, Lease, LeasedExecution, Operation, Overdue,
    Reaped, RenewedLease, execution_ids,
};

/// The most jobs that callers enqueue together, and the most executions that are settled together.
const TOGETHER: usize = 500;

/// Where those meet who enqueue or settle at the same time: one statement that settles is under way at any time, two that
/// enqueue (the second runs while the first waits for the disk), and the next one takes all that came meanwhile.
#[derive(Clone)]
pub(super) struct Groups {
    enqueue: Arc<Gather<ask::Asked, Enqueued>>,
    settle: Arc<Gather<settle::Ended, Settled>>,
}

impl Default for Groups {
    fn default() -> Self {
        Self { enqueue: Arc::new(Gather::new(2, TOGETHER)), settle: Arc::new(Gather::new(1, TOGETHER)) }
    }
}

/// A row of `jobs`.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub state: JobState,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    pub tags: Vec<String>,
    pub priority: i16,
    pub run_at: OffsetDateTime,
    /// JSON text, byte for byte as it was given.
    pub payload: String,
    /// JSON text.
    pub result: Option<String>,
    pub error: Option<String>,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    pub timeout: Option<Duration>,
    pub deadline_at: Option<OffsetDateTime>,
    pub backoff: Option<Backoff>,
    pub project_id: Option<Uuid>,
    pub origin_id: Option<Uuid>,
    pub replays: i32,
    pub schema_version: Option<i32>,
    pub idempotency_key: Option<String>,
    /// Its place in a workflow.
    pub step: Option<Step>,
    /// How many of its dependencies do not let it go yet.
    pub waits_for: i32,
    pub has_dependencies: bool,
    /// The dependency whose end canceled it.
    pub doomed_by: Option<Uuid>,
    pub execution_id: Option<Uuid>,
    pub worker_id: Option<String>,
    pub lease_until: Option<OffsetDateTime>,
    /// How far it is, while it is active and if it says so.
    pub progress: Option<Progress>,
    pub cancel_requested_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

impl Job {
    /// What a wish has become that waits for no other, so that nobody needs to ask for the row that was just written.
    pub fn born(wish: &NewJob, enqueued: &Enqueued) -> Self {
        let waits = enqueued.due_at > enqueued.born_at;
        Self {
            id: enqueued.id,
            state: if waits { JobState::Scheduled } else { JobState::Queued },
            kind: wish.kind.to_string(),
            queue: wish.queue.to_string(),
            tenant: wish.tenant.to_string(),
            tags: wish.tags.clone(),
            priority: wish.priority,
            run_at: enqueued.due_at,
            payload: wish.payload.clone(),
            result: None,
            error: None,
            attempt: 0,
            failures: 0,
            max_attempts: i32::try_from(wish.max_attempts).unwrap_or(i32::MAX),
            timeout: wish.timeout,
            deadline_at: wish.deadline_at,
            backoff: wish.backoff,
            project_id: None,
            origin_id: None,
            replays: 0,
            schema_version: wish.schema_version,
            idempotency_key: wish.key.as_ref().map(|it| it.key.clone()),
            step: wish.step.clone(),
            waits_for: 0,
            has_dependencies: false,
            doomed_by: None,
            execution_id: None,
            worker_id: None,
            lease_until: None,
            progress: None,
            cancel_requested_at: None,
            created_at: enqueued.born_at,
            updated_at: enqueued.born_at,
            finished_at: None,
        }
    }
}

/// A row of `executions`.
#[derive(Clone, Debug)]
pub struct Execution {
    pub id: Uuid,
    pub job_id: Uuid,
    pub attempt: i32,
    pub worker_id: String,
    pub kind: String,
    pub queue: String,
    pub claimed_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
    pub outcome: Option<String>,
    pub error: Option<String>,
    /// How far it is, if it says so and has not ended.
    pub progress: Option<Progress>,
}

/// Seconds, as the database keeps a duration. What cannot be one is none.
fn duration(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn backoff(row: &Reader) -> Result<Option<Backoff>, StoreError> {
    let text: Option<String> = row.get("backoff")?;
    // An application may have written nonsense through SQL; the default policy is better than no retry.
    Ok(text.as_deref().and_then(Backoff::parse))
}

fn job(row: &Reader) -> Result<Job, StoreError> {
    let state = row.word("state", "job state", JobState::parse)?;
    Ok(Job {
        id: row.get("id")?,
        state,
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        tenant: row.get("tenant")?,
        tags: row.get("tags")?,
        priority: row.get("priority")?,
        run_at: row.get("run_at")?,
        payload: row.get("payload")?,
        result: row.get("result")?,
        error: row.get("error")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        max_attempts: row.get("max_attempts")?,
        timeout: duration(row.get("timeout")?),
        deadline_at: row.get("deadline_at")?,
        backoff: backoff(row)?,
        project_id: row.get("project_id")?,
        origin_id: row.get("origin_id")?,
        replays: row.get("replays")?,
        schema_version: row.get("schema_version")?,
        idempotency_key: row.get("idempotency_key")?,
        step: step(row)?,
        waits_for: row.get("pending_dependencies")?,
        has_dependencies: row.get("has_dependencies")?,
        doomed_by: row.get("canceled_by")?,
        execution_id: row.get("execution_id")?,
        worker_id: row.get("worker_id")?,
        lease_until: row.get("lease_until")?,
        // What it said before it ended stands there until it is claimed again.
        progress: progress(row)?.filter(|_| state == JobState::Active),
        cancel_requested_at: row.get("cancel_requested_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        finished_at: row.get("finished_at")?,
    })
}

fn step(row: &Reader) -> Result<Option<Step>, StoreError> {
    let (workflow, name): (Option<Uuid>, Option<String>) = (row.get("workflow_id")?, row.get("step")?);
    Ok(workflow.zip(name).map(|(workflow, name)| Step { workflow, name }))
}

fn execution(row: &Reader) -> Result<Execution, StoreError> {
    Ok(Execution {
        id: row.get("id")?,
        job_id: row.get("job_id")?,
        attempt: row.get("attempt")?,
        worker_id: row.get("worker_id")?,
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        claimed_at: row.get("claimed_at")?,
        ended_at: row.get("ended_at")?,
        outcome: row.get("outcome")?,
        error: row.get("error")?,
        progress: progress(row)?,
    })
}

fn progress(row: &Reader) -> Result<Option<Progress>, StoreError> {
    let (fraction, text): (Option<f64>, Option<String>) = (row.get("progress_fraction")?, row.get("progress_text")?);
    Ok(text.map(|text| Progress { fraction, text }))
}
