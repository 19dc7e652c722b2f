//! How provisioning goes: numbers, charts whose geometry `chart` computed, and the reasons for failures.

use crate::web::dashboard::ui::{BarChart, Kpi, LineChart, Link, MetricsRange, Shell, StackedBar, Stamp};
use askama::Template;

/// `GET /dashboard/metrics`.
#[derive(Debug, Clone, Template)]
#[template(path = "metrics/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct MetricsPage {
    /// The shell.
    pub shell: Shell,
    /// The range shown.
    pub range: MetricsRange,
    /// Success rate, average, p95, failures.
    pub kpis: Vec<Kpi>,
    /// All projects by state, whatever the range.
    pub statuses: StackedBar,
    /// Ready and failed per bucket; `None` if nothing was provisioned in the range.
    pub throughput: Option<BarChart>,
    /// Average and p95 per bucket; `None` if nothing was provisioned in the range.
    pub durations: Option<LineChart>,
    /// The reasons, most frequent first.
    pub failures: Vec<FailureRow>,
}

impl MetricsPage {
    /// The tabs of the ranges.
    pub fn tabs(&self) -> Vec<RangeTab> {
        let tab = |range| RangeTab { range, current: range == self.range };
        MetricsRange::ALL.into_iter().map(tab).collect()
    }

    /// Whether anything was provisioned in the range.
    pub fn has_data(&self) -> bool {
        self.throughput.is_some() || self.durations.is_some()
    }
}

/// One tab of the ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeTab {
    /// Its range.
    pub range: MetricsRange,
    /// Whether it is shown.
    pub current: bool,
}

/// One reason for failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRow {
    /// The reason, as recorded.
    pub reason: String,
    /// How often, in words.
    pub count: String,
    /// Its share of all failures, 0 to 100.
    pub percent: u32,
    /// When last.
    pub last_seen: Stamp,
    /// The list of failed projects.
    pub href: String,
    /// One project it happened to.
    pub example: Option<Link>,
}
