//! Jobs: claim, heartbeat, settle, reap.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::sql::{JOBS_CLAIM, JOBS_HEARTBEAT, JOBS_OF_PROJECT, JOBS_REAP, JOBS_SETTLE};
use super::{Reader, Store, StoreError};
use crate::domain::{JobKind, JobState, ProjectStatus, Settlement};

/// The right to work on a job and to settle it, as long as it is the job's latest execution. Not `Clone`: within a
/// process nobody can settle twice; across processes the execution id fences.
#[derive(Debug)]
pub struct Lease {
    pub job_id: Uuid,
    pub execution_id: Uuid,
}

/// A claimed job.
#[derive(Debug)]
pub struct Claimed {
    pub lease: Lease,
    pub kind: String,
    pub queue: String,
    /// JSON text.
    pub payload: String,
    pub project_id: Option<Uuid>,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    pub previous_state: JobState,
    /// Whether the claim moved its project from creating to provisioning.
    pub project_moved: bool,
}

/// Who claims, and under which conditions.
#[derive(Clone, Debug)]
pub struct Claimer {
    pub worker_id: String,
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub lease_ttl: Duration,
    /// How long a project may be provisioning.
    pub project_deadline: Duration,
}

/// What the database says to a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Recorded. The project moved with it, or there was none to move.
    Yes { project: Option<(ProjectStatus, ProjectStatus)> },
    /// It was recorded before, with the same outcome: the first answer got lost.
    Already,
    /// The execution is not the job's current one any more; nothing was changed.
    LeaseLost,
}

/// A job that was taken back from a silent worker.
#[derive(Debug)]
pub struct Reaped {
    pub job_id: Uuid,
    pub project_id: Option<Uuid>,
    pub execution_id: Uuid,
    pub worker_id: String,
    pub state: JobState,
    pub error: String,
    /// Where the project was, when it failed with its job.
    pub project_was: Option<String>,
}

/// An operation on a project: a job with its latest execution.
#[derive(Debug)]
pub struct Operation {
    pub id: Uuid,
    pub kind: String,
    pub state: JobState,
    pub run_at: OffsetDateTime,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    pub worker_id: Option<String>,
    pub error: Option<String>,
    pub created_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
    pub claimed_at: Option<OffsetDateTime>,
    pub ended_at: Option<OffsetDateTime>,
}

impl Store {
    /// `jobs/claim`: at most `slots` due jobs, each under an execution id of its own.
    pub async fn claim_jobs(&self, claimer: &Claimer, slots: usize) -> Result<Vec<Claimed>, StoreError> {
        let tell = self.bell.may_notify();
        let executions: Vec<Uuid> = (0..slots).map(|_| Uuid::now_v7()).collect();
        let rows = self
            .rows(
                &JOBS_CLAIM,
                &[
                    &claimer.queues,
                    &claimer.kinds,
                    &claimer.worker_id,
                    &executions,
                    &claimer.lease_ttl.as_secs_f64(),
                    &claimer.project_deadline.as_secs_f64(),
                    &tell,
                ],
            )
            .await?;
        if !rows.is_empty() {
            self.bell.moved(tell);
        }
        Reader::all(rows, &JOBS_CLAIM).map(|row| claimed(&row)).collect()
    }

    /// `jobs/heartbeat`: the executions that are still held. What is missing in the answer is lost.
    pub async fn heartbeat_jobs(&self, held: &[(Uuid, Uuid)], ttl: Duration) -> Result<Vec<Uuid>, StoreError> {
        let (jobs, executions): (Vec<Uuid>, Vec<Uuid>) = held.iter().copied().unzip();
        let rows = self.rows(&JOBS_HEARTBEAT, &[&jobs, &executions, &ttl.as_secs_f64()]).await?;
        Reader::all(rows, &JOBS_HEARTBEAT).map(|row| row.get("execution_id")).collect()
    }

    /// `jobs/settle`: fenced by the execution id. May be sent again when the answer got lost.
    pub async fn settle_job(
        &self,
        lease: &Lease,
        kind: Option<JobKind>,
        settlement: &Settlement,
        actor: &str,
    ) -> Result<Settled, StoreError> {
        let tell = self.bell.may_notify();
        let during = kind.map(JobKind::status_during);
        let after = kind.and_then(|kind| settlement.project_status(kind));
        let row = self
            .one(
                &JOBS_SETTLE,
                &[
                    &lease.job_id,
                    &lease.execution_id,
                    &settlement.state.as_str(),
                    &settlement.outcome,
                    &settlement.error,
                    &settlement.delay.as_secs_f64(),
                    &settlement.spends_failure,
                    &during.map(ProjectStatus::as_str),
                    &after.map(ProjectStatus::as_str),
                    &actor,
                    &tell,
                ],
            )
            .await?;
        if row.get("settled")? {
            self.bell.moved(tell);
            let moved: bool = row.get("project_moved")?;
            return Ok(Settled::Yes { project: during.zip(after).filter(|_| moved) });
        }
        let earlier: Option<String> = row.get("earlier_outcome")?;
        Ok(if earlier.as_deref() == Some(settlement.outcome) { Settled::Already } else { Settled::LeaseLost })
    }

    /// `jobs/reap`: takes back what nobody holds any more.
    pub async fn reap_jobs(&self, limit: i64, actor: &str) -> Result<Vec<Reaped>, StoreError> {
        let tell = self.bell.may_notify();
        let rows = self.rows(&JOBS_REAP, &[&limit, &actor, &tell]).await?;
        if !rows.is_empty() {
            self.bell.moved(tell);
        }
        Reader::all(rows, &JOBS_REAP).map(|row| reaped(&row)).collect()
    }

    /// `jobs/of_project`: newest first.
    pub async fn jobs_of_project(&self, project: Uuid, limit: i64) -> Result<Vec<Operation>, StoreError> {
        let rows = self.rows(&JOBS_OF_PROJECT, &[&project, &limit]).await?;
        Reader::all(rows, &JOBS_OF_PROJECT).map(|row| operation(&row)).collect()
    }
}

fn claimed(row: &Reader) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        lease: Lease { job_id: row.get("id")?, execution_id: row.get("execution_id")? },
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        payload: row.get("payload")?,
        project_id: row.get("project_id")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        max_attempts: row.get("max_attempts")?,
        previous_state: row.word("previous_state", "job state", JobState::parse)?,
        project_moved: row.get("project_moved")?,
    })
}

fn reaped(row: &Reader) -> Result<Reaped, StoreError> {
    Ok(Reaped {
        job_id: row.get("id")?,
        project_id: row.get("project_id")?,
        execution_id: row.get("execution_id")?,
        worker_id: row.get("worker_id")?,
        state: row.word("state", "job state", JobState::parse)?,
        error: row.get("error")?,
        project_was: row.get("project_was")?,
    })
}

fn operation(row: &Reader) -> Result<Operation, StoreError> {
    Ok(Operation {
        id: row.get("id")?,
        kind: row.get("kind")?,
        state: row.word("state", "job state", JobState::parse)?,
        run_at: row.get("run_at")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        max_attempts: row.get("max_attempts")?,
        worker_id: row.get("worker_id")?,
        error: row.get("error")?,
        created_at: row.get("created_at")?,
        finished_at: row.get("finished_at")?,
        claimed_at: row.get("claimed_at")?,
        ended_at: row.get("ended_at")?,
    })
}
