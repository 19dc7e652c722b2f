//! The life of a job, and what a job means to its project.

use super::project::ProjectStatus;
use super::words;

words! {
    /// Where a job is in its life.
    JobState {
        /// Waits for its time.
        Scheduled = "scheduled",
        /// May be claimed.
        Queued = "queued",
        /// Waits for other jobs.
        Blocked = "blocked",
        /// Leased to a worker.
        Active = "active",
        /// Done.
        Completed = "completed",
        /// Failed, and will be tried again.
        Retrying = "retrying",
        /// Failed for good: a dead letter.
        Failed = "failed",
        /// Called off.
        Canceled = "canceled",
    }
}

impl JobState {
    /// A finished job never runs again by itself.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

words! {
    /// What the engine itself knows how to run.
    JobKind {
        /// Makes the real thing behind a project.
        Provision = "project.provision",
        /// Removes it again.
        Deprovision = "project.deprovision",
    }
}

impl JobKind {
    /// Where the project is while this job works on it.
    pub const fn status_during(self) -> ProjectStatus {
        match self {
            Self::Provision => ProjectStatus::Provisioning,
            Self::Deprovision => ProjectStatus::Deleting,
        }
    }

    /// Where the project goes when the job reaches `state`; nothing while the job is not finished.
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
    fn what_a_job_does_to_its_project_is_in_the_projects_diagram() {
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
