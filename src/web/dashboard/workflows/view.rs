//! The templates of the workflow pages.

use askama::Template;

use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::dashboard::jobs::format::{attempt, tenant};
use crate::web::dashboard::workflows::data::Step;
use crate::web::ui::{
    AsShortId, AsStamp, CurlLine, Link, Pages, Shell, Stamp, StateBadge, Tab, TimelineEntry, Tone, elapsed,
};

/// `GET /dashboard/workflows`.
#[derive(Debug, Template)]
#[template(path = "workflows/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkflowsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub filter: WorkflowFilter,
    pub rows: Vec<WorkflowRow>,
    pub pages: Pages,
    /// The command that starts the demo.
    pub curl: String,
}

impl WorkflowsPage {
    pub fn tenant(&self) -> &str {
        self.filter.tenant.as_deref().unwrap_or_default()
    }

    pub fn search(&self) -> &str {
        self.filter.name.as_deref().unwrap_or_default()
    }

    /// Whether the form narrows the list, apart from the state.
    pub fn has_words(&self) -> bool {
        !self.tenant().is_empty() || !self.search().is_empty()
    }
}

#[derive(Debug)]
pub struct WorkflowRow {
    pub workflow: Workflow,
    pub progress: Progress,
}

impl Workflow {
    pub fn tenant_text(&self) -> Option<&str> {
        tenant(&self.tenant)
    }

    pub fn took(&self) -> Option<String> {
        self.finished_at.map(|at| elapsed(self.created_at, at))
    }
}

/// How many steps are in which state, as a bar and in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// "4 of 6 steps".
    pub text: String,
    /// Without empty parts.
    pub parts: Vec<ProgressPart>,
}

impl Progress {
    /// The width of the view box.
    pub const WIDTH: u32 = 200;

    /// The steps that are not completed ("1 active, 2 blocked").
    pub fn rest(&self) -> String {
        let rest = self.parts.iter().filter(|it| it.label != "completed");
        rest.map(|it| format!("{} {}", it.count, it.label)).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressPart {
    pub label: &'static str,
    pub count: String,
    pub tone: Tone,
    pub x: String,
    pub width: String,
}

/// `GET /dashboard/workflows/{id}`.
#[derive(Debug, Template)]
#[template(path = "workflows/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkflowPage {
    pub shell: Shell,
    pub workflow: Workflow,
    pub failure: Option<Failure>,
    pub progress: Progress,
    pub critical: CriticalPath,
    /// `None` if there are too many steps to draw.
    pub graph: Option<GraphDrawing>,
    /// Instead of the drawing: the steps by stage.
    pub stages: Vec<Stage>,
    /// Why they are listed, and how many of them.
    pub stages_note: String,
    pub steps: StepTable,
    /// `None` before the first step is ready.
    pub waterfall: Option<Waterfall>,
    /// Oldest first.
    pub timeline: Vec<TimelineEntry>,
    pub curls: Vec<CurlLine>,
}

/// The failed steps.
#[derive(Debug)]
pub struct Failure {
    pub headline: String,
    /// Some of them with the first line of their error.
    pub steps: Vec<(Link, String)>,
}

#[derive(Debug, Default)]
pub struct CriticalPath {
    pub steps: Vec<Link>,
    /// How many steps are not named.
    pub more: Option<String>,
    /// The duration so far; `None` before the first step is ready.
    pub total: Option<String>,
}

/// The drawing, in pixels. Edges with the same classes share one path, which is much lighter than one element per edge.
#[derive(Debug, Default)]
pub struct GraphDrawing {
    pub width: String,
    pub height: String,
    /// CSS classes and path data.
    pub edges: Vec<(String, String)>,
    pub arrows: Vec<(String, String)>,
    pub cards: Vec<GraphCard>,
}

impl GraphDrawing {
    /// Whether the legend must explain this class of edges.
    pub fn has(&self, class: &str) -> bool {
        self.edges.iter().any(|(classes, _)| classes.split(' ').any(|it| it == class))
    }
}

/// One step of the drawing.
#[derive(Debug)]
pub struct GraphCard {
    pub step: Step,
    pub x: String,
    pub y: String,
    /// The name, cut to the width of the card.
    pub title: String,
}

impl GraphCard {
    pub fn is_cut(&self) -> bool {
        self.title != self.step.name()
    }

    pub fn duration(&self) -> Option<String> {
        self.step.ran.and_then(|it| it.duration())
    }

    /// The start of the current run or wait.
    pub fn since(&self) -> Option<Stamp> {
        let current = [self.step.ran, self.step.waited].into_iter().flatten().find(|it| it.to.is_none());
        current.map(|it| it.from.stamp())
    }
}

/// All steps with the same distance from the start.
#[derive(Debug)]
pub struct Stage {
    pub link: Link,
    pub steps: String,
    /// A list per state.
    pub states: Vec<Link>,
}

#[derive(Debug, Default)]
pub struct StepTable {
    pub tabs: Vec<Tab>,
    /// The stage of the filter, and the table without that filter.
    pub stage: Option<(String, String)>,
    pub rows: Vec<StepRow>,
    /// "Steps 1 to 200 of 10,000", if not all are shown.
    pub shown: Option<String>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

#[derive(Debug)]
pub struct StepRow {
    pub step: Step,
    /// The error, or why the step waits.
    pub note: Option<String>,
    /// The names of the dependencies, and their policies unless default.
    pub depends_on: Vec<(String, Option<&'static str>)>,
    /// How many dependencies are not named.
    pub more: Option<String>,
}

impl StepRow {
    pub fn attempt(&self) -> String {
        attempt(self.step.row.attempt, self.step.row.max_attempts)
    }
}

/// The wait and run times of the steps as bars on one time axis. Coordinates are in a view box of `Waterfall::WIDTH` by
/// `height`.
#[derive(Debug)]
pub struct Waterfall {
    /// The description for screen readers.
    pub desc: String,
    /// What is left out, if anything.
    pub excerpt: Option<String>,
    pub height: String,
    /// The labels and x coordinates of the time axis.
    pub axis: Vec<String>,
    pub grid: Vec<String>,
    pub rows: Vec<WaterfallRow>,
    /// Path data of the waits, and of the runs by tone.
    pub waiting: String,
    pub running: Vec<(Tone, String)>,
}

impl Waterfall {
    pub const WIDTH: u32 = 1_000;
}

#[derive(Debug)]
pub struct WaterfallRow {
    pub name: String,
    /// "–" before the step runs.
    pub took: String,
    pub critical: bool,
}
