//! Jobs from a server over HTTP. A remote worker has no access to a database.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use uuid::Uuid;

use super::source::{ClaimBatch, HeartbeatReply, Source, SourceError};
use crate::domain::{FollowUp, JobState, Outcome, StepState, WorkerState};
use crate::handlers::log::Line;
use crate::provision::RunAccess;
use crate::secrets::SensitiveText;
use crate::store::jobs::{ClaimOutcome, ClaimedJob, Lease, LeasedExecution, RenewedLease, Settled};
use crate::store::steps::{EarlierStep, Fenced, Holder, StepUpdate};
use crate::store::workers::Worker;
use crate::wire::FieldProblem;
use crate::wire::client::{Client, ClientError};
use crate::wire::duration::HumanDuration;
use crate::wire::internal::{
    self, DELIVERY_LEASE, Delivered, Dequeue, ExecutionResult, HeldExecution, MAX_DELIVERED, PostLine, PostLogs,
    Progress, WorkerInfo,
};

/// How long the server waits for jobs. A stopping worker waits at most this long for the reply.
const WAIT: Duration = Duration::from_secs(2);
/// How long a reply may take in addition.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// A server as a source of jobs.
pub struct RemoteSource {
    client: Client,
    worker: Worker,
    /// The id of a claim without a reply. Repeating it under the same id returns the same jobs.
    pending_claim: Mutex<Option<String>>,
}

impl RemoteSource {
    pub fn new(client: Client, worker: Worker) -> Self {
        Self { client, worker, pending_claim: Mutex::default() }
    }

    fn presence(&self, busy: usize, draining: bool) -> WorkerInfo {
        let Worker { id, host, pid, incarnation, version, queues, kinds, slots } = self.worker.clone();
        let busy = i32::try_from(busy).unwrap_or(i32::MAX);
        WorkerInfo { id, host, pid, incarnation, version, queues, kinds, slots, busy, draining }
    }

    fn replace_pending(&self, request: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.pending_claim.lock().unwrap_or_else(PoisonError::into_inner), request)
    }
}

impl Source for RemoteSource {
    async fn claim(&self, slots: usize) -> Result<ClaimBatch, SourceError> {
        let request = self.replace_pending(None).unwrap_or_else(|| Uuid::now_v7().to_string());
        let dequeue = Dequeue {
            worker_id: Some(self.worker.id.clone()),
            limit: (slots as i64).min(MAX_DELIVERED),
            queues: Some(self.worker.queues.clone()),
            kinds: Some(self.worker.kinds.clone()),
            tenants: None,
            wait: Some(HumanDuration(WAIT)),
            request_id: Some(request.clone()),
        };
        let sent = Instant::now();
        let delivery = match self.client.dequeue(&dequeue, WAIT + REPLY_TIMEOUT).await {
            Ok(delivery) => delivery,
            Err(error) => {
                self.replace_pending(Some(request));
                return Err(error.into());
            }
        };
        let began = sent + Duration::from_millis(delivery.waited_ms);
        let lease = delivery.executions.iter().map(|it| it.lease_ttl_ms).min().map(Duration::from_millis);
        let jobs: Vec<ClaimedJob> = delivery.executions.into_iter().map(claimed).collect();
        // The server has waited for jobs. If it returned early without any, wait out the rest here.
        let rest = if jobs.is_empty() { WAIT.saturating_sub(sent.elapsed()) } else { Duration::ZERO };
        let claims = ClaimOutcome { jobs, contended: false, next_due: Some(rest) };
        Ok(ClaimBatch { claims, trusted_until: lease.map(|lease| began + trusted(lease)) })
    }

    async fn heartbeat(
        &self,
        leased: &[LeasedExecution],
        busy: usize,
        stopping: bool,
    ) -> Result<HeartbeatReply, SourceError> {
        let executions = leased.iter().map(|it| HeldExecution {
            execution_id: it.execution_id,
            job_id: it.job_id,
            progress: it.progress.clone().map(|it| Progress { fraction: it.fraction, text: it.text }),
        });
        let batch =
            internal::HeartbeatBatch { worker: self.presence(busy, stopping), executions: executions.collect() };
        let sent = Instant::now();
        let reply = self.client.heartbeat(&batch, REPLY_TIMEOUT).await?;
        let lease = Duration::from_millis(reply.lease_ttl_ms);
        let renewed =
            reply.held.into_iter().map(|it| RenewedLease { execution_id: it.execution_id, canceled: it.cancel });
        Ok(HeartbeatReply {
            renewed: renewed.collect(),
            worker_state: WorkerState::parse(&reply.worker_state).unwrap_or(WorkerState::Online),
            interval: lease.min(DELIVERY_LEASE) / 4,
            trusted_until: Some(sent + trusted(lease)),
        })
    }

