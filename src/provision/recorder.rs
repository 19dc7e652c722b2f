//! What a provisioner can record. The engine implements it: with the database, or with a server over HTTP.

use std::future::Future;
use std::pin::Pin;

use super::{Failure, Output};
use crate::domain::StepState;
use crate::secrets::SensitiveText;

/// The future result of a recording.
pub type RecordFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RecordError>> + Send + 'a>>;

/// Why something could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Another attempt works on the project, or none should. Stop at once, without another effect.
    #[error("the lease was lost")]
    LeaseLost,
    /// The secret exists, and its key is lost.
    #[error("{0}")]
    Unreadable(String),
    #[error("{0}")]
    Failed(String),
}

/// What the operation in progress is to stop for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRequest {
    Cancel,
    Delete,
}

/// A step as an earlier attempt recorded it.
#[derive(Clone, Debug)]
pub struct RecordedStep {
    pub position: usize,
    pub name: String,
    pub state: StepState,
    /// Why it failed. Kept while it is undone.
    pub failure: Option<Failure>,
    pub output: Output,
}

/// A change of the state of a step.
#[derive(Clone, Debug)]
pub struct StepChange {
    pub position: usize,
    pub name: &'static str,
    pub state: StepState,
    pub failure: Option<Failure>,
    pub output: Option<Output>,
}

/// How the programs of an attempt or of a look reach the API. The access ends with the attempt, or soon after the look.
#[derive(Clone, Debug)]
pub struct RunAccess {
    /// Such as `http://127.0.0.1:8080`.
    pub address: String,
    pub user: String,
    pub token: SensitiveText,
    /// A look only reads.
    pub may_write: bool,
}

/// Records an operation. Every call is fenced: it has no effect once the lease is lost.
pub trait Recorder: Send + Sync {
    /// The steps that were recorded for this operation, in order. This also confirms that the lease is held.
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>>;
    /// Records a change, and returns what the operation is to stop for, if anything.
    fn record(&self, change: StepChange) -> RecordFuture<'_, Option<StopRequest>>;
    /// A secret of the project that was stored before. [`RecordError::Unreadable`] if it cannot be decrypted.
    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>>;
    /// Stores a secret of the project, encrypted. One of this name that exists stays as it is.
    fn store_secret<'a>(&'a self, name: &'a str, value: &'a SensitiveText) -> RecordFuture<'a, ()>;
    /// Deletes a secret of the project. Absent is success.
    fn forget_secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, ()>;
    /// How programs of this attempt reach the API; `None` if they cannot.
    fn run_access(&self) -> RecordFuture<'_, Option<RunAccess>> {
        Box::pin(async { Ok(None) })
    }
}
