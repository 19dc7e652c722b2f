//! Reads rows. [`row!`] declares a struct together with the way it is read; [`Column`] says how each type is read from a
//! column. A value that cannot be read is an error that names the statement and the column, never a panic.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::row::RowIndex;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use super::StoreError;
use crate::domain::schedule::{Cause, Misfire, Overlap, ScheduleState, TickOutcome};
use crate::domain::{
    Backoff, FindingKind, JobState, LimitMode, LimitScope, OperationKind, Policy, ProjectStatus, QueueState, StepState,
    WorkerState, WorkflowState,
};

/// A row of a statement's result.
pub(super) struct Row {
    row: tokio_postgres::Row,
    statement: &'static str,
}

/// A value that is read from a whole row.
pub(super) trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

/// A value that is read from one column.
pub(super) trait Column: Sized {
    fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError>;
}

/// Declares structs that are read from a row, each field from the column of its name:
///
/// ```text
/// row! {
///     #[derive(Debug)]
///     pub struct Worker {
///         pub id: String,
///         pub age: Duration as "silent",       // from another column
///         pub lease: Lease = Lease::from_row,  // by a function of the row
///     }
/// }
/// ```
macro_rules! row {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty $(as $column:literal)? $(= $read:expr)?),+ $(,)?
        }
    )+) => {$(
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type),+
        }

        impl $crate::store::row::FromRow for $name {
            fn from_row(row: &$crate::store::row::Row) -> Result<Self, $crate::store::StoreError> {
                Ok(Self { $($field: $crate::store::row::row!(@read row, $field $(as $column)? $(= $read)?)),+ })
            }
        }
    )+};
    (@read $row:ident, $field:ident) => { $row.get(stringify!($field))? };
    (@read $row:ident, $field:ident as $column:literal) => { $row.get($column)? };
    (@read $row:ident, $field:ident = $read:expr) => { $read($row)? };
}
pub(super) use row;

impl Row {
    pub fn new(row: tokio_postgres::Row, statement: &'static str) -> Self {
        Self { row, statement }
    }

    /// The value of a column.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        T::read(self, column)
    }

    /// The value of the column at a position, counted from 0.
    pub fn at<T: Column>(&self, position: usize) -> Result<T, StoreError> {
        T::read(self, position)
    }

    fn sql<T: FromSqlOwned>(&self, column: impl RowIndex + Display) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|source| StoreError::Broken { statement: self.statement, source })
    }
}

impl<A: Column, B: Column> FromRow for (A, B) {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok((row.at(0)?, row.at(1)?))
    }
}

/// Types that the driver reads.
macro_rules! scalars {
    ($($type:ty),+) => {$(
        impl Column for $type {
            fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
                row.sql(column)
            }
        }
    )+};
}

scalars!(bool, i16, i32, i64, f64, String, Uuid, OffsetDateTime, Vec<String>, Vec<u8>);
scalars!(Option<bool>, Option<i32>, Option<i64>, Option<f64>, Option<String>, Option<Uuid>, Option<OffsetDateTime>);

/// Domain enums that are stored as text.
macro_rules! text_enums {
    ($($type:ident = $name:literal),+ $(,)?) => {$(
        impl Column for $type {
            fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
                parse_value(row.sql(column)?, $name, $type::parse)
            }
        }

        impl Column for Option<$type> {
            fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
                let value: Option<String> = row.sql(column)?;
                value.map(|value| parse_value(value, $name, $type::parse)).transpose()
            }
        }
    )+};
}

text_enums! {
    Cause = "tick cause",
    FindingKind = "kind of finding",
    JobState = "job state",
    LimitMode = "limit mode",
    LimitScope = "limit scope",
    Misfire = "misfire policy",
    Overlap = "overlap policy",
    Policy = "dependency policy",
    OperationKind = "operation",
    ProjectStatus = "project status",
    StepState = "step state",
    QueueState = "queue state",
    ScheduleState = "schedule state",
    TickOutcome = "tick outcome",
    WorkerState = "worker state",
    WorkflowState = "workflow state",
}

fn parse_value<T>(value: String, what: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(&value).ok_or(StoreError::UnknownValue { what, value })
}

/// A number of seconds; a negative number is read as zero.
impl Column for Duration {
    fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
        Ok(Self::try_from_secs_f64(row.sql(column)?).unwrap_or_default())
    }
}

/// A number of seconds; an invalid duration is read as `None`.
impl Column for Option<Duration> {
    fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
        let seconds: Option<f64> = row.sql(column)?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }
}

/// Text that is not a valid policy is read as `None`: an application may write it through SQL, and a retry by the default
/// policy is better than no retry.
impl Column for Option<Backoff> {
    fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
        let text: Option<String> = row.sql(column)?;
        Ok(text.as_deref().and_then(Backoff::parse))
    }
}

/// A JSON object of strings.
impl Column for BTreeMap<String, String> {
    fn read(row: &Row, column: impl RowIndex + Display) -> Result<Self, StoreError> {
        let value: String = row.sql(column)?;
        serde_json::from_str(&value).map_err(|_| StoreError::UnknownValue { what: "JSON object of strings", value })
    }
}
