//! The template of the limits page.

use askama::Template;

use crate::domain::{LimitMode, LimitScope};
use crate::store::limits::{Limit, LimitUse};
use crate::web::ui::{
    AsStamp, Badge, COUNT_CAP, Choice, FieldError, Shell, Tone, Usage, capped, count, duration, links, plural,
};

pub const PAGE: &str = "/dashboard/limits";
pub const DELETE: &str = "/dashboard/limits/delete";

/// `GET` and `POST /dashboard/limits`.
#[derive(Debug, Template)]
#[template(path = "limits/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct LimitsPage {
    pub shell: Shell,
    /// By name.
    pub rows: Vec<LimitUse>,
    pub form: LimitForm,
}

impl LimitsPage {
    /// "4 limits, 1 throttling now".
    pub fn summary(&self) -> String {
        let throttling = self.rows.iter().filter(|it| it.is_throttling()).count();
        let throttling = if throttling == 0 { "none".to_owned() } else { throttling.to_string() };
        format!("{}, {throttling} throttling now", plural(self.rows.len() as i64, "limit"))
    }
}

impl LimitUse {
    pub fn is_throttling(&self) -> bool {
        self.is_exhausted() && self.waiting > 0
    }

    /// How many jobs wait for this limit.
    pub fn throttled(&self) -> Option<String> {
        let jobs = if self.waiting > COUNT_CAP {
            format!("{} jobs", capped(self.waiting))
        } else {
            plural(self.waiting, "job")
        };
        self.is_throttling().then_some(jobs)
    }

    pub fn usage(&self) -> Usage {
        let limit = &self.limit;
        let burst = i64::from(limit.burst.unwrap_or(limit.max));
        match (limit.enabled, limit.mode, self.tokens) {
            (false, ..) => Usage { text: "–".to_owned(), percent: None, tone: Tone::Neutral },
            (_, LimitMode::Rate, Some(tokens)) => Usage::of(burst - tokens.floor() as i64, burst),
            (_, LimitMode::Rate, None) => Usage::of(0, burst),
            (_, LimitMode::Concurrency, _) => Usage::of(self.active.unwrap_or_default(), limit.max.into()),
        }
    }
}

impl Limit {
    /// "100 per 1 m, burst 20" or "10 at once".
    pub fn text(&self) -> String {
        let max = count(self.max.into());
        match (self.mode, self.window) {
            (LimitMode::Rate, Some(window)) => {
                let burst = self.burst.filter(|it| *it != self.max).map(|it| format!(", burst {}", count(it.into())));
                format!("{max} per {}{}", duration(window), burst.unwrap_or_default())
            }
            _ => format!("{max} at once"),
        }
    }

    pub fn scope_text(&self) -> String {
        if self.scope == LimitScope::Global { "all jobs".to_owned() } else { self.scope.to_string() }
    }

    pub fn mode_text(&self) -> &'static str {
        if self.mode == LimitMode::Rate { "Rate" } else { "Concurrency" }
    }

    pub fn edit_page(&self) -> String {
        links::with_query(PAGE, &[("edit", &self.name)])
    }

    pub fn delete_page(&self) -> String {
        links::with_query(DELETE, &[("limit", &self.name)])
    }
}

/// The form of a limit, as typed or as stored.
#[derive(Debug, Clone, Default)]
pub struct LimitForm {
    /// The name of the limit to change; `None` adds one.
    pub editing: Option<String>,
    pub limit_name: String,
    pub scopes: Vec<Choice>,
    pub value: String,
    pub modes: Vec<Choice>,
    pub limit: String,
    /// In seconds.
    pub window: String,
    pub burst: String,
    pub enabled: bool,
    pub reason: String,
    pub errors: Vec<FieldError>,
}

impl LimitForm {
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }

    pub fn is_open(&self) -> bool {
        self.editing.is_some() || !self.errors.is_empty()
    }

    /// Fills the selects.
    pub fn with_choices(self, scope: &str, mode: &str) -> Self {
        let choices = |all: &[(&str, &str)], selected: &str| {
            all.iter().map(|(value, label)| Choice::new(value, *label, selected)).collect()
        };
        let scopes = [("queue", "Queue"), ("kind", "Kind"), ("tenant", "Tenant"), ("global", "All jobs")];
        let modes = [("concurrency", "Concurrency: jobs at once"), ("rate", "Rate: starts per window")];
        Self { scopes: choices(&scopes, scope), modes: choices(&modes, mode), ..self }
    }
}
