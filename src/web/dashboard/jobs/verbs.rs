//! The actions on many jobs, as a table: names, states they apply to, consequences and effects.

use crate::domain::new_job::MAX_PRIORITY;
use crate::domain::{Ident, JobState};
use crate::store::jobs::Edit;
use crate::web::api::jobs::selection;
use crate::web::api::jobs::selection::Selection;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::dashboard::jobs::format::{PAGE, priorities};
use crate::web::error::ApiError;
use crate::web::ui::{ConfirmField, Form, Nav, duration, plural};
use crate::wire::BulkOutcome;

/// The list that an action belongs to.
pub struct List {
    pub nav: Nav,
    pub title: &'static str,
    pub page: &'static str,
    pub verbs: &'static [Verb],
}

pub const JOBS: List = List { nav: Nav::Jobs, title: "Jobs", page: PAGE, verbs: &[CANCEL, RETRY] };

pub const DEAD_LETTERS: List =
    List { nav: Nav::DeadLetters, title: "Dead letters", page: "/dashboard/dead-letters", verbs: &[REPLAY, DELETE] };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Cancel,
    Retry,
    Replay,
    Delete,
}

#[derive(Debug)]
pub struct Verb {
    action: Action,
    /// The value of the button.
    pub name: &'static str,
    pub label: &'static str,
    /// The flash message.
    pub done: &'static str,
    pub icon: &'static str,
    pub destructive: bool,
    pub states: &'static [JobState],
    pub kept: &'static str,
}

pub const CANCEL: Verb = Verb {
    action: Action::Cancel,
    name: "cancel",
    label: "Cancel",
    done: "all-canceled",
    icon: "ban",
    destructive: true,
    states: CANCELABLE,
    kept: "The job records, with payload, events and attempts. You can run canceled jobs again as copies.",
};

const RETRY: Verb = Verb {
    action: Action::Retry,
    name: "retry",
    label: "Retry",
    done: "all-retried",
    icon: "retry",
    destructive: false,
    states: RETRYABLE,
    kept: "Job IDs and history. Jobs of projects are skipped; retry the project instead.",
};

const REPLAY: Verb = Verb {
    action: Action::Replay,
    name: "replay",
    label: "Replay",
    done: "all-replayed",
    states: &[JobState::Failed],
    ..RETRY
};

pub const DELETE: Verb = Verb {
    action: Action::Delete,
    name: "delete",
    label: "Delete",
    done: "all-deleted",
    icon: "trash",
    destructive: true,
    states: &[JobState::Failed],
    kept: "The events: when the jobs existed, why they failed, and who deleted them.",
};

/// The number of affected jobs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Affected {
    pub all: i64,
    pub active: i64,
    pub failed: i64,
}

impl Verb {
    /// What happens, as sentences.
    pub fn effects(&self, jobs: Affected, app: &App) -> Vec<String> {
        let grace = duration(app.config.cancel_grace.as_secs_f64());
        let sentence = |n: i64, noun: &str, one: &str, many: &str| {
            (n > 0).then(|| format!("{} {}", plural(n, noun), if n == 1 { one } else { many }))
        };
        let effects = match self.action {
            Action::Cancel => vec![
                sentence(
                    jobs.all - jobs.active,
                    "waiting job",
                    "is canceled immediately.",
                    "are canceled immediately.",
                ),
                sentence(
                    jobs.active,
                    "active job",
                    &format!("is asked to stop; its lease is revoked after {grace}."),
                    &format!("are asked to stop; their leases are revoked after {grace}."),
                ),
            ],
            Action::Retry => vec![
                sentence(
                    jobs.failed,
                    "failed job",
                    "is replayed with a new retry budget.",
                    "are replayed with a new retry budget.",
                ),
                sentence(jobs.all - jobs.failed, "waiting job", "becomes due immediately.", "become due immediately."),
            ],
            Action::Replay => vec![sentence(
                jobs.all,
                "job",
                "is queued again with a new retry budget.",
                "are queued again with a new retry budget.",
            )],
            Action::Delete => vec![sentence(
                jobs.all,
                "job",
                "is deleted with payload, result and attempts. This cannot be undone.",
                "are deleted with payload, result and attempts. This cannot be undone.",
            )],
        };
        effects.into_iter().flatten().collect()
    }

    pub async fn run(&self, app: &App, selection: &Selection, edit: &Edit) -> Result<BulkOutcome, ApiError> {
        match self.action {
            Action::Cancel => selection::cancel(app, selection).await,
            Action::Retry => selection::retry(app, selection, edit, false).await,
            Action::Replay => selection::retry(app, selection, edit, true).await,
            Action::Delete => selection::delete(app, selection).await,
        }
    }

    /// Further fields of the confirmation.
    pub fn fields(&self, form: &Form) -> Vec<ConfirmField> {
        if self.action != Action::Replay {
            return Vec::new();
        }
        let field = |name: &str, label: &str, hint: &str| ConfirmField {
            field: name.to_owned(),
            label: label.to_owned(),
            hint: hint.to_owned(),
            value: form.get(name).to_owned(),
            ..ConfirmField::default()
        };
        vec![
            field("move_to", "Move to queue", "leave empty to keep the queue"),
            ConfirmField {
                choices: priorities(form.get("priority"), Some("unchanged")),
                ..field("priority", "Priority", "9 runs first")
            },
        ]
    }

    /// The values of these fields, or what is wrong with them.
    pub fn edit(&self, form: &Form) -> Result<Edit, String> {
        if self.action != Action::Replay {
            return Ok(Edit::default());
        }
        let queue = form.word("move_to").map(Ident::parse).transpose();
        let queue = queue.map_err(|error| format!("The queue name {error}."))?;
        let is_valid = |priority: &i16| (0..=MAX_PRIORITY).contains(priority);
        let priority = form.word("priority").map(|text| text.parse().ok().filter(is_valid).ok_or(()));
        let message = |()| format!("The priority must be a whole number from 0 to {MAX_PRIORITY}.");
        let priority = priority.transpose().map_err(message)?;
        Ok(Edit { queue: queue.map(|it| it.to_string()), priority, ..Edit::default() })
    }
}
