//! The geometry of charts, as SVG attributes.
//!
//! Drawings are stretched to the width of their card (`preserveAspectRatio="none"`), so nothing may depend on the aspect
//! ratio: strokes do not scale, and text is HTML next to the drawing.

use crate::domain::ProjectStatus;
use crate::web::ui::{Badge, MetricsRange, Scale, Stamp, StateBadge, Tone, count, decimal, duration};

/// The stacked bar of states. Coordinates are in a view box of `StackedBar::WIDTH` by `StackedBar::HEIGHT`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackedBar {
    /// All states, including empty ones, for the legend.
    pub segments: Vec<Segment>,
    pub total: String,
}

impl StackedBar {
    pub const WIDTH: u32 = 1_000;
    pub const HEIGHT: u32 = 16;
}

/// One part of the stacked bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub badge: Badge,
    pub count: String,
    pub href: String,
    pub x: String,
    /// `None` if the count is zero.
    pub width: Option<String>,
}

/// Stacked bars per bucket: successes below, failures above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarChart {
    /// SVG path data of the lower bars.
    pub ready: String,
    /// SVG path data of the upper bars.
    pub failed: String,
    /// Evenly spaced labels of the value axis, highest first.
    pub ticks: Vec<String>,
    /// The y coordinates of the grid lines.
    pub grid: Vec<String>,
    pub totals: (String, String),
    /// The description for screen readers.
    pub desc: String,
    pub rows: Vec<ChartRow>,
}

/// One bucket of a bar chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarData {
    pub at: Stamp,
    pub ready: u64,
    pub failed: u64,
}

/// One bucket of a line chart.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationData {
    pub at: Stamp,
    /// Seconds; `None` if the bucket is empty.
    pub average: Option<f64>,
    /// Seconds.
    pub p95: Option<f64>,
}

/// One or two lines over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChart {
    /// The second line is dashed.
    pub series: Vec<LineSeries>,
    /// Evenly spaced labels of the value axis, highest first.
    pub ticks: Vec<String>,
    /// The y coordinates of the grid lines.
    pub grid: Vec<String>,
    /// The description for screen readers.
    pub desc: String,
    pub rows: Vec<ChartRow>,
}

/// One line. An empty bucket interrupts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSeries {
    pub name: String,
    pub tone: Tone,
    pub latest: String,
    /// SVG path data.
    pub line: String,
    /// SVG path data of the area below; empty for all lines but the first.
    pub area: String,
}

/// One row of the data table of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRow {
    pub at: Stamp,
    /// In the order of the legend.
    pub values: Vec<String>,
}

/// The view box of bars and lines.
pub const WIDTH: f64 = 600.0;
pub const HEIGHT: f64 = 160.0;

/// The minimum width of a segment, so that one failure in ten thousand stays visible.
const MIN_SEGMENT: f64 = 16.0;
/// The minimum height of a bar, for the same reason.
const MIN_BAR: f64 = 3.0;

/// A bar of all projects by status.
pub fn stacked(counts: &[(ProjectStatus, u64)]) -> StackedBar {
    let numbers: Vec<u64> = counts.iter().map(|(_, n)| *n).collect();
    let widths = shares(&numbers, f64::from(StackedBar::WIDTH), MIN_SEGMENT);
    let mut x = 0.0;
    let mut segments = Vec::with_capacity(counts.len());
    for ((status, n), width) in counts.iter().zip(widths) {
        segments.push(Segment {
            badge: status.badge(),
            count: grouped(*n),
            href: format!("/dashboard/projects?status={status}"),
            x: decimal(x),
            width: (width > 0.0).then(|| decimal(width)),
        });
        x += width;
    }
    StackedBar { segments, total: grouped(numbers.iter().sum()) }
}

/// Projects that became ready or failed; `None` without data.
pub fn bars(data: &[BarData], range: MetricsRange) -> Option<BarChart> {
    bars_of(data, range, "became ready")
}

/// Bars whose successes are described as `good` ("completed"); `None` without data.
pub fn bars_of(data: &[BarData], range: MetricsRange, good: &str) -> Option<BarChart> {
    let peak = data.iter().map(|bucket| bucket.ready + bucket.failed).max().filter(|peak| *peak > 0)?;
    let scale = Scale::whole(peak);
    let total = |of: fn(&BarData) -> u64| data.iter().map(of).sum::<u64>();
    let (ready, failed) = (total(|bucket| bucket.ready), total(|bucket| bucket.failed));
    let desc = format!(
        "{} {good} and {} failed in {}. Peak: {} per {}.",
        grouped(ready),
        grouped(failed),
        range.words(),
        grouped(peak),
        range.bucket_words()
    );
    Some(BarChart {
        ready: columns(data, |bucket| stack(bucket, &scale).0),
        failed: columns(data, |bucket| stack(bucket, &scale).1),
        ticks: scale.labels(|value| grouped(value as u64)),
        grid: scale.grid(),
        totals: (grouped(ready), grouped(failed)),
        desc,
        rows: data.iter().map(|bucket| row(&bucket.at, vec![grouped(bucket.ready), grouped(bucket.failed)])).collect(),
    })
}

