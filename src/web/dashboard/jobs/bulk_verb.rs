//! The verbs for many: what they are called, to what they apply, and what they do.

use crate::domain::{Ident, JobState};
use crate::store::jobs::Edit;
use crate::web::api::jobs::select;
use crate::web::api::jobs::select::Selection;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::dashboard::dead_letters::list as dead_letters;
use crate::web::dashboard::dead_letters::replay::priorities;
use crate::web::dashboard::jobs::list as jobs;
use crate::web::dashboard::ui::{ConfirmField, Form, Nav, plural};
use crate::web::error::ApiError;
use crate::wire::Acted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Cancel,
    Retry,
    Replay,
    Delete,
}

impl Verb {
    /// The value of the button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Replay => "replay",
            Self::Delete => "delete",
        }
    }

    /// The word on the button.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Retry => "Retry",
            Self::Replay => "Replay",
            Self::Delete => "Delete",
        }
    }

    /// The word of its message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cancel => "all-canceled",
            Self::Retry => "all-retried",
            Self::Replay => "all-replayed",
            Self::Delete => "all-deleted",
        }
    }

    pub fn icon(self) -> &'static str {
        match self {
            Self::Cancel => "ban",
            Self::Retry | Self::Replay => "retry",
            Self::Delete => "trash",
        }
    }

    pub fn destroys(self) -> bool {
        matches!(self, Self::Cancel | Self::Delete)
    }

    fn is_of_jobs(self) -> bool {
        matches!(self, Self::Cancel | Self::Retry)
    }

    pub fn nav(self) -> Nav {
        if self.is_of_jobs() { Nav::Jobs } else { Nav::DeadLetters }
    }

    /// The list that it belongs to.
    pub fn list(self) -> &'static str {
        if self.is_of_jobs() { jobs::PAGE } else { dead_letters::PAGE }
    }

    pub fn place(self) -> &'static str {
        if self.is_of_jobs() { "Jobs" } else { "Dead letters" }
    }

    pub fn path(self) -> &'static str {
        if self.is_of_jobs() { "/dashboard/jobs/bulk" } else { "/dashboard/dead-letters/bulk" }
    }

    /// To jobs in which states it applies.
    pub fn states(self) -> &'static [JobState] {
        match self {
            Self::Cancel => CANCELABLE,
            Self::Retry => RETRYABLE,
            Self::Replay | Self::Delete => &[JobState::Failed],
        }
    }

    /// Does it.
    pub async fn act(self, app: &App, selection: &Selection, edit: &Edit) -> Result<Acted, ApiError> {
        match self {
            Self::Cancel => select::cancel(app, selection).await,
            Self::Retry => select::retry(app, selection, edit, false).await,
            Self::Replay => select::retry(app, selection, edit, true).await,
            Self::Delete => select::forget(app, selection).await,
        }
    }

    /// What happens and what kept, as sentences.
    pub fn consequences(self, n: i64, active: i64, dead: i64, app: &App) -> (Vec<String>, Vec<String>) {
        let some = |n: i64, text: &dyn Fn(String) -> String| (n > 0).then(|| text(plural(n, "job")));
        let grace = crate::web::dashboard::ui::duration(app.config.cancel_grace.as_secs_f64());
        let effects = match self {
            Self::Cancel => vec![
                some(n - active, &|jobs| {
                    format!("Called off at once: {jobs} not yet started, or waiting to be tried again.")
                }),
                some(active, &|jobs| {
                    format!(
                        "Asked to stop: {jobs} being worked on. What does not stop is taken from its worker after {grace}."
                    )
                }),
            ],
            Self::Retry => vec![
                some(dead, &|jobs| {
                    format!("Replayed: {jobs} that gave up. They are queued again, with a new retry budget.")
                }),
                some(n - dead, &|jobs| format!("Due at once: {jobs} waiting for their time.")),
            ],
            Self::Replay => vec![Some("They are queued again as they are, with a new retry budget.".to_owned())],
            Self::Delete => {
                vec![Some("They are deleted, with payload, result and attempts. This cannot be undone.".to_owned())]
            }
        };
        let kept = match self {
            Self::Cancel => "Their record: payload, events and attempts. Each can be run again as a copy.",
            Self::Retry | Self::Replay => {
                "Their ids and their history. Jobs that work on a project: retry the project instead."
            }
            Self::Delete => "In the record: that they were, why they failed, and who deleted them.",
        };
        (effects.into_iter().flatten().collect(), vec![kept.to_owned()])
    }

    /// What can be said besides.
    pub fn fields(self, form: &Form) -> Vec<ConfirmField> {
        if self != Self::Replay {
            return Vec::new();
        }
        let queue = ConfirmField {
            field: "move_to".to_owned(),
            label: "Move to queue".to_owned(),
            hint: "empty for the same".to_owned(),
            value: form.get("move_to").to_owned(),
            ..ConfirmField::default()
        };
        let priority = ConfirmField {
            field: "priority".to_owned(),
            label: "Priority".to_owned(),
            hint: "9 goes first".to_owned(),
            choices: priorities(form.get("priority"), Some("as it was")),
            ..ConfirmField::default()
        };
        vec![queue, priority]
    }

    /// The same, read; else what was wrong, as a sentence.
    pub fn edit(self, form: &Form) -> Result<Edit, String> {
        if self != Self::Replay {
            return Ok(Edit::default());
        }
        let queue = form.word("move_to").map(Ident::parse).transpose();
        let queue = queue.map_err(|error| format!("The name of a queue {error}."))?;
        let priority = form.word("priority").map(|text| text.parse().ok().filter(|it| (0..=9).contains(it)).ok_or(()));
        let priority =
            priority.transpose().map_err(|()| "The priority must be a whole number from 0 to 9.".to_owned())?;
        Ok(Edit { queue: queue.map(|it| it.to_string()), priority, ..Edit::default() })
    }
}
