//! The wait and run times of the steps as bars on one time axis.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use time::OffsetDateTime;

use crate::store::workflows::Workflow;
use crate::web::dashboard::workflows::data::{Interval, Step, Steps};
use crate::web::dashboard::workflows::view::{Waterfall, WaterfallRow};
use crate::web::ui::{Scale, StateBadge, Tone, count, decimal, duration};

const MAX_BARS: usize = 60;
/// The heights of a row, of a run and of a wait. The names next to the drawing use the same row height.
const ROW: usize = 24;
const THICK: f64 = 12.0;
const THIN: f64 = 4.0;
/// The minimum width of a bar, so that the shortest run is visible.
const MIN_WIDTH: f64 = 3.0;

/// `None` before the first step is ready.
pub fn of(workflow: &Workflow, steps: &Steps) -> Option<Waterfall> {
    let started: Vec<&Step> = steps.list.iter().filter(|it| it.waited.or(it.ran).is_some()).collect();
    let seconds = |at: OffsetDateTime| (at - workflow.created_at).as_seconds_f64().max(0.0);
    // Start and end in seconds since the start of the workflow.
    let range = |it: Interval| -> (f64, f64) { (seconds(it.from), seconds(it.to.unwrap_or(steps.at))) };
    let end = started.iter().flat_map(|it| [it.waited, it.ran]).flatten().map(|it| range(it).1).fold(0.0, f64::max);
    if started.is_empty() {
        return None;
    }
    let scale = Scale::fractional(end.max(0.001));
    let all = started.len();
    let shown = most_relevant(started, |it| range(it).1 - range(it).0);
    let x = |seconds: f64| seconds / scale.end() * f64::from(Waterfall::WIDTH);
    let (mut waiting, mut running): (String, BTreeMap<&str, (Tone, String)>) = Default::default();
    let mut rows = Vec::with_capacity(shown.len());
    for (index, step) in shown.iter().enumerate() {
        let middle = (index * ROW + ROW / 2) as f64;
        if let Some((from, to)) = step.waited.map(range) {
            bar(&mut waiting, x(from), x(to), middle, THIN);
        }
        let tone = step.state().badge().tone;
        if let Some((from, to)) = step.ran.map(range) {
            let path = &mut running.entry(tone.name()).or_insert_with(|| (tone, String::new())).1;
            bar(path, x(from), x(to).max(x(from) + MIN_WIDTH), middle, THICK);
        }
        let took = step.ran.map(range).map_or_else(|| "–".to_owned(), |(from, to)| duration(to - from));
        rows.push(WaterfallRow { name: step.name().to_owned(), took, critical: step.node.critical });
    }
    let mut axis = scale.labels(duration);
    axis.reverse();
    let lines = axis.len().saturating_sub(1).max(1);
    let line = |index: usize| decimal(f64::from(Waterfall::WIDTH) * index as f64 / lines as f64);
    let excerpt = || {
        let (shown, all) = (count(shown.len() as i64), count(all as i64));
        format!("{shown} of {all} started steps: the critical path and the longest")
    };
    Some(Waterfall {
        desc: desc(&rows, end),
        excerpt: (shown.len() < all).then(excerpt),
        height: (shown.len() * ROW).to_string(),
        grid: (0..=lines).map(line).collect(),
        axis,
        rows,
        waiting,
        running: running.into_values().collect(),
    })
}

/// If there are too many, the critical path and the longest steps. Sorted by start.
fn most_relevant(mut steps: Vec<&Step>, length: impl Fn(Interval) -> f64) -> Vec<&Step> {
    if steps.len() > MAX_BARS {
        let length = |it: &Step| [it.waited, it.ran].into_iter().flatten().map(&length).sum::<f64>();
        steps.sort_by(|a, b| b.node.critical.cmp(&a.node.critical).then(length(b).total_cmp(&length(a))));
        steps.truncate(MAX_BARS);
    }
    steps.sort_by_key(|it| (it.waited.or(it.ran).map(|it| it.from), it.node.rank, it.id()));
    steps
}

fn bar(path: &mut String, from: f64, to: f64, middle: f64, height: f64) {
    let width = decimal((to - from).max(0.0));
    if width != "0" {
        _ = write!(path, "M{} {}h{width}v{height}h-{width}z", decimal(from), decimal(middle - height / 2.0));
    }
}

fn desc(rows: &[WaterfallRow], end: f64) -> String {
    let distinct: HashSet<&str> = rows.iter().map(|it| it.name.as_str()).collect();
    let named: Vec<String> = rows.iter().take(10).map(|it| format!("{} {}", it.name, it.took)).collect();
    let more = distinct.len().saturating_sub(named.len());
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{} in total. Run times: {}{rest}.", duration(end), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_is_centered_and_empty_bar_is_omitted() {
        let mut path = String::new();
        bar(&mut path, 10.0, 110.0, 36.0, THICK);
        bar(&mut path, 110.0, 110.0, 36.0, THICK);
        assert_eq!(path, "M10 30h100v12h-100z");
    }

    #[test]
    fn description_names_ten_run_times() {
        let row = |n: usize| WaterfallRow { name: format!("s{n}"), took: "2 s".to_owned(), critical: false };
        assert_eq!(desc(&[row(1)], 3.0), "3 s in total. Run times: s1 2 s.");
        let rows: Vec<WaterfallRow> = (0..12).map(row).collect();
        assert!(desc(&rows, 3.0).ends_with("s9 2 s, and 2 more."));
    }
}