    async fn settle(&self, claimed: &ClaimedJob, outcome: &Outcome) -> Result<Settled, SourceError> {
        let result = ExecutionResult { job_id: Some(claimed.lease.job_id), ..to_wire(outcome)? };
        match self.client.put_result(claimed.lease.execution_id, &result).await {
            Ok(answer) if answer.duplicate => Ok(Settled::AlreadyRecorded),
            Ok(answer) => {
                let state = JobState::parse(&answer.state).unwrap_or(JobState::Active);
                Ok(Settled::Recorded { state, project: None })
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

    async fn steps(&self, holder: Holder) -> Result<Fenced<Vec<EarlierStep>>, SourceError> {
        let steps = fenced(self.client.recorded_steps(holder.execution_id, holder.job_id).await)?;
        Ok(steps.map(|steps| steps.into_iter().map(earlier).collect()))
    }

    async fn record_step(
        &self,
        holder: Holder,
        update: &StepUpdate<'_>,
    ) -> Result<Fenced<Option<String>>, SourceError> {
        let output = update.output.clone().map(RawValue::from_string).transpose();
        let output = output.map_err(|error| SourceError::Invalid(FieldProblem::new("output", error)))?;
        let step = internal::RecordStep {
            job_id: holder.job_id,
            position: update.position,
            name: update.name.to_owned(),
            state: update.state.to_string(),
            code: update.code.map(str::to_owned),
            error: update.error.map(str::to_owned),
            retryable: update.is_retryable,
            output,
        };
        let reply = fenced(self.client.record_step(holder.execution_id, &step).await)?;
        Ok(reply.map(|reply| reply.stop_request))
    }

    async fn secret(&self, holder: Holder, name: &str) -> Result<Fenced<Option<SensitiveText>>, SourceError> {
        let request = internal::SecretRequest { job_id: holder.job_id, name: name.to_owned(), value: None };
        let reply = fenced(self.client.read_secret(holder.execution_id, &request).await)?;
        Ok(reply.map(|reply| reply.value.map(SensitiveText::new)))
    }

    async fn store_secret(&self, holder: Holder, name: &str, value: &SensitiveText) -> Result<Fenced<()>, SourceError> {
        let value = Some(value.reveal().to_owned());
        let request = internal::SecretRequest { job_id: holder.job_id, name: name.to_owned(), value };
        fenced(self.client.store_secret(holder.execution_id, &request).await.map(drop))
    }

    async fn forget_secret(&self, holder: Holder, name: &str) -> Result<Fenced<()>, SourceError> {
        let request = internal::SecretRequest { job_id: holder.job_id, name: name.to_owned(), value: None };
        fenced(self.client.forget_secret(holder.execution_id, &request).await)
    }

    async fn run_access(&self, holder: Holder) -> Result<Fenced<Option<RunAccess>>, SourceError> {
        let reply = fenced(self.client.run_token(holder.execution_id, holder.job_id).await)?;
        let access = |token| RunAccess {
            address: self.client.address().to_owned(),
            user: holder.execution_id.to_string(),
            token: SensitiveText::new(token),
            may_write: true,
        };
        Ok(reply.map(|reply| reply.token.map(access)))
    }

    async fn leave(&self) {
        _ = self.client.leave(&self.worker.id).await;
    }
}

/// How long a lease is trusted after the request for it was sent: less than it lasts, because clocks drift and stopping
/// takes time.
fn trusted(lease: Duration) -> Duration {
    let margin = Duration::from_secs(1).max(lease / 10);
    lease - margin.min(lease / 4)
}

/// Tells a lost lease from other errors.
fn fenced<T>(reply: Result<T, ClientError>) -> Result<Fenced<T>, SourceError> {
    match reply {
        Ok(value) => Ok(Fenced::Held(value)),
        Err(error) if is_lost(&error) => Ok(Fenced::LeaseLost),
        Err(error) => Err(error.into()),
    }
}

fn earlier(step: internal::EarlierStep) -> EarlierStep {
    EarlierStep {
        position: step.position,
        name: step.name,
        state: StepState::parse(&step.state).unwrap_or(StepState::Running),
        code: step.code,
        error: step.error,
        is_retryable: step.retryable,
        output: step.output.map(|it| it.get().to_owned()),
    }
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
        // The server knows the backoff and applies it.
        backoff: None,
        previous_state: JobState::parse(&it.previous_state).unwrap_or(JobState::Queued),
        project_changed: false,
    }
}

/// Converts an outcome to the protocol.
fn to_wire(outcome: &Outcome) -> Result<ExecutionResult, SourceError> {
    let raw = |field: &str, text: &str| {
        RawValue::from_string(text.to_owned()).map_err(|error| SourceError::Invalid(FieldProblem::new(field, error)))
    };
    let jobs = |next: &[FollowUp]| next.iter().map(|it| raw("next", &it.0)).collect::<Result<Vec<_>, _>>();
    let error = outcome.error();
    let default = ExecutionResult::default();
    Ok(match outcome {
        Outcome::Done { result, next } => ExecutionResult {
            exit_code: Some(0),
            result: result.as_deref().map(|text| raw("result", text)).transpose()?,
            next: jobs(next)?,
            ..default
        },
        Outcome::Failed { retry_after, next, .. } => {
            ExecutionResult { error, retry_after: retry_after.map(HumanDuration), next: jobs(next)?, ..default }
        }
        Outcome::Fatal { next, .. } => ExecutionResult { error, retryable: Some(false), next: jobs(next)?, ..default },
        Outcome::TimedOut { .. } => ExecutionResult { error, timed_out: true, ..default },
        Outcome::Snooze { after } => ExecutionResult { snooze: Some(HumanDuration(*after)), ..default },
        Outcome::Released => ExecutionResult { released: true, ..default },
        Outcome::Canceled { .. } => ExecutionResult { error, canceled: true, ..default },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_is_trusted_for_less_than_it_lasts() {
        let cases = [(100, 75), (1000, 750), (2000, 1500), (10_000, 9000), (30_000, 27_000), (300_000, 270_000)];
        for (lease, expected) in cases {
            assert_eq!(trusted(Duration::from_millis(lease)), Duration::from_millis(expected), "{lease}");
        }
    }

    #[test]
    fn invalid_json_result_is_rejected() {
        let outcome = Outcome::Done { result: Some("{".into()), next: Vec::new() };
        assert!(!to_wire(&outcome).unwrap_err().is_temporary());
    }
}
