//! Workflows. The transitions of its steps change a workflow; no function here does.

mod graph;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::events::Event;
use super::jobs::new_jobs_json;
use super::query::Params;
use super::row::row;
use super::sql::{
    WORKFLOWS_COUNT, WORKFLOWS_COUNT_RUNNING, WORKFLOWS_EVENTS, WORKFLOWS_GET, WORKFLOWS_LIST, WORKFLOWS_START,
    WORKFLOWS_STEPS,
};
use super::{Audit, IdempotencyKey, Store, StoreError};
use crate::domain::{JobState, NewWorkflow, WorkflowState, search};

pub use graph::{Edge, Node};

/// A workflow with more steps may take longer to start than other statements may take.
const LARGE: usize = 1000;

row! {
    /// A row of `workflows`.
    #[derive(Clone, Debug)]
    pub struct Workflow {
        pub id: Uuid,
        pub state: WorkflowState,
        pub name: String,
        pub tenant: String,
        /// All steps; the following fields count those in one state.
        pub steps: i32,
        pub completed: i32,
        pub failed: i32,
        pub canceled: i32,
        pub blocked: i32,
        pub active: i64,
        pub actor: String,
        pub created_at: OffsetDateTime,
        pub updated_at: OffsetDateTime,
        pub finished_at: Option<OffsetDateTime>,
    }
}

impl Workflow {
    /// Steps that are scheduled, queued or retrying. Active steps are counted separately, perhaps a moment later.
    pub fn waiting(&self) -> i64 {
        let others = self.blocked + self.completed + self.failed + self.canceled;
        (i64::from(self.steps - others) - self.active).max(0)
    }

    /// Whether a step can still be canceled.
    pub fn is_unfinished(&self) -> bool {
        self.completed + self.failed + self.canceled < self.steps
    }
}

/// Selects workflows that match every given field.
#[derive(Clone, Debug, Default)]
pub struct WorkflowFilter {
    pub state: Option<WorkflowState>,
    pub tenant: Option<String>,
    /// Part of the name, ignoring case.
    pub name: Option<String>,
    /// Prefix of the id.
    pub id: Option<String>,
}

row! {
    /// The workflow that a request started.
    #[derive(Clone, Copy, Debug)]
    pub struct StartedWorkflow {
        pub id: Uuid as "workflow_id",
        /// False if an earlier request with the same idempotency key started it.
        pub is_new: bool,
    }
}

impl Store {
    /// `workflows/start`: creates every step, or none.
    pub async fn start_workflow(
        &self,
        new: &NewWorkflow,
        key: Option<&IdempotencyKey>,
        audit: &Audit,
    ) -> Result<StartedWorkflow, StoreError> {
        let (key, hash) = key.map(|it| (&it.key, &it.request_hash)).unzip();
        let (steps, tenant) = (new_jobs_json(&new.steps, None), new.tenant.as_str());
        let Audit { actor, request_id, .. } = audit;
        let notify = self.wakeup.may_notify();
        let params: &Params<'_> = &[&new.id, &new.name, &tenant, &steps, actor, request_id, &notify, &key, &hash];
        let started = match new.steps.len() > LARGE {
            true => self.fetch_one_large(&WORKFLOWS_START, params).await?,
            false => self.fetch_one(&WORKFLOWS_START, params).await?,
        };
        self.wakeup.committed(notify);
        Ok(started)
    }

    /// `workflows/get`.
    pub async fn get_workflow(&self, id: Uuid) -> Result<Option<Workflow>, StoreError> {
        self.fetch_optional(&WORKFLOWS_GET, &[&id]).await
    }

    /// `workflows/list`: newest first.
    pub async fn list_workflows(
        &self,
        filter: &WorkflowFilter,
        below: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Workflow>, StoreError> {
        let state = filter.state.map(WorkflowState::as_str);
        let WorkflowFilter { tenant, name, id, .. } = filter;
        let name = name.as_deref().map(search::pattern);
        self.fetch_all(&WORKFLOWS_LIST, &[&state, tenant, &name, &below, &limit, id]).await
    }

    /// `workflows/count`: by state, ignoring the state of the filter. Each count stops at `max`.
    pub async fn count_workflows(
        &self,
        filter: &WorkflowFilter,
        max: i64,
    ) -> Result<BTreeMap<WorkflowState, i64>, StoreError> {
        let name = filter.name.as_deref().map(search::pattern);
        let counts = self.fetch_all(&WORKFLOWS_COUNT, &[&filter.tenant, &name, &max]).await?;
        Ok(counts.into_iter().collect())
    }

    /// `workflows/count_running`: stops at `max`.
    pub async fn count_running_workflows(&self, max: i64) -> Result<i64, StoreError> {
        self.fetch_value(&WORKFLOWS_COUNT_RUNNING, &[&max]).await
    }

    /// `workflows/steps`: ids of the steps, dependencies before dependents; only those in `states`, if given.
    pub async fn steps_of_workflow(&self, id: Uuid, states: Option<&[JobState]>) -> Result<Vec<Uuid>, StoreError> {
        let states: Option<Vec<&str>> = states.map(|states| states.iter().map(|it| it.as_str()).collect());
        self.fetch_values(&WORKFLOWS_STEPS, &[&id, &states]).await
    }

    /// `workflows/events`: newest first.
    pub async fn events_of_workflow(
        &self,
        id: Uuid,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        self.fetch_all(&WORKFLOWS_EVENTS, &[&id, &before, &limit]).await
    }
}
