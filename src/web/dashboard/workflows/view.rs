//! One workflow: how its steps hang together, drawn and as a table, when each of them ran, and what happened to all of it.

use crate::domain::JobState;
use crate::web::dashboard::ui::{Badge, CurlLine, Link, Shell, Stamp, StateBadge, Tab, TimelineEntry, Tone};
use crate::web::dashboard::workflows::list_view::Progress;
use askama::Template;

/// `GET /dashboard/workflows/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "workflows/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct WorkflowPage {
    /// The shell; its title is the name.
    pub shell: Shell,
    /// The whole id.
    pub id: String,
    /// Enough of it to recognise it.
    pub short_id: String,
    /// The user's own words.
    pub name: String,
    /// Its state.
    pub badge: Badge,
    /// Offers Cancel.
    pub can_cancel: bool,
    /// Offers to go on from what failed.
    pub can_retry: bool,
    /// What failed, if anything did.
    pub trouble: Option<Trouble>,
    /// How far it is.
    pub progress: Progress,
    /// Whose it is.
    pub tenant: String,
    /// Who started it.
    pub actor: String,
    /// When.
    pub created: Stamp,
    /// When it ended, if it did, and how long it took.
    pub ended: Option<(Stamp, String)>,
    /// What holds it up.
    pub critical: Critical,
    /// The drawing; `None` if there is too much to draw.
    pub graph: Option<GraphDrawing>,
    /// In place of the drawing: the steps by rank.
    pub ranks: Vec<RankRow>,
    /// The same as a table.
    pub steps: StepTable,
    /// When the steps ran; `None` before the first did.
    pub falls: Option<Waterfall>,
    /// The events, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The actions as lines for a shell.
    pub curls: Vec<CurlLine>,
}

/// The steps that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// As a sentence ("2 steps failed, and 3 wait for them.").
    pub headline: String,
    /// Some of them, each with the first line of its error.
    pub steps: Vec<(Link, String)>,
}

/// The steps that take the longest together, each waiting for the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Critical {
    /// The first of them.
    pub steps: Vec<Link>,
    /// How many more there are, in words, if they are too many to name.
    pub more: Option<String>,
    /// How long they take together so far; `None` before anything might start.
    pub total: Option<String>,
}

/// The drawing, in pixels. Edges and arrow heads of one look are one path, because hundreds of elements weigh more than one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphDrawing {
    /// The whole width.
    pub width: String,
    /// The whole height.
    pub height: String,
    /// The edges by their look: the class, and the path.
    pub edges: Vec<(String, String)>,
    /// The arrow heads by their look.
    pub heads: Vec<(String, String)>,
    /// The steps, rank by rank and each rank from top to bottom.
    pub cards: Vec<GraphCard>,
}

impl GraphDrawing {
    /// Whether an edge of this look is there, so that the legend tells of nothing else.
    pub fn has(&self, look: &str) -> bool {
        self.edges.iter().any(|(class, _)| class.split(' ').any(|it| it == look))
    }
}

/// One step as a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphCard {
    /// The page of its job.
    pub href: String,
    /// Its left edge.
    pub x: String,
    /// Its upper edge.
    pub y: String,
    /// As much of its name as has room.
    pub title: String,
    /// All of it, if that is more, for those who hear it.
    pub full: Option<String>,
    /// Its state.
    pub state: JobState,
    /// How long that lasted.
    pub lasted: Option<String>,
    /// Since when it lasts.
    pub since: Option<GraphSince>,
    /// Whether it lies on the critical path.
    pub critical: bool,
}

/// A moment from which a script counts; without one, the time of day is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphSince {
    /// The moment.
    pub iso: String,
    /// "14:03:22".
    pub clock: String,
}

/// All steps of one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankRow {
    /// "Rank 2", and the steps of it.
    pub rank: Link,
    /// "9,998 steps".
    pub steps: String,
    /// How many of them are in which state, each with its list.
    pub states: Vec<(JobState, Link)>,
}

/// The steps as a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepTable {
    /// All, and then one for each state that any of them has.
    pub tabs: Vec<Tab>,
    /// The rank that it is narrowed to, in words, and the same without it.
    pub rank: Option<(String, String)>,
    /// Some of them, rank by rank.
    pub rows: Vec<StepRow>,
    /// Which of how many these are ("Steps 1 to 200 of 10,000"), if not all.
    pub shown: Option<String>,
    /// Those before.
    pub previous: Option<String>,
    /// Those after.
    pub next: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// The id of its job.
    pub id: String,
    /// Its name, and the page of its job.
    pub step: Link,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: JobState,
    /// Why, in words: the error, or what it waits for.
    pub note: Option<String>,
    /// What it depends on: the name, and what is unusual about it.
    pub depends_on: Vec<(String, Option<&'static str>)>,
    /// How many more that are, in words.
    pub more: Option<String>,
    /// "2 of 5"; "–" before the first.
    pub attempt: String,
    /// How long it waited for a worker.
    pub waited: Option<String>,
    /// Since when it waits for one.
    pub waits_since: Option<Stamp>,
    /// How long its latest attempt took.
    pub took: Option<String>,
    /// Since when its attempt runs.
    pub runs_since: Option<Stamp>,
    /// Whether it lies on the critical path.
    pub critical: bool,
}

/// When the steps ran, as bars under each other. Coordinates are in a view box of `Waterfall::WIDTH` by `height`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waterfall {
    /// The same in words.
    pub desc: String,
    /// What is not shown, in words ("The critical path and the longest: 60 of 300 steps").
    pub some: Option<String>,
    /// The height of all bars, in pixels.
    pub height: String,
    /// The time axis, from left to right.
    pub axis: Vec<String>,
    /// Where its lines stand.
    pub grid: Vec<String>,
    /// Name, waited, took, and whether it is critical; from top to bottom.
    pub rows: Vec<FallRow>,
    /// The parts in which steps waited for a worker.
    pub waiting: String,
    /// The parts in which they ran, by colour.
    pub running: Vec<(Tone, String)>,
}

impl Waterfall {
    /// The width of the view box.
    pub const WIDTH: u32 = 1_000;
}

/// The words beside a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallRow {
    /// The name of the step.
    pub name: String,
    /// How long it took; "–" before it ran.
    pub took: String,
    /// Whether it lies on the critical path.
    pub critical: bool,
}

/// The place of a job in a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOf {
    /// Its name there.
    pub step: String,
    /// The workflow.
    pub workflow: Link,
}

/// The jobs that a job waits for, or that wait for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edges {
    /// Some of them.
    pub rows: Vec<EdgeRow>,
    /// How many are not shown, in words.
    pub more: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeRow {
    /// Its id.
    pub id: String,
    /// Its name; it has a page unless it is gone.
    pub job: Link,
    /// Enough of its id to recognise it.
    pub short_id: String,
    /// Its state; `None` if it is gone.
    pub state: Option<JobState>,
    /// What becomes of the one that waits, as a sentence.
    pub policy: &'static str,
    /// Whether the one that waits may go on, as far as this is concerned.
    pub verdict: Badge,
}
