//! How a handler reports its progress.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::Progress;

/// Keeps the latest report, which the next heartbeat sends. Reporting often costs nothing.
#[derive(Clone, Debug, Default)]
pub struct ProgressReporter(Arc<Mutex<Option<Progress>>>);

impl ProgressReporter {
    /// Sets the progress: a fraction from 0 to 1 if known, and up to 200 characters of text. Never waits.
    pub fn set(&self, fraction: impl Into<Option<f64>>, text: impl AsRef<str>) {
        let progress = Progress::of(fraction.into(), text.as_ref());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    pub fn latest(&self) -> Option<Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
