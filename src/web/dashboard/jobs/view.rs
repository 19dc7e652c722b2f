//! The templates of the job pages. Their rows are the stored ones; see `format` for the display forms.

use askama::Template;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::{Execution, Filter, Job};
use crate::store::logs::LogLine;
use crate::store::workflows::Node;
use crate::web::ui::{
    AsShortId, AsStamp, Badge, Bulk, CurlLine, FieldError, JobLink, Link, Pages, Shell, StateBadge, Tab, TimelineEntry,
    retry_label,
};

/// `GET` and `POST /dashboard/jobs`.
#[derive(Debug, Template)]
#[template(path = "jobs/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct JobsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub filter: Filter,
    /// The URL of this list, to return to.
    pub here: String,
    pub enqueue: EnqueueForm,
    /// Suggestions for the kind and queue fields.
    pub kinds: Vec<String>,
    pub queues: Vec<String>,
    pub rows: Vec<JobRow>,
    pub pages: Pages,
    pub bulk: Bulk,
    /// Whether the list may contain jobs that can be retried or canceled.
    pub can_retry: bool,
    pub can_cancel: bool,
    /// How many jobs there are without the filter ("412 jobs").
    pub total: String,
    /// The command that enqueues a first job.
    pub curl: String,
}

#[derive(Debug)]
pub struct JobRow {
    pub job: Job,
    /// The error, or why the job waits.
    pub note: Option<String>,
    pub verbs: Vec<&'static str>,
    /// When the job becomes due, if that is in the future.
    pub due: Option<OffsetDateTime>,
}

impl JobRow {
    /// The label of the retry button.
    pub fn retry(&self) -> Option<&'static str> {
        retry_label(self.job.state).filter(|_| self.verbs.contains(&"retry"))
    }

    pub fn can_cancel(&self) -> bool {
        self.verbs.contains(&"cancel") && self.job.cancel_requested_at.is_none()
    }
}

/// The enqueue form as typed.
#[derive(Debug, Clone, Default)]
pub struct EnqueueForm {
    pub kind: String,
    pub queue: String,
    pub payload: String,
    pub priority: String,
    pub delay: String,
    /// New for every document. Empty in a live fragment, because a random value would change its `ETag`.
    pub idempotency_key: String,
    pub errors: Vec<FieldError>,
}

impl EnqueueForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

/// `GET /dashboard/jobs/{id}`.
#[derive(Debug, Template)]
#[template(path = "jobs/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct JobPage {
    pub shell: Shell,
    pub job: Job,
    /// The API verbs that are possible now.
    pub verbs: Vec<&'static str>,
    /// The priority form after a rejected POST: the typed value and the error.
    pub priority: Option<(String, String)>,
    pub callout: Callout,
    /// Oldest first.
    pub timeline: Vec<TimelineEntry>,
    pub timeline_truncated: bool,
    /// How the job came from another one ("Copy of"), and that job.
    pub origin: Option<(&'static str, JobLink)>,
    /// The step name and the workflow.
    pub step: Option<(String, Link)>,
    pub dependencies: Relations,
    pub dependents: Relations,
    /// Jobs that this one enqueued, and copies of it.
    pub followers: Vec<Job>,
    /// Newest first.
    pub executions: Vec<Execution>,
    /// Lines of the latest attempt, oldest first.
    pub logs: Vec<LogLine>,
    /// The command that enqueues the same job.
    pub curl: String,
    pub curls: Vec<CurlLine>,
}

impl JobPage {
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }

    pub fn can_cancel(&self) -> bool {
        self.can("cancel") && self.job.cancel_requested_at.is_none()
    }

    /// The label of the retry button.
    pub fn retry(&self) -> Option<&'static str> {
        retry_label(self.job.state).filter(|_| self.can("retry"))
    }

    pub fn priority_value(&self) -> String {
        self.priority.as_ref().map_or_else(|| self.job.priority.to_string(), |(typed, _)| typed.clone())
    }

    pub fn priority_error(&self) -> Option<&str> {
        self.priority.as_ref().map(|(_, error)| error.as_str())
    }
}

/// What the job is doing now.
#[derive(Debug)]
pub enum Callout {
    Waiting(Waiting),
    Running(Running),
    Failed {
        advice: &'static str,
    },
    Completed {
        /// The duration of the last attempt.
        took: Option<String>,
    },
    Canceled {
        /// The dependency that caused the cancellation.
        cause: Option<Link>,
    },
}

/// Why a job waits.
#[derive(Debug)]
pub struct Waiting {
    pub since: OffsetDateTime,
    pub headline: String,
    /// What happens next, and the page where it can be changed.
    pub hint: Option<(&'static str, Link)>,
    /// Whether the job waits until an operator acts.
    pub stuck: bool,
    /// The command that fixes it.
    pub command: Option<String>,
    pub due: Option<OffsetDateTime>,
}

/// The current attempt.
#[derive(Debug)]
pub struct Running {
    pub since: OffsetDateTime,
    /// The median duration of jobs of this kind.
    pub usual: Option<String>,
    /// Slower than the 95th percentile.
    pub slow: bool,
    pub times_out_at: Option<OffsetDateTime>,
    pub cancel_reason: Option<String>,
    /// When a canceled job loses its lease.
    pub revoked_at: Option<OffsetDateTime>,
}

/// The dependencies or dependents of a job.
#[derive(Debug, Default)]
pub struct Relations {
    pub rows: Vec<Relation>,
    /// How many are not shown, as a sentence.
    pub more: Option<String>,
}

#[derive(Debug)]
pub struct Relation {
    pub id: Uuid,
    /// `None` if the job has been deleted.
    pub node: Option<Node>,
    pub policy: &'static str,
    /// Whether this dependency is met.
    pub met: Badge,
}
