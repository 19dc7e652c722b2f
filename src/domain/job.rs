//! The states of a job.

use super::string_enum;

string_enum! {
    JobState {
        Scheduled = "scheduled",
        /// Can be claimed.
        Queued = "queued",
        /// Waits for dependencies.
        Blocked = "blocked",
        /// A worker holds a lease on the job.
        Active = "active",
        Completed = "completed",
        /// Failed, and waits for a retry.
        Retrying = "retrying",
        /// Failed permanently: a dead letter.
        Failed = "failed",
        /// Canceled before it completed.
        Canceled = "canceled",
        /// Failed permanently, and a later operation on the same project has taken its place.
        Superseded = "superseded",
    }
}

impl JobState {
    /// A finished job runs again only on request.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled | Self::Superseded)
    }
}
