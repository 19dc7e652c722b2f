//! What the dashboard shows: one struct per page, filled by the handlers, rendered by askama.
//!
//! Everything here is plain data, already in words. Nothing asks a clock or a database, so a page can be rendered in
//! a test, and two renders of the same data are the same bytes: the `ETag` of a live fragment depends on it.
//!
//! Every page offers two renderings of the same struct: `page.render()` is the document, `page.as_main().render()`
//! is the inside of `<main id="main">`, which is what a live poll asks for.

mod confirm;
mod dead_letters;
mod help;
mod job;
mod jobs;
mod limits;
mod metrics;
mod parts;
mod project;
mod projects;
mod queues;
mod schedules;
mod settings;
mod shell;
mod state;
mod status;
mod workers;
mod workflow;
mod workflows;

#[cfg(test)]
mod tests;

pub use confirm::{ConfirmField, ConfirmItem, ConfirmPage};
pub use dead_letters::{DeadFilter, DeadGroup, DeadLettersPage, DeadRow, ReplayPage};
pub use help::{ErrorPage, HelpPage, LoginPage};
pub use job::{
    Canceling, ExecutionRow, FollowUp, HowFar, JobCallout, JobFacts, JobPage, LogRow, PriorityForm, Running,
    WaitReason, Waiting,
};
pub use jobs::{EnqueueForm, JobFilter, JobRow, JobsPage};
pub use limits::{LimitForm, LimitRow, LimitsPage};
pub use metrics::{
    BarChart, BarData, ChartRow, DurationData, FailureRow, Kpi, LineChart, LineSeries, MetricsPage, MetricsRange,
    Segment, StackedBar,
};
pub use parts::{Bulk, Cause, Changed, Choice, Gauge, Hidden, JobLink, Pages, Tab, first_line};
pub use project::{
    Callout, CurlLine, DeleteError, DeletePage, Holder, Label, Mark, Moving, OperationRow, ProjectPage, RenameForm,
    TimelineEntry,
};
pub use projects::{CreateForm, ListFilter, ProjectRow, ProjectsPage, StatusTab, TemplateOption};
pub use queues::{KindRow, QueueLimits, QueuePage, QueueRow, QueueWorker, QueuesPage};
pub use schedules::{Badge, NextRow, ScheduleForm, SchedulePage, ScheduleRow, SchedulesPage, StripMark, TickRow};
pub use settings::{ConfigRow, DisplayForm, Fact, HealthLine, ServiceLine, SettingsPage};
pub use shell::{Crumb, FieldError, Flash, Link, Nav, Shell, Stamp, Theme, Zone};
pub use state::{Outcome, QueueState, WorkerState};
pub use status::{JobState, Level, ProjectStatus, Tone};
pub use workers::{OutcomeRow, RunningRow, WorkerPage, WorkerRow, WorkersPage};
pub use workflow::{
    Critical, EdgeRow, Edges, FallRow, GraphCard, GraphDrawing, GraphSince, RankRow, StepOf, StepRow, StepTable,
    Trouble, Waterfall, WorkflowPage,
};
pub use workflows::{Progress, ProgressPart, WorkflowFilter, WorkflowRow, WorkflowsPage};
