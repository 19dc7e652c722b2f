//! Work from a server, over HTTP. Whoever works like this has no database, and knows no address of one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use uuid::Uuid;

use super::source::{Beats, Found, Source, SourceError};
use crate::domain::{FollowUp, JobState, Outcome, WorkerState};
use crate::handlers::log::Line;
use crate::mutant::{self, Moment};
use crate::store::jobs::{ClaimOutcome, ClaimedJob, Lease, LeasedExecution, RenewedLease, Settled};
use crate::store::workers::Worker;
use crate::wire::FieldProblem;
use crate::wire::client::{Client, ClientError};
use crate::wire::duration::HumanDuration;
use crate::wire::internal::{
    DELIVERY_LEASE, Delivered, Dequeue, ExecutionResult, HeartbeatBatch, HeldExecution, MAX_DELIVERED, PostLine,
    PostLogs, Progress, WorkerInfo,
};

/// How long the server may wait for something to do. Whoever stops waits no longer than this for the answer.
const WAIT: Duration = Duration::from_secs(2);
/// How long an answer may take besides.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server, as a worker sees it.
pub struct Remote {
    client: Client,
    me: Worker,
    /// The request that got no answer. Asked again under the same id, it brings what it brought then.
    unanswered: Mutex<Option<String>>,
}

impl Remote {
    pub fn new(client: Client, me: Worker) -> Self {
        Self { client, me, unanswered: Mutex::default() }
    }

    fn presence(&self, busy: usize, draining: bool) -> WorkerInfo {
        let Worker { id, host, pid, incarnation, version, queues, kinds, slots } = self.me.clone();
        let busy = i32::try_from(busy).unwrap_or(i32::MAX);
        WorkerInfo { id, host, pid, incarnation, version, queues, kinds, slots, busy, draining }
    }

    fn remember(&self, request: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.unanswered.lock().unwrap_or_else(PoisonError::into_inner), request)
    }
}

impl Source for Remote {
    async fn claim(&self, slots: usize) -> Result<Found, SourceError> {
        let request = self.remember(None).unwrap_or_else(|| Uuid::now_v7().to_string());
        let ask = Dequeue {
            worker_id: Some(self.me.id.clone()),
            limit: (slots as i64).min(MAX_DELIVERED),
            queues: Some(self.me.queues.clone()),
            kinds: Some(self.me.kinds.clone()),
            tenants: None,
            wait: Some(HumanDuration(WAIT)),
            request_id: Some(request.clone()),
        };
        let sent = Instant::now();
        let delivery = match self.client.dequeue(&ask, WAIT + PATIENCE).await {
            Ok(delivery) => delivery,
            Err(error) => {
                self.remember(Some(request));
                return Err(error.into());
            }
        };
        let began = sent + Duration::from_millis(delivery.waited_ms);
        let lease = delivery.executions.iter().map(|it| it.lease_ttl_ms).min().map(Duration::from_millis);
        let jobs: Vec<ClaimedJob> = delivery.executions.into_iter().map(claimed).collect();
        // The server has waited in our place. Where it did not, there may be more, or it is not in the mood.
        let rest = if jobs.is_empty() { WAIT.saturating_sub(sent.elapsed()) } else { Duration::ZERO };
        let claims = ClaimOutcome { jobs, contended: false, next_due: Some(rest) };
        Ok(Found { claims, trusted_until: lease.map(|lease| began + trusted(lease)) })
    }

    async fn heartbeat(&self, held: &[LeasedExecution], busy: usize, stopping: bool) -> Result<Beats, SourceError> {
        let executions = held.iter().map(|it| HeldExecution {
            execution_id: it.execution_id,
            job_id: it.job_id,
            progress: it.progress.clone().map(|it| Progress { fraction: it.fraction, text: it.text }),
        });
        let beat = HeartbeatBatch { worker: self.presence(busy, stopping), executions: executions.collect() };
        let sent = Instant::now();
        let answer = self.client.heartbeat(&beat, PATIENCE).await?;
        let lease = Duration::from_millis(answer.lease_ttl_ms);
        let held =
            answer.held.into_iter().map(|it| RenewedLease { execution_id: it.execution_id, canceled: it.cancel });
        Ok(Beats {
            held: held.collect(),
            told: WorkerState::parse(&answer.worker_state).unwrap_or(WorkerState::Online),
            rhythm: lease.min(DELIVERY_LEASE) / 4,
            trusted_until: Some(sent + trusted(lease)),
        })
    }

