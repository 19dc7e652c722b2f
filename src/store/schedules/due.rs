//! Schedules whose due time has passed.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::plan;
use crate::domain::schedule::ScheduleDefinition;
use crate::store::row::{FromRow, Row, row};
use crate::store::sql::SCHEDULES_DUE;
use crate::store::{Store, StoreError};

row! {
    /// A due schedule.
    #[derive(Debug)]
    pub struct DueSchedule {
        pub id: Uuid,
        pub name: String,
        pub revision: i64,
        pub next_at: OffsetDateTime,
        /// The plan, or why this version cannot read it.
        pub plan: Result<ScheduleDefinition, StoreError> = readable_plan,
    }
}

/// The due schedules, and when to query again.
#[derive(Debug)]
pub struct DueSchedules {
    pub due: Vec<DueSchedule>,
    /// The time of the database.
    pub at: OffsetDateTime,
    /// Time until the next schedule is due that is not due yet.
    pub rest: Option<Duration>,
}

impl Store {
    /// `schedules/due`: at most `limit` due schedules, except those in `without`.
    pub async fn due_schedules(&self, limit: i64, without: &[Uuid]) -> Result<DueSchedules, StoreError> {
        let mut schedules = DueSchedules { due: Vec::new(), at: OffsetDateTime::UNIX_EPOCH, rest: None };
        for row in &self.rows(&SCHEDULES_DUE, &[&limit, &without]).await? {
            schedules.at = row.get("at")?;
            let rest: Option<f64> = row.get("next_in")?;
            schedules.rest = rest.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
            // Without due schedules, the statement returns one row whose other columns are null.
            if row.get::<Option<Uuid>>("id")?.is_some() {
                schedules.due.push(DueSchedule::from_row(row)?);
            }
        }
        Ok(schedules)
    }
}

fn readable_plan(row: &Row) -> Result<Result<ScheduleDefinition, StoreError>, StoreError> {
    Ok(plan(row))
}