/// Average and 95th percentile; `None` without data.
pub fn lines(data: &[DurationData], range: MetricsRange) -> Option<LineChart> {
    let values = data.iter().flat_map(|bucket| [bucket.average, bucket.p95]).flatten();
    let peak = values.fold(None, |peak: Option<f64>, value| Some(peak.map_or(value, |peak| peak.max(value))))?;
    let scale = Scale::fractional(peak);
    let average: Vec<Option<f64>> = data.iter().map(|bucket| bucket.average).collect();
    let p95: Vec<Option<f64>> = data.iter().map(|bucket| bucket.p95).collect();
    let series =
        vec![series("Average", Tone::Info, &average, &scale, true), series("p95", Tone::Work, &p95, &scale, false)];
    let desc = format!(
        "Latest average {} and p95 {} in {}. Highest value: {}.",
        series[0].latest,
        series[1].latest,
        range.words(),
        duration(peak)
    );
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), duration);
    Some(LineChart {
        series,
        ticks: scale.labels(duration),
        grid: scale.grid(),
        desc,
        rows: data.iter().map(|bucket| row(&bucket.at, vec![text(bucket.average), text(bucket.p95)])).collect(),
    })
}

fn row(at: &Stamp, values: Vec<String>) -> ChartRow {
    ChartRow { at: at.clone(), values }
}

/// Splits `width` in proportion to `counts`. No part that is not empty gets less than `min`; larger parts shrink.
pub fn shares(counts: &[u64], width: f64, min: f64) -> Vec<f64> {
    let mut widths = vec![0.0; counts.len()];
    let mut open: Vec<usize> = (0..counts.len()).filter(|index| counts[*index] > 0).collect();
    let mut left = width;
    while !open.is_empty() {
        let total: f64 = open.iter().map(|index| counts[*index] as f64).sum();
        let exact = |index: usize| left * counts[index] as f64 / total;
        let (small, large): (Vec<usize>, Vec<usize>) = open.iter().partition(|index| exact(**index) < min);
        if small.is_empty() || large.is_empty() {
            open.iter().for_each(|index| widths[*index] = exact(*index));
            break;
        }
        small.iter().for_each(|index| widths[*index] = min);
        left -= min * small.len() as f64;
        open = large;
    }
    widths
}

/// All bars as one path instead of one element per bar.
fn columns(data: &[BarData], part: impl Fn(&BarData) -> (f64, f64)) -> String {
    let slot = WIDTH / data.len() as f64;
    let width = decimal(slot * 0.8);
    let column = |(index, bucket)| {
        let (top, height) = part(bucket);
        let x = decimal((index as f64 + 0.1) * slot);
        if height > 0.0 {
            format!("M{x} {}h{width}v{}h-{width}z", decimal(top), decimal(height))
        } else {
            String::new()
        }
    };
    data.iter().enumerate().map(column).collect()
}

/// Top and height of the lower and of the upper bar.
fn stack(bucket: &BarData, scale: &Scale) -> ((f64, f64), (f64, f64)) {
    let height = |count: u64| if count == 0 { 0.0 } else { scale.height(count as f64).max(MIN_BAR) };
    let (ready, failed) = (height(bucket.ready), height(bucket.failed));
    // A tall lower bar must not push the upper one out of the drawing.
    let base = (HEIGHT - ready).max(failed);
    ((HEIGHT - ready, ready), (base - failed, failed))
}

fn series(name: &str, tone: Tone, values: &[Option<f64>], scale: &Scale, filled: bool) -> LineSeries {
    let latest = values.iter().rev().find_map(|value| *value);
    let runs = runs(values, scale);
    LineSeries {
        name: name.to_owned(),
        tone,
        latest: latest.map_or_else(|| "–".to_owned(), duration),
        line: runs.iter().map(|run| line(run)).collect(),
        area: if filled { runs.iter().map(|run| area(run)).collect() } else { String::new() },
    }
}

