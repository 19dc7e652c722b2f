//! The drawing of a workflow: the places come from `domain`, here they become the attributes of an SVG.

use std::collections::BTreeMap;
use std::fmt::Write;

use uuid::Uuid;

use crate::domain::workflow::layout::{CARD, Point};
use crate::domain::workflow::{self, Layout};
use crate::domain::{JobState, moment};
use crate::web::dashboard::ui::{decimal, links};
use crate::web::dashboard::workflows::steps::{Known, lasted, since};
use crate::web::dashboard::workflows::view::{GraphCard, GraphDrawing, GraphSince};
use crate::wire::{Graph, GraphEdge, GraphNode};

/// What is drawn at most. More would neither be seen nor be light.
const MOST_NODES: usize = 200;
const MOST_EDGES: usize = 800;
/// What is left free around the drawing, so that focus rings and arrows are not cut.
const MARGIN: f64 = 16.0;
/// How much room the title of a card has, in widths of a usual letter.
const ROOM: f64 = 22.0;
const ARROW: f64 = 7.0;

/// Where everything stands; nothing if it is too much.
pub fn layout(graph: &Graph) -> Option<Layout> {
    if graph.nodes.len() > MOST_NODES || graph.edges.len() > MOST_EDGES {
        return None;
    }
    let ids: Vec<Uuid> = graph.nodes.iter().map(|it| it.job_id).collect();
    Some(Layout::new(&workflow::Graph::new(&ids, graph.edges.iter().map(|it| (it.to, it.from)))))
}

/// The drawing of a graph that was laid out.
pub fn drawing(known: &Known, layout: &Layout) -> GraphDrawing {
    let nodes = &known.graph.nodes;
    let steps: Vec<(Uuid, Uuid)> = known.graph.critical_path.windows(2).map(|it| (it[0], it[1])).collect();
    let (mut edges, mut heads): (BTreeMap<Look, String>, BTreeMap<Look, String>) = Default::default();
    for edge in &known.graph.edges {
        let (Some(from), Some(to)) = (known.place(edge.from), known.place(edge.to)) else { continue };
        let look = Look::of(edge, steps.contains(&(edge.from, edge.to)));
        let way = layout.way(from, to);
        curve(edges.entry(look).or_default(), &way);
        if let Some(end) = way.last() {
            arrow(heads.entry(Look { unmet: false, ..look }).or_default(), *end);
        }
    }
    let styled = |paths: BTreeMap<Look, String>| paths.into_iter().map(|(look, d)| (look.class(), d)).collect();
    GraphDrawing {
        width: decimal(layout.width + 2.0 * MARGIN),
        height: decimal(layout.height + 2.0 * MARGIN),
        edges: styled(edges),
        heads: styled(heads),
        cards: layout.order.iter().map(|at| card(known, &nodes[*at], layout.cards[*at])).collect(),
    }
}

/// How an edge looks. What matters more is greater, and so is drawn later, above the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    critical: bool,
    bad: bool,
    unmet: bool,
}

impl Look {
    fn of(edge: &GraphEdge, critical: bool) -> Self {
        Self { critical, bad: edge.outcome.as_deref() == Some(JobState::Failed.as_str()), unmet: !edge.met }
    }

    fn class(self) -> String {
        let words = [("critical", self.critical), ("bad", self.bad), ("unmet", self.unmet)];
        words.iter().filter(|(_, is)| *is).map(|(word, _)| *word).collect::<Vec<_>>().join(" ")
    }
}

/// Curved between the ranks, straight past them; it ends where its arrow begins.
fn curve(path: &mut String, way: &[Point]) {
    let place = |it: &Point| (it.x + MARGIN, it.y + MARGIN);
    for (at, pair) in way.windows(2).enumerate() {
        let ((x, y), (mut to_x, to_y)) = (place(&pair[0]), place(&pair[1]));
        if at == 0 {
            _ = write!(path, "M{} {}", decimal(x), decimal(y));
        }
        if at % 2 == 1 {
            _ = write!(path, "H{}", decimal(to_x));
            continue;
        }
        if at + 2 == way.len() {
            to_x -= ARROW;
        }
        let middle = decimal((x + to_x) / 2.0);
        _ = write!(path, "C{middle} {} {middle} {} {} {}", decimal(y), decimal(to_y), decimal(to_x), decimal(to_y));
    }
}

