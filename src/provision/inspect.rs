//! Looks at what exists, beside the operations: whether a project works, and what differs from what the project says.

use std::future::Future;
use std::pin::Pin;

use super::recorder::RecordFuture;
use super::{Failure, RecordError, RecordedStep, Recorder, StepChange, StopRequest};
use crate::domain::{Difference, Health};
use crate::secrets::SensitiveText;

/// The future result of a look.
pub type InspectFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What a look at a project has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub health: Health,
    /// A short name of the reason.
    pub reason: String,
    pub message: String,
    pub differences: Vec<Difference>,
    /// Where the project is.
    pub cluster: String,
}

/// Reads the secrets of one project.
pub trait Secrets: Send + Sync {
    /// # Errors
    /// If the secret cannot be read or decrypted.
    fn secret<'a>(&'a self, name: &'a str) -> InspectFuture<'a, Option<SensitiveText>>;
}

/// A recorder that only reads: for a look, which has no attempt.
pub struct ReadOnly<'a>(pub &'a dyn Secrets);

impl Recorder for ReadOnly<'_> {
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn record(&self, _: StepChange) -> RecordFuture<'_, Option<StopRequest>> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }

    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>> {
        Box::pin(async { self.0.secret(name).await.map_err(|failure| RecordError::Failed(failure.message)) })
    }

    fn store_secret<'a>(&'a self, _: &'a str, _: &'a SensitiveText) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }

    fn forget_secret<'a>(&'a self, _: &'a str) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }
}