/// The points of a line, broken where a bucket has no value.
fn runs(values: &[Option<f64>], scale: &Scale) -> Vec<Vec<(f64, f64)>> {
    let slot = WIDTH / values.len().max(1) as f64;
    let point = |index: usize, value: f64| ((index as f64 + 0.5) * slot, HEIGHT - scale.height(value));
    let mut runs = vec![Vec::new()];
    for (index, value) in values.iter().enumerate() {
        match value {
            Some(value) => runs.last_mut().into_iter().for_each(|run| run.push(point(index, *value))),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// A single point is drawn as a short line, or it would be invisible.
fn line(run: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in run.iter().enumerate() {
        let verb = if index == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{verb}{} {}", decimal(*x), decimal(*y)));
    }
    if run.len() == 1 {
        path.push_str("h3");
    }
    path
}

/// A single point has no area.
fn area(run: &[(f64, f64)]) -> String {
    match run {
        [first, .., last] => format!("{}L{} {HEIGHT}L{} {HEIGHT}Z", line(run), decimal(last.0), decimal(first.0)),
        _ => String::new(),
    }
}

fn grouped(n: u64) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(ready: u64, failed: u64) -> BarData {
        BarData { at: Stamp::default(), ready, failed }
    }

    fn duration(average: Option<f64>, p95: Option<f64>) -> DurationData {
        DurationData { at: Stamp::default(), average, p95 }
    }

    #[test]
    fn rare_status_keeps_minimum_width() {
        let bar = stacked(&[(ProjectStatus::Ready, 10_000), (ProjectStatus::Failed, 1)]);
        assert_eq!(bar.segments[1].width.as_deref(), Some("16"));
        assert_eq!(bar.segments[0].width.as_deref(), Some("984"));
        assert_eq!(bar.segments[1].x, "984");
        assert_eq!(bar.total, "10,001");
    }

    #[test]
    fn segments_fill_the_bar() {
        for counts in [vec![1, 1, 1], vec![5_000, 3, 0, 2, 1], vec![7], vec![1; 100]] {
            let sum: f64 = shares(&counts, 1_000.0, 16.0).iter().sum();
            assert!((sum - 1_000.0).abs() < 1e-6, "{counts:?} gave {sum}");
        }
    }

    #[test]
    fn empty_status_has_no_width() {
        let bar = stacked(&[(ProjectStatus::Ready, 4), (ProjectStatus::Deleting, 0)]);
        assert_eq!(bar.segments.len(), 2);
        assert_eq!(bar.segments[1].width, None);
        assert_eq!(stacked(&[(ProjectStatus::Ready, 0)]).segments[0].width, None);
    }

    #[test]
    fn chart_without_data_is_none() {
        assert_eq!(bars(&[bucket(0, 0), bucket(0, 0)], MetricsRange::H1), None);
        assert_eq!(bars(&[], MetricsRange::H1), None);
        assert_eq!(lines(&[duration(None, None)], MetricsRange::H1), None);
        assert_eq!(lines(&[], MetricsRange::H1), None);
    }

    #[test]
    fn bars_stack_inside_the_view_box() {
        let chart = bars(&[bucket(8, 2), bucket(0, 1)], MetricsRange::H1).expect("there is data");
        assert_eq!(chart.ticks, ["10", "5", "0"]);
        assert_eq!(chart.grid, ["0", "80", "160"]);
        assert_eq!(chart.ready, "M30 32h240v128h-240z");
        assert_eq!(chart.failed, "M30 0h240v32h-240zM330 144h240v16h-240z");
        assert_eq!(chart.totals, ("8".to_owned(), "3".to_owned()));
        assert_eq!(chart.desc, "8 became ready and 3 failed in the last hour. Peak: 10 per minute.");
    }

    #[test]
    fn failure_on_tall_bar_stays_visible() {
        let chart = bars(&[bucket(1_000, 1)], MetricsRange::D7).expect("there is data");
        assert!(chart.failed.contains("v3h"), "{}", chart.failed);
    }

    #[test]
    fn empty_bucket_interrupts_line() {
        let data = [duration(Some(2.0), Some(4.0)), duration(None, None), duration(Some(3.0), Some(3.0))];
        let chart = lines(&data, MetricsRange::H6).expect("there is data");
        assert_eq!(chart.ticks, ["4 s", "3 s", "2 s", "1 s", "0 s"]);
        assert_eq!(chart.series[0].line, "M100 80h3M500 40h3");
        assert_eq!(chart.series[0].latest, "3 s");
        assert!(chart.series[1].area.is_empty());
        assert_eq!(chart.rows[1].values, ["–", "–"]);
    }

    #[test]
    fn unbroken_line_has_closed_area() {
        let data = [duration(Some(1.0), None), duration(Some(2.0), None)];
        let chart = lines(&data, MetricsRange::H1).expect("there is data");
        assert_eq!(chart.series[0].line, "M150 80L450 0");
        assert_eq!(chart.series[0].area, "M150 80L450 0L450 160L150 160Z");
        assert_eq!(chart.series[1].latest, "–");
    }

    #[test]
    fn zero_durations_draw_a_line() {
        let chart = lines(&[duration(Some(0.0), Some(0.0))], MetricsRange::M15).expect("there is data");
        assert_eq!(chart.series[0].line, "M300 160h3");
    }
}
