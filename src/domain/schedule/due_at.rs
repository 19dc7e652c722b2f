//! How the due time enters what a schedule starts.

use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::{Due, moment};

/// The placeholder for the due time in payloads and names.
pub const DUE_AT: &str = "{{due_at}}";

/// Replaces the placeholder. A timestamp contains no quotes, so JSON stays valid.
pub(super) fn fill_due_at(text: &str, due_at: OffsetDateTime) -> String {
    text.replace(DUE_AT, &moment::text(due_at))
}

/// The due time of a job of a run that starts `jitter` after its due time.
pub(super) fn with_jitter(due: Due, due_at: OffsetDateTime, jitter: Duration) -> Due {
    match due {
        due if jitter.is_zero() => due,
        Due::In(delay) => Due::At(due_at + jitter + delay),
        Due::Now | Due::At(_) => Due::At(due_at + jitter),
    }
}
