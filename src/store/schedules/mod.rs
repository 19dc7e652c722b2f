//! Schedules: what starts by itself. Everything that moves one is a statement that names the turn that its caller saw, so
//! of all who try, one does it.

mod spec;
mod ticks;

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::jobs::wishes;
use super::projects::{Audit, Bounds};
use super::sql::{SCHEDULES_DUE, SCHEDULES_FIRE, SCHEDULES_LIST, SCHEDULES_NOW, SCHEDULES_PUT, SCHEDULES_REMOVE};
use super::{Reader, Store, StoreError};
use crate::domain::schedule::{
    Cause, Misfire, MisfirePolicy, MissedTicks, Overlap, RunAction, ScheduleDefinition, ScheduleState, ScheduledRun,
    Timing,
};
use crate::domain::{NewJob, moment};

pub use ticks::{Tick, TickJob, TickWorkflow};

/// A row of `schedules`.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub id: Uuid,
    pub plan: ScheduleDefinition,
    /// The due time that nobody has dealt with yet.
    pub next_at: Option<OffsetDateTime>,
    /// The due time of the latest start.
    pub last_at: Option<OffsetDateTime>,
    /// Goes up with everything that happens to it.
    pub turn: i64,
    /// Goes up with every edit.
    pub version: i64,
    pub reason: Option<String>,
    pub actor: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// The database's clock when it was read.
    pub at: OffsetDateTime,
}

/// A row of `schedules` that this version cannot read, as far as it can be shown.
#[derive(Debug)]
pub struct Unreadable {
    pub id: Uuid,
    pub name: String,
    pub expression: String,
    pub time_zone: String,
    pub misfire: String,
    pub catch_up: u32,
    /// Seconds.
    pub grace: f64,
    pub overlap: String,
    /// Seconds.
    pub jitter: f64,
    pub last_at: Option<OffsetDateTime>,
    pub turn: i64,
    pub version: i64,
    pub reason: Option<String>,
    pub actor: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// The database's clock when it was read.
    pub at: OffsetDateTime,
}

/// What is listed: one that cannot be read must not hide the others.
pub type Listed = Result<Schedule, Box<Unreadable>>;

/// A schedule whose time has come.
#[derive(Debug)]
pub struct DueSchedule {
    pub id: Uuid,
    pub name: String,
    pub turn: i64,
    pub next_at: OffsetDateTime,
    /// What it says, or why this version cannot read it.
    pub plan: Result<ScheduleDefinition, StoreError>,
}

/// What a look at the schedules found.
#[derive(Debug)]
pub struct DueSchedules {
    pub due: Vec<DueSchedule>,
    /// The database's clock.
    pub at: OffsetDateTime,
    /// How long until the next one is due, of those that are not yet.
    pub rest: Option<Duration>,
}

/// What shall become of due times.
#[derive(Clone, Debug)]
pub struct Firing<'a> {
    pub schedule: Uuid,
    /// The turn that was seen; at another, nothing happens.
    pub turn: i64,
    pub cause: Cause,
    pub starts: &'a [ScheduledRun],
    pub missed: Option<MissedTicks>,
    /// Why what was missed is not started.
    pub why_missed: &'a str,
    /// The due time after these, when it was due.
    pub next: Option<OffsetDateTime>,
}

/// What became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    pub started: i64,
    /// Due times that started nothing, for a reason that the ticks tell.
    pub left_out: i64,
}

/// What became of a wish to remove a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Yes,
    /// It has changed since the caller read it.
    Stale {
        version: i64,
    },
    Missing,
}

/// A start as the statement reads it.
#[derive(Default, Serialize)]
struct Wished<'a> {
    due_at: String,
    job_id: Option<Uuid>,
    workflow_id: Option<Uuid>,
    project_id: Option<Uuid>,
    name: Option<&'a str>,
    /// Of the workflow, as `enqueue_jobs` reads them.
    steps: Option<Box<RawValue>>,
}

