//! Jobs and the dependencies between them, as nodes and edges.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, Policy};
use crate::store::row::row;
use crate::store::sql::{JOBS_CONNECTED, JOBS_DEPENDENTS, JOBS_EDGES, JOBS_NODES};
use crate::store::{Store, StoreError};

row! {
    /// A job in a graph of dependencies.
    #[derive(Clone, Debug)]
    pub struct Node {
        pub id: Uuid,
        pub state: JobState,
        /// The name of the step, if the job belongs to a workflow.
        pub step: Option<String>,
        pub workflow_id: Option<Uuid>,
        pub kind: String,
        pub queue: String,
        /// Dependencies that still block the job.
        pub pending_dependencies: i32,
        /// The dependency whose outcome canceled the job.
        pub canceled_by: Option<Uuid>,
        pub error: Option<String>,
        pub attempt: i32,
        pub max_attempts: i32,
        pub created_at: OffsetDateTime,
        /// When the latest attempt began.
        pub claimed_at: Option<OffsetDateTime>,
        pub finished_at: Option<OffsetDateTime>,
        /// The time of the database when the row was read.
        pub at: OffsetDateTime,
    }
}

impl Node {
    /// The name of the step, or the kind.
    pub fn name(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.kind)
    }
}

row! {
    /// A dependency of one job on another.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Edge {
        pub job_id: Uuid,
        pub depends_on: Uuid,
        pub policy: Policy,
        /// The final state of the other job, once it has been recorded for this one.
        pub outcome: Option<JobState>,
    }
}

impl Edge {
    /// Whether the dependency no longer blocks its job.
    pub fn is_met(&self) -> bool {
        self.outcome.is_some_and(|outcome| self.policy.is_met(outcome.as_str()))
    }
}

impl Store {
    /// `jobs/connected`: ids of the job and of those connected with it by dependencies, the nearest first.
    pub async fn connected_jobs(&self, id: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        self.fetch_values(&JOBS_CONNECTED, &[&id, &limit]).await
    }

    /// `jobs/nodes`: those that exist, in the order of their ids.
    pub async fn nodes(&self, ids: &[Uuid]) -> Result<Vec<Node>, StoreError> {
        self.fetch_all(&JOBS_NODES, &[&ids]).await
    }

    /// `jobs/dependents`: dependencies on the job, those without an outcome first.
    pub async fn dependents(&self, id: Uuid, limit: i64) -> Result<Vec<Edge>, StoreError> {
        self.fetch_all(&JOBS_DEPENDENTS, &[&id, &limit]).await
    }

    /// `jobs/edges`: dependencies of the jobs.
    pub async fn edges(&self, ids: &[Uuid]) -> Result<Vec<Edge>, StoreError> {
        self.fetch_all(&JOBS_EDGES, &[&ids]).await
    }
}
