//! Operations on projects: jobs that provision, retry or delete one.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Project, Transition};
use crate::domain::{JobState, Parameters, ProjectVerb};
use crate::store::row::{Row, row};
use crate::store::sql::{
    JOBS_OF_PROJECT, PROJECTS_ANNOUNCE_EXPIRY, PROJECTS_BEGIN_OPERATION, PROJECTS_CANCEL, PROJECTS_DUE_FOR_DELETION,
    PROJECTS_EXPIRE, PROJECTS_FORCE,
};
use crate::store::{Audit, Store, StoreError};

/// What applies to every operation on a project.
#[derive(Clone, Copy, Debug)]
pub struct OperationPolicy {
    /// How long the project may stay in a transient status.
    pub deadline: Duration,
    /// The retry budget of the job.
    pub max_attempts: u32,
}

/// What is asked of a project.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: ProjectVerb,
    /// New parameters, of an update or a retry.
    pub parameters: Option<Parameters>,
    /// How long a deleted project can be restored; none: as the template says.
    pub grace: Option<Duration>,
    /// The versions on which the caller agrees to act; none for any.
    pub versions: Option<Vec<i64>>,
}

impl Request {
    pub const fn new(verb: ProjectVerb) -> Self {
        Self { verb, parameters: None, grace: None, versions: None }
    }
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

    /// A project that is to be deleted because time has passed.
    #[derive(Debug)]
    pub struct DueDeletion {
        pub id: Uuid,
        /// The grace time is over; otherwise the project has expired.
        pub is_removal: bool,
        pub timeout: Duration,
        pub max_attempts: i32,
    }

    /// A project whose operation ended at its deadline.
    #[derive(Debug)]
    pub struct ExpiredProject {
        pub id: Uuid,
        pub previous_state: String,
        pub status: String,
        pub error_reason: String,
        pub job_id: Option<Uuid>,
    }
}

impl Store {
    /// `jobs/of_project`: newest first.
    pub async fn jobs_of_project(&self, project: Uuid, limit: i64) -> Result<Vec<Operation>, StoreError> {
        self.fetch_all(&JOBS_OF_PROJECT, &[&project, &limit]).await
    }

    /// `projects/begin_operation`: starts an operation. A deletion of a project with an operation in progress stops that first.
    pub async fn begin_operation(
        &self,
        id: Uuid,
        request: &Request,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        let Request { verb, parameters, grace, versions } = request;
        let notify = self.wakeup.may_notify();
        let max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
        let (job, timeout) = (Uuid::now_v7(), policy.deadline.as_secs_f64());
        let Audit { actor, reason, request_id } = audit;
        let grace = grace.map(|it| it.as_secs_f64());
        let parameters = parameters.as_ref().map(Parameters::as_str);
        let params: [&(dyn ToSql + Sync); 12] = [
            &verb.as_str(),
            &id,
            &job,
            &timeout,
            &max_attempts,
            actor,
            reason,
            request_id,
            &notify,
            versions,
            &parameters,
            &grace,
        ];
        let row = self.row(&PROJECTS_BEGIN_OPERATION, &params).await?;
        self.transition(id, row, notify).await
    }

    /// `projects/cancel`: stops the operation in progress.
    pub async fn cancel_operation(
        &self,
        id: Uuid,
        versions: Option<&[i64]>,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        let notify = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&PROJECTS_CANCEL, &[&id, actor, reason, request_id, &notify, &versions]).await?;
        self.transition(id, row, notify).await
    }

    /// `projects/force`: marks a project deleted without removing anything.
    pub async fn force_project(
        &self,
        id: Uuid,
        versions: Option<&[i64]>,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&PROJECTS_FORCE, &[&id, actor, reason, request_id, &versions]).await?;
        self.transition(id, row, false).await
    }

    /// The project after a conditional statement, or why the statement did nothing.
    async fn transition(&self, id: Uuid, row: Option<Row>, notify: bool) -> Result<Transition<Project>, StoreError> {
        let Some(row) = row else { return Ok(Transition::Missing) };
        match row.get::<String>("outcome")?.as_str() {
            "stale" => Ok(Transition::Stale { version: row.get("previous_version")? }),
            "protected" => Ok(Transition::Protected),
            "rejected" => Ok(Transition::Rejected { was: row.get("previous_status")? }),
            outcome => {
                if outcome == "requested" {
                    self.wakeup.cancel_requested();
                }
                self.wakeup.committed(notify);
                // A statement does not see what a function that it calls has written, so the project is read afterwards.
                Ok(self.get_project(id).await?.map_or(Transition::Missing, Transition::Applied))
            }
        }
    }

    /// `projects/expire`: fails projects past their deadline.
    pub async fn expire_projects(&self, limit: i64, actor: &str) -> Result<Vec<ExpiredProject>, StoreError> {
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&PROJECTS_EXPIRE, &[&limit, &actor, &notify]).await?;
        Ok(self.committed(notify, rows))
    }

    /// `projects/announce_expiry`: records which projects expire within 24 hours. Returns them.
    pub async fn announce_expiry(&self, limit: i64, actor: &str) -> Result<Vec<Uuid>, StoreError> {
        let notify = self.wakeup.may_notify();
        self.fetch_values(&PROJECTS_ANNOUNCE_EXPIRY, &[&limit, &actor, &notify]).await
    }

    /// `projects/due_for_deletion`: projects that have expired or whose grace time is over.
    pub async fn due_deletions(&self, limit: i64, default: OperationPolicy) -> Result<Vec<DueDeletion>, StoreError> {
        let max_attempts = i32::try_from(default.max_attempts).unwrap_or(i32::MAX);
        self.fetch_all(&PROJECTS_DUE_FOR_DELETION, &[&limit, &default.deadline.as_secs_f64(), &max_attempts]).await
    }
}
