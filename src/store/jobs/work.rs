//! Jobs as workers work on them: claim, heartbeat, settle, reap.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Execution, backoff, duration, execution};
use crate::domain::{Backoff, JobState, Progress};
use crate::store::sql::{
    EXECUTIONS_OF_WORKER, JOBS_CLAIM, JOBS_EXPIRE, JOBS_HEARTBEAT, JOBS_OF_PROJECT, JOBS_OVERDUE, JOBS_REAP, JOBS_TELL,
    LINES_SWEEP,
};
use crate::store::{Reader, Store, StoreError};

/// The right to work on a job and to settle it, as long as it is the job's latest execution. Not `Clone`: within a
/// process nobody can settle twice; across processes the execution id fences.
#[derive(Debug)]
pub struct Lease {
    pub job_id: Uuid,
    pub execution_id: Uuid,
}

/// A claimed job.
#[derive(Debug)]
pub struct ClaimedJob {
    pub lease: Lease,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    /// JSON text.
    pub payload: String,
    /// JSON text: how those ended that it depended on, and what they answered. Nothing when it depended on none.
    pub inputs: Option<String>,
    pub project_id: Option<Uuid>,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    /// How long this execution may take.
    pub timeout: Option<Duration>,
    pub backoff: Option<Backoff>,
    pub previous_state: JobState,
    /// Whether the claim moved its project from creating to provisioning.
    pub project_moved: bool,
}

/// What a look for work found.
#[derive(Debug, Default)]
pub struct ClaimOutcome {
    pub jobs: Vec<ClaimedJob>,
    /// Others were at the same rows or limits: looking again at once may find more.
    pub contended: bool,
    /// When the next job falls due that only waits for its time.
    pub next_due: Option<Duration>,
}

/// Who claims, and under which conditions.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    pub worker_id: String,
    /// `*` is every queue.
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    pub lease_ttl: Duration,
    /// How long a project may be provisioning.
    pub project_deadline: Duration,
    /// Nothing is every tenant.
    pub tenants: Option<Vec<String>>,
    pub reach: CandidateWindow,
}

/// How many candidates more than slots a claim looks at. Whoever finds that others hold some of them looks further the next
/// time: sixteen workers at one line would otherwise stand in each other's way. Alone, it costs nothing to look near.
#[derive(Clone, Debug)]
pub struct CandidateWindow(Arc<AtomicUsize>);

impl Default for CandidateWindow {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(Self::NEAR)))
    }
}

impl CandidateWindow {
    const NEAR: usize = 32;
    const FAR: usize = 1024;

    fn get(&self) -> i32 {
        self.0.load(Ordering::Relaxed) as i32
    }

    fn learn(&self, crowded: bool) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(if crowded { now * 4 } else { now - now / 8 }.clamp(Self::NEAR, Self::FAR), Ordering::Relaxed);
    }
}

/// An execution that somebody still works on, and how far it is, if it says so.
#[derive(Clone, Debug)]
pub struct LeasedExecution {
    pub job_id: Uuid,
    pub execution_id: Uuid,
    pub progress: Option<Progress>,
}

impl From<(Uuid, Uuid)> for LeasedExecution {
    /// A job and its execution.
    fn from((job_id, execution_id): (Uuid, Uuid)) -> Self {
        Self { job_id, execution_id, progress: None }
    }
}

/// What the database says to a heartbeat: the executions that are still held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewedLease {
    pub execution_id: Uuid,
    /// Somebody asked to cancel it, perhaps with a reason.
    pub canceled: Option<String>,
}

/// How long what should have stopped may still take to stop by itself.
#[derive(Clone, Copy, Debug)]
pub struct Graces {
    pub cancel: Duration,
    pub timeout: Duration,
}

