//! The geometry of the charts on the Metrics page, as numbers for SVG attributes.
//!
//! All view boxes are stretched to the width of their card (`preserveAspectRatio="none"`), so nothing here may depend
//! on an aspect ratio: gaps are strokes that do not scale, and all text stands in HTML beside the drawing.

use crate::web::dashboard::metrics::view::{
    BarChart, BarData, ChartRow, DurationData, LineChart, LineSeries, MetricsRange, Segment, StackedBar,
};
use crate::web::dashboard::ui::status::{ProjectStatus, Tone};

/// The width of the view box of bars and lines.
pub const WIDTH: f64 = 600.0;
/// The height of the view box of bars and lines.
pub const HEIGHT: f64 = 160.0;

/// What a part of a stacked bar takes at least, so that one failure in ten thousand is still seen.
const MIN_SEGMENT: f64 = 16.0;
/// What a part of a bar takes at least, for the same reason.
const MIN_BAR: f64 = 3.0;

/// The bar of all projects by state, in the order given.
pub fn stacked(counts: &[(ProjectStatus, u64)]) -> StackedBar {
    let numbers: Vec<u64> = counts.iter().map(|(_, count)| *count).collect();
    let widths = shares(&numbers, f64::from(StackedBar::WIDTH), MIN_SEGMENT);
    let mut x = 0.0;
    let mut segments = Vec::with_capacity(counts.len());
    for ((status, count), width) in counts.iter().zip(widths) {
        segments.push(Segment {
            status: *status,
            count: grouped(*count),
            href: format!("/dashboard/projects?status={}", status.name()),
            x: number(x),
            width: (width > 0.0).then(|| number(width)),
        });
        x += width;
    }
    StackedBar { segments, total: grouped(numbers.iter().sum()) }
}

/// The bars of what became ready and what failed; `None` if nothing did.
pub fn bars(data: &[BarData], range: MetricsRange) -> Option<BarChart> {
    bars_of(data, range, "became ready")
}

/// The same for what is not a project: `good` says what the lower bars did ("were completed").
pub fn bars_of(data: &[BarData], range: MetricsRange, good: &str) -> Option<BarChart> {
    let peak = data.iter().map(|bucket| bucket.ready + bucket.failed).max().filter(|peak| *peak > 0)?;
    let scale = Scale::whole(peak);
    let total = |of: fn(&BarData) -> u64| data.iter().map(of).sum::<u64>();
    let (ready, failed) = (total(|bucket| bucket.ready), total(|bucket| bucket.failed));
    let desc = format!(
        "{} {good} and {} failed in {}. At most {} per {}.",
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

/// The lines of the average and the 95th percentile; `None` if there is not one value.
pub fn lines(data: &[DurationData], range: MetricsRange) -> Option<LineChart> {
    let values = data.iter().flat_map(|bucket| [bucket.average, bucket.p95]).flatten();
    let peak = values.fold(None, |peak: Option<f64>, value| Some(peak.map_or(value, |peak| peak.max(value))))?;
    let scale = Scale::fractional(peak);
    let average: Vec<Option<f64>> = data.iter().map(|bucket| bucket.average).collect();
    let p95: Vec<Option<f64>> = data.iter().map(|bucket| bucket.p95).collect();
    let series =
        vec![series("Average", Tone::Info, &average, &scale, true), series("p95", Tone::Work, &p95, &scale, false)];
    let desc = format!(
        "Latest average {}, latest p95 {}, in {}. The highest value is {}.",
        series[0].latest,
        series[1].latest,
        range.words(),
        seconds(peak)
    );
    let word = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), seconds);
    Some(LineChart {
        series,
        ticks: scale.labels(seconds),
        grid: scale.grid(),
        desc,
        rows: data.iter().map(|bucket| row(&bucket.at, vec![word(bucket.average), word(bucket.p95)])).collect(),
    })
}

/// A count with commas: "1,284".
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration as an operator says it: "340 ms", "2.9 s", "14 s", "3 m 5 s", "2 h", "2 h 10 m".
pub fn seconds(value: f64) -> String {
    let whole = value.round() as u64;
    match value {
        v if v <= 0.0 => "0 s".to_owned(),
        v if v < 0.9995 => format!("{:.0} ms", v * 1_000.0),
        v if v < 9.95 => format!("{} s", trimmed(v)),
        _ if whole < 60 => format!("{whole} s"),
        _ if whole < 3_600 && whole.is_multiple_of(60) => format!("{} m", whole / 60),
        _ if whole < 3_600 => format!("{} m {} s", whole / 60, whole % 60),
        _ if whole % 3_600 < 60 => format!("{} h", whole / 3_600),
        _ => format!("{} h {} m", whole / 3_600, whole % 3_600 / 60),
    }
}

/// One decimal, unless it is a zero.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A coordinate: one decimal is a tenth of a pixel, and short numbers are a small page.
pub fn number(value: f64) -> String {
    trimmed(value)
}

