//! What the dashboard shows: one struct per page, filled by the handlers, rendered by askama.
//!
//! Everything here is plain data, already in words. Nothing asks a clock or a database, so a page can be rendered in
//! a test, and two renders of the same data are the same bytes: the `ETag` of a live fragment depends on it.
//!
//! Every page offers two renderings of the same struct: `page.render()` is the document, `page.as_main().render()`
//! is the inside of `<main id="main">`, which is what a live poll asks for.

mod help;
mod metrics;
mod project;
mod projects;
mod settings;
mod shell;
mod status;

pub use help::{ErrorPage, HelpPage, LoginPage};
pub use metrics::{
    BarChart, BarData, ChartRow, DurationData, FailureRow, Kpi, LineChart, LineSeries, MetricsPage, MetricsRange,
    Segment, StackedBar,
};
pub use project::{
    Callout, CurlLine, DeleteError, DeletePage, Holder, Label, Mark, Moving, OperationRow, ProjectPage, RenameForm,
    TimelineEntry,
};
pub use projects::{CreateForm, ListFilter, ProjectRow, ProjectsPage, StatusTab, TemplateOption};
pub use settings::{ConfigRow, DisplayForm, Fact, HealthLine, ServiceLine, SettingsPage};
pub use shell::{Crumb, FieldError, Flash, Link, Nav, Shell, Stamp, Theme, Zone};
pub use status::{JobState, Level, ProjectStatus, Tone};
