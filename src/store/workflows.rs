//! Workflows, and how jobs hang together. What moves a workflow is what moves its steps; nothing here does.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::events::{Event, event};
use super::jobs::wishes;
use super::projects::{Audit, IdempotencyKey};
use super::sql::{
    JOBS_CONNECTED, JOBS_DEPENDENTS, JOBS_EDGES, JOBS_NODES, WORKFLOWS_COUNT, WORKFLOWS_COUNT_RUNNING,
    WORKFLOWS_EVENTS, WORKFLOWS_GET, WORKFLOWS_LIST, WORKFLOWS_START, WORKFLOWS_STEPS,
};
use super::{Reader, Store, StoreError};
use crate::domain::{JobState, NewWorkflow, Policy, WorkflowState};

/// A row of `workflows`.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub id: Uuid,
    pub state: WorkflowState,
    pub name: String,
    pub tenant: String,
    /// How many steps there are, and how many of them are where.
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

impl Workflow {
    /// How many steps are scheduled, queued, or waiting to be tried again. The active ones are counted apart, perhaps a moment later.
    pub fn waiting(&self) -> i64 {
        let elsewhere = self.blocked + self.completed + self.failed + self.canceled;
        (i64::from(self.steps - elsewhere) - self.active).max(0)
    }

    /// Whether a step is left that may still be canceled.
    pub fn is_unfinished(&self) -> bool {
        self.completed + self.failed + self.canceled < self.steps
    }
}

/// Which workflows: everything that is said must fit.
#[derive(Clone, Debug, Default)]
pub struct WorkflowFilter {
    pub state: Option<WorkflowState>,
    pub tenant: Option<String>,
    /// Part of the name, in any case.
    pub name: Option<String>,
    /// The beginning of the id.
    pub id: Option<String>,
}

/// A job as one of many that hang together.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: Uuid,
    pub state: JobState,
    /// What it is called in its workflow.
    pub step: Option<String>,
    pub workflow_id: Option<Uuid>,
    pub kind: String,
    pub queue: String,
    /// How many of its dependencies do not let it go yet.
    pub waits_for: i32,
    /// The dependency whose end canceled it.
    pub doomed_by: Option<Uuid>,
    pub error: Option<String>,
    pub attempt: i32,
    pub max_attempts: i32,
    pub created_at: OffsetDateTime,
    /// When its latest execution began.
    pub claimed_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
    /// The database's clock.
    pub at: OffsetDateTime,
}

impl Node {
    /// What people call it.
    pub fn name(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.kind)
    }
}

/// One job waits for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub job_id: Uuid,
    pub depends_on: Uuid,
    pub policy: Policy,
    /// How the other one ended, as this one was told.
    pub outcome: Option<JobState>,
}

impl Edge {
    /// Whether it lets its job go.
    pub fn is_met(&self) -> bool {
        self.outcome.is_some_and(|outcome| self.policy.is_met(outcome.as_str()))
    }
}

/// What became of a wish: the workflow that is there now.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    pub id: Uuid,
    /// False when the same key had started it before.
    pub is_new: bool,
}

impl Store {
    /// `workflows/start`: all of its steps, or nothing.
    pub async fn start_workflow(
        &self,
        new: &NewWorkflow,
        key: Option<&IdempotencyKey>,
        audit: &Audit,
    ) -> Result<Started, StoreError> {
        let tell = self.wakeup.may_notify();
        let (key, hash) = key.map(|it| (&it.key, &it.request_hash)).unzip();
        let (steps, tenant) = (wishes(&new.steps, None, None), new.tenant.as_str());
        let Audit { actor, request_id, .. } = audit;
        let row = self
            .one(&WORKFLOWS_START, &[&new.id, &new.name, &tenant, &steps, actor, request_id, &tell, &key, &hash])
            .await?;
        self.wakeup.committed(tell);
        Ok(Started { id: row.get("workflow_id")?, is_new: row.get("is_new")? })
    }

    /// `workflows/get`.
    pub async fn get_workflow(&self, id: Uuid) -> Result<Option<Workflow>, StoreError> {
        let row = self.row(&WORKFLOWS_GET, &[&id]).await?;
        row.map(|row| workflow(&Reader { row, statement: WORKFLOWS_GET.name })).transpose()
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
        let rows = self.rows(&WORKFLOWS_LIST, &[&state, tenant, name, &below, &limit, id]).await?;
        Reader::all(rows, &WORKFLOWS_LIST).map(|row| workflow(&row)).collect()
    }

