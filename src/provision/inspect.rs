//! Looks at what exists, beside the operations: whether a project works, and what differs from what the project says.

use std::future::Future;
use std::pin::Pin;

use super::Failure;
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
