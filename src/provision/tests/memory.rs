//! A recorder in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{OperationKind, StepState};
use crate::lines::Log;
use crate::provision::recorder::{RecordError, RecordFuture, RecordedStep};
use crate::provision::{Failure, Output, Recorder, StepChange, StopRequest, Work};
use crate::secrets::SensitiveText;
use crate::signal::Stop;

/// Records what happens, and can be told to refuse.
#[derive(Default)]
pub struct MemoryRecorder(Mutex<State>);

#[derive(Default)]
pub struct State {
    pub steps: BTreeMap<usize, RecordedStep>,
    /// Every change, as `name state`.
    pub changes: Vec<String>,
    pub secrets: BTreeMap<String, SensitiveText>,
    pub stop: Option<StopRequest>,
    /// How many changes are accepted before the lease is lost.
    pub lose_after: Option<usize>,
}

impl MemoryRecorder {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for MemoryRecorder {
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>> {
        Box::pin(async { Ok(self.state().steps.values().cloned().collect()) })
    }

    fn record(&self, change: StepChange) -> RecordFuture<'_, Option<StopRequest>> {
        Box::pin(async move {
            let mut state = self.state();
            if state.lose_after.is_some_and(|n| state.changes.len() >= n) {
                return Err(RecordError::LeaseLost);
            }
            state.changes.push(format!("{} {}", change.name, change.state));
            let before = state.steps.get(&change.position);
            let is_undo = matches!(change.state, StepState::Undoing | StepState::Undone);
            let failure: Option<Failure> =
                change.failure.or(before.filter(|_| is_undo).and_then(|it| it.failure.clone()));
            let output: Output = change.output.or(before.map(|it| it.output.clone())).unwrap_or_default();
            let name = change.name.to_owned();
            let step = RecordedStep { position: change.position, name, state: change.state, failure, output };
            state.steps.insert(change.position, step);
            Ok(state.stop)
        })
    }

    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>> {
        Box::pin(async move { Ok(self.state().secrets.get(name).cloned()) })
    }

    fn store_secret<'a>(&'a self, name: &'a str, value: &'a SensitiveText) -> RecordFuture<'a, ()> {
        Box::pin(async move {
            self.state().secrets.entry(name.to_owned()).or_insert_with(|| value.clone());
            Ok(())
        })
    }

    fn forget_secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, ()> {
        Box::pin(async move {
            self.state().secrets.remove(name);
            Ok(())
        })
    }
}

/// An attempt that is not the last.
pub fn work(operation: OperationKind, parameters: &str) -> Work {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    Work {
        project_id: Uuid::from_u128(7),
        installation: "test".into(),
        name: "a project".into(),
        operation,
        labels: BTreeMap::new(),
        template: "test".into(),
        template_version: 1,
        parameters: raw(parameters),
        settings: raw("{}"),
        known: Output::new(),
        was_ready: false,
        opens: true,
        source: None,
        execution_id: Uuid::from_u128(8),
        attempt: 1,
        is_last: false,
        log: Log::default(),
        stop: Stop::new(),
    }
}