fn row(at: &crate::web::dashboard::ui::layout_view::Stamp, values: Vec<String>) -> ChartRow {
    ChartRow { at: at.clone(), values }
}

/// Splits `width` in proportion to `counts`, but never gives a part less than `least`: the large ones pay for it.
pub fn shares(counts: &[u64], width: f64, least: f64) -> Vec<f64> {
    let mut widths = vec![0.0; counts.len()];
    let mut open: Vec<usize> = (0..counts.len()).filter(|index| counts[*index] > 0).collect();
    let mut left = width;
    while !open.is_empty() {
        let total: f64 = open.iter().map(|index| counts[*index] as f64).sum();
        let exact = |index: usize| left * counts[index] as f64 / total;
        let (small, large): (Vec<usize>, Vec<usize>) = open.iter().partition(|index| exact(**index) < least);
        if small.is_empty() || large.is_empty() {
            open.iter().for_each(|index| widths[*index] = exact(*index));
            break;
        }
        small.iter().for_each(|index| widths[*index] = least);
        left -= least * small.len() as f64;
        open = large;
    }
    widths
}

/// All bars of one kind as one path: sixty rectangles would cost sixty elements.
fn columns(data: &[BarData], part: impl Fn(&BarData) -> (f64, f64)) -> String {
    let slot = WIDTH / data.len() as f64;
    let width = number(slot * 0.8);
    let column = |(index, bucket)| {
        let (top, height) = part(bucket);
        let x = number((index as f64 + 0.1) * slot);
        if height > 0.0 { format!("M{x} {}h{width}v{}h-{width}z", number(top), number(height)) } else { String::new() }
    };
    data.iter().enumerate().map(column).collect()
}

/// Top and height of the ready part and of the failed part above it.
fn stack(bucket: &BarData, scale: &Scale) -> ((f64, f64), (f64, f64)) {
    let height = |count: u64| if count == 0 { 0.0 } else { scale.height(count as f64).max(MIN_BAR) };
    let (ready, failed) = (height(bucket.ready), height(bucket.failed));
    // A tall bar of ready ones must not push the failed part out of the drawing.
    let floor = (HEIGHT - ready).max(failed);
    ((HEIGHT - ready, ready), (floor - failed, failed))
}

