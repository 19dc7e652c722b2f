//! Draws a graph as text: ranks from left to right, edges as lines between them.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::picture::Picture;
use crate::cli::output::Colors;
use crate::domain::workflow::layout::CARD;

/// Layout pixels per line of text. Lines that only edges pass through are removed later.
const LINE: f64 = 13.0;
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// The drawing, followed by the notes of the nodes.
pub fn draw(picture: &Picture, colors: Colors) -> String {
    let columns = Columns::new(picture);
    let mut canvas = BTreeMap::new();
    for (from, to, _) in &picture.edges {
        trace(&mut canvas, picture, &columns, *from, *to);
    }
    let mut lines = canvas_lines(&canvas, picture, &columns, colors);
    let noted = picture.nodes.iter().filter(|node| !node.note.is_empty());
    lines.extend(noted.map(|node| format!("{}: {}", node.name, node.note)));
    lines.join("\n")
}

/// The text columns of the ranks, and those in which the edges of each node bend.
struct Columns {
    starts: Vec<usize>,
    widths: Vec<usize>,
    /// By node and rank: the column after the rank in which edges from the node bend.
    bends: BTreeMap<(usize, usize), usize>,
}

impl Columns {
    fn new(picture: &Picture) -> Self {
        let n = picture.ranks.iter().max().map_or(0, |rank| rank + 1);
        let mut widths = vec![0; n];
        for (at, rank) in picture.ranks.iter().enumerate() {
            widths[*rank] = widths[*rank].max(label(picture, at).width());
        }
        // The nodes whose edges bend after each rank. Each gets its own column, so that lines do not overlap.
        let mut bending: Vec<Vec<usize>> = vec![Vec::new(); n];
        for (from, to, _) in &picture.edges {
            for gap in &mut bending[picture.ranks[*from]..picture.ranks[*to]] {
                if !gap.contains(from) {
                    gap.push(*from);
                }
            }
        }
        let (mut starts, mut bends, mut x) = (Vec::with_capacity(n), BTreeMap::new(), 0);
        for (rank, width) in widths.iter().enumerate() {
            starts.push(x);
            x += width + 2;
            for from in &bending[rank] {
                bends.insert((*from, rank), x);
                x += 2;
            }
            x += 2;
        }
        Self { starts, widths, bends }
    }
}

fn label(picture: &Picture, at: usize) -> String {
    format!("[{} {}]", picture.nodes[at].name, picture.nodes[at].state)
}

fn line_of(y: f64) -> usize {
    (y / LINE).round() as usize
}

/// Traces one edge: from the node to its bend, up or down, into the next rank, and so on.
fn trace(canvas: &mut BTreeMap<(usize, usize), u8>, picture: &Picture, columns: &Columns, from: usize, to: usize) {
    let points = picture.layout.route(from, to);
    let first = picture.ranks[from];
    let mut x = columns.starts[first] + label(picture, from).width();
    for (hop, pair) in points.chunks(2).enumerate() {
        let [before, after] = pair else { continue };
        let (y, to_y, rank) = (line_of(before.y), line_of(after.y), first + hop);
        let Some(bend) = columns.bends.get(&(from, rank)) else { continue };
        // The last hop reaches the target, even across several ranks.
        let next = if hop + 1 == points.len() / 2 { picture.ranks[to] } else { rank + 1 };
        let start = columns.starts[next];
        across(canvas, y, x, *bend);
        (y.min(to_y)..y.max(to_y)).for_each(|line| {
            *canvas.entry((line, *bend)).or_default() |= DOWN;
            *canvas.entry((line + 1, *bend)).or_default() |= UP;
        });
        across(canvas, to_y, *bend, start.saturating_sub(1));
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
    colors: Colors,
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
        // Skip lines that edges only pass through.
        if here.is_empty() && strokes.iter().all(|(_, dirs)| *dirs == UP | DOWN) {
            continue;
        }
        lines.push(one_line(&strokes, &here, picture, columns, colors));
    }
    lines
}

fn one_line(
    strokes: &[(usize, u8)],
    here: &[(usize, usize)],
    picture: &Picture,
    columns: &Columns,
    colors: Colors,
) -> String {
    let (mut text, mut x) = (String::new(), 0);
    let mut strokes = strokes.iter().peekable();
    let mut cards = here.iter().peekable();
    let end = columns.starts.last().zip(columns.widths.last()).map_or(0, |(start, width)| start + width);
    while x <= end {
        if let Some((_, at)) = cards.next_if(|(start, _)| *start == x) {
            let node = &picture.nodes[*at];
            text.push_str(&format!("[{} {}]", node.name, colors.state(&node.state)));
            x += label(picture, *at).width();
            while strokes.next_if(|(place, _)| *place < x).is_some() {}
            continue;
        }
        match strokes.next_if(|(place, _)| *place == x) {
            // An edge ends in an arrow before its target.
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
    fn diamond_is_drawn_on_three_lines() {
        let text = draw(&crate::cli::client::graph::picture::tests::diamond(), Colors(false));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("┌──▸[b<&> active]─"), "{text}");
        assert!(lines.iter().any(|line| line.starts_with("[a completed]─")), "{text}");
        assert!(lines.iter().any(|line| line.contains("▸[d blocked]")), "{text}");
        assert_eq!(lines.len(), 3, "{text}");
    }
}
