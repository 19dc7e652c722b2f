//! Where the steps of a workflow stand when they are drawn: ranks from left to right, and within a rank an order that lets few edges
//! cross. The same graph is always laid out in the same way, so a picture that is drawn again only moves when the graph does.

use std::collections::BTreeMap;

use super::Graph;

/// A card, and what is left free between two of them.
pub const CARD: (f64, f64) = (190.0, 52.0);
const RANK_GAP: f64 = 64.0;
const ROW_GAP: f64 = 26.0;
/// What an edge takes that passes a rank, and what is left free beside it.
const LANE: f64 = 8.0;
const LANE_GAP: f64 = 12.0;
/// How often the order within the ranks is improved, there and back.
const SWEEPS: usize = 2;
/// How often cards are drawn towards their neighbours, there and back.
const PULLS: usize = 3;
/// With more lanes than these, edges go straight.
const MOST_LANES: usize = 4_000;

/// A place of the drawing, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The upper left corner of each card, by node.
    pub cards: Vec<Point>,
    /// The nodes rank by rank, each rank from top to bottom: the order in which one reads the drawing.
    pub order: Vec<usize>,
    pub width: f64,
    pub height: f64,
    ranks: Vec<usize>,
    /// At which height the edges from a node pass a rank.
    lanes: BTreeMap<(usize, usize), f64>,
}

impl Layout {
    pub fn new(graph: &Graph) -> Self {
        let mut grid = Grid::new(graph);
        for _ in 0..SWEEPS {
            grid.sort(Side::Before);
            grid.sort(Side::After);
        }
        let mut middles = grid.stacked();
        for _ in 0..PULLS {
            grid.pull(&mut middles, Side::Before);
            grid.pull(&mut middles, Side::After);
        }
        grid.placed(graph.ranks(), &middles)
    }

    /// The way of an edge: out of the right side of one card, past the ranks between, into the left side of the other. Two points
    /// that follow each other on even places have a gap between the ranks between them, the others a rank.
    pub fn way(&self, from: usize, to: usize) -> Vec<Point> {
        let middle = |at: usize| self.cards[at].y + CARD.1 / 2.0;
        let mut points = vec![Point { x: self.cards[from].x + CARD.0, y: middle(from) }];
        for rank in self.ranks[from] + 1..self.ranks[to] {
            if let Some(y) = self.lanes.get(&(from, rank)) {
                let x = column(rank);
                points.extend([Point { x, y: *y }, Point { x: x + CARD.0, y: *y }]);
            }
        }
        points.push(Point { x: self.cards[to].x, y: middle(to) });
        points
    }
}

fn column(rank: usize) -> f64 {
    rank as f64 * (CARD.0 + RANK_GAP)
}

/// Which neighbours something is ordered by.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    After,
}