fn series(name: &str, tone: Tone, values: &[Option<f64>], scale: &Scale, filled: bool) -> LineSeries {
    let latest = values.iter().rev().find_map(|value| *value);
    let runs = runs(values, scale);
    LineSeries {
        name: name.to_owned(),
        tone,
        latest: latest.map_or_else(|| "–".to_owned(), seconds),
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

/// A single point is drawn as a short line, or it would not be seen.
fn line(run: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in run.iter().enumerate() {
        let verb = if index == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{verb}{} {}", number(*x), number(*y)));
    }
    if run.len() == 1 {
        path.push_str("h3");
    }
    path
}

/// A single point has no area.
fn area(run: &[(f64, f64)]) -> String {
    match run {
        [first, .., last] => format!("{}L{} {HEIGHT}L{} {HEIGHT}Z", line(run), number(last.0), number(first.0)),
        _ => String::new(),
    }
}

/// A value axis from zero in round steps.
pub struct Scale {
    step: f64,
    steps: u32,
}

impl Scale {
    /// For counts: no step smaller than one.
    fn whole(peak: u64) -> Self {
        Self::with_step(peak as f64, round_step(peak as f64 / 4.0).max(1.0))
    }

    pub fn fractional(peak: f64) -> Self {
        Self::with_step(peak, round_step(peak / 4.0))
    }

    fn with_step(peak: f64, step: f64) -> Self {
        Self { step, steps: ((peak / step - 1e-9).ceil() as u32).max(1) }
    }

    fn height(&self, value: f64) -> f64 {
        HEIGHT * value / self.end()
    }

    /// Where the axis ends.
    pub fn end(&self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// Highest first, as they stand on the page.
    pub fn labels(&self, word: impl Fn(f64) -> String) -> Vec<String> {
        (0..=self.steps).rev().map(|step| word(self.step * f64::from(step))).collect()
    }

    fn grid(&self) -> Vec<String> {
        (0..=self.steps).map(|step| number(HEIGHT * f64::from(step) / f64::from(self.steps))).collect()
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50, … (and their tenths) that is not below `least`.
fn round_step(least: f64) -> f64 {
    let least = least.max(1e-3);
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::dashboard::ui::layout_view::Stamp;

    fn bucket(ready: u64, failed: u64) -> BarData {
        BarData { at: Stamp::default(), ready, failed }
    }

    fn duration(average: Option<f64>, p95: Option<f64>) -> DurationData {
        DurationData { at: Stamp::default(), average, p95 }
    }

    #[test]
    fn one_in_ten_thousand_is_still_seen() {
        let bar = stacked(&[(ProjectStatus::Ready, 10_000), (ProjectStatus::Failed, 1)]);
        assert_eq!(bar.segments[1].width.as_deref(), Some("16"));
        assert_eq!(bar.segments[0].width.as_deref(), Some("984"));
        assert_eq!(bar.segments[1].x, "984");
        assert_eq!(bar.total, "10,001");
    }

    #[test]
    fn the_parts_fill_the_bar_exactly() {
        for counts in [vec![1, 1, 1], vec![5_000, 3, 0, 2, 1], vec![7], vec![1; 100]] {
            let sum: f64 = shares(&counts, 1_000.0, 16.0).iter().sum();
            assert!((sum - 1_000.0).abs() < 1e-6, "{counts:?} gave {sum}");
        }
    }

    #[test]
    fn an_empty_state_has_no_rectangle_but_a_legend() {
        let bar = stacked(&[(ProjectStatus::Ready, 4), (ProjectStatus::Deleting, 0)]);
        assert_eq!(bar.segments.len(), 2);
        assert_eq!(bar.segments[1].width, None);
        assert_eq!(stacked(&[(ProjectStatus::Ready, 0)]).segments[0].width, None);
    }

    #[test]
    fn nothing_provisioned_draws_nothing() {
        assert_eq!(bars(&[bucket(0, 0), bucket(0, 0)], MetricsRange::H1), None);
        assert_eq!(bars(&[], MetricsRange::H1), None);
        assert_eq!(lines(&[duration(None, None)], MetricsRange::H1), None);
        assert_eq!(lines(&[], MetricsRange::H1), None);
    }

    #[test]
    fn bars_stand_on_each_other_inside_the_box() {
        let chart = bars(&[bucket(8, 2), bucket(0, 1)], MetricsRange::H1).expect("there is data");
        assert_eq!(chart.ticks, ["10", "5", "0"]);
        assert_eq!(chart.grid, ["0", "80", "160"]);
        assert_eq!(chart.ready, "M30 32h240v128h-240z");
        assert_eq!(chart.failed, "M30 0h240v32h-240zM330 144h240v16h-240z");
        assert_eq!(chart.totals, ("8".to_owned(), "3".to_owned()));
        assert_eq!(chart.desc, "8 became ready and 3 failed in the last hour. At most 10 per minute.");
    }

    #[test]
    fn one_failure_on_a_tall_bar_is_still_seen() {
        let chart = bars(&[bucket(1_000, 1)], MetricsRange::D7).expect("there is data");
        assert!(chart.failed.contains("v3h"), "{}", chart.failed);
    }

    #[test]
    fn a_line_is_broken_where_nothing_happened() {
        let data = [duration(Some(2.0), Some(4.0)), duration(None, None), duration(Some(3.0), Some(3.0))];
        let chart = lines(&data, MetricsRange::H6).expect("there is data");
        assert_eq!(chart.ticks, ["4 s", "3 s", "2 s", "1 s", "0 s"]);
        assert_eq!(chart.series[0].line, "M100 80h3M500 40h3");
        assert_eq!(chart.series[0].latest, "3 s");
        assert!(chart.series[1].area.is_empty());
        assert_eq!(chart.rows[1].values, ["–", "–"]);
    }

    #[test]
    fn an_unbroken_line_has_an_area_that_closes_on_the_floor() {
        let data = [duration(Some(1.0), None), duration(Some(2.0), None)];
        let chart = lines(&data, MetricsRange::H1).expect("there is data");
        assert_eq!(chart.series[0].line, "M150 80L450 0");
        assert_eq!(chart.series[0].area, "M150 80L450 0L450 160L150 160Z");
        assert_eq!(chart.series[1].latest, "–");
    }

    #[test]
    fn durations_of_no_time_do_not_divide_by_zero() {
        let chart = lines(&[duration(Some(0.0), Some(0.0))], MetricsRange::M15).expect("there is data");
        assert_eq!(chart.series[0].line, "M300 160h3");
    }

    #[test]
    fn numbers_read_as_people_say_them() {
        let counts = [(0, "0"), (999, "999"), (1_284, "1,284"), (1_000_000, "1,000,000")];
        counts.iter().for_each(|(count, text)| assert_eq!(grouped(*count), *text));
        let times = [
            (0.0, "0 s"),
            (0.034, "34 ms"),
            (0.9999, "1 s"),
            (2.94, "2.9 s"),
            (9.96, "10 s"),
            (14.4, "14 s"),
            (59.7, "1 m"),
            (185.0, "3 m 5 s"),
            (7_200.0, "2 h"),
            (7_800.0, "2 h 10 m"),
        ];
        times.iter().for_each(|(value, text)| assert_eq!(seconds(*value), *text));
    }

    #[test]
    fn steps_are_round() {
        let steps = [(0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (5.1, 10.0), (75.0, 100.0)];
        steps.iter().for_each(|(least, step)| assert!((round_step(*least) - step).abs() < 1e-9, "{least}"));
    }
}