impl Store {
    /// `schedules/list`: all of them, or the one of this name.
    pub async fn list_schedules(&self, name: Option<&str>) -> Result<Vec<Listed>, StoreError> {
        let rows = self.rows(&SCHEDULES_LIST, &[&name]).await?;
        Reader::all(rows, &SCHEDULES_LIST).map(|row| schedule(&row)).collect()
    }

    /// `schedules/due`: those whose time has come, at most so many, and none of these.
    pub async fn due_schedules(&self, limit: i64, without: &[Uuid]) -> Result<DueSchedules, StoreError> {
        let rows = self.rows(&SCHEDULES_DUE, &[&limit, &without]).await?;
        let mut found = DueSchedules { due: Vec::new(), at: OffsetDateTime::UNIX_EPOCH, rest: None };
        for row in Reader::all(rows, &SCHEDULES_DUE) {
            found.at = row.get("at")?;
            let rest: Option<f64> = row.get("next_in")?;
            found.rest = rest.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
            let Some(id) = row.get("id")? else { continue };
            found.due.push(DueSchedule {
                id,
                name: row.get("name")?,
                turn: row.get("revision")?,
                next_at: row.get("next_at")?,
                plan: plan(&row),
            });
        }
        Ok(found)
    }

    /// `schedules/now`: the clock that schedules go by.
    pub async fn clock(&self) -> Result<OffsetDateTime, StoreError> {
        self.one(&SCHEDULES_NOW, &[]).await?.get("at")
    }

    /// `schedules/put`: whether it is new; nothing when it was not at the turn that was seen.
    pub async fn put_schedule(
        &self,
        plan: &ScheduleDefinition,
        next: Option<OffsetDateTime>,
        seen: Option<i64>,
        audit: &Audit,
    ) -> Result<Option<bool>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let ScheduleDefinition { name, state, timing, misfire_policy, overlap, jitter, target } = plan;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 19] = [
            &Uuid::now_v7(),
            name,
            &state.as_str(),
            &timing.expression().to_string(),
            &timing.zone().name(),
            &timing.anchor(),
            &misfire_policy.misfire.as_str(),
            &i32::try_from(misfire_policy.catch_up).unwrap_or(i32::MAX),
            &misfire_policy.grace.as_secs_f64(),
            &overlap.as_str(),
            &jitter.as_secs_f64(),
            &target.as_str(),
            &spec::write(target),
            &next,
            &seen,
            actor,
            reason,
            request_id,
            &tell,
        ];
        let Some(row) = self.row(&SCHEDULES_PUT, &params).await? else { return Ok(None) };
        self.wakeup.committed(tell);
        Reader { row, statement: SCHEDULES_PUT.name }.get("is_new").map(Some)
    }

    /// `schedules/remove`.
    pub async fn remove_schedule(
        &self,
        name: &str,
        version: Option<i64>,
        audit: &Audit,
    ) -> Result<Removed, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&SCHEDULES_REMOVE, &[&name, &version, actor, reason, request_id, &tell]).await?;
        let Some(row) = row else { return Ok(Removed::Missing) };
        let row = Reader { row, statement: SCHEDULES_REMOVE.name };
        if !row.get::<bool>("deleted")? {
            return Ok(Removed::Stale { version: row.get("previous_version")? });
        }
        self.wakeup.committed(tell);
        Ok(Removed::Yes)
    }

    /// `schedules/fire`: nothing when somebody else was first.
    pub async fn fire_schedule(
        &self,
        firing: &Firing<'_>,
        bounds: Bounds,
        audit: &Audit,
    ) -> Result<Option<Fired>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let starts: Vec<Wished> = firing.starts.iter().map(wished).collect();
        // Texts and numbers cannot fail to be JSON.
        let starts = serde_json::to_string(&starts).unwrap_or_else(|_| "[]".to_owned());
        let jobs = wishes(firing.starts.iter().filter_map(job), None, None);
        let missed = firing.missed;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 16] = [
            &firing.schedule,
            &firing.turn,
            &firing.cause.as_str(),
            &starts,
            &jobs,
            &missed.map(|it| it.first),
            &missed.map(|it| it.last),
            &missed.map(|it| i64::try_from(it.count).unwrap_or(i64::MAX)),
            &firing.why_missed,
            &firing.next,
            actor,
            reason,
            request_id,
            &bounds.deadline.as_secs_f64(),
            &i32::try_from(bounds.max_attempts).unwrap_or(i32::MAX),
            &tell,
        ];
        let Some(row) = self.row(&SCHEDULES_FIRE, &params).await? else { return Ok(None) };
        let row = Reader { row, statement: SCHEDULES_FIRE.name };
        let fired = Fired { started: row.get("started")?, left_out: row.get("skipped")? };
        if fired.started > 0 {
            self.wakeup.committed(tell);
        }
        Ok(Some(fired))
    }
}

