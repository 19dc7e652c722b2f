//! The list of projects, with the form that makes one.

use askama::Template;

use crate::web::dashboard::ui::layout_view::{FieldError, Shell, Stamp};
use crate::web::dashboard::ui::status::ProjectStatus;

/// `GET /dashboard/projects`.
#[derive(Debug, Clone, Template)]
#[template(path = "projects/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct ProjectsPage {
    /// The frame.
    pub shell: Shell,
    /// The form on top. After a refused POST it carries the errors and the typed values.
    pub create: CreateForm,
    /// All, Ready, Creating, Provisioning, Failed, Deleting, Deleted.
    pub tabs: Vec<StatusTab>,
    /// What the list is narrowed to.
    pub filter: ListFilter,
    /// One page of the list, newest first.
    pub rows: Vec<ProjectRow>,
    /// How many match the filter, in words: "1,284", "10,000+".
    pub matching: String,
    /// The first page of this list; `None` on the first page itself.
    pub newer: Option<String>,
    /// The next page; `None` on the last one.
    pub older: Option<String>,
    /// For a list emptied by its filter: what does exist, as in "12 projects in all, 9 of them ready".
    pub exists: String,
    /// For an installation never used: the `curl` line that creates a project here.
    pub curl: String,
}

/// The form that creates a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateForm {
    /// What stands in the field, kept when it was refused.
    pub project_name: String,
    /// The templates to choose from; the field appears only if there are two or more.
    pub templates: Vec<TemplateOption>,
    /// Fresh for every document; empty for a live fragment, whose `ETag` must not depend on dice (the script never
    /// touches this form).
    pub idempotency_key: String,
    /// What was wrong, by field: `project_name` or `template`.
    pub errors: Vec<FieldError>,
}

impl CreateForm {
    /// What is wrong with `field`.
    pub fn error(&self, field: &str) -> Option<&str> {
        FieldError::find(&self.errors, field)
    }
}

/// One template in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateOption {
    /// Its name, which is also its value.
    pub name: String,
    /// A few words about it, possibly empty.
    pub about: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// One tab above the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusTab {
    /// `None` is the tab "All".
    pub status: Option<ProjectStatus>,
    /// How many, in words.
    pub count: String,
    /// The list with this status, keeping the search.
    pub href: String,
    /// Whether the list shows this one.
    pub current: bool,
}

impl StatusTab {
    /// The word on the tab.
    pub fn label(&self) -> &'static str {
        self.status.map_or("All", ProjectStatus::label)
    }

    /// Tombstones are rarely what one looks for.
    pub fn quiet(&self) -> bool {
        self.status == Some(ProjectStatus::Deleted)
    }
}

/// What the list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// The status chosen, `None` for all.
    pub status: Option<ProjectStatus>,
    /// The text searched for, possibly empty.
    pub search: String,
    /// The exact URL of this list with its query, so that an action returns to it.
    pub here: String,
}

impl ListFilter {
    /// Whether anything narrows the list.
    pub fn is_active(&self) -> bool {
        self.status.is_some() || !self.search.is_empty()
    }
}

/// One project in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// The whole id.
    pub id: String,
    /// Its first characters, enough to recognise it.
    pub short_id: String,
    /// The user's own words.
    pub name: String,
    /// Its state.
    pub status: ProjectStatus,
    /// Under the badge, in plain words: the error's reason, or what is happening ("held by worker-a, usually 3 s").
    pub note: Option<String>,
    /// Since when it moves; shown as a ticking elapsed time. `None` for a project at rest.
    pub since: Option<Stamp>,
    /// Past the p95: the elapsed time turns amber.
    pub slow: bool,
    /// When it was created.
    pub created: Stamp,
    /// When it last changed.
    pub updated: Stamp,
    /// Shows Retry.
    pub can_retry: bool,
    /// Why it cannot be deleted now; `None` if it can.
    pub delete_blocked: Option<String>,
}
