//! A job to enqueue.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::ident::Ident;
use super::retry::Backoff;
use super::workflow::{Dependency, Step};

/// The default priority. 9 is claimed first, 0 last.
pub const DEFAULT_PRIORITY: i16 = 5;
/// The default of `max_attempts` when neither the job nor a setting has one.
const DEFAULT_MAX_ATTEMPTS: u32 = 3;
pub const MAX_PRIORITY: i16 = 9;

/// A validated job that is not in the database yet.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: Uuid,
    pub kind: Ident,
    pub queue: Ident,
    pub tenant: Ident,
    pub tags: Vec<String>,
    pub priority: i16,
    /// JSON text, stored byte for byte.
    pub payload: String,
    pub due: Due,
    pub max_attempts: u32,
    /// The maximum duration of one attempt.
    pub timeout: Option<Duration>,
    /// When the job fails, whatever its state.
    pub deadline_at: Option<OffsetDateTime>,
    pub backoff: Option<Backoff>,
    pub schema_version: Option<i32>,
    pub key: Option<JobKey>,
    pub dependencies: Vec<Dependency>,
    /// The step that this job is, when it belongs to a workflow.
    pub step: Option<Step>,
}

impl NewJob {
    /// A job of this kind with a new id and default values, due now.
    pub fn new(kind: Ident) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind,
            queue: Ident::default(),
            tenant: Ident::default(),
            tags: Vec::new(),
            priority: DEFAULT_PRIORITY,
            payload: "{}".to_owned(),
            due: Due::Now,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            timeout: None,
            deadline_at: None,
            backoff: None,
            schema_version: None,
            key: None,
            dependencies: Vec::new(),
            step: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Due {
    Now,
    /// After this delay from its enqueueing, by the clock of the database.
    In(Duration),
    /// At this time; a time in the past means now.
    At(OffsetDateTime),
}

impl Due {
    /// The delay of `In`.
    pub fn delay(self) -> Option<Duration> {
        if let Self::In(delay) = self { Some(delay) } else { None }
    }
}

/// An idempotency key: the same key creates one job.
#[derive(Clone, Debug)]
pub struct JobKey {
    pub key: String,
    /// A hash of the request. The same key with another hash is a conflict.
    pub hash: String,
    /// How long the key is remembered.
    pub window: Duration,
}

/// The default of `window`.
pub const DEFAULT_KEY_WINDOW: Duration = Duration::from_secs(15 * 60);
