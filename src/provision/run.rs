//! Performs one attempt at an operation, step by step.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::recorder::{RecordError, RecordedStep};
use super::{Attempt, Failure, Observed, Output, Provisioner, Recorder, StepChange, StopRequest, Work};
use crate::domain::{Outcome, StepState};
use crate::mutant::{self, HoldPoint};
use crate::signal::Stop;
use crate::template::OnFailure;

/// How long an operation waits for the end of an outage before it tries again.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// The name of a step that stands for an attempt that could not begin.
const BEGIN: &str = "begin";

/// Performs the steps that are not done, and returns how the attempt ends.
///
/// Each step is recorded as running before it acts, and its end is recorded under the execution id, so an attempt that has lost its
/// lease cannot claim a success. When the operation is to stop, it does so before the next step. After a failure that no retry
/// follows, and after a stop, the steps are undone in reverse order if `on_failure` says so. Nothing is undone because the worker
/// stops: another attempt continues. `None`: the lease is lost.
pub async fn run(
    provisioner: &dyn Provisioner,
    work: &Work,
    on_failure: OnFailure,
    recorder: &dyn Recorder,
) -> Option<Outcome> {
    let mut attempt = match provisioner.begin(work, recorder) {
        Ok(attempt) => attempt,
        Err(failure) => return ended(refused(recorder, failure).await),
    };
    let mut run = Run {
        attempt: attempt.as_mut(),
        project: work.project_id,
        recorder,
        stop: &work.stop,
        attempt_number: work.attempt,
        touched: Vec::new(),
    };
    ended(run.perform_all(work.is_last, on_failure).await)
}

fn ended(result: Result<Outcome, RecordError>) -> Option<Outcome> {
    match result {
        Ok(outcome) => Some(outcome),
        Err(RecordError::LeaseLost) => None,
        Err(error) => Some(Outcome::failed(error.to_string())),
    }
}

/// Records why this attempt cannot begin, in place of the next step, so that the failure has its code. What an earlier attempt has
/// begun or undone stays recorded.
async fn refused(recorder: &dyn Recorder, failure: Failure) -> Result<Outcome, RecordError> {
    let recorded = recorder.steps().await?;
    let position = recorded.iter().take_while(|it| it.state == StepState::Done).count();
    let is_untouched = recorded.iter().skip(position).all(|it| it.state == StepState::Skipped);
    if is_untouched {
        let (state, failure) = (StepState::Skipped, Some(failure.clone()));
        recorder.record(StepChange { position, name: BEGIN, state, failure, output: None }).await?;
    }
    Ok(if failure.is_retryable { Outcome::failed(failure.message) } else { Outcome::fatal(failure.message) })
}

/// Why an operation does not go on.
enum Ending {
    Failed(Failure),
    Stopped,
    /// The worker stops, so the attempt ends. The operation itself was not asked to stop.
    Released,
    /// Nothing can be recorded.
    Recording(RecordError),
}

impl From<RecordError> for Ending {
    fn from(error: RecordError) -> Self {
        Self::Recording(error)
    }
}

/// Why an earlier attempt began to undo. Once that has begun, there is no way forward.
fn interrupted_undo(recorded: &[RecordedStep]) -> Option<Ending> {
    let is_undone = |it: &&RecordedStep| {
        matches!(it.state, StepState::Undoing | StepState::Undone | StepState::UndoFailed | StepState::UndoSkipped)
    };
    recorded.iter().find(is_undone)?;
    // The failure that led to the undoing, not one of the undoing itself.
    let of = |is_of_undo: bool| {
        let failed = |it: &RecordedStep| matches!(it.state, StepState::UndoFailed | StepState::UndoSkipped);
        let steps = recorded.iter().filter(move |it| failed(it) == is_of_undo);
        steps.filter_map(|it| it.failure.clone()).next_back()
    };
    let failure = of(false).or_else(|| of(true)).filter(|it| it.code != Failure::CANCELED);
    Some(failure.map_or(Ending::Stopped, |it| Ending::Failed(Failure { is_retryable: false, ..it })))
}

fn completed(output: Output) -> Outcome {
    Outcome::Done { result: (!output.is_empty()).then(|| json!(output).to_string()), next: Vec::new() }
}

struct Run<'a> {
    attempt: &'a mut (dyn Attempt + 'a),
    project: Uuid,
    recorder: &'a dyn Recorder,
    stop: &'a Stop,
    /// Counts from 1.
    attempt_number: i32,
    /// The steps that may have had an effect, in order.
    touched: Vec<usize>,
}