    async fn settle(&self, claimed: &ClaimedJob, outcome: &Outcome) -> Result<Settled, SourceError> {
        mutant::pass(Moment::Ended);
        let result = ExecutionResult { job_id: Some(claimed.lease.job_id), ..said(outcome)? };
        match self.client.put_result(claimed.lease.execution_id, &result).await {
            Ok(answer) if answer.duplicate => Ok(Settled::Already),
            Ok(answer) => {
                let state = JobState::parse(&answer.state).unwrap_or(JobState::Active);
                Ok(Settled::Yes { state, project: None })
            }
            Err(error) if is_lost(&error) => Ok(Settled::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }

    async fn log(&self, claimed: &ClaimedJob, lines: &[Line]) -> Result<(), SourceError> {
        let line = |it: &Line| PostLine { line: it.text.clone(), stream: Some(it.stream.to_owned()) };
        let (job_id, lines) = (Some(claimed.lease.job_id), lines.iter().map(line).collect());
        let logs = PostLogs { job_id, lines, ..PostLogs::default() };
        match self.client.post_logs(claimed.lease.execution_id, &logs).await {
            Err(error) if !is_lost(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn leave(&self) {
        // The row grows old by itself.
        _ = self.client.leave(&self.me.id).await;
    }
}

/// How long a lease is trusted from the moment at which it was asked for: clocks drift, and stopping takes a moment.
fn trusted(lease: Duration) -> Duration {
    let margin = Duration::from_secs(1).max(lease / 10);
    lease - margin.min(lease / 4)
}

fn is_lost(error: &ClientError) -> bool {
    error.code() == Some("lease_lost")
}

fn claimed(it: Delivered) -> ClaimedJob {
    ClaimedJob {
        lease: Lease { job_id: it.job_id, execution_id: it.execution_id },
        kind: it.kind,
        queue: it.queue,
        tenant: it.tenant,
        payload: it.payload_json.get().to_owned(),
        inputs: it.inputs.map(|inputs| inputs.get().to_owned()),
        project_id: it.project_id,
        attempt: it.attempt,
        failures: it.failures,
        max_attempts: it.max_attempts,
        timeout: it.timeout_ms.map(Duration::from_millis),
        // The server knows it, and decides.
        backoff: None,
        previous_state: JobState::parse(&it.previous_state).unwrap_or(JobState::Queued),
        project_moved: false,
    }
}

/// An outcome in the words of the protocol.
fn said(outcome: &Outcome) -> Result<ExecutionResult, SourceError> {
    let raw = |field: &str, text: &str| {
        RawValue::from_string(text.to_owned())
            .map_err(|error| SourceError::Unacceptable(FieldProblem::new(field, error)))
    };
    let jobs = |next: &[FollowUp]| next.iter().map(|it| raw("next", &it.0)).collect::<Result<Vec<_>, _>>();
    let error = outcome.error();
    let usual = ExecutionResult::default();
    Ok(match outcome {
        Outcome::Done { result, next } => ExecutionResult {
            exit_code: Some(0),
            result: result.as_deref().map(|text| raw("result", text)).transpose()?,
            next: jobs(next)?,
            ..usual
        },
        Outcome::Failed { retry_after, next, .. } => {
            ExecutionResult { error, retry_after: retry_after.map(HumanDuration), next: jobs(next)?, ..usual }
        }
        Outcome::Refused { next, .. } => ExecutionResult { error, retryable: Some(false), next: jobs(next)?, ..usual },
        Outcome::TimedOut { .. } => ExecutionResult { error, timed_out: true, ..usual },
        Outcome::Later { after } => ExecutionResult { snooze: Some(HumanDuration(*after)), ..usual },
        Outcome::Released => ExecutionResult { released: true, ..usual },
        Outcome::Canceled { .. } => ExecutionResult { error, canceled: true, ..usual },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_trusted_a_little_less_long_than_it_lasts() {
        let cases = [(100, 75), (1000, 750), (2000, 1500), (10_000, 9000), (30_000, 27_000), (300_000, 270_000)];
        for (lease, expected) in cases {
            assert_eq!(trusted(Duration::from_millis(lease)), Duration::from_millis(expected), "{lease}");
        }
    }

    #[test]
    fn what_is_not_json_is_no_result() {
        let outcome = Outcome::Done { result: Some("{".into()), next: Vec::new() };
        assert!(!said(&outcome).unwrap_err().is_temporary());
    }
}
