//! The limits on rate and concurrency.

use crate::web::dashboard::ui::{Badge, Choice, FieldError, Shell, Stamp, Usage};
use askama::Template;

/// `GET` and `POST /dashboard/limits`.
#[derive(Debug, Clone, Template)]
#[template(path = "limits/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct LimitsPage {
    /// The shell.
    pub shell: Shell,
    /// What there is, in words ("4 limits, 1 of them holds jobs back").
    pub summary: String,
    /// All limits, by name.
    pub rows: Vec<LimitRow>,
    /// The form that adds one or changes one.
    pub form: LimitForm,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRow {
    /// Its name.
    pub name: String,
    /// What it holds ("queue", "kind", "tenant", "everything").
    pub scope: String,
    /// Which of them; `None` for a global one.
    pub value: Option<String>,
    /// "Rate" or "Concurrency".
    pub mode: String,
    /// The limit in words ("100 in 60 s, burst 20"; "10 at once").
    pub limit: String,
    /// What is used of it now.
    pub used: Usage,
    /// How many jobs it holds back, in words; `None` for none.
    pub held_back: Option<String>,
    /// When it lets the next one through, if it holds any back.
    pub free: Option<Stamp>,
    /// Whether it is in force.
    pub enabled: bool,
    /// This page with the form filled with this limit.
    pub edit: String,
    /// The page that asks before it goes.
    pub delete: String,
}

/// The form of a limit, as typed or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitForm {
    /// The limit that is changed; `None` adds one.
    pub editing: Option<String>,
    /// Its name.
    pub limit_name: String,
    /// What it holds: `global`, `queue`, `kind` or `tenant`.
    pub scopes: Vec<Choice>,
    /// Which of them.
    pub value: String,
    /// `rate` or `concurrency`.
    pub modes: Vec<Choice>,
    /// How many.
    pub limit: String,
    /// In how many seconds; only for a rate.
    pub window: String,
    /// How many at once after a pause; only for a rate.
    pub burst: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// The reason typed before, kept.
    pub reason: String,
    /// What was wrong, by field.
    pub errors: Vec<FieldError>,
}

impl LimitForm {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    /// Whether the form stands open: because a limit is changed, or because it was refused.
    pub fn is_open(&self) -> bool {
        self.editing.is_some() || !self.errors.is_empty()
    }
}
