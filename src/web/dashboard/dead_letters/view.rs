//! Jobs that gave up: by error, one by one, and the page that replays one with another payload.

use crate::web::dashboard::ui::{Bulk, Choice, FieldError, Link, Pages, Shell, Stamp, first_line, has_more};
use askama::Template;

/// `GET /dashboard/dead-letters`.
#[derive(Debug, Clone, Template)]
#[template(path = "dead_letters/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct DeadLettersPage {
    /// The shell.
    pub shell: Shell,
    /// How many there are in all, in words.
    pub total: String,
    /// What the list is narrowed to.
    pub filter: DeadFilter,
    /// By error and kind, most frequent first.
    pub groups: Vec<DeadGroup>,
    /// One page of the list, latest first.
    pub rows: Vec<DeadRow>,
    /// Where it stands in the whole list.
    pub pages: Pages,
    /// What can be done with many at once.
    pub bulk: Bulk,
    /// The kinds that the fields suggest.
    pub kinds: Vec<String>,
    /// The queues that the fields suggest.
    pub queues: Vec<String>,
}

/// What the list is narrowed to; every field is a parameter of the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// The kind, possibly empty.
    pub kind: String,
    /// The queue, possibly empty.
    pub queue: String,
    /// A part of the error, possibly empty.
    pub error: String,
    /// The exact URL of this list with its query, so that an action returns to it.
    pub here: String,
}

impl DeadFilter {
    /// Whether anything narrows the list.
    pub fn is_active(&self) -> bool {
        [&self.kind, &self.queue, &self.error].iter().any(|value| !value.is_empty())
    }
}

/// Dead letters of one kind with one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadGroup {
    /// The error, exactly as it is grouped by; a POST sends it back.
    pub error: String,
    /// The kind.
    pub kind: String,
    /// How many, in words.
    pub count: String,
    /// Its share of all of them, 0 to 100.
    pub percent: u32,
    /// When the first one died.
    pub first: Stamp,
    /// When the latest one died.
    pub last: Stamp,
    /// The list narrowed to this group.
    pub href: String,
}

impl DeadGroup {
    /// The first line of the error.
    pub fn error_line(&self) -> &str {
        first_line(&self.error)
    }
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadRow {
    /// The whole id of the job.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its kind.
    pub kind: String,
    /// Its last error, in full; the table shows the first line and unfolds the rest.
    pub error: String,
    /// What was spent ("5 of 5").
    pub failures: String,
    /// How often it was replayed before ("replayed twice before"), if ever.
    pub replays: Option<String>,
    /// When it died.
    pub died: Stamp,
    /// Its queue.
    pub queue: Link,
    /// Its tenant; `None` for the usual one.
    pub tenant: Option<String>,
    /// The page of the project that it worked on: that is what can be retried then.
    pub project: Option<String>,
}

impl DeadRow {
    /// The first line of the error.
    pub fn error_line(&self) -> &str {
        first_line(&self.error)
    }

    /// The whole error, if there is more than one line of it.
    pub fn error_more(&self) -> Option<&str> {
        Some(self.error.as_str()).filter(|text| has_more(text))
    }
}

/// `GET` and `POST /dashboard/dead-letters/{id}/replay`.
#[derive(Debug, Clone, Template)]
#[template(path = "dead_letters/replay.html", blocks = ["main"], whitespace = "minimize")]
pub struct ReplayPage {
    /// The shell, with `live` false.
    pub shell: Shell,
    /// The whole id of the job.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its kind.
    pub kind: String,
    /// Its last error.
    pub error: String,
    /// What was spent ("5 of 5").
    pub failures: String,
    /// When it died.
    pub died: Stamp,
    /// The payload as it was, byte for byte.
    pub original: String,
    /// The payload as it shall be: at first the original.
    pub payload: String,
    /// The queue as it shall be.
    pub queue: String,
    /// The queues that the field suggests.
    pub queues: Vec<String>,
    /// The priorities to choose from.
    pub priorities: Vec<Choice>,
    /// How many others have this error, with the words ("the other 20 with this error"); `None` if there are none.
    pub others: Option<String>,
    /// Whether they shall be replayed too.
    pub with_others: bool,
    /// The reason typed before, kept.
    pub reason: String,
    /// Why it cannot be replayed now; then there is no form.
    pub blocked: Option<String>,
    /// What was wrong, by field: `payload`, `queue`, `priority` or `reason`.
    pub errors: Vec<FieldError>,
}

impl ReplayPage {
    /// What is wrong with `field`.
    pub fn wrong(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}
