//! The states of a job, and how a job changes its project.

use super::project::ProjectStatus;
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
    }
}

impl JobState {
    /// A finished job runs again only on request.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

string_enum! {
    /// The kinds that the engine enqueues itself.
    JobKind {
        Provision = "project.provision",
        Deprovision = "project.deprovision",
    }
}

impl JobKind {
    /// The status of the project while this job runs.
    pub const fn status_during(self) -> ProjectStatus {
        match self {
            Self::Provision => ProjectStatus::Provisioning,
            Self::Deprovision => ProjectStatus::Deleting,
        }
    }

    /// The status of the project after the job reaches `state`; `None` while the job is not finished.
    pub const fn status_after(self, state: JobState) -> Option<ProjectStatus> {
        match (self, state) {
            (Self::Provision, JobState::Completed) => Some(ProjectStatus::Ready),
            (Self::Deprovision, JobState::Completed) => Some(ProjectStatus::Deleted),
            (_, JobState::Failed | JobState::Canceled) => Some(ProjectStatus::Failed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ProjectVerb;

    #[test]
    fn job_outcomes_follow_the_project_state_machine() {
        for kind in JobKind::ALL {
            for state in JobState::ALL {
                if let Some(target) = kind.status_after(*state) {
                    let during = kind.status_during();
                    assert!(ProjectVerb::ALL.iter().any(|verb| verb.target(during) == Some(target)), "{kind} {state}");
                }
            }
        }
    }
}
