//! The list of workflows.

use crate::web::dashboard::ui::{Badge, Pages, Shell, Stamp, Tab, Tone};
use askama::Template;

/// `GET /dashboard/workflows`.
#[derive(Debug, Clone, Template)]
#[template(path = "workflows/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkflowsPage {
    /// The shell.
    pub shell: Shell,
    /// All, and then one for each state.
    pub tabs: Vec<Tab>,
    /// What the list is narrowed to.
    pub filter: WorkflowFilter,
    /// One page of the list, newest first.
    pub rows: Vec<WorkflowRow>,
    /// Where it stands in the whole list.
    pub pages: Pages,
    /// For an installation never used: the `curl` line that starts the demonstration here.
    pub curl: String,
}

/// What the list is narrowed to; every field is a parameter of the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowFilter {
    /// The state chosen, as it is stored, and its word on the screen.
    pub state: Option<(&'static str, &'static str)>,
    /// The tenant, possibly empty.
    pub tenant: String,
    /// Part of the name, possibly empty.
    pub search: String,
}

impl WorkflowFilter {
    /// Whether anything narrows the list.
    pub fn is_active(&self) -> bool {
        self.state.is_some() || self.has_words()
    }

    /// Whether the fields narrow the list.
    pub fn has_words(&self) -> bool {
        !self.tenant.is_empty() || !self.search.is_empty()
    }
}

/// One workflow in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRow {
    /// The whole id.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub badge: Badge,
    /// Its tenant; `None` for the usual one, which goes without saying.
    pub tenant: Option<String>,
    /// How far it is.
    pub progress: Progress,
    /// When it was started.
    pub started: Stamp,
    /// How long it took, if it does not run. While it runs the elapsed time is shown from `started`.
    pub took: Option<String>,
}

/// How far a workflow is: a bar in parts, and words that say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// "4 of 6 steps".
    pub text: String,
    /// The parts of the bar that are not empty, in the order of a life.
    pub parts: Vec<ProgressPart>,
}

impl Progress {
    /// The width of the view box of the bar.
    pub const WIDTH: u32 = 200;

    /// What is not completed, in words ("1 active, 2 blocked").
    pub fn rest(&self) -> String {
        let rest: Vec<String> = self
            .parts
            .iter()
            .filter(|it| it.label != "completed")
            .map(|it| format!("{} {}", it.count, it.label))
            .collect();
        rest.join(", ")
    }
}

/// One part of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressPart {
    /// The word ("active").
    pub label: &'static str,
    /// How many, in words.
    pub count: String,
    /// Its colour.
    pub tone: Tone,
    /// Where it begins.
    pub x: String,
    /// How wide it is.
    pub width: String,
}