fn wished(start: &ScheduledRun) -> Wished<'_> {
    let wished = Wished { due_at: moment::exact(start.due_at), ..Wished::default() };
    let job_id = Some(start.id);
    match &start.action {
        RunAction::Job(_) => Wished { job_id, ..wished },
        RunAction::CreateProject { project, name } => {
            Wished { job_id, project_id: Some(*project), name: Some(name), ..wished }
        }
        RunAction::ChangeProject { project } => Wished { job_id, project_id: Some(*project), ..wished },
        RunAction::Workflow(new) => {
            let steps = RawValue::from_string(wishes(&new.steps, None, None)).ok();
            Wished { workflow_id: Some(new.id), name: Some(&new.name), steps, ..wished }
        }
    }
}

fn job(start: &ScheduledRun) -> Option<&NewJob> {
    if let RunAction::Job(job) = &start.action { Some(job) } else { None }
}

fn plan(row: &Reader) -> Result<ScheduleDefinition, StoreError> {
    let (expression, zone): (String, String) = (row.get("expression")?, row.get("time_zone")?);
    let (target, spec): (String, String) = (row.get("target")?, row.get("spec")?);
    let timing = Timing::parse(&expression, &zone, row.get("anchor_at")?)
        .map_err(|_| StoreError::UnknownWord { what: "schedule", word: format!("{expression} {zone}") })?;
    let target = spec::read(&target, &spec).ok_or(StoreError::UnknownWord { what: "schedule target", word: target })?;
    let seconds = |column| row.get(column).map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
    Ok(ScheduleDefinition {
        name: row.get("name")?,
        state: row.word("state", "schedule state", ScheduleState::parse)?,
        timing,
        misfire_policy: MisfirePolicy {
            misfire: row.word("misfire", "misfire policy", Misfire::parse)?,
            catch_up: row.get::<i32>("catch_up")?.unsigned_abs(),
            grace: seconds("grace")?,
        },
        overlap: row.word("overlap", "overlap policy", Overlap::parse)?,
        jitter: seconds("jitter")?,
        target,
    })
}

fn schedule(row: &Reader) -> Result<Listed, StoreError> {
    let Ok(plan) = plan(row) else { return unreadable(row).map(|it| Err(Box::new(it))) };
    Ok(Ok(Schedule {
        id: row.get("id")?,
        plan,
        next_at: row.get("next_at")?,
        last_at: row.get("last_at")?,
        turn: row.get("revision")?,
        version: row.get("version")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        at: row.get("at")?,
    }))
}

fn unreadable(row: &Reader) -> Result<Unreadable, StoreError> {
    Ok(Unreadable {
        id: row.get("id")?,
        name: row.get("name")?,
        expression: row.get("expression")?,
        time_zone: row.get("time_zone")?,
        misfire: row.get("misfire")?,
        catch_up: row.get::<i32>("catch_up")?.unsigned_abs(),
        grace: row.get("grace")?,
        overlap: row.get("overlap")?,
        jitter: row.get("jitter")?,
        last_at: row.get("last_at")?,
        turn: row.get("revision")?,
        version: row.get("version")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        at: row.get("at")?,
    })
}
