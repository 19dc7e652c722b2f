//! The drawing of a workflow: turns the layout of `domain::workflow` into SVG attributes.

use std::collections::BTreeMap;
use std::fmt::Write;

use uuid::Uuid;

use crate::domain::JobState;
use crate::domain::workflow::layout::{CARD, Point};
use crate::domain::workflow::{self, Layout};
use crate::web::dashboard::workflows::data::Steps;
use crate::web::dashboard::workflows::view::{GraphCard, GraphDrawing};
use crate::web::ui::decimal;
use crate::wire::GraphEdge;

/// Larger graphs are not drawn: they would be unreadable and heavy.
const MAX_NODES: usize = 200;
const MAX_EDGES: usize = 800;
/// Space around the drawing, so that focus rings and arrows are not cut.
const MARGIN: f64 = 16.0;
/// The width of a card's title, in average characters.
const TITLE_WIDTH: f64 = 22.0;
const ARROW: f64 = 7.0;

/// `None` if the graph is too large to draw.
pub fn layout(steps: &Steps) -> Option<Layout> {
    if steps.list.len() > MAX_NODES || steps.edges.len() > MAX_EDGES {
        return None;
    }
    let ids: Vec<Uuid> = steps.list.iter().map(|step| step.id()).collect();
    Some(Layout::new(&workflow::Graph::new(&ids, steps.edges.iter().map(|it| (it.to, it.from)))))
}

pub fn drawing(steps: &Steps, layout: &Layout) -> GraphDrawing {
    let critical: Vec<(Uuid, Uuid)> = steps.critical_path.windows(2).map(|it| (it[0], it[1])).collect();
    let (mut edges, mut arrows): (BTreeMap<Style, String>, BTreeMap<Style, String>) = Default::default();
    for edge in &steps.edges {
        let (Some(from), Some(to)) = (steps.index(edge.from), steps.index(edge.to)) else { continue };
        let style = Style::of(edge, critical.contains(&(edge.from, edge.to)));
        let route = layout.route(from, to);
        curve(edges.entry(style).or_default(), &route);
        if let Some(end) = route.last() {
            arrow(arrows.entry(Style { unmet: false, ..style }).or_default(), *end);
        }
    }
    let paths =
        |paths: BTreeMap<Style, String>| paths.into_iter().map(|(style, path)| (style.classes(), path)).collect();
    let card = |index: &usize| {
        let (step, at) = (steps.list[*index].clone(), layout.cards[*index]);
        GraphCard { title: cut(step.name()), x: decimal(at.x + MARGIN), y: decimal(at.y + MARGIN), step }
    };
    GraphDrawing {
        width: decimal(layout.width + 2.0 * MARGIN),
        height: decimal(layout.height + 2.0 * MARGIN),
        edges: paths(edges),
        arrows: paths(arrows),
        cards: layout.order.iter().map(card).collect(),
    }
}

/// The style of an edge. Greater styles matter more: they are drawn later, on top.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Style {
    critical: bool,
    bad: bool,
    unmet: bool,
}

impl Style {
    fn of(edge: &GraphEdge, critical: bool) -> Self {
        Self { critical, bad: edge.outcome.as_deref() == Some(JobState::Failed.as_str()), unmet: !edge.met }
    }

    fn classes(self) -> String {
        let classes = [("critical", self.critical), ("bad", self.bad), ("unmet", self.unmet)];
        classes.iter().filter(|(_, applies)| *applies).map(|(class, _)| *class).collect::<Vec<_>>().join(" ")
    }
}

/// Curved between stages, straight within them. Ends where the arrow begins.
fn curve(path: &mut String, route: &[Point]) {
    let shifted = |it: &Point| (it.x + MARGIN, it.y + MARGIN);
    for (at, pair) in route.windows(2).enumerate() {
        let ((x, y), (mut to_x, to_y)) = (shifted(&pair[0]), shifted(&pair[1]));
        if at == 0 {
            _ = write!(path, "M{} {}", decimal(x), decimal(y));
        }
        if at % 2 == 1 {
            _ = write!(path, "H{}", decimal(to_x));
            continue;
        }
        if at + 2 == route.len() {
            to_x -= ARROW;
        }
        let middle = decimal((x + to_x) / 2.0);
        _ = write!(path, "C{middle} {} {middle} {} {} {}", decimal(y), decimal(to_y), decimal(to_x), decimal(to_y));
    }
}

fn arrow(path: &mut String, end: Point) {
    let arrow = format!("M{} {}l-{ARROW} -4v8z", decimal(end.x + MARGIN), decimal(end.y + MARGIN));
    // Edges into the same card share one arrow.
    if !path.contains(&arrow) {
        path.push_str(&arrow);
    }
}

/// Cuts a name to the width of a card, estimated from typical character widths.
fn cut(name: &str) -> String {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | 't' | 'f' | 'r' | '.' | ',' | ':' | '-' | ' ' | '|' | '\'' => 0.6,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.45,
        'A'..='Z' | '_' => 1.2,
        c if u32::from(c) >= 0x1100 => 2.0,
        _ => 1.0,
    };
    if name.chars().map(width).sum::<f64>() <= TITLE_WIDTH {
        return name.to_owned();
    }
    let mut used = 1.5;
    let fits = |c: &char| {
        used += width(*c);
        used <= TITLE_WIDTH
    };
    let kept: String = name.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

const _: () = assert!(CARD.0 == 190.0 && CARD.1 == 52.0, "the template draws cards of this size");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curve_is_horizontal_at_both_ends() {
        let mut path = String::new();
        curve(&mut path, &[Point { x: 190.0, y: 26.0 }, Point { x: 254.0, y: 104.0 }]);
        assert_eq!(path, "M206 42C234.5 42 234.5 120 263 120");
        let mut path = String::new();
        let route = [(0.0, 0.0), (64.0, 8.0), (254.0, 8.0), (318.0, 0.0)].map(|(x, y)| Point { x, y });
        curve(&mut path, &route);
        assert_eq!(path, "M16 16C48 16 48 24 80 24H270C298.5 24 298.5 16 327 16");
    }

    #[test]
    fn edges_into_one_card_share_arrow() {
        let mut path = String::new();
        arrow(&mut path, Point { x: 254.0, y: 104.0 });
        arrow(&mut path, Point { x: 254.0, y: 104.0 });
        assert_eq!(path, "M270 120l-7 -4v8z");
    }

    #[test]
    fn only_long_names_are_cut() {
        assert_eq!(cut("thumbnail-sm"), "thumbnail-sm");
        assert_eq!(cut(&"x".repeat(22)), "x".repeat(22));
        assert_eq!(cut(&"x".repeat(128)), format!("{}…", "x".repeat(20)));
        assert_eq!(cut(&"数".repeat(40)).chars().count(), 11);
    }

    #[test]
    fn critical_edge_is_drawn_above_failed_one() {
        let style = Style { critical: true, bad: false, unmet: true };
        assert_eq!(style.classes(), "critical unmet");
        assert!(style > Style { critical: false, bad: true, unmet: true });
    }
}
