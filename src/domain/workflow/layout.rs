//! Layout of a workflow graph: ranks from left to right, and within a rank an order with few edge crossings. The layout
//! is deterministic, so a redrawn picture changes only when the graph does.

use std::collections::BTreeMap;

use super::Graph;

/// The size of a card, and the gaps between cards, in pixels.
pub const CARD: (f64, f64) = (190.0, 52.0);
const RANK_GAP: f64 = 64.0;
const ROW_GAP: f64 = 26.0;
/// The height of a lane, which carries edges past a rank, and the gap next to it.
const LANE: f64 = 8.0;
const LANE_GAP: f64 = 12.0;
/// Rounds of reordering within ranks, each in both directions.
const ORDER_ROUNDS: usize = 2;
/// Rounds of moving cards towards their neighbors, each in both directions.
const ALIGN_ROUNDS: usize = 3;
/// With more lanes than this, edges are straight lines.
const MAX_LANES: usize = 4_000;

/// A point in pixels from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// The positions of all cards and lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The upper left corner of each card, by node.
    pub cards: Vec<Point>,
    /// The nodes by rank, each rank from top to bottom: the reading order.
    pub order: Vec<usize>,
    pub width: f64,
    pub height: f64,
    ranks: Vec<usize>,
    /// The y coordinate at which the edges of a node pass a rank, by (node, rank).
    lanes: BTreeMap<(usize, usize), f64>,
}

impl Layout {
    pub fn new(graph: &Graph) -> Self {
        let mut grid = Grid::new(graph);
        for _ in 0..ORDER_ROUNDS {
            grid.order_columns(Side::Before);
            grid.order_columns(Side::After);
        }
        let mut centers = grid.packed();
        for _ in 0..ALIGN_ROUNDS {
            grid.align(&mut centers, Side::Before);
            grid.align(&mut centers, Side::After);
        }
        grid.into_layout(graph.ranks(), &centers)
    }

    /// The route of an edge, from the right side of one card past the ranks between to the left side of the other.
    /// Points come in pairs: between the two points of a pair lies the gap between two ranks.
    pub fn route(&self, from: usize, to: usize) -> Vec<Point> {
        let center = |at: usize| self.cards[at].y + CARD.1 / 2.0;
        let mut points = vec![Point { x: self.cards[from].x + CARD.0, y: center(from) }];
        for rank in self.ranks[from] + 1..self.ranks[to] {
            if let Some(y) = self.lanes.get(&(from, rank)) {
                let x = column(rank);
                points.extend([Point { x, y: *y }, Point { x: x + CARD.0, y: *y }]);
            }
        }
        points.push(Point { x: self.cards[to].x, y: center(to) });
        points
    }
}

fn column(rank: usize) -> f64 {
    rank as f64 * (CARD.0 + RANK_GAP)
}

/// Which neighbors an item is ordered by.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    After,
}

/// Cards and lanes in columns. An item is identified by its index: nodes first, then lanes.
struct Grid {
    nodes: usize,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    columns: Vec<Vec<usize>>,
    lanes: BTreeMap<(usize, usize), usize>,
}

impl Grid {
    fn new(graph: &Graph) -> Self {
        let ranks = graph.ranks();
        let nodes = ranks.len();
        let mut columns = vec![Vec::new(); ranks.iter().max().map_or(0, |rank| rank + 1)];
        (0..nodes).for_each(|at| columns[ranks[at]].push(at));
        let mut grid = Self {
            nodes,
            before: vec![Vec::new(); nodes],
            after: vec![Vec::new(); nodes],
            columns,
            lanes: BTreeMap::new(),
        };
        let ranks_between = |from: usize, to: usize| (ranks[to]).saturating_sub(ranks[from] + 1);
        // The edges of one node share their lanes.
        let needed: usize = (0..nodes)
            .map(|from| graph.children(from).iter().map(|to| ranks_between(from, *to)).max().unwrap_or(0))
            .sum();
        for from in 0..nodes {
            for to in graph.children(from).iter().copied().filter(|to| ranks[*to] > ranks[from]) {
                let mut last = from;
                for rank in (ranks[from] + 1..ranks[to]).filter(|_| needed <= MAX_LANES) {
                    last = grid.lane(from, rank, last);
                }
                grid.join(last, to);
            }
        }
        grid
    }

    fn lane(&mut self, from: usize, rank: usize, last: usize) -> usize {
        if let Some(known) = self.lanes.get(&(from, rank)) {
            return *known;
        }
        let new = self.before.len();
        self.before.push(Vec::new());
        self.after.push(Vec::new());
        self.columns[rank].push(new);
        self.lanes.insert((from, rank), new);
        self.join(last, new);
        new
    }

