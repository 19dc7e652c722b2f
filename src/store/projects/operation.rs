//! Operations on projects: jobs that provision, retry or delete one.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Project, Transition, rejection};
use crate::domain::JobState;
use crate::store::row::row;
use crate::store::sql::{JOBS_OF_PROJECT, PROJECTS_DELETE, PROJECTS_EXPIRE, PROJECTS_RETRY, Statement};
use crate::store::{Audit, Store, StoreError};

/// What applies to every operation on a project.
#[derive(Clone, Copy, Debug)]
pub struct OperationPolicy {
    /// How long the project may stay in a transient status.
    pub deadline: Duration,
    /// The retry budget of the job.
    pub max_attempts: u32,
}

row! {
    /// The job of an operation, with its latest attempt.
    #[derive(Clone, Debug)]
    pub struct Operation {
        pub id: Uuid,
        pub kind: String,
        pub state: JobState,
        pub run_at: OffsetDateTime,
        pub attempt: i32,
        pub failures: i32,
        pub max_attempts: i32,
        pub worker_id: Option<String>,
        pub error: Option<String>,
        pub created_at: OffsetDateTime,
        pub finished_at: Option<OffsetDateTime>,
        pub claimed_at: Option<OffsetDateTime>,
        pub ended_at: Option<OffsetDateTime>,
    }

    /// A project that failed at its deadline.
    #[derive(Debug)]
    pub struct ExpiredProject {
        pub id: Uuid,
        pub previous_state: String,
        pub error_reason: String,
        pub job_id: Option<Uuid>,
    }
}

impl Store {
    /// `jobs/of_project`: newest first.
    pub async fn jobs_of_project(&self, project: Uuid, limit: i64) -> Result<Vec<Operation>, StoreError> {
        self.fetch_all(&JOBS_OF_PROJECT, &[&project, &limit]).await
    }

    /// `projects/retry`: only a failed project can be retried.
    pub async fn retry_project(
        &self,
        id: Uuid,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        self.begin_operation(&PROJECTS_RETRY, id, None, policy, audit).await
    }

    /// `projects/delete`: only a ready or failed project can be deleted, and only in the version that the caller read.
    pub async fn delete_project(
        &self,
        id: Uuid,
        version: Option<i64>,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        self.begin_operation(&PROJECTS_DELETE, id, version, policy, audit).await
    }

    /// The statements that change the status of a project and enqueue its job take the same parameters.
    async fn begin_operation(
        &self,
        statement: &Statement,
        id: Uuid,
        version: Option<i64>,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        let notify = self.wakeup.may_notify();
        let max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
        let (job, deadline) = (Uuid::now_v7(), policy.deadline.as_secs_f64());
        let Audit { actor, reason, request_id } = audit;
        let row = self
            .row(statement, &[&id, &job, &deadline, &max_attempts, actor, reason, request_id, &notify, &version])
            .await?;
        let Some(row) = row else { return Ok(Transition::Missing) };
        if row.get("changed")? {
            self.wakeup.committed(notify);
            // A statement does not see what a function that it calls has written, so the project is read afterwards.
            return Ok(self.get_project(id).await?.map_or(Transition::Missing, Transition::Applied));
        }
        rejection(&row, version)
    }

    /// `projects/expire`: fails projects past their deadline.
    pub async fn expire_projects(&self, limit: i64, actor: &str) -> Result<Vec<ExpiredProject>, StoreError> {
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&PROJECTS_EXPIRE, &[&limit, &actor, &notify]).await?;
        Ok(self.committed(notify, rows))
    }
}