/// Cards and lanes in columns. Something is known by its number: nodes come first, then the lanes.
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
        let passed = |from: usize, to: usize| (ranks[to]).saturating_sub(ranks[from] + 1);
        // The edges of one node share their lanes.
        let needed: usize =
            (0..nodes).map(|from| graph.children(from).iter().map(|to| passed(from, *to)).max().unwrap_or(0)).sum();
        for from in 0..nodes {
            for to in graph.children(from).iter().copied().filter(|to| ranks[*to] > ranks[from]) {
                let mut last = from;
                for rank in (ranks[from] + 1..ranks[to]).filter(|_| needed <= MOST_LANES) {
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

    fn neighbours(&self, at: usize, side: Side) -> &[usize] {
        if side == Side::Before { &self.before[at] } else { &self.after[at] }
    }

    /// The columns in the order in which one side of each is known already.
    fn columns_by(&self, side: Side) -> Vec<usize> {
        let all = 0..self.columns.len();
        if side == Side::Before { all.collect() } else { all.rev().collect() }
    }

    /// Puts each column in the order of the middles of its neighbours; what has none stays about where it is.
    fn sort(&mut self, side: Side) {
        let mut places = vec![0.0; self.before.len()];
        for rank in self.columns_by(side) {
            let mut column = std::mem::take(&mut self.columns[rank]);
            let wish = |(place, at): (usize, &usize)| mean(self.neighbours(*at, side), &places).unwrap_or(place as f64);
            let wishes: Vec<f64> = column.iter().enumerate().map(wish).collect();
            let mut order: Vec<usize> = (0..column.len()).collect();
            order.sort_by(|a, b| wishes[*a].total_cmp(&wishes[*b]));
            column = order.into_iter().map(|it| column[it]).collect();
            // Columns differ in length, so places are counted from the middle.
            let half = column.len() as f64 / 2.0;
            column.iter().enumerate().for_each(|(place, at)| places[*at] = place as f64 - half);
            self.columns[rank] = column;
        }
    }

    /// How far the middles of two are apart at least that follow each other in a column.
    fn distance(&self, above: usize, below: usize) -> f64 {
        let height = |at: usize| if at < self.nodes { CARD.1 } else { LANE };
        let both = above < self.nodes && below < self.nodes;
        (height(above) + height(below)) / 2.0 + if both { ROW_GAP } else { LANE_GAP }
    }

    /// How far the middle of each of a column is below that of the first, when all stand close.
    fn offsets(&self, column: &[usize]) -> Vec<f64> {
        let mut offsets = vec![0.0; column.len()];
        for at in 1..column.len() {
            offsets[at] = offsets[at - 1] + self.distance(column[at - 1], column[at]);
        }
        offsets
    }

    /// The middles, when every column stands close around one line.
    fn stacked(&self) -> Vec<f64> {
        let mut middles = vec![0.0; self.before.len()];
        for column in &self.columns {
            let offsets = self.offsets(column);
            let half = offsets.last().copied().unwrap_or_default() / 2.0;
            column.iter().zip(&offsets).for_each(|(at, offset)| middles[*at] = offset - half);
        }
        middles
    }

    /// Moves everything as near to the middle of its neighbours as the others of its column allow.
    fn pull(&self, middles: &mut [f64], side: Side) {
        for rank in self.columns_by(side) {
            let column = &self.columns[rank];
            let offsets = self.offsets(column);
            let wish = |at: &usize| mean(self.neighbours(*at, side), middles).unwrap_or(middles[*at]);
            let wishes: Vec<f64> = column.iter().zip(&offsets).map(|(at, offset)| wish(at) - offset).collect();
            let fitted = rising(&wishes);
            column.iter().zip(fitted.iter().zip(&offsets)).for_each(|(at, (fit, offset))| middles[*at] = fit + offset);
        }
    }

    fn placed(self, ranks: &[usize], middles: &[f64]) -> Layout {
        let height_of = |at: usize| if at < self.nodes { CARD.1 } else { LANE };
        let edges =
            middles.iter().enumerate().map(|(at, middle)| (middle - height_of(at) / 2.0, middle + height_of(at) / 2.0));
        let (top, bottom) = edges.fold((f64::MAX, f64::MIN), |(top, bottom), (a, b)| (top.min(a), bottom.max(b)));
        // Whole pixels make sharp lines; the distances are whole, so rounding down all alike keeps them.
        let down = |y: f64| (y - top).floor();
        let card = |at: usize| Point { x: column(ranks[at]), y: down(middles[at] - CARD.1 / 2.0) };
        let (width, height) =
            if self.nodes == 0 { (0.0, 0.0) } else { (column(self.columns.len() - 1) + CARD.0, (bottom - top).ceil()) };
        Layout {
            cards: (0..self.nodes).map(card).collect(),
            order: self.columns.iter().flatten().copied().filter(|at| *at < self.nodes).collect(),
            width,
            height,
            ranks: ranks.to_vec(),
            lanes: self.lanes.iter().map(|(key, at)| (*key, down(middles[*at]))).collect(),
        }
    }
}

fn mean(of: &[usize], places: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().map(|at| places[*at]).sum::<f64>() / of.len() as f64)
}

/// The numbers that never fall and are nearest to these: where one falls below its predecessors, they meet in their middle.
fn rising(wishes: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let (mut value, mut n) = (*wish, 1);
        while let Some((before, m)) = blocks.pop_if(|(before, _)| *before > value) {
            value = (value * n as f64 + before * m as f64) / (n + m) as f64;
            n += m;
        }
        blocks.push((value, n));
    }
    blocks.into_iter().flat_map(|(value, n)| std::iter::repeat_n(value, n)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use uuid::Uuid;

    use super::*;

    /// Edges from whom to whom, by number.
    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let ids: Vec<Uuid> = (0..nodes).map(|at| Uuid::from_u128(at as u128 + 1)).collect();
        Graph::new(&ids, edges.iter().map(|(from, to)| (ids[*to], ids[*from])))
    }

    /// Numbers that look random, and are the same every time.
    fn dice(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        }
    }

    fn some_graph(seed: u64, nodes: usize, edges: usize) -> (Graph, Vec<(usize, usize)>) {
        let mut die = dice(seed);
        let mut all: Vec<(usize, usize)> =
            (0..edges).map(|_| (die(nodes), die(nodes))).filter(|(a, b)| a < b).collect();
        all.sort_unstable();
        all.dedup();
        (graph(nodes, &all), all)
    }

    fn holds(graph: &Graph, edges: &[(usize, usize)]) {
        let layout = Layout::new(graph);
        let n = layout.cards.len();
        let mut order = layout.order.clone();
        order.sort_unstable();
        assert_eq!(order, (0..n).collect::<Vec<_>>());
        for a in 0..n {
            let Point { x, y } = layout.cards[a];
            assert!(
                x >= 0.0 && y >= 0.0 && x + CARD.0 <= layout.width && y + CARD.1 <= layout.height,
                "{a} is outside"
            );
            for b in a + 1..n {
                let other = layout.cards[b];
                let apart = (x - other.x).abs() >= CARD.0 + RANK_GAP || (y - other.y).abs() >= CARD.1 + ROW_GAP - 1.0;
                assert!(apart, "{a} and {b} overlap: {:?} {other:?}", layout.cards[a]);
            }
        }
        for (from, to) in edges {
            assert!(layout.cards[*from].x < layout.cards[*to].x, "{from} stands before {to}");
            let way = layout.way(*from, *to);
            assert!(way.len().is_multiple_of(2) && way.is_sorted_by(|a, b| a.x < b.x), "{way:?}");
            // Where it passes a rank, it passes between the cards.
            for point in &way[1..way.len() - 1] {
                let hit = layout
                    .cards
                    .iter()
                    .find(|it| (it.x - point.x).abs() < 1.0 && (it.y..it.y + CARD.1).contains(&point.y));
                assert!(hit.is_none(), "the edge from {from} to {to} runs through a card");
            }
        }
        assert_eq!(layout, Layout::new(graph));
    }

    #[test]
    fn nothing_overlaps_and_every_edge_leads_to_the_right() {
        for seed in 1..40 {
            let (graph, edges) = some_graph(seed, 2 + seed as usize, 3 * seed as usize);
            holds(&graph, &edges);
        }
        holds(&graph(0, &[]), &[]);
        holds(&graph(1, &[]), &[]);
        holds(&graph(3, &[]), &[]);
    }

    #[test]
    fn what_belongs_together_stands_together() {
        // One, three, one, one: the thumbnails of the demonstration.
        let layout = Layout::new(&graph(6, &[(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 5)]));
        let xs: Vec<f64> = layout.cards.iter().map(|it| it.x).collect();
        let ys: Vec<f64> = layout.cards.iter().map(|it| it.y).collect();
        assert_eq!(xs, [0.0, 254.0, 254.0, 254.0, 508.0, 762.0]);
        assert_eq!(ys, [78.0, 0.0, 78.0, 156.0, 78.0, 78.0]);
        assert_eq!((layout.width, layout.height), (952.0, 208.0));
        // Two chains of different length do not cross, and are straight.
        let layout = Layout::new(&graph(5, &[(0, 2), (1, 3), (3, 4)]));
        assert_eq!(layout.cards[0].y, layout.cards[2].y);
        assert_eq!(layout.cards[1].y, layout.cards[4].y);
        // Two edges that would cross as they were named do not.
        let layout = Layout::new(&graph(4, &[(0, 3), (1, 2)]));
        assert!((layout.cards[0].y < layout.cards[1].y) == (layout.cards[3].y < layout.cards[2].y));
    }

    #[test]
    fn an_edge_over_several_ranks_goes_around_what_stands_there() {
        let edges = [(0, 1), (1, 2), (2, 3), (0, 3)];
        let layout = Layout::new(&graph(4, &edges));
        holds(&graph(4, &edges), &edges);
        assert_eq!(layout.way(0, 1).len(), 2);
        assert_eq!(layout.way(0, 3).len(), 6);
    }

    #[test]
    fn two_hundred_nodes_take_no_time() {
        let begun = Instant::now();
        let (big, edges) = some_graph(7, 200, 1_200);
        holds(&big, &edges);
        let all: Vec<(usize, usize)> = (0..200).flat_map(|a| (a + 1..200).map(move |b| (a, b))).collect();
        let full = graph(200, &all);
        let layout = Layout::new(&full);
        assert_eq!(layout.width, 199.0 * 254.0 + 190.0);
        assert!(begun.elapsed().as_secs_f64() < 2.0, "{:?}", begun.elapsed());
    }

    #[test]
    fn numbers_that_fall_meet_in_their_middle() {
        assert_eq!(rising(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        assert_eq!(rising(&[3.0, 1.0, 5.0]), [2.0, 2.0, 5.0]);
        assert_eq!(rising(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[]), [] as [f64; 0]);
    }
}
