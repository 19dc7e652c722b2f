//! What became of due times.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::schedule::{Cause, TickOutcome};
use crate::domain::{JobState, WorkflowState};
use crate::store::sql::{TICKS_FIRED, TICKS_LATEST, TICKS_LIST};
use crate::store::{Reader, Store, StoreError};

/// A row of `ticks`, with the job or the workflow that it started as far as that is still there.
#[derive(Clone, Debug)]
pub struct Tick {
    pub id: i64,
    /// Of several due times, the last; `since` is the first.
    pub due_at: OffsetDateTime,
    pub since: OffsetDateTime,
    pub n: i64,
    pub cause: Cause,
    pub outcome: TickOutcome,
    pub reason: Option<String>,
    pub job_id: Option<Uuid>,
    pub workflow_id: Option<Uuid>,
    pub project_id: Option<Uuid>,
    pub actor: String,
    pub occurred_at: OffsetDateTime,
    pub job: Option<TickJob>,
    pub workflow: Option<TickWorkflow>,
}

/// The job of a tick.
#[derive(Clone, Debug)]
pub struct TickJob {
    pub state: JobState,
    pub created_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

/// The workflow of a tick.
#[derive(Clone, Debug)]
pub struct TickWorkflow {
    pub state: WorkflowState,
    pub created_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

impl Store {
    /// `ticks/list`: newest first.
    pub async fn list_ticks(
        &self,
        schedule: Uuid,
        outcome: Option<TickOutcome>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Tick>, StoreError> {
        let outcome = outcome.map(TickOutcome::as_str);
        let rows = self.rows(&TICKS_LIST, &[&schedule, &outcome, &before, &limit, &None::<Uuid>]).await?;
        Reader::all(rows, &TICKS_LIST).map(|row| tick(&row)).collect()
    }

    /// `ticks/list`: the one that started this job or workflow.
    pub async fn tick_of(&self, schedule: Uuid, started: Uuid) -> Result<Option<Tick>, StoreError> {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&schedule, &None::<&str>, &None::<i64>, &1_i64, &Some(started)];
        let row = self.row(&TICKS_LIST, &params).await?;
        row.map(|row| tick(&Reader { row, statement: TICKS_LIST.name })).transpose()
    }

    /// `ticks/latest`: so many of each schedule, newest first, with the schedule's id.
    pub async fn latest_ticks(&self, of_each: i64) -> Result<Vec<(Uuid, Tick)>, StoreError> {
        let rows = self.rows(&TICKS_LATEST, &[&of_each]).await?;
        Reader::all(rows, &TICKS_LATEST).map(|row| Ok((row.get("schedule_id")?, tick(&row)?))).collect()
    }

    /// `ticks/fired`: which of these due times have started something.
    pub async fn fired(&self, schedule: Uuid, due: &[OffsetDateTime]) -> Result<HashSet<OffsetDateTime>, StoreError> {
        let rows = self.rows(&TICKS_FIRED, &[&schedule, &due]).await?;
        Reader::all(rows, &TICKS_FIRED).map(|row| row.get("due_at")).collect()
    }
}

fn tick(row: &Reader) -> Result<Tick, StoreError> {
    let is_there = |column| row.get::<Option<String>>(column).map(|state| state.is_some());
    let job = || {
        Ok(TickJob {
            state: row.word("job_state", "job state", JobState::parse)?,
            created_at: row.get("job_created_at")?,
            finished_at: row.get("job_finished_at")?,
        })
    };
    let workflow = || {
        Ok(TickWorkflow {
            state: row.word("workflow_state", "workflow state", WorkflowState::parse)?,
            created_at: row.get("workflow_created_at")?,
            finished_at: row.get("workflow_finished_at")?,
        })
    };
    Ok(Tick {
        id: row.get("id")?,
        due_at: row.get("due_at")?,
        since: row.get("since")?,
        n: row.get("n")?,
        cause: row.word("cause", "tick cause", Cause::parse)?,
        outcome: row.word("outcome", "tick outcome", TickOutcome::parse)?,
        reason: row.get("reason")?,
        job_id: row.get("job_id")?,
        workflow_id: row.get("workflow_id")?,
        project_id: row.get("project_id")?,
        actor: row.get("actor")?,
        occurred_at: row.get("occurred_at")?,
        job: is_there("job_state")?.then(job).transpose()?,
        workflow: is_there("workflow_state")?.then(workflow).transpose()?,
    })
}
