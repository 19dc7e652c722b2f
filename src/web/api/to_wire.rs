//! Converts rows of the store to JSON types.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::schedule::{Cause, Misfire, Overlap, ScheduleState, TickOutcome};
use crate::domain::{
    Backoff, JobState, LimitMode, LimitScope, Policy, Progress, ProjectStatus, QueueState, WorkerState, WorkflowState,
};
use crate::wire;
use crate::wire::json::raw;

/// A value of a row as JSON shows it.
pub trait ToWire<W> {
    fn to_wire(self) -> W;
}

/// Implements `From<row> for wire type`. First come the fields that have the same name on both sides, then, after a
/// semicolon, those that differ. Every value goes through [`ToWire`].
///
/// ```text
/// to_wire! { |row: Queue| -> wire::Queue {
///     name, state, reason;
///     oldest_waiting_at: row.oldest_due_at,
/// } }
/// ```
macro_rules! to_wire {
    (|$row:ident: $from:ty| -> $to:ty {
        $($same:ident),+ $(,)? $(; $($field:ident: $value:expr),+ $(,)?)?
    }) => {
        impl From<$from> for $to {
            fn from($row: $from) -> Self {
                #[allow(unused_imports)]
                use $crate::web::api::to_wire::ToWire as _;
                Self {
                    // First, because these may borrow the row.
                    $($($field: ($value).to_wire(),)+)?
                    $($same: $row.$same.to_wire()),+
                }
            }
        }
    };
}
pub(crate) use to_wire;

/// Types that JSON shows as they are.
macro_rules! same {
    ($($type:ty),+) => {$(
        impl ToWire<$type> for $type {
            fn to_wire(self) -> $type {
                self
            }
        }
    )+};
}

same!(bool, i16, i32, i64, u32, u64, f64, String, Uuid, OffsetDateTime, Box<RawValue>, BTreeMap<String, String>);

/// Types of the domain that JSON shows as words.
macro_rules! words {
    ($($type:ty),+) => {$(
        impl ToWire<String> for $type {
            fn to_wire(self) -> String {
                self.to_string()
            }
        }
    )+};
}

words!(JobState, ProjectStatus, WorkflowState, QueueState, WorkerState, ScheduleState, TickOutcome);
words!(Cause, LimitMode, LimitScope, Misfire, Overlap, Policy);

impl<W, T: ToWire<W>> ToWire<Option<W>> for Option<T> {
    fn to_wire(self) -> Option<W> {
        self.map(T::to_wire)
    }
}

impl<W, T: ToWire<W>> ToWire<Vec<W>> for Vec<T> {
    fn to_wire(self) -> Vec<W> {
        self.into_iter().map(T::to_wire).collect()
    }
}

/// Seconds.
impl ToWire<f64> for Duration {
    fn to_wire(self) -> f64 {
        self.as_secs_f64()
    }
}

/// JSON text, byte for byte.
impl ToWire<Box<RawValue>> for String {
    fn to_wire(self) -> Box<RawValue> {
        raw(self)
    }
}

impl ToWire<wire::internal::Progress> for Progress {
    fn to_wire(self) -> wire::internal::Progress {
        wire::internal::Progress { fraction: self.fraction, text: self.text }
    }
}

impl ToWire<wire::BackoffPolicy> for Backoff {
    fn to_wire(self) -> wire::BackoffPolicy {
        wire::BackoffPolicy {
            strategy: self.strategy.to_string(),
            base_s: self.base.as_secs_f64(),
            max_s: self.max.as_secs_f64(),
            jitter: self.jitter,
        }
    }
}
