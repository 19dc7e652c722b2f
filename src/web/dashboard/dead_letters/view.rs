//! The templates of the dead letter pages.

use askama::Template;

use crate::store::dead_letters::DeadLetterGroup;
use crate::store::jobs::{Filter, Job};
use crate::web::ui::{AsShortId, AsStamp, Bulk, Choice, FieldError, Pages, Shell, count, first_line};

/// `GET /dashboard/dead-letters`.
#[derive(Debug, Template)]
#[template(path = "dead_letters/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct DeadLettersPage {
    pub shell: Shell,
    pub total: String,
    pub filter: Filter,
    /// Most frequent first.
    pub groups: Vec<ErrorGroup>,
    /// Latest first.
    pub rows: Vec<Job>,
    pub pages: Pages,
    pub bulk: Bulk,
    /// Suggestions for the kind and queue fields.
    pub kinds: Vec<String>,
    pub queues: Vec<String>,
}

/// Dead letters of one kind with the same error.
#[derive(Debug)]
pub struct ErrorGroup {
    pub group: DeadLetterGroup,
    /// The share of all dead letters.
    pub percent: i64,
    /// The list narrowed to this group.
    pub href: String,
}

impl DeadLetterGroup {
    pub fn error_line(&self) -> &str {
        first_line(&self.error)
    }

    pub fn count(&self) -> String {
        count(self.n)
    }
}

/// `GET` and `POST /dashboard/dead-letters/{id}/replay`.
#[derive(Debug, Template)]
#[template(path = "dead_letters/replay.html", blocks = ["main"], whitespace = "minimize")]
pub struct ReplayPage {
    pub shell: Shell,
    pub job: Job,
    /// The form as typed; at first the values of the job.
    pub form: ReplayForm,
    /// Suggestions for the queue field.
    pub queues: Vec<String>,
    pub priorities: Vec<Choice>,
    /// How many other dead letters have the same error; `None` for none.
    pub others: Option<String>,
    /// Why the job cannot be replayed now; then there is no form.
    pub blocked: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ReplayForm {
    pub payload: String,
    pub queue: String,
    pub priority: String,
    /// Whether to replay the others, too.
    pub with_others: bool,
    pub reason: String,
    pub errors: Vec<FieldError>,
}

impl ReplayForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}
