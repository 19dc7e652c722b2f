//! The numbers beside the links of the sidebar. They come from counters or are counted no further than a page tells, so every page
//! can afford them.

use std::collections::BTreeMap;

use crate::domain::{JobState, ProjectStatus};
use crate::web::app::App;
use crate::web::dashboard::projects::list::alive;
use crate::web::dashboard::ui::layout::{COUNTED, capped, count};
use crate::web::dashboard::ui::layout_view::Shell;
use crate::web::error::ApiError;

/// How much there is of everything, by state.
pub struct Counts {
    pub projects: BTreeMap<ProjectStatus, i64>,
    pub jobs: BTreeMap<JobState, i64>,
    /// How many workflows run; no more than one above what a page tells.
    pub running: i64,
}

impl Counts {
    pub async fn of(app: &App) -> Result<Self, ApiError> {
        Ok(Self {
            projects: app.store.count_projects().await?,
            jobs: app.store.count_jobs().await?,
            running: app.store.count_running_workflows(COUNTED + 1).await?,
        })
    }

    /// Jobs in this state.
    pub fn jobs_in(&self, state: JobState) -> i64 {
        self.jobs.get(&state).copied().unwrap_or_default().max(0)
    }

    /// All jobs that are kept.
    pub fn all_jobs(&self) -> i64 {
        JobState::ALL.iter().map(|state| self.jobs_in(*state)).sum()
    }

    fn unfinished(&self) -> i64 {
        JobState::ALL.iter().filter(|state| !state.is_finished()).map(|state| self.jobs_in(*state)).sum()
    }

    /// Writes them into the frame of a page.
    pub fn note(&self, shell: &mut Shell) {
        shell.project_count = Some(count(alive(&self.projects)));
        shell.job_count = Some(count(self.unfinished()));
        shell.workflow_count = Some(capped(self.running));
        shell.dead_count = Some(count(self.jobs_in(JobState::Failed)));
    }
}