impl Run<'_> {
    async fn perform_all(&mut self, is_last: bool, on_failure: OnFailure) -> Result<Outcome, RecordError> {
        let recorded = self.recorder.steps().await?;
        recorded.iter().for_each(|step| self.remember(step));
        let ending = match interrupted_undo(&recorded) {
            Some(ending) => ending,
            None => match self.forward(&recorded).await {
                Ok(output) => return Ok(completed(output)),
                Err(ending) => ending,
            },
        };
        match &ending {
            Ending::Recording(error) => return Err(error.clone()),
            Ending::Released => return Ok(Outcome::Released),
            Ending::Failed(failure) if failure.is_outage() => return Ok(self.wait()),
            Ending::Failed(failure) if failure.is_retryable && !is_last => {
                return Ok(Outcome::failed(&failure.message));
            }
            Ending::Failed(_) | Ending::Stopped => {}
        }
        // An operation that was canceled gets no other attempt.
        let is_stopped = matches!(ending, Ending::Stopped);
        if on_failure == OnFailure::Undo
            && let Err(ending) = self.undo().await
        {
            return match ending {
                Ending::Recording(error) => Err(error),
                Ending::Failed(failure) if failure.is_outage() && !is_stopped => Ok(self.wait()),
                Ending::Failed(failure) => {
                    let message = format!("undoing failed: {}", failure.message);
                    let is_retried = failure.is_retryable && !is_last && !is_stopped;
                    Ok(if is_retried { Outcome::failed(message) } else { Outcome::fatal(message) })
                }
                Ending::Stopped | Ending::Released => Ok(Outcome::failed("undoing was stopped")),
            };
        }
        Ok(match ending {
            Ending::Failed(failure) => Outcome::fatal(failure.message),
            // The engine knows who stopped it, and why.
            Ending::Stopped | Ending::Released | Ending::Recording(_) => Outcome::Canceled { reason: String::new() },
        })
    }

    /// Tries again after a while, which grows with the attempts. The deadline of the operation ends that.
    fn wait(&self) -> Outcome {
        let doubled = self.attempt_number.saturating_sub(1).clamp(0, 10).unsigned_abs();
        Outcome::Snooze { after: (FIRST_WAIT * 2_u32.pow(doubled)).min(LONGEST_WAIT) }
    }

    fn remember(&mut self, step: &RecordedStep) {
        if !matches!(step.state, StepState::Undone | StepState::UndoSkipped | StepState::Skipped) {
            self.touched.push(step.position);
        }
        self.attempt.recall(&step.output);
    }

    /// Performs every step that is not done. Returns the outputs of all.
    async fn forward(&mut self, recorded: &[RecordedStep]) -> Result<Output, Ending> {
        let mut outputs = Output::new();
        for (position, name) in self.attempt.names().into_iter().enumerate() {
            let earlier = recorded.iter().find(|it| it.position == position);
            if let Some(done) = earlier.filter(|it| it.state == StepState::Done) {
                outputs.extend(done.output.clone());
                continue;
            }
            outputs.extend(self.perform(position, name).await?);
        }
        Ok(outputs)
    }

    async fn perform(&mut self, position: usize, name: &'static str) -> Result<Output, Ending> {
        let change = |state, failure, output| StepChange { position, name, state, failure, output };
        let stopped = || Some(Failure::retryable(Failure::CANCELED, "stopped on request"));
        let is_touched = self.touched.contains(&position);
        if self.recorder.record(change(StepState::Running, None, None)).await?.is_some() {
            // What an earlier attempt has begun must be undone, whichever attempt does that.
            let ended = if is_touched { (StepState::Failed, stopped()) } else { (StepState::Skipped, None) };
            self.recorder.record(change(ended.0, ended.1, None)).await?;
            return Err(Ending::Stopped);
        }
        if self.stop.is_cancelled() {
            return Err(Ending::Released);
        }
        if !is_touched {
            self.touched.push(position);
        }
        mutant::hold(&self.project, name, HoldPoint::Begun).await;
        let ended = self.observe_and_act(position).await;
        mutant::hold(&self.project, name, HoldPoint::Acted).await;
        match ended {
            Some(Ok(output)) => {
                self.attempt.recall(&output);
                self.recorder.record(change(StepState::Done, None, Some(output.clone()))).await?;
                mutant::hold(&self.project, name, HoldPoint::Recorded).await;
                Ok(output)
            }
            Some(Err(failure)) => {
                let request = self.recorder.record(change(StepState::Failed, Some(failure.clone()), None)).await?;
                Err(self.interrupted(request).unwrap_or(Ending::Failed(failure)))
            }
            None => {
                let request = self.recorder.record(change(StepState::Failed, stopped(), None)).await?;
                Err(self.interrupted(request).unwrap_or(Ending::Stopped))
            }
        }
    }

    /// Why the attempt is to end, if it is. A step fails when it is interrupted, so its failure says nothing then.
    fn interrupted(&self, request: Option<StopRequest>) -> Option<Ending> {
        match request {
            Some(_) => Some(Ending::Stopped),
            None => self.stop.is_cancelled().then_some(Ending::Released),
        }
    }

    /// `None` if the operation is to stop and the step can be interrupted.
    async fn observe_and_act(&mut self, position: usize) -> Option<Result<Output, Failure>> {
        match self.attempt.observe(position).await {
            Ok(Observed::Done(output)) => return Some(Ok(output)),
            Ok(Observed::Missing) => {}
            Err(failure) => return Some(Err(failure)),
        }
        if !self.attempt.can_be_interrupted(position) {
            return Some(self.attempt.act(position).await);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            result = self.attempt.act(position) => Some(result),
        }
    }

    /// Undoes every step that may have had an effect, the last one first.
    async fn undo(&mut self) -> Result<(), Ending> {
        let names = self.attempt.names();
        while let Some(position) = self.touched.last().copied() {
            let name = names.get(position).copied().unwrap_or_default();
            let change = |state, failure| StepChange { position, name, state, failure, output: None };
            self.recorder.record(change(StepState::Undoing, None)).await?;
            if let Err(failure) = self.attempt.undo(position).await {
                self.recorder.record(change(StepState::UndoFailed, Some(failure.clone()))).await?;
                return Err(Ending::Failed(failure));
            }
            self.recorder.record(change(StepState::Undone, None)).await?;
            self.touched.pop();
        }
        Ok(())
    }
}
