//! Firing: starts what a schedule describes and records the ticks, in one statement.

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::domain::schedule::{Cause, MissedTicks, RunAction, ScheduledRun};
use crate::domain::{NewJob, moment};
use crate::store::jobs::new_jobs_json;
use crate::store::projects::OperationPolicy;
use crate::store::row::row;
use crate::store::sql::SCHEDULES_FIRE;
use crate::store::{Audit, Store, StoreError};

/// What to do with due times of a schedule.
#[derive(Clone, Debug)]
pub struct Firing<'a> {
    pub schedule: Uuid,
    /// The revision that the caller read. If the schedule has another one, nothing happens.
    pub revision: i64,
    pub cause: Cause,
    pub starts: &'a [ScheduledRun],
    pub missed: Option<MissedTicks>,
    /// Why the missed due times are not started.
    pub missed_reason: &'a str,
    /// The due time after these.
    pub next: Option<OffsetDateTime>,
}

row! {
    /// The outcome of firing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Fired {
        pub started: i64,
        /// Due times that started nothing. Their ticks hold the reasons.
        pub left_out: i64 as "skipped",
    }
}

/// A start as the statement reads it.
#[derive(Default, Serialize)]
struct StartJson<'a> {
    due_at: String,
    job_id: Option<Uuid>,
    workflow_id: Option<Uuid>,
    project_id: Option<Uuid>,
    name: Option<&'a str>,
    /// The steps of a workflow, as `enqueue_jobs` reads them.
    steps: Option<Box<RawValue>>,
}

impl Store {
    /// `schedules/fire`: none if another process changed the schedule first.
    pub async fn fire_schedule(
        &self,
        firing: &Firing<'_>,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Option<Fired>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let starts: Vec<StartJson> = firing.starts.iter().map(start_json).collect();
        // Strings and numbers always serialize.
        let starts = serde_json::to_string(&starts).unwrap_or_else(|_| "[]".to_owned());
        let jobs = new_jobs_json(firing.starts.iter().filter_map(job), None);
        let missed = firing.missed;
        let notify = self.wakeup.may_notify();
        let params: [&(dyn ToSql + Sync); 16] = [
            &firing.schedule,
            &firing.revision,
            &firing.cause.as_str(),
            &starts,
            &jobs,
            &missed.map(|it| it.first),
            &missed.map(|it| it.last),
            &missed.map(|it| i64::try_from(it.count).unwrap_or(i64::MAX)),
            &firing.missed_reason,
            &firing.next,
            actor,
            reason,
            request_id,
            &policy.deadline.as_secs_f64(),
            &i32::try_from(policy.max_attempts).unwrap_or(i32::MAX),
            &notify,
        ];
        let fired: Option<Fired> = self.fetch_optional(&SCHEDULES_FIRE, &params).await?;
        if fired.is_some_and(|it| it.started > 0) {
            self.wakeup.committed(notify);
        }
        Ok(fired)
    }
}

fn start_json(start: &ScheduledRun) -> StartJson<'_> {
    let json = StartJson { due_at: moment::exact(start.due_at), ..StartJson::default() };
    let job_id = Some(start.id);
    match &start.action {
        RunAction::Job(_) => StartJson { job_id, ..json },
        RunAction::CreateProject { project, name } => {
            StartJson { job_id, project_id: Some(*project), name: Some(name), ..json }
        }
        RunAction::ChangeProject { project } => StartJson { job_id, project_id: Some(*project), ..json },
        RunAction::Workflow(new) => {
            let steps = RawValue::from_string(new_jobs_json(&new.steps, None)).ok();
            StartJson { workflow_id: Some(new.id), name: Some(&new.name), steps, ..json }
        }
    }
}

fn job(start: &ScheduledRun) -> Option<&NewJob> {
    if let RunAction::Job(job) = &start.action { Some(job) } else { None }
}
