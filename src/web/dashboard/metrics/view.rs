//! How provisioning goes: numbers, charts whose geometry `chart` computed, and the reasons for failures.

use askama::Template;

use crate::web::dashboard::ui::layout_view::{Link, Shell, Stamp};
use crate::web::dashboard::ui::status::{ProjectStatus, Tone};

/// `GET /dashboard/metrics`.
#[derive(Debug, Clone, Template)]
#[template(path = "metrics/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct MetricsPage {
    /// The frame.
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

/// The ranges one can look at. A bucket is never shorter than the minute that the counters keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricsRange {
    /// A quarter of an hour.
    M15,
    /// An hour.
    #[default]
    H1,
    /// Six hours.
    H6,
    /// A day.
    H24,
    /// A week.
    D7,
}

impl MetricsRange {
    /// All, shortest first.
    pub const ALL: [MetricsRange; 5] =
        [MetricsRange::M15, MetricsRange::H1, MetricsRange::H6, MetricsRange::H24, MetricsRange::D7];

    /// Reads `?range=`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == name)
    }

    /// The value in the URL and the word on the tab.
    pub fn name(self) -> &'static str {
        match self {
            MetricsRange::M15 => "15m",
            MetricsRange::H1 => "1h",
            MetricsRange::H6 => "6h",
            MetricsRange::H24 => "24h",
            MetricsRange::D7 => "7d",
        }
    }

    /// The range in words, to follow "in".
    pub fn words(self) -> &'static str {
        match self {
            MetricsRange::M15 => "the last 15 minutes",
            MetricsRange::H1 => "the last hour",
            MetricsRange::H6 => "the last 6 hours",
            MetricsRange::H24 => "the last 24 hours",
            MetricsRange::D7 => "the last 7 days",
        }
    }

    /// One bucket in words, to follow "per".
    pub fn bucket_words(self) -> &'static str {
        match self {
            MetricsRange::M15 | MetricsRange::H1 => "minute",
            MetricsRange::H6 => "5 minutes",
            MetricsRange::H24 => "30 minutes",
            MetricsRange::D7 => "3 hours",
        }
    }

    /// The length of a bucket.
    pub fn bucket_seconds(self) -> u32 {
        match self {
            MetricsRange::M15 | MetricsRange::H1 => 60,
            MetricsRange::H6 => 300,
            MetricsRange::H24 => 1_800,
            MetricsRange::D7 => 10_800,
        }
    }

    /// How many buckets there are.
    pub fn buckets(self) -> u32 {
        match self {
            MetricsRange::M15 => 15,
            MetricsRange::H1 => 60,
            MetricsRange::H6 => 72,
            MetricsRange::H24 => 48,
            MetricsRange::D7 => 56,
        }
    }

    /// The labels of the time axis, evenly spaced, oldest first. They are relative, so they do not age.
    pub fn axis(self) -> [&'static str; 5] {
        match self {
            MetricsRange::M15 => ["15 m ago", "11 m", "8 m", "4 m", "now"],
            MetricsRange::H1 => ["60 m ago", "45 m", "30 m", "15 m", "now"],
            MetricsRange::H6 => ["6 h ago", "4 h 30 m", "3 h", "1 h 30 m", "now"],
            MetricsRange::H24 => ["24 h ago", "18 h", "12 h", "6 h", "now"],
            MetricsRange::D7 => ["7 d ago", "5 d 6 h", "3 d 12 h", "1 d 18 h", "now"],
        }
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

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// What it is ("Success rate").
    pub label: String,
    /// The number with its unit ("96.4 %"), or "–" if there is none.
    pub value: String,
    /// What it is made of ("106 of 110 finished").
    pub hint: String,
    /// A mark before the hint, if the number is good or bad.
    pub tone: Option<Tone>,
    /// The list it counts, if there is one.
    pub href: Option<String>,
}

/// The stacked bar of states. Coordinates are in a view box of `StackedBar::WIDTH` by `StackedBar::HEIGHT`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackedBar {
    /// The parts that are not empty have a width; the legend shows all.
    pub segments: Vec<Segment>,
    /// All of them together, in words.
    pub total: String,
}

impl StackedBar {
    /// The width of the view box.
    pub const WIDTH: u32 = 1_000;
    /// The height of the view box.
    pub const HEIGHT: u32 = 16;
}

/// One part of the stacked bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The state.
    pub status: ProjectStatus,
    /// How many, in words.
    pub count: String,
    /// The list it counts.
    pub href: String,
    /// Where it begins.
    pub x: String,
    /// How wide it is; `None` if there are none.
    pub width: Option<String>,
}

/// Two kinds of bars, one on the other, per bucket. Made by `chart::bars`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarChart {
    /// The `d` of all lower bars: what became ready.
    pub ready: String,
    /// The `d` of all upper bars: what failed.
    pub failed: String,
    /// The labels of the value axis, highest first; evenly spaced from top to bottom.
    pub ticks: Vec<String>,
    /// The heights of the grid lines.
    pub grid: Vec<String>,
    /// The totals in the legend: ready, failed.
    pub totals: (String, String),
    /// The sentence for those who do not see it.
    pub desc: String,
    /// The same numbers.
    pub rows: Vec<ChartRow>,
}

/// The input of `chart::bars`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarData {
    /// The start of the bucket.
    pub at: Stamp,
    /// How many became ready.
    pub ready: u64,
    /// How many failed.
    pub failed: u64,
}

/// The input of `chart::lines`.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationData {
    /// The start of the bucket.
    pub at: Stamp,
    /// Average seconds from creation to ready; `None` if nothing became ready in the bucket.
    pub average: Option<f64>,
    /// The 95th percentile of the same.
    pub p95: Option<f64>,
}

/// One or two lines over time. Made by `chart::lines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChart {
    /// The lines; the second is dashed.
    pub series: Vec<LineSeries>,
    /// The labels of the value axis, highest first; evenly spaced from top to bottom.
    pub ticks: Vec<String>,
    /// The heights of the grid lines.
    pub grid: Vec<String>,
    /// The sentence for those who do not see it.
    pub desc: String,
    /// The same numbers, in the order of `series`.
    pub rows: Vec<ChartRow>,
}

/// One line. A bucket without a value interrupts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSeries {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub tone: Tone,
    /// The latest value in words.
    pub latest: String,
    /// The `d` of the line.
    pub line: String,
    /// The `d` of the area under it; empty for all but the first.
    pub area: String,
}

/// One row of the table under a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRow {
    /// The start of the bucket.
    pub at: Stamp,
    /// The values in words, in the order of the legend.
    pub values: Vec<String>,
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