fn arrow(path: &mut String, end: Point) {
    let (x, y) = (end.x + MARGIN, end.y + MARGIN);
    let d = format!("M{} {}l-{ARROW} -4v8z", decimal(x), decimal(y));
    // Many edges end in one card, and its arrow is drawn once.
    if !path.contains(&d) {
        path.push_str(&d);
    }
}

fn card(known: &Known, it: &GraphNode, at: Point) -> GraphCard {
    let times = known.times(it);
    let state = known.state(it);
    let goes_on = since(times.ran).or_else(|| since(times.waited));
    let lasted = lasted(times.ran);
    let title = shortened(it.name());
    GraphCard {
        href: links::job_page(it.job_id),
        x: decimal(at.x + MARGIN),
        y: decimal(at.y + MARGIN),
        full: Some(it.name().to_owned()).filter(|full| *full != title),
        title,
        state,
        lasted,
        since: goes_on.map(|at| {
            let iso = moment::text(at);
            GraphSince { clock: iso.get(11..19).unwrap_or_default().to_owned(), iso }
        }),
        critical: it.critical,
    }
}

/// As much of a name as has room on a card, whatever its letters are: guessed from how wide they usually are.
fn shortened(name: &str) -> String {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | 't' | 'f' | 'r' | '.' | ',' | ':' | '-' | ' ' | '|' | '\'' => 0.6,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.45,
        'A'..='Z' | '_' => 1.2,
        c if u32::from(c) >= 0x1100 => 2.0,
        _ => 1.0,
    };
    let all: f64 = name.chars().map(width).sum();
    if all <= ROOM {
        return name.to_owned();
    }
    let mut used = 1.5;
    let fits = |c: &char| {
        used += width(*c);
        used <= ROOM
    };
    let kept: String = name.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

const _: () = assert!(CARD.0 == 190.0 && CARD.1 == 52.0, "the template draws cards of this size");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_level_where_it_leaves_and_where_it_ends() {
        let mut path = String::new();
        curve(&mut path, &[Point { x: 190.0, y: 26.0 }, Point { x: 254.0, y: 104.0 }]);
        assert_eq!(path, "M206 42C234.5 42 234.5 120 263 120");
        let mut path = String::new();
        let way = [(0.0, 0.0), (64.0, 8.0), (254.0, 8.0), (318.0, 0.0)].map(|(x, y)| Point { x, y });
        curve(&mut path, &way);
        assert_eq!(path, "M16 16C48 16 48 24 80 24H270C298.5 24 298.5 16 327 16");
    }

    #[test]
    fn many_edges_into_one_card_have_one_arrow() {
        let mut path = String::new();
        arrow(&mut path, Point { x: 254.0, y: 104.0 });
        arrow(&mut path, Point { x: 254.0, y: 104.0 });
        assert_eq!(path, "M270 120l-7 -4v8z");
    }

    #[test]
    fn long_names_end_in_three_dots_and_short_ones_stay() {
        assert_eq!(shortened("thumbnail-sm"), "thumbnail-sm");
        assert_eq!(shortened(&"x".repeat(22)), "x".repeat(22));
        assert_eq!(shortened(&"x".repeat(128)), format!("{}…", "x".repeat(20)));
        assert_eq!(shortened(&"数".repeat(40)).chars().count(), 11);
    }

    #[test]
    fn looks_have_words() {
        let look = Look { critical: true, bad: false, unmet: true };
        assert_eq!(look.class(), "critical unmet");
        assert!(look > Look { critical: false, bad: true, unmet: true });
    }
}
