//! Where a handler says how far it is.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::Progress;

/// Keeps the latest that was said. The next heartbeat takes it along, so saying it often costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Report(Arc<Mutex<Option<Progress>>>);

impl Report {
    /// From 0 to 1, if that is known, and up to 200 characters for whoever looks. Never waits.
    pub fn say(&self, fraction: impl Into<Option<f64>>, text: impl AsRef<str>) {
        let said = Progress::of(fraction.into(), text.as_ref());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    /// What was said last.
    pub fn latest(&self) -> Option<Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
