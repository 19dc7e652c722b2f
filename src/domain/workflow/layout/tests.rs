use std::time::Instant;

use uuid::Uuid;

use super::*;

/// Edges as (dependency, dependent).
fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
    let ids: Vec<Uuid> = (0..nodes).map(|at| Uuid::from_u128(at as u128 + 1)).collect();
    Graph::new(&ids, edges.iter().map(|(from, to)| (ids[*to], ids[*from])))
}

/// A deterministic pseudo-random generator (xorshift).
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

fn random_graph(seed: u64, nodes: usize, edges: usize) -> (Graph, Vec<(usize, usize)>) {
    let mut next = random(seed);
    let mut all: Vec<(usize, usize)> = (0..edges).map(|_| (next(nodes), next(nodes))).filter(|(a, b)| a < b).collect();
    all.sort_unstable();
    all.dedup();
    (graph(nodes, &all), all)
}

fn check(graph: &Graph, edges: &[(usize, usize)]) {
    let layout = Layout::new(graph);
    let n = layout.cards.len();
    let mut order = layout.order.clone();
    order.sort_unstable();
    assert_eq!(order, (0..n).collect::<Vec<_>>());
    for a in 0..n {
        let Point { x, y } = layout.cards[a];
        assert!(x >= 0.0 && y >= 0.0 && x + CARD.0 <= layout.width && y + CARD.1 <= layout.height, "{a} is outside");
        for b in a + 1..n {
            let other = layout.cards[b];
            let apart = (x - other.x).abs() >= CARD.0 + RANK_GAP || (y - other.y).abs() >= CARD.1 + ROW_GAP - 1.0;
            assert!(apart, "{a} and {b} overlap: {:?} {other:?}", layout.cards[a]);
        }
    }
    for (from, to) in edges {
        assert!(layout.cards[*from].x < layout.cards[*to].x, "{from} is left of {to}");
        let route = layout.route(*from, *to);
        assert!(route.len().is_multiple_of(2) && route.is_sorted_by(|a, b| a.x < b.x), "{route:?}");
        // Where a route passes a rank, it passes between the cards.
        for point in &route[1..route.len() - 1] {
            let hit =
                layout.cards.iter().find(|it| (it.x - point.x).abs() < 1.0 && (it.y..it.y + CARD.1).contains(&point.y));
            assert!(hit.is_none(), "the edge from {from} to {to} crosses a card");
        }
    }
    assert_eq!(layout, Layout::new(graph));
}

#[test]
fn cards_do_not_overlap_and_edges_lead_right() {
    for seed in 1..40 {
        let (graph, edges) = random_graph(seed, 2 + seed as usize, 3 * seed as usize);
        check(&graph, &edges);
    }
    check(&graph(0, &[]), &[]);
    check(&graph(1, &[]), &[]);
    check(&graph(3, &[]), &[]);
}

#[test]
fn related_cards_are_aligned() {
    // The thumbnail demonstration: one, three, one, one.
    let layout = Layout::new(&graph(6, &[(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 5)]));
    let xs: Vec<f64> = layout.cards.iter().map(|it| it.x).collect();
    let ys: Vec<f64> = layout.cards.iter().map(|it| it.y).collect();
    assert_eq!(xs, [0.0, 254.0, 254.0, 254.0, 508.0, 762.0]);
    assert_eq!(ys, [78.0, 0.0, 78.0, 156.0, 78.0, 78.0]);
    assert_eq!((layout.width, layout.height), (952.0, 208.0));
    // Two chains of different length are straight and do not cross.
    let layout = Layout::new(&graph(5, &[(0, 2), (1, 3), (3, 4)]));
    assert_eq!(layout.cards[0].y, layout.cards[2].y);
    assert_eq!(layout.cards[1].y, layout.cards[4].y);
    // Two edges that would cross in input order do not.
    let layout = Layout::new(&graph(4, &[(0, 3), (1, 2)]));
    assert!((layout.cards[0].y < layout.cards[1].y) == (layout.cards[3].y < layout.cards[2].y));
}

#[test]
fn long_edge_goes_around_cards() {
    let edges = [(0, 1), (1, 2), (2, 3), (0, 3)];
    let layout = Layout::new(&graph(4, &edges));
    check(&graph(4, &edges), &edges);
    assert_eq!(layout.route(0, 1).len(), 2);
    assert_eq!(layout.route(0, 3).len(), 6);
}

#[test]
fn two_hundred_nodes_are_laid_out_in_two_seconds() {
    let started = Instant::now();
    let (big, edges) = random_graph(7, 200, 1_200);
    check(&big, &edges);
    let all: Vec<(usize, usize)> = (0..200).flat_map(|a| (a + 1..200).map(move |b| (a, b))).collect();
    let full = graph(200, &all);
    let layout = Layout::new(&full);
    assert_eq!(layout.width, 199.0 * 254.0 + 190.0);
    assert!(started.elapsed().as_secs_f64() < 2.0, "{:?}", started.elapsed());
}

#[test]
fn isotonic_averages_decreasing_numbers() {
    assert_eq!(isotonic(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
    assert_eq!(isotonic(&[3.0, 1.0, 5.0]), [2.0, 2.0, 5.0]);
    assert_eq!(isotonic(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
    assert_eq!(isotonic(&[]), [] as [f64; 0]);
}