    /// `workflows/count`: by state, whatever state the filter has; none is counted further than `most`.
    pub async fn count_workflows(
        &self,
        filter: &WorkflowFilter,
        most: i64,
    ) -> Result<BTreeMap<WorkflowState, i64>, StoreError> {
        let rows = self.rows(&WORKFLOWS_COUNT, &[&filter.tenant, &filter.name, &most]).await?;
        let count =
            |row: Reader| Ok((row.word("state", "workflow state", WorkflowState::parse)?, row.get::<i64>("n")?));
        Reader::all(rows, &WORKFLOWS_COUNT).map(count).collect()
    }

    /// `workflows/count_running`: no further than `most`.
    pub async fn count_running_workflows(&self, most: i64) -> Result<i64, StoreError> {
        self.one(&WORKFLOWS_COUNT_RUNNING, &[&most]).await?.get("n")
    }

    /// `workflows/steps`: the ids of its steps, each after those that it depends on; only those in `states`, if any are named.
    pub async fn steps_of_workflow(&self, id: Uuid, states: Option<&[JobState]>) -> Result<Vec<Uuid>, StoreError> {
        let states: Option<Vec<&str>> = states.map(|states| states.iter().map(|it| it.as_str()).collect());
        let rows = self.rows(&WORKFLOWS_STEPS, &[&id, &states]).await?;
        Reader::all(rows, &WORKFLOWS_STEPS).map(|row| row.get("id")).collect()
    }

    /// `workflows/events`: newest first.
    pub async fn events_of_workflow(
        &self,
        id: Uuid,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let rows = self.rows(&WORKFLOWS_EVENTS, &[&id, &before, &limit]).await?;
        Reader::all(rows, &WORKFLOWS_EVENTS).map(|row| event(&row)).collect()
    }

    /// `jobs/connected`: this job, and those that hang together with it, the nearest first.
    pub async fn connected_jobs(&self, id: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        let rows = self.rows(&JOBS_CONNECTED, &[&id, &limit]).await?;
        Reader::all(rows, &JOBS_CONNECTED).map(|row| row.get("id")).collect()
    }

    /// `jobs/nodes`: those that exist, in the order of their ids.
    pub async fn nodes(&self, ids: &[Uuid]) -> Result<Vec<Node>, StoreError> {
        let rows = self.rows(&JOBS_NODES, &[&ids]).await?;
        Reader::all(rows, &JOBS_NODES).map(|row| node(&row)).collect()
    }

    /// `jobs/dependents`: who waits for this one, those that still do first.
    pub async fn dependents(&self, id: Uuid, limit: i64) -> Result<Vec<Edge>, StoreError> {
        let rows = self.rows(&JOBS_DEPENDENTS, &[&id, &limit]).await?;
        Reader::all(rows, &JOBS_DEPENDENTS).map(|row| edge(&row)).collect()
    }

    /// `jobs/edges`: what these depend on.
    pub async fn edges(&self, ids: &[Uuid]) -> Result<Vec<Edge>, StoreError> {
        let rows = self.rows(&JOBS_EDGES, &[&ids]).await?;
        Reader::all(rows, &JOBS_EDGES).map(|row| edge(&row)).collect()
    }
}

fn workflow(row: &Reader) -> Result<Workflow, StoreError> {
    Ok(Workflow {
        id: row.get("id")?,
        state: row.word("state", "workflow state", WorkflowState::parse)?,
        name: row.get("name")?,
        tenant: row.get("tenant")?,
        steps: row.get("steps")?,
        completed: row.get("completed")?,
        failed: row.get("failed")?,
        canceled: row.get("canceled")?,
        blocked: row.get("blocked")?,
        active: row.get("active")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        finished_at: row.get("finished_at")?,
    })
}

fn node(row: &Reader) -> Result<Node, StoreError> {
    Ok(Node {
        id: row.get("id")?,
        state: row.word("state", "job state", JobState::parse)?,
        step: row.get("step")?,
        workflow_id: row.get("workflow_id")?,
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        waits_for: row.get("pending_dependencies")?,
        doomed_by: row.get("canceled_by")?,
        error: row.get("error")?,
        attempt: row.get("attempt")?,
        max_attempts: row.get("max_attempts")?,
        created_at: row.get("created_at")?,
        claimed_at: row.get("claimed_at")?,
        finished_at: row.get("finished_at")?,
        at: row.get("at")?,
    })
}

fn edge(row: &Reader) -> Result<Edge, StoreError> {
    let outcome: Option<String> = row.get("outcome")?;
    Ok(Edge {
        job_id: row.get("job_id")?,
        depends_on: row.get("depends_on")?,
        policy: row.word("policy", "policy", Policy::parse)?,
        outcome: outcome.as_deref().and_then(JobState::parse),
    })
}
