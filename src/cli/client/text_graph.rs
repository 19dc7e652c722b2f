//! A graph drawn with letters: ranks from left to right, edges as lines between them.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::graph::Picture;
use crate::cli::output::Paint;
use crate::domain::workflow::layout::CARD;

/// How many pixels of the layout are one line of letters, before lines on which nothing happens are left out.
const LINE: f64 = 13.0;
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// The drawing, and below it what each step waits for or what went wrong, where there is something to say.
pub fn drawn(picture: &Picture, paint: Paint) -> String {
    let columns = Columns::new(picture);
    let mut canvas = BTreeMap::new();
    for (from, to, _) in &picture.edges {
        trace(&mut canvas, picture, &columns, *from, *to);
    }
    let mut lines = canvas_lines(&canvas, picture, &columns, paint);
    let noted = picture.nodes.iter().filter(|step| !step.note.is_empty());
    lines.extend(noted.map(|step| format!("{}: {}", step.name, step.note)));
    lines.join("\n")
}

/// Where the ranks begin, and where the edges of each step turn.
struct Columns {
    starts: Vec<usize>,
    widths: Vec<usize>,
    /// In the gap after a rank: the column in which the edges from this step turn.
    turns: BTreeMap<(usize, usize), usize>,
}

impl Columns {
    fn new(picture: &Picture) -> Self {
        let n = picture.ranks.iter().max().map_or(0, |rank| rank + 1);
        let mut widths = vec![0; n];
        for (at, rank) in picture.ranks.iter().enumerate() {
            widths[*rank] = widths[*rank].max(label(picture, at).width());
        }
        // Steps whose edges turn in a gap, each with a column of its own, so that their lines stay apart.
        let mut turning: Vec<Vec<usize>> = vec![Vec::new(); n];
        for (from, to, _) in &picture.edges {
            for gap in &mut turning[picture.ranks[*from]..picture.ranks[*to]] {
                if !gap.contains(from) {
                    gap.push(*from);
                }
            }
        }
        let (mut starts, mut turns, mut x) = (Vec::with_capacity(n), BTreeMap::new(), 0);
        for (rank, width) in widths.iter().enumerate() {
            starts.push(x);
            x += width + 2;
            for from in &turning[rank] {
                turns.insert((*from, rank), x);
                x += 2;
            }
            x += 2;
        }
        Self { starts, widths, turns }
    }
}

fn label(picture: &Picture, at: usize) -> String {
    format!("[{} {}]", picture.nodes[at].name, picture.nodes[at].state)
}

fn line_of(y: f64) -> usize {
    (y / LINE).round() as usize
}

/// One edge: out of a step, to its turn, up or down, on into the next rank, and so on.
fn trace(canvas: &mut BTreeMap<(usize, usize), u8>, picture: &Picture, columns: &Columns, from: usize, to: usize) {
    let way = picture.layout.route(from, to);
    let first = picture.ranks[from];
    let mut x = columns.starts[first] + label(picture, from).width();
    for (hop, pair) in way.chunks(2).enumerate() {
        let [before, after] = pair else { continue };
        let (y, to_y, rank) = (line_of(before.y), line_of(after.y), first + hop);
        let Some(turn) = columns.turns.get(&(from, rank)) else { continue };
        // Without lanes, the last hop goes all the way.
        let next = if hop + 1 == way.len() / 2 { picture.ranks[to] } else { rank + 1 };
        let start = columns.starts[next];
        across(canvas, y, x, *turn);
        (y.min(to_y)..y.max(to_y)).for_each(|line| {
            *canvas.entry((line, *turn)).or_default() |= DOWN;
            *canvas.entry((line + 1, *turn)).or_default() |= UP;
        });
        across(canvas, to_y, *turn, start.saturating_sub(1));
        x = start.saturating_sub(1);
    }
}

fn across(canvas: &mut BTreeMap<(usize, usize), u8>, line: usize, from: usize, to: usize) {
    for x in from..to {
        *canvas.entry((line, x)).or_default() |= RIGHT;
        *canvas.entry((line, x + 1)).or_default() |= LEFT;
    }
}

fn canvas_lines(
    canvas: &BTreeMap<(usize, usize), u8>,
    picture: &Picture,
    columns: &Columns,
    paint: Paint,
) -> Vec<String> {
    let mut cards: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, card) in picture.layout.cards.iter().enumerate() {
        let line = line_of(card.y + CARD.1 / 2.0);
        cards.entry(line).or_default().push((columns.starts[picture.ranks[at]], at));
    }
    let last = cards.keys().chain(canvas.keys().map(|(line, _)| line)).max().copied().unwrap_or_default();
    let mut lines = Vec::new();
    for line in 0..=last {
        let strokes: Vec<(usize, u8)> =
            canvas.range((line, 0)..(line + 1, 0)).map(|((_, x), dirs)| (*x, *dirs)).collect();
        let mut here = cards.remove(&line).unwrap_or_default();
        here.sort_unstable();
        // Where lines only pass through, nothing happens.
        if here.is_empty() && strokes.iter().all(|(_, dirs)| *dirs == UP | DOWN) {
            continue;
        }
        lines.push(one_line(&strokes, &here, picture, columns, paint));
    }
    lines
}

fn one_line(
    strokes: &[(usize, u8)],
    here: &[(usize, usize)],
    picture: &Picture,
    columns: &Columns,
    paint: Paint,
) -> String {
    let (mut text, mut x) = (String::new(), 0);
    let mut strokes = strokes.iter().peekable();
    let mut cards = here.iter().peekable();
    let end = columns.starts.last().zip(columns.widths.last()).map_or(0, |(start, width)| start + width);
    while x <= end {
        if let Some((_, at)) = cards.next_if(|(start, _)| *start == x) {
            let step = &picture.nodes[*at];
            text.push_str(&format!("[{} {}]", step.name, paint.state(&step.state)));
            x += label(picture, *at).width();
            while strokes.next_if(|(place, _)| *place < x).is_some() {}
            continue;
        }
        match strokes.next_if(|(place, _)| *place == x) {
            // Just before a card, a line ends in an arrow.
            Some((_, dirs)) if *dirs == LEFT && cards.peek().is_some_and(|(start, _)| *start == x + 1) => {
                text.push('▸')
            }
            Some((_, dirs)) => text.push(stroke(*dirs)),
            None => text.push(' '),
        }
        x += 1;
    }
    text.trim_end().to_owned()
}

fn stroke(dirs: u8) -> char {
    const STROKES: [char; 16] = [' ', '│', '│', '│', '─', '┘', '┐', '┤', '─', '└', '┌', '├', '─', '┴', '┬', '┼'];
    STROKES[usize::from(dirs & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_looks_like_one() {
        let text = drawn(&super::super::graph::tests::diamond(), Paint(false));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("┌──▸[b<&> active]─"), "{text}");
        assert!(lines.iter().any(|line| line.starts_with("[a completed]─")), "{text}");
        assert!(lines.iter().any(|line| line.contains("▸[d blocked]")), "{text}");
        assert_eq!(lines.len(), 3, "{text}");
    }
}
