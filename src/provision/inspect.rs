//! Looks at what exists, beside the operations: whether a project works, and what differs from what the project says.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::recorder::RecordFuture;
use super::{Failure, RecordError, RecordedStep, Recorder, RunAccess, StepChange, StopRequest};
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

/// Reads the secrets of one project, which include its Terraform state.
pub trait Secrets: Send + Sync {
    /// # Errors
    /// If the secret cannot be read or decrypted.
    fn secret<'a>(&'a self, name: &'a str) -> InspectFuture<'a, Option<SensitiveText>>;

    /// How programs read the Terraform state of the project; `None` if there is none to read.
    ///
    /// # Errors
    /// If there is a state, and programs of this process cannot reach the API.
    fn state_access(&self) -> InspectFuture<'_, Option<RunAccess>>;
}

/// A recorder that only reads: for a look, which has no attempt.
pub struct ReadOnly {
    secrets: BTreeMap<String, SensitiveText>,
    access: Option<RunAccess>,
}

impl ReadOnly {
    /// Reads the secrets of these names.
    pub async fn of(secrets: &dyn Secrets, names: impl Iterator<Item = &str>) -> Result<Self, Failure> {
        let mut found = BTreeMap::new();
        for name in names {
            found.extend(secrets.secret(name).await?.map(|value| (name.to_owned(), value)));
        }
        Ok(Self { secrets: found, access: secrets.state_access().await? })
    }
}

impl Recorder for ReadOnly {
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn record(&self, _: StepChange) -> RecordFuture<'_, Option<StopRequest>> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }

    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>> {
        Box::pin(async { Ok(self.secrets.get(name).cloned()) })
    }

    fn store_secret<'a>(&'a self, _: &'a str, _: &'a SensitiveText) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }

    fn forget_secret<'a>(&'a self, _: &'a str) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::LeaseLost) })
    }

    fn run_access(&self) -> RecordFuture<'_, Option<RunAccess>> {
        Box::pin(async { Ok(self.access.clone()) })
    }
}