/// What the passing of time alone has to move.
#[derive(Clone, Copy, Debug)]
pub struct Overdue {
    pub executions: bool,
    pub projects: bool,
    pub jobs: bool,
    /// Not time, but the length of a chain: some have not been told yet what has become of those that they wait for.
    pub tellings: bool,
    /// When there will be something, as far as can be known now.
    pub next: Option<Duration>,
}

/// A job that was taken back from a silent worker.
#[derive(Debug)]
pub struct Reaped {
    pub job_id: Uuid,
    pub project_id: Option<Uuid>,
    pub execution_id: Uuid,
    pub worker_id: String,
    pub state: JobState,
    /// `lease_expired`, `timed_out` or `canceled`.
    pub outcome: String,
    pub error: String,
    /// Where the project was, when it failed with its job.
    pub project_was: Option<String>,
}

/// An operation on a project: a job with its latest execution.
#[derive(Clone, Debug)]
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
    pub async fn claim_jobs(&self, claimer: &ClaimRequest, slots: usize) -> Result<ClaimOutcome, StoreError> {
        self.claim_jobs_as(claimer, &execution_ids(slots)).await
    }

    /// The same under execution ids that nobody else has, nor ever had.
    pub async fn claim_jobs_as(&self, claimer: &ClaimRequest, executions: &[Uuid]) -> Result<ClaimOutcome, StoreError> {
        let tell = self.wakeup.may_notify();
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
                    &rand::random::<i64>(),
                    &claimer.reach.get(),
                    &claimer.tenants,
                ],
            )
            .await?;
        let (mut claims, mut crowded) = (ClaimOutcome::default(), false);
        for row in Reader::all(rows, &JOBS_CLAIM) {
            crowded = row.get("crowded")?;
            claims.contended = crowded || row.get("contended")?;
            claims.next_due = duration(row.get("next_due")?);
            if row.get::<Option<Uuid>>("id")?.is_some() {
                claims.jobs.push(claimed(&row)?);
            }
        }
        claimer.reach.learn(crowded);
        // A claim leaves less to look at, not more; but whoever waits for a project wants to know that it moved.
        if claims.jobs.iter().any(|it| it.project_moved) {
            self.wakeup.committed(tell);
        } else if !claims.jobs.is_empty() {
            self.wakeup.changed();
        }
        Ok(claims)
    }

    /// `jobs/heartbeat`: the executions that are still held. What is missing in the answer is lost.
    pub async fn heartbeat_jobs(
        &self,
        held: &[LeasedExecution],
        ttl: Duration,
    ) -> Result<Vec<RenewedLease>, StoreError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let (jobs, executions): (Vec<Uuid>, Vec<Uuid>) = held.iter().map(|it| (it.job_id, it.execution_id)).unzip();
        let said = held.iter().map(|it| it.progress.as_ref());
        let (fractions, texts): (Vec<Option<f64>>, Vec<Option<&str>>) =
            said.map(|it| (it.and_then(|it| it.fraction), it.map(|it| it.text.as_str()))).unzip();
        let rows = self.rows(&JOBS_HEARTBEAT, &[&jobs, &executions, &ttl.as_secs_f64(), &fractions, &texts]).await?;
        let read = |row: Reader| {
            let canceled: bool = row.get("canceled")?;
            let reason: Option<String> = row.get("cancel_reason")?;
            Ok(RenewedLease {
                execution_id: row.get("execution_id")?,
                canceled: canceled.then(|| reason.unwrap_or_default()),
            })
        };
        Reader::all(rows, &JOBS_HEARTBEAT).map(read).collect()
    }

    /// `jobs/overdue`: whether anything waits for [`Store::reap_jobs`] and the others.
    pub async fn overdue(&self, graces: Graces) -> Result<Overdue, StoreError> {
        let params = [graces.cancel.as_secs_f64(), graces.timeout.as_secs_f64()];
        let row = self.one(&JOBS_OVERDUE, &[&params[0], &params[1]]).await?;
        Ok(Overdue {
            executions: row.get("executions")?,
            projects: row.get("projects")?,
            jobs: row.get("jobs")?,
            tellings: row.get("tellings")?,
            next: duration(row.get::<Option<f64>>("next")?.map(|seconds| seconds.max(0.0))),
        })
    }

    /// `jobs/tell`: tells on where so many jobs are, at most; how many they were.
    pub async fn tell_dependents(&self, limit: i64) -> Result<i64, StoreError> {
        let n: i64 = self.one(&JOBS_TELL, &[&limit]).await?.get("n")?;
        if n > 0 {
            self.wakeup.committed(false);
        }
        Ok(n)
    }

    /// `lines/sweep`: one step of moving the lines up. Whether more is to be done, soon.
    pub async fn sweep_lines(&self) -> Result<bool, StoreError> {
        Ok(self.one(&LINES_SWEEP, &[]).await?.get::<i64>("under_way")? > 0)
    }

    /// `jobs/reap`: takes back what nobody holds any more, or nobody should.
    pub async fn reap_jobs(&self, limit: i64, graces: Graces, actor: &str) -> Result<Vec<Reaped>, StoreError> {
        let tell = self.wakeup.may_notify();
        let (cancel, timeout) = (graces.cancel.as_secs_f64(), graces.timeout.as_secs_f64());
        let rows = self.rows(&JOBS_REAP, &[&limit, &actor, &tell, &cancel, &timeout]).await?;
        if !rows.is_empty() {
            self.wakeup.committed(tell);
        }
        Reader::all(rows, &JOBS_REAP).map(|row| reaped(&row)).collect()
    }

    /// `jobs/expire`: gives up what is past its own deadline; where each job was.
    pub async fn expire_jobs(&self, limit: i64, actor: &str) -> Result<Vec<(Uuid, JobState)>, StoreError> {
        let tell = self.wakeup.may_notify();
        let rows = self.rows(&JOBS_EXPIRE, &[&limit, &actor, &tell]).await?;
        if !rows.is_empty() {
            self.wakeup.committed(tell);
        }
        let read = |row: Reader| Ok((row.get("id")?, row.word("previous_state", "job state", JobState::parse)?));
        Reader::all(rows, &JOBS_EXPIRE).map(read).collect()
    }

    /// `executions/of_worker`: what it holds right now, with the end of each lease.
    pub async fn executions_of_worker(
        &self,
        worker: &str,
        limit: i64,
    ) -> Result<Vec<(Execution, OffsetDateTime)>, StoreError> {
        let rows = self.rows(&EXECUTIONS_OF_WORKER, &[&worker, &limit]).await?;
        Reader::all(rows, &EXECUTIONS_OF_WORKER).map(|row| Ok((execution(&row)?, row.get("lease_until")?))).collect()
    }

    /// `jobs/of_project`: newest first.
    pub async fn jobs_of_project(&self, project: Uuid, limit: i64) -> Result<Vec<Operation>, StoreError> {
        let rows = self.rows(&JOBS_OF_PROJECT, &[&project, &limit]).await?;
        Reader::all(rows, &JOBS_OF_PROJECT).map(|row| operation(&row)).collect()
    }
}

/// Ids for so many executions that may come to be.
pub fn execution_ids(n: usize) -> Vec<Uuid> {
    (0..n).map(|_| Uuid::now_v7()).collect()
}

pub(super) fn claimed(row: &Reader) -> Result<ClaimedJob, StoreError> {
    Ok(ClaimedJob {
        lease: Lease { job_id: row.get("id")?, execution_id: row.get("execution_id")? },
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        tenant: row.get("tenant")?,
        payload: row.get("payload")?,
        inputs: row.get("inputs")?,
        project_id: row.get("project_id")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        max_attempts: row.get("max_attempts")?,
        timeout: duration(row.get("timeout")?),
        backoff: backoff(row)?,
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
        outcome: row.get("outcome")?,
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
