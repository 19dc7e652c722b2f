//! Ticks: due times of schedules and their outcomes.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::schedule::{Cause, TickOutcome};
use crate::domain::{JobState, WorkflowState};
use crate::store::row::{FromRow, Row, row};
use crate::store::sql::{TICKS_FIRED, TICKS_LATEST, TICKS_LIST};
use crate::store::{Store, StoreError};

row! {
    /// A row of `ticks`, with the job or workflow that it started if that still exists.
    #[derive(Clone, Debug)]
    pub struct Tick {
        pub id: i64,
        /// The due time; the last one if the tick covers several, of which `since` is the first.
        pub due_at: OffsetDateTime,
        pub since: OffsetDateTime,
        /// How many due times the tick covers.
        pub n: i64,
        pub cause: Cause,
        pub outcome: TickOutcome,
        pub reason: Option<String>,
        pub job_id: Option<Uuid>,
        pub workflow_id: Option<Uuid>,
        pub project_id: Option<Uuid>,
        pub actor: String,
        pub occurred_at: OffsetDateTime,
        pub job: Option<TickJob> = tick_job,
        pub workflow: Option<TickWorkflow> = tick_workflow,
    }

    /// The job of a tick.
    #[derive(Clone, Debug)]
    pub struct TickJob {
        pub state: JobState as "job_state",
        pub created_at: OffsetDateTime as "job_created_at",
        pub finished_at: Option<OffsetDateTime> as "job_finished_at",
    }

    /// The workflow of a tick.
    #[derive(Clone, Debug)]
    pub struct TickWorkflow {
        pub state: WorkflowState as "workflow_state",
        pub created_at: OffsetDateTime as "workflow_created_at",
        pub finished_at: Option<OffsetDateTime> as "workflow_finished_at",
    }
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
        self.fetch_all(&TICKS_LIST, &[&schedule, &outcome, &before, &limit, &None::<Uuid>]).await
    }

    /// `ticks/list`: the tick that started this job or workflow.
    pub async fn tick_of(&self, schedule: Uuid, started: Uuid) -> Result<Option<Tick>, StoreError> {
        self.fetch_optional(&TICKS_LIST, &[&schedule, &None::<&str>, &None::<i64>, &1_i64, &Some(started)]).await
    }

    /// `ticks/latest`: at most `per_schedule` ticks of every schedule, newest first, with the id of the schedule.
    pub async fn latest_ticks(&self, per_schedule: i64) -> Result<Vec<(Uuid, Tick)>, StoreError> {
        let rows = self.rows(&TICKS_LATEST, &[&per_schedule]).await?;
        rows.iter().map(|row| Ok((row.get("schedule_id")?, Tick::from_row(row)?))).collect()
    }

    /// `ticks/fired`: those of the due times that started something.
    pub async fn fired_due_times(
        &self,
        schedule: Uuid,
        due: &[OffsetDateTime],
    ) -> Result<HashSet<OffsetDateTime>, StoreError> {
        self.fetch_values(&TICKS_FIRED, &[&schedule, &due]).await
    }
}

fn tick_job(row: &Row) -> Result<Option<TickJob>, StoreError> {
    let state: Option<String> = row.get("job_state")?;
    state.map(|_| TickJob::from_row(row)).transpose()
}

fn tick_workflow(row: &Row) -> Result<Option<TickWorkflow>, StoreError> {
    let state: Option<String> = row.get("workflow_state")?;
    state.map(|_| TickWorkflow::from_row(row)).transpose()
}
