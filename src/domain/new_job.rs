//! What somebody wants done, checked.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::ident::Ident;
use super::retry::Backoff;
use super::workflow::{Dependency, Step};

/// The priority of whoever names none. 9 is served first, 0 last.
pub const USUAL_PRIORITY: i16 = 5;
/// How many failures a job may have that names no number, where no setting does either.
const USUAL_ATTEMPTS: u32 = 3;
/// The highest priority.
pub const TOP_PRIORITY: i16 = 9;

/// A job before it exists.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: Uuid,
    pub kind: Ident,
    pub queue: Ident,
    pub tenant: Ident,
    pub tags: Vec<String>,
    pub priority: i16,
    /// JSON text, kept byte for byte.
    pub payload: String,
    pub due: Due,
    pub max_attempts: u32,
    /// How long one execution may take.
    pub timeout: Option<Duration>,
    /// When the whole job is given up.
    pub deadline_at: Option<OffsetDateTime>,
    pub backoff: Option<Backoff>,
    pub schema_version: Option<i32>,
    pub key: Option<JobKey>,
    /// What has to end before it may be claimed.
    pub dependencies: Vec<Dependency>,
    /// Its place in a workflow.
    pub step: Option<Step>,
}

impl NewJob {
    /// A job of this kind with a fresh id, now, and all the rest as for whoever says nothing.
    pub fn new(kind: Ident) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind,
            queue: Ident::default(),
            tenant: Ident::default(),
            tags: Vec::new(),
            priority: USUAL_PRIORITY,
            payload: "{}".to_owned(),
            due: Due::Now,
            max_attempts: USUAL_ATTEMPTS,
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

/// When a job may first be claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Due {
    Now,
    /// So long after it was enqueued, by the database's clock.
    In(Duration),
    /// At this moment; a moment that has passed means now.
    At(OffsetDateTime),
}

impl Due {
    /// How long after it was enqueued, where that is how it was said.
    pub fn delay(self) -> Option<Duration> {
        if let Self::In(delay) = self { Some(delay) } else { None }
    }
}

/// The name of a job that may be asked for twice.
#[derive(Clone, Debug)]
pub struct JobKey {
    pub key: String,
    /// What else was said; the same key with other words is a mistake.
    pub hash: String,
    /// How long the key is remembered.
    pub window: Duration,
}

/// How long a key is remembered unless somebody says otherwise.
pub const USUAL_WINDOW: Duration = Duration::from_secs(15 * 60);
