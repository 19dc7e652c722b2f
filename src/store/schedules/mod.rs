//! Schedules. Every statement that changes a schedule names the revision that its caller read, so of several concurrent
//! callers exactly one succeeds.

mod due;
mod fire;
mod spec;
mod ticks;

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::row::{FromRow, Row, row};
use super::sql::{SCHEDULES_LIST, SCHEDULES_NOW, SCHEDULES_PUT, SCHEDULES_REMOVE};
use super::{Audit, Store, StoreError};
use crate::domain::schedule::{MisfirePolicy, ScheduleDefinition, Timing};

pub use due::{DueSchedule, DueSchedules};
pub use fire::{Fired, Firing};
pub use ticks::{Tick, TickJob, TickWorkflow};

row! {
    /// A row of `schedules`.
    #[derive(Clone, Debug)]
    pub struct Schedule {
        pub id: Uuid,
        pub plan: ScheduleDefinition = plan,
        /// The earliest due time without a tick.
        pub next_at: Option<OffsetDateTime>,
        /// The due time of the latest start.
        pub last_at: Option<OffsetDateTime>,
        /// Increases with every change, including every tick.
        pub revision: i64,
        /// Increases with every edit.
        pub version: i64,
        pub reason: Option<String>,
        pub actor: String,
        pub created_at: OffsetDateTime,
        pub updated_at: OffsetDateTime,
        /// The time of the database when the row was read.
        pub at: OffsetDateTime,
    }

    /// A row of `schedules` whose plan this version cannot read.
    #[derive(Debug)]
    pub struct InvalidSchedule {
        pub id: Uuid,
        pub name: String,
        pub expression: String,
        pub time_zone: String,
        pub misfire: String,
        pub catch_up: u32 = catch_up,
        /// Seconds.
        pub grace: f64,
        pub overlap: String,
        /// Seconds.
        pub jitter: f64,
        pub last_at: Option<OffsetDateTime>,
        pub revision: i64,
        pub version: i64,
        pub reason: Option<String>,
        pub actor: String,
        pub created_at: OffsetDateTime,
        pub updated_at: OffsetDateTime,
        /// The time of the database when the row was read.
        pub at: OffsetDateTime,
    }
}

/// A listed schedule. One that cannot be read does not hide the others.
pub type ParsedSchedule = Result<Schedule, Box<InvalidSchedule>>;

/// The outcome of removing a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveOutcome {
    Removed,
    /// The schedule changed after the caller read it.
    Stale {
        version: i64,
    },
    Missing,
}

impl Store {
    /// `schedules/list`: every schedule, or the one with this name.
    pub async fn list_schedules(&self, name: Option<&str>) -> Result<Vec<ParsedSchedule>, StoreError> {
        self.fetch_all(&SCHEDULES_LIST, &[&name]).await
    }

    /// `schedules/now`: the time of the database, by which schedules are due.
    pub async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        self.fetch_value(&SCHEDULES_NOW, &[]).await
    }

    /// `schedules/put`: returns whether the schedule is new, or none if its revision is not `revision`.
    pub async fn put_schedule(
        &self,
        plan: &ScheduleDefinition,
        next: Option<OffsetDateTime>,
        revision: Option<i64>,
        audit: &Audit,
    ) -> Result<Option<bool>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let ScheduleDefinition { name, state, timing, misfire_policy, overlap, jitter, target } = plan;
        let notify = self.wakeup.may_notify();
        let params: [&(dyn ToSql + Sync); 19] = [
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
            &revision,
            actor,
            reason,
            request_id,
            &notify,
        ];
        let is_new = self.fetch_optional_value(&SCHEDULES_PUT, &params).await?;
        Ok(self.committed(notify, is_new))
    }

    /// `schedules/remove`.
    pub async fn remove_schedule(
        &self,
        name: &str,
        versions: Option<&[i64]>,
        audit: &Audit,
    ) -> Result<RemoveOutcome, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let notify = self.wakeup.may_notify();
        let row = self.row(&SCHEDULES_REMOVE, &[&name, &versions, actor, reason, request_id, &notify]).await?;
        let Some(row) = row else { return Ok(RemoveOutcome::Missing) };
        if !row.get::<bool>("deleted")? {
            return Ok(RemoveOutcome::Stale { version: row.get("previous_version")? });
        }
        self.wakeup.committed(notify);
        Ok(RemoveOutcome::Removed)
    }
}

impl FromRow for ParsedSchedule {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        match plan(row) {
            Ok(_) => Schedule::from_row(row).map(Ok),
            Err(_) => InvalidSchedule::from_row(row).map(|it| Err(Box::new(it))),
        }
    }
}

fn plan(row: &Row) -> Result<ScheduleDefinition, StoreError> {
    let (expression, zone): (String, String) = (row.get("expression")?, row.get("time_zone")?);
    let (target, spec): (String, String) = (row.get("target")?, row.get("spec")?);
    let timing = Timing::parse(&expression, &zone, row.get("anchor_at")?)
        .map_err(|_| StoreError::UnknownValue { what: "schedule", value: format!("{expression} {zone}") })?;
    let target =
        spec::read(&target, &spec).ok_or(StoreError::UnknownValue { what: "schedule target", value: target })?;
    Ok(ScheduleDefinition {
        name: row.get("name")?,
        state: row.get("state")?,
        timing,
        misfire_policy: MisfirePolicy {
            misfire: row.get("misfire")?,
            catch_up: catch_up(row)?,
            grace: row.get("grace")?,
        },
        overlap: row.get("overlap")?,
        jitter: row.get::<Duration>("jitter")?,
        target,
    })
}

fn catch_up(row: &Row) -> Result<u32, StoreError> {
    Ok(row.get::<i32>("catch_up")?.unsigned_abs())
}
