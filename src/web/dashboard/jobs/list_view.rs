//! The list of jobs, with the form that enqueues one.

use crate::domain::JobState;
use crate::web::dashboard::ui::{Bulk, FieldError, Link, Pages, Shell, Stamp, StateBadge, Tab, retry_label};
use askama::Template;

/// `GET` and `POST /dashboard/jobs`.
#[derive(Debug, Clone, Template)]
#[template(path = "jobs/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct JobsPage {
    /// The shell.
    pub shell: Shell,
    /// All, and then one for each state.
    pub tabs: Vec<Tab>,
    /// What the list is narrowed to.
    pub filter: JobFilter,
    /// The form that enqueues a job. After a refused POST it carries the errors and what was typed, and is open.
    pub enqueue: EnqueueForm,
    /// The kinds that the fields suggest.
    pub kinds: Vec<String>,
    /// The queues that the fields suggest.
    pub queues: Vec<String>,
    /// One page of the list, newest first.
    pub rows: Vec<JobRow>,
    /// Where it stands in the whole list.
    pub pages: Pages,
    /// What can be done with many at once.
    pub bulk: Bulk,
    /// Whether any job of this list can be retried; offers Retry for many.
    pub can_retry: bool,
    /// Whether any job of this list can be canceled; offers Cancel for many.
    pub can_cancel: bool,
    /// For a list emptied by its filter: what does exist, as in "412 jobs in other states".
    pub exists: String,
    /// For an installation never used: the `curl` line that enqueues a job here.
    pub curl: String,
}

/// What the list is narrowed to; every field is a parameter of the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// The state chosen, `None` for all.
    pub state: Option<JobState>,
    /// The kind, possibly empty.
    pub kind: String,
    /// The queue, possibly empty.
    pub queue: String,
    /// The tenant, possibly empty.
    pub tenant: String,
    /// The tag, possibly empty.
    pub tag: String,
    /// The beginning of an id, possibly empty.
    pub search: String,
    /// The exact URL of this list with its query, so that an action returns to it.
    pub here: String,
}

impl JobFilter {
    /// Whether anything narrows the list.
    pub fn is_active(&self) -> bool {
        self.state.is_some() || self.has_words()
    }

    /// Whether the fields narrow the list.
    pub fn has_words(&self) -> bool {
        !self.words().is_empty()
    }

    /// What narrows the list besides the state, for the sentence of an empty list: which field, and its value.
    pub fn words(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("kind", &self.kind),
            ("queue", &self.queue),
            ("tenant", &self.tenant),
            ("tag", &self.tag),
            ("id", &self.search),
        ];
        fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(field, value)| (field, value.as_str()))
            .collect()
    }
}

/// The form that enqueues a job, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnqueueForm {
    /// The kind.
    pub kind: String,
    /// The queue; empty for the usual one.
    pub queue: String,
    /// The payload, exactly as typed.
    pub payload: String,
    /// 0 to 9, as text because a refused value is shown again.
    pub priority: String,
    /// Seconds from now, or a moment; empty for at once.
    pub delay: String,
    /// Fresh for every document; empty for a live fragment, whose `ETag` must not depend on dice.
    pub idempotency_key: String,
    /// What was wrong, by field: `kind`, `queue`, `payload`, `priority` or `delay`.
    pub errors: Vec<FieldError>,
}

impl EnqueueForm {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

/// One job in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// The whole id.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// Under the badge, in plain words: the error, or why it waits ("no worker serves this queue").
    pub note: Option<String>,
    /// Since when it runs; shown as a ticking elapsed time.
    pub running_since: Option<Stamp>,
    /// Its queue.
    pub queue: Link,
    /// Its tenant; `None` for the usual one, which goes without saying.
    pub tenant: Option<String>,
    /// "1 of 5"; "–" before the first.
    pub attempt: String,
    /// Who holds it or held it last.
    pub worker: Option<Link>,
    /// When it was created.
    pub created: Stamp,
    /// When it becomes due, if that is still to come.
    pub due: Option<Stamp>,
    /// When it ended, if it did.
    pub finished: Option<Stamp>,
    /// Offers to have it worked on again, or at once.
    pub can_retry: bool,
    /// Offers Cancel.
    pub can_cancel: bool,
}

impl JobRow {
    pub fn retry_label(&self) -> Option<&'static str> {
        retry_label(self.state)
    }
}
