//! Records the steps of an operation through the source of its job.

use std::sync::Arc;

use serde_json::Value;
use slog::{Logger, warn};

use super::retry::RetryDelays;
use super::source::{Source, SourceError};
use crate::log::chain;
use crate::provision::recorder::RecordFuture;
use crate::provision::{Failure, Output, RecordError, RecordedStep, Recorder, RunAccess, StepChange, StopRequest};
use crate::secrets::SensitiveText;
use crate::signal::Stop;
use crate::store::steps::{EarlierStep, Fenced, Holder, StepUpdate};

/// The recorder of one attempt. It repeats what fails temporarily, for as long as the lease is held.
pub struct SourceRecorder<S> {
    source: Arc<S>,
    holder: Holder,
    lost: Stop,
    log: Logger,
}

impl<S: Source> SourceRecorder<S> {
    pub fn new(source: &Arc<S>, holder: Holder, lost: &Stop, log: &Logger) -> Self {
        Self { source: source.clone(), holder, lost: lost.clone(), log: log.clone() }
    }

    async fn repeat<T, F>(&self, call: impl Fn() -> F) -> Result<T, RecordError>
    where
        F: Future<Output = Result<Fenced<T>, SourceError>>,
    {
        let mut delays = RetryDelays::outage();
        loop {
            if self.lost.is_cancelled() {
                return Err(RecordError::LeaseLost);
            }
            match call().await {
                Ok(Fenced::Held(value)) => return Ok(value),
                Ok(Fenced::LeaseLost) => return Err(RecordError::LeaseLost),
                Err(error) if error.is_temporary() => {
                    warn!(self.log, "step not recorded yet"; "error" => chain(&error));
                }
                Err(error) if error.is_unreadable_secret() => return Err(RecordError::Unreadable(error.to_string())),
                Err(SourceError::Secret(error)) => return Err(RecordError::Failed(error.to_string())),
                Err(error) => return Err(RecordError::Failed(format!("the step cannot be recorded: {error}"))),
            }
            tokio::select! {
                () = self.lost.cancelled() => {}
                () = tokio::time::sleep(delays.next_delay()) => {}
            }
        }
    }
}

impl<S: Source> Recorder for SourceRecorder<S> {
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>> {
        Box::pin(async {
            let rows = self.repeat(|| self.source.steps(self.holder)).await?;
            Ok(rows.into_iter().map(recorded).collect())
        })
    }

    fn record(&self, change: StepChange) -> RecordFuture<'_, Option<StopRequest>> {
        Box::pin(async move {
            let failure = change.failure.as_ref();
            let update = StepUpdate {
                position: i32::try_from(change.position).unwrap_or(i32::MAX),
                name: change.name,
                state: change.state,
                code: failure.map(|it| it.code.as_str()),
                error: failure.map(|it| it.message.as_str()),
                is_retryable: failure.map(|it| it.is_retryable),
                output: change.output.as_ref().filter(|it| !it.is_empty()).map(|it| serde_json::json!(it).to_string()),
            };
            let request = self.repeat(|| self.source.record_step(self.holder, &update)).await?;
            Ok(request.map(|word| if word == "delete" { StopRequest::Delete } else { StopRequest::Cancel }))
        })
    }

    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>> {
        Box::pin(self.repeat(|| self.source.secret(self.holder, name)))
    }

    fn store_secret<'a>(&'a self, name: &'a str, value: &'a SensitiveText) -> RecordFuture<'a, ()> {
        Box::pin(self.repeat(|| self.source.store_secret(self.holder, name, value)))
    }

    fn forget_secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, ()> {
        Box::pin(self.repeat(|| self.source.forget_secret(self.holder, name)))
    }

    fn run_access(&self) -> RecordFuture<'_, Option<RunAccess>> {
        Box::pin(self.repeat(|| self.source.run_access(self.holder)))
    }
}

fn recorded(row: EarlierStep) -> RecordedStep {
    let failure = row.error.map(|message| Failure {
        code: row.code.unwrap_or_default(),
        message,
        is_retryable: row.is_retryable.unwrap_or(true),
    });
    let output: Output = row
        .output
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .map_or_else(Output::new, |it| it.as_object().map(|it| it.clone().into_iter().collect()).unwrap_or_default());
    let position = usize::try_from(row.position).unwrap_or_default();
    RecordedStep { position, name: row.name, state: row.state, failure, output }
}
