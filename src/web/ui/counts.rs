//! The counts in the navigation. They come from counters or stop at a cap, so they are cheap enough for every page.

use std::collections::BTreeMap;

use crate::domain::{JobState, ProjectStatus};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::ui::{COUNT_CAP, Shell, capped, count};

/// The order of tabs and legends.
pub const PROJECT_STATUSES: [ProjectStatus; 12] = [
    ProjectStatus::Ready,
    ProjectStatus::Creating,
    ProjectStatus::Provisioning,
    ProjectStatus::Failed,
    ProjectStatus::Updating,
    ProjectStatus::Pausing,
    ProjectStatus::Paused,
    ProjectStatus::Resuming,
    ProjectStatus::Deleting,
    ProjectStatus::PendingDeletion,
    ProjectStatus::Restoring,
    ProjectStatus::Deleted,
];

pub struct Counts {
    pub projects: BTreeMap<ProjectStatus, i64>,
    pub jobs: BTreeMap<JobState, i64>,
    /// Running workflows, counted up to one above [`COUNT_CAP`].
    pub workflows: i64,
}

impl Counts {
    pub async fn load(app: &App) -> Result<Self, ApiError> {
        Ok(Self {
            projects: app.store.count_projects().await?,
            jobs: app.store.count_jobs().await?,
            workflows: app.store.count_running_workflows(COUNT_CAP + 1).await?,
        })
    }

    pub fn projects_in(&self, status: ProjectStatus) -> i64 {
        self.projects.get(&status).copied().unwrap_or_default().max(0)
    }

    /// Projects that are not deleted.
    pub fn existing_projects(&self) -> i64 {
        self.projects.iter().filter(|(status, _)| **status != ProjectStatus::Deleted).map(|(_, n)| n).sum()
    }

    pub fn jobs_in(&self, state: JobState) -> i64 {
        self.jobs.get(&state).copied().unwrap_or_default().max(0)
    }

    pub fn all_jobs(&self) -> i64 {
        JobState::ALL.iter().map(|state| self.jobs_in(*state)).sum()
    }

    pub fn add_to(&self, shell: Shell) -> Shell {
        let unfinished = JobState::ALL.iter().filter(|state| !state.is_finished()).map(|state| self.jobs_in(*state));
        Shell {
            project_count: Some(count(self.existing_projects())),
            job_count: Some(count(unfinished.sum())),
            workflow_count: Some(capped(self.workflows)),
            dead_count: Some(count(self.jobs_in(JobState::Failed))),
            ..shell
        }
    }
}
