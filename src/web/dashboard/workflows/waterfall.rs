//! When the steps of a workflow waited and ran, as bars under each other along one time axis.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use time::OffsetDateTime;

use crate::store::workflows::Workflow;
use crate::web::dashboard::ui::{Scale, StateBadge, Tone, count, decimal, duration};
use crate::web::dashboard::workflows::steps::{Known, Stretch, Times};
use crate::web::dashboard::workflows::view::{FallRow, Waterfall};
use crate::wire::GraphNode;

/// How many bars there are at most.
const MOST: usize = 60;
/// How high a row is, and the bars in it; the names beside it are as high.
const ROW: usize = 24;
const THICK: f64 = 12.0;
const THIN: f64 = 4.0;
/// What a bar takes at least, so that the shortest is still seen.
const LEAST: f64 = 3.0;

/// The bars of what has begun; nothing before that.
pub fn of(workflow: &Workflow, known: &Known) -> Option<Waterfall> {
    let begun: Vec<(&GraphNode, Times)> = known
        .graph
        .nodes
        .iter()
        .map(|it| (it, known.times(it)))
        .filter(|(_, times)| times.waited.or(times.ran).is_some())
        .collect();
    let from = workflow.created_at;
    let since = |at: OffsetDateTime| (at - from).as_seconds_f64().max(0.0);
    let until = |it: &Stretch| since(it.1.unwrap_or(known.at));
    let end = begun.iter().flat_map(|(_, it)| [it.waited, it.ran]).flatten().map(|it| until(&it)).fold(0.0, f64::max);
    if begun.is_empty() {
        return None;
    }
    let scale = Scale::fractional(end.max(0.001));
    let all = begun.len();
    let shown = chosen(begun, |it| until(it) - since(it.0));
    let x = |seconds: f64| seconds / scale.end() * f64::from(Waterfall::WIDTH);
    let (mut waiting, mut running): (String, BTreeMap<&str, (Tone, String)>) = Default::default();
    let mut rows = Vec::with_capacity(shown.len());
    for (at, (it, times)) in shown.iter().enumerate() {
        let middle = (at * ROW + ROW / 2) as f64;
        if let Some(stretch) = &times.waited {
            bar(&mut waiting, x(since(stretch.0)), x(until(stretch)), middle, THIN);
        }
        let tone = known.state(it).badge().tone;
        if let Some(stretch) = &times.ran {
            let path = &mut running.entry(tone.name()).or_insert_with(|| (tone, String::new())).1;
            bar(path, x(since(stretch.0)), x(until(stretch)).max(x(since(stretch.0)) + LEAST), middle, THICK);
        }
        let took = times.ran.map_or_else(|| "–".to_owned(), |it| duration(until(&it) - since(it.0)));
        rows.push(FallRow { name: it.name().to_owned(), took, critical: it.critical });
    }
    let mut axis = scale.labels(duration);
    axis.reverse();
    let lines = axis.len().saturating_sub(1).max(1);
    let line = |at: usize| decimal(f64::from(Waterfall::WIDTH) * at as f64 / lines as f64);
    Some(Waterfall {
        desc: desc(&rows, end),
        some: (shown.len() < all).then(|| {
            format!(
                "the critical path and the longest: {} of {} steps that began",
                count(shown.len() as i64),
                count(all as i64)
            )
        }),
        height: (shown.len() * ROW).to_string(),
        grid: (0..=lines).map(line).collect(),
        axis,
        rows,
        waiting,
        running: running.into_values().collect(),
    })
}

/// If there are too many: those of the critical path, then the longest. In the order in which they began.
fn chosen(mut all: Vec<(&GraphNode, Times)>, length: impl Fn(&Stretch) -> f64) -> Vec<(&GraphNode, Times)> {
    if all.len() > MOST {
        let long = |it: &Times| [it.waited, it.ran].iter().flatten().map(&length).sum::<f64>();
        all.sort_by(|(a, x), (b, y)| b.critical.cmp(&a.critical).then(long(y).total_cmp(&long(x))));
        all.truncate(MOST);
    }
    let begin = |it: &Times| it.waited.or(it.ran).map(|it| it.0);
    all.sort_by_key(|(node, times)| (begin(times), node.rank, node.job_id));
    all
}

fn bar(path: &mut String, from: f64, to: f64, middle: f64, height: f64) {
    let width = decimal((to - from).max(0.0));
    if width != "0" {
        _ = write!(path, "M{} {}h{width}v{height}h-{width}z", decimal(from), decimal(middle - height / 2.0));
    }
}

fn desc(rows: &[FallRow], end: f64) -> String {
    let distinct: HashSet<&str> = rows.iter().map(|it| it.name.as_str()).collect();
    let told: Vec<String> = rows.iter().take(10).map(|it| format!("{} {}", it.name, it.took)).collect();
    let more = distinct.len().saturating_sub(told.len());
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{} from the start to the latest moment. How long each ran: {}{rest}.", duration(end), told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_lies_in_the_middle_of_its_row_and_one_without_length_is_none() {
        let mut path = String::new();
        bar(&mut path, 10.0, 110.0, 36.0, THICK);
        bar(&mut path, 110.0, 110.0, 36.0, THICK);
        assert_eq!(path, "M10 30h100v12h-100z");
    }

    #[test]
    fn the_words_say_what_the_bars_show() {
        let row = |n: usize| FallRow { name: format!("s{n}"), took: "2 s".to_owned(), critical: false };
        assert_eq!(desc(&[row(1)], 3.0), "3 s from the start to the latest moment. How long each ran: s1 2 s.");
        let rows: Vec<FallRow> = (0..12).map(row).collect();
        assert!(desc(&rows, 3.0).ends_with("s9 2 s, and 2 more."));
    }
}
