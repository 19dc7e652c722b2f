//! Lists and counts jobs.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::job::Job;
use crate::domain::{JobState, search};
use crate::store::events::Event;
use crate::store::sql::{
    JOBS_COUNT_MATCHING, JOBS_COUNTS, JOBS_EVENTS, JOBS_FOLLOWERS, JOBS_LIST, JOBS_LIST_FINISHED, JOBS_MATCHING,
};
use crate::store::{Store, StoreError};

/// Selects jobs that match every given field.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<JobState>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub tenant: Option<String>,
    pub tag: Option<String>,
    pub project: Option<Uuid>,
    /// Part of the error, ignoring case.
    pub error: Option<String>,
    /// Prefix of the id.
    pub id: Option<String>,
    pub since: Option<OffsetDateTime>,
    pub before: Option<OffsetDateTime>,
}

impl Filter {
    /// The parameters of a statement: the state, the other fields with the pattern of the error, then `more`.
    fn params<'a>(
        &'a self,
        state: &'a Option<&'static str>,
        error: &'a Option<String>,
        more: &[&'a (dyn ToSql + Sync)],
    ) -> Vec<&'a (dyn ToSql + Sync)> {
        let Self { state: _, kind, queue, tenant, tag, project, error: _, id, since, before } = self;
        let mut params: Vec<&(dyn ToSql + Sync)> =
            vec![state, kind, queue, tenant, tag, project, error, id, since, before];
        params.extend(more);
        params
    }

    fn state(&self) -> Option<&'static str> {
        self.state.map(JobState::as_str)
    }

    fn error_pattern(&self) -> Option<String> {
        self.error.as_deref().map(search::pattern)
    }
}

impl Store {
    /// `jobs/list`: newest first.
    pub async fn list_jobs(&self, filter: &Filter, below: Option<Uuid>, limit: i64) -> Result<Vec<Job>, StoreError> {
        self.fetch_all(&JOBS_LIST, &filter.params(&filter.state(), &filter.error_pattern(), &[&below, &limit])).await
    }

    /// `jobs/list_finished`: jobs that finished in the state of the filter, by default `failed`, latest first.
    pub async fn list_finished_jobs(
        &self,
        filter: &Filter,
        below: Option<(OffsetDateTime, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let state = filter.state().or(Some(JobState::Failed.as_str()));
        let (at, id) = below.unzip();
        self.fetch_all(&JOBS_LIST_FINISHED, &filter.params(&state, &filter.error_pattern(), &[&at, &id, &limit])).await
    }

    /// `jobs/matching`: ids and kinds of jobs in one of `states`, oldest first.
    pub async fn matching_jobs(
        &self,
        filter: &Filter,
        states: &[JobState],
        above: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<(Uuid, String)>, StoreError> {
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        self.fetch_all(
            &JOBS_MATCHING,
            &filter.params(&filter.state(), &filter.error_pattern(), &[&limit, &above, &states]),
        )
        .await
    }

    /// `jobs/count_matching`: how many jobs are in one of `states`. Counting stops at `max`.
    pub async fn count_matching_jobs(&self, filter: &Filter, states: &[JobState], max: i64) -> Result<i64, StoreError> {
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        self.fetch_value(
            &JOBS_COUNT_MATCHING,
            &filter.params(&filter.state(), &filter.error_pattern(), &[&max, &states]),
        )
        .await
    }

    /// `jobs/counts`: every state, including those without jobs.
    pub async fn count_jobs(&self) -> Result<BTreeMap<JobState, i64>, StoreError> {
        let mut counts: BTreeMap<_, _> = JobState::ALL.iter().map(|state| (*state, 0)).collect();
        counts.extend(self.fetch_all::<(JobState, i64)>(&JOBS_COUNTS, &[]).await?);
        Ok(counts)
    }

    /// `jobs/events`: newest first.
    pub async fn events_of_job(&self, id: Uuid, before: Option<i64>, limit: i64) -> Result<Vec<Event>, StoreError> {
        self.fetch_all(&JOBS_EVENTS, &[&id, &before, &limit]).await
    }

    /// `jobs/followers`: the follow-ups of a job, oldest first.
    pub async fn followers_of_job(&self, id: Uuid, limit: i64) -> Result<Vec<Job>, StoreError> {
        self.fetch_all(&JOBS_FOLLOWERS, &[&id, &limit]).await
    }
}