    fn join(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    fn neighbors(&self, at: usize, side: Side) -> &[usize] {
        if side == Side::Before { &self.before[at] } else { &self.after[at] }
    }

    /// The columns in the order in which the neighbors on one side are already placed.
    fn columns_by(&self, side: Side) -> Vec<usize> {
        let all = 0..self.columns.len();
        if side == Side::Before { all.collect() } else { all.rev().collect() }
    }

    /// Sorts each column by the mean position of the neighbors. An item without neighbors keeps its position.
    fn order_columns(&mut self, side: Side) {
        let mut places = vec![0.0; self.before.len()];
        for rank in self.columns_by(side) {
            let mut column = std::mem::take(&mut self.columns[rank]);
            let target =
                |(place, at): (usize, &usize)| mean(self.neighbors(*at, side), &places).unwrap_or(place as f64);
            let targets: Vec<f64> = column.iter().enumerate().map(target).collect();
            let mut order: Vec<usize> = (0..column.len()).collect();
            order.sort_by(|a, b| targets[*a].total_cmp(&targets[*b]));
            column = order.into_iter().map(|it| column[it]).collect();
            // Columns differ in length, so positions count from the center.
            let half = column.len() as f64 / 2.0;
            column.iter().enumerate().for_each(|(place, at)| places[*at] = place as f64 - half);
            self.columns[rank] = column;
        }
    }

    /// The minimum distance between the centers of two adjacent items of a column.
    fn distance(&self, above: usize, below: usize) -> f64 {
        let height = |at: usize| if at < self.nodes { CARD.1 } else { LANE };
        let both = above < self.nodes && below < self.nodes;
        (height(above) + height(below)) / 2.0 + if both { ROW_GAP } else { LANE_GAP }
    }

    /// The offset of each center from the first, when the column is packed.
    fn offsets(&self, column: &[usize]) -> Vec<f64> {
        let mut offsets = vec![0.0; column.len()];
        for at in 1..column.len() {
            offsets[at] = offsets[at - 1] + self.distance(column[at - 1], column[at]);
        }
        offsets
    }

    /// The centers when every column is packed around a common line.
    fn packed(&self) -> Vec<f64> {
        let mut centers = vec![0.0; self.before.len()];
        for column in &self.columns {
            let offsets = self.offsets(column);
            let half = offsets.last().copied().unwrap_or_default() / 2.0;
            column.iter().zip(&offsets).for_each(|(at, offset)| centers[*at] = offset - half);
        }
        centers
    }

    /// Moves each item as close to the mean of its neighbors as the rest of the column allows.
    fn align(&self, centers: &mut [f64], side: Side) {
        for rank in self.columns_by(side) {
            let column = &self.columns[rank];
            let offsets = self.offsets(column);
            let target = |at: &usize| mean(self.neighbors(*at, side), centers).unwrap_or(centers[*at]);
            let targets: Vec<f64> = column.iter().zip(&offsets).map(|(at, offset)| target(at) - offset).collect();
            let fitted = isotonic(&targets);
            column.iter().zip(fitted.iter().zip(&offsets)).for_each(|(at, (fit, offset))| centers[*at] = fit + offset);
        }
    }

    fn into_layout(self, ranks: &[usize], centers: &[f64]) -> Layout {
        let height_of = |at: usize| if at < self.nodes { CARD.1 } else { LANE };
        let edges =
            centers.iter().enumerate().map(|(at, center)| (center - height_of(at) / 2.0, center + height_of(at) / 2.0));
        let (top, bottom) = edges.fold((f64::MAX, f64::MIN), |(top, bottom), (a, b)| (top.min(a), bottom.max(b)));
        // Whole pixels make sharp lines. The distances are whole, so rounding all positions down keeps them.
        let down = |y: f64| (y - top).floor();
        let card = |at: usize| Point { x: column(ranks[at]), y: down(centers[at] - CARD.1 / 2.0) };
        let (width, height) =
            if self.nodes == 0 { (0.0, 0.0) } else { (column(self.columns.len() - 1) + CARD.0, (bottom - top).ceil()) };
        Layout {
            cards: (0..self.nodes).map(card).collect(),
            order: self.columns.iter().flatten().copied().filter(|at| *at < self.nodes).collect(),
            width,
            height,
            ranks: ranks.to_vec(),
            lanes: self.lanes.iter().map(|(key, at)| (*key, down(centers[*at]))).collect(),
        }
    }
}

fn mean(of: &[usize], places: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().map(|at| places[*at]).sum::<f64>() / of.len() as f64)
}

/// The non-decreasing sequence closest to `targets` (isotonic regression by pooling adjacent violators).
fn isotonic(targets: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(targets.len());
    for target in targets {
        let (mut value, mut n) = (*target, 1);
        while let Some((before, m)) = blocks.pop_if(|(before, _)| *before > value) {
            value = (value * n as f64 + before * m as f64) / (n + m) as f64;
            n += m;
        }
        blocks.push((value, n));
    }
    blocks.into_iter().flat_map(|(value, n)| std::iter::repeat_n(value, n)).collect()
}

#[cfg(test)]
mod tests;
