//! How jobs hang together, in JSON and in the languages of two programs that draw graphs.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::workflow::definition::MAX_STEPS;
use crate::domain::{JobState, workflow};
use crate::store::workflows::{Edge, Node};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::{Graph, GraphEdge, GraphNode};

/// The most jobs that are shown together, and one more to tell that there are others.
pub const MOST: i64 = MAX_STEPS as i64 + 1;
/// How many of those that a job waits for are named.
const NAMED: usize = 3;

/// These jobs, and what leads from one to another.
pub async fn of_jobs(app: &App, ids: &[Uuid]) -> Result<Graph, ApiError> {
    let (nodes, edges) = rows(app, ids).await?;
    Ok(graph(&nodes, &edges))
}

/// The same as rows.
pub async fn rows(app: &App, ids: &[Uuid]) -> Result<(Vec<Node>, Vec<Edge>), ApiError> {
    Ok((app.store.nodes(ids).await?, app.store.edges(ids).await?))
}

/// The graph as JSON tells it.
pub fn graph(nodes: &[Node], edges: &[Edge]) -> Graph {
    let ids: Vec<Uuid> = nodes.iter().map(|it| it.id).collect();
    let shape = workflow::Graph::new(&ids, edges.iter().map(|it| (it.job_id, it.depends_on)));
    let ready: Vec<OffsetDateTime> = (0..nodes.len()).map(|at| ready(nodes, &shape, at)).collect();
    let lengths: Vec<f64> = nodes.iter().zip(&ready).map(|(node, ready)| length(node, *ready)).collect();
    let critical = shape.critical_path(&lengths);
    let mut unmet: HashMap<Uuid, Vec<&Edge>> = HashMap::new();
    for edge in edges.iter().filter(|it| !it.is_met()) {
        unmet.entry(edge.job_id).or_default().push(edge);
    }
    let by_id: HashMap<Uuid, &Node> = nodes.iter().map(|node| (node.id, node)).collect();
    let order = shape.reading_order();
    let of = |places: &[usize]| places.iter().map(|at| ids[*at]).collect::<Vec<_>>();
    let mut on_path = vec![false; nodes.len()];
    critical.iter().for_each(|at| on_path[*at] = true);
    let shown = |at: usize| {
        let (node, waits) = (&nodes[at], unmet.get(&ids[at]).map_or(&[][..], Vec::as_slice));
        let blocked_reason = (node.state == JobState::Blocked).then(|| blocked_reason(waits, &by_id));
        GraphNode {
            rank: shape.ranks()[at],
            depends_on: of(shape.parents(at)),
            dependents: of(shape.children(at)),
            critical: on_path[at],
            blocked_reason,
            ready_at: (node.waits_for == 0).then_some(ready[at]),
            ..shown(node)
        }
    };
    let places: HashMap<Uuid, usize> = order.iter().enumerate().map(|(place, at)| (ids[*at], place)).collect();
    let place = |id: &Uuid| places.get(id).copied().unwrap_or(usize::MAX);
    let mut edges: Vec<GraphEdge> = edges.iter().map(GraphEdge::from).collect();
    edges.sort_by_key(|edge| (place(&edge.to), place(&edge.from), edge.from));
    Graph {
        workflow_id: nodes.first().and_then(|it| it.workflow_id),
        root_job_id: None,
        nodes: order.into_iter().map(shown).collect(),
        edges,
        critical_ms: (critical.iter().map(|at| lengths[*at]).sum::<f64>() * 1000.0) as i64,
        critical_path: critical.into_iter().map(|at| ids[at]).collect(),
        truncated: false,
    }
}

fn shown(node: &Node) -> GraphNode {
    GraphNode {
        job_id: node.id,
        step: node.step.clone(),
        workflow_id: node.workflow_id,
        kind: node.kind.clone(),
        queue: node.queue.clone(),
        state: node.state.to_string(),
        rank: 0,
        blocked_reason: None,
        error: node.error.clone(),
        doomed_by: node.canceled_by,
        depends_on: Vec::new(),
        dependents: Vec::new(),
        attempt: node.attempt,
        ready_at: None,
        started_at: node.claimed_at,
        finished_at: node.finished_at,
        critical: false,
    }
}

impl From<&Edge> for GraphEdge {
    fn from(edge: &Edge) -> Self {
        Self {
            from: edge.depends_on,
            to: edge.job_id,
            policy: edge.policy.to_string(),
            outcome: edge.outcome.map(|it| it.to_string()),
            met: edge.is_met(),
        }
    }
}

/// Since when a job might start: since all that it depends on have ended, however often it was tried since then.
fn ready(nodes: &[Node], shape: &workflow::Graph, at: usize) -> OffsetDateTime {
    let ends = shape.parents(at).iter().filter_map(|parent| nodes[*parent].finished_at);
    ends.fold(nodes[at].created_at, OffsetDateTime::max)
}

/// How long a job has been at it, in seconds: since it might start, until it ended or now. Nothing before.
fn length(node: &Node, ready: OffsetDateTime) -> f64 {
    if node.waits_for > 0 {
        return 0.0;
    }
    // One that had gone on before a dependency was tried again began before that ended.
    let began = node.claimed_at.map_or(ready, |claimed| claimed.min(ready));
    (node.finished_at.unwrap_or(node.at) - began).as_seconds_f64().max(0.0)
}

/// What a blocked job waits for, in words. The edges are those that do not let it go.
pub fn blocked_reason(unmet: &[&Edge], nodes: &HashMap<Uuid, &Node>) -> String {
    let name = |id: &Uuid| nodes.get(id).and_then(|it| it.step.clone()).unwrap_or_else(|| format!("job {id}"));
    let failed: Vec<&Uuid> = unmet.iter().filter(|it| it.outcome.is_some()).map(|it| &it.depends_on).collect();
    if let Some(first) = failed.first() {
        let others = if failed.len() > 1 { format!(" and {} more", failed.len() - 1) } else { String::new() };
        return format!(
            "depends on {}{others}, which failed: it goes on when that is tried again and completes",
            name(first)
        );
    }
    let named: Vec<String> = unmet.iter().take(NAMED).map(|it| name(&it.depends_on)).collect();
    let others = unmet.len().saturating_sub(NAMED);
    match others {
        0 => format!("waits for {}", named.join(", ")),
        _ => format!("waits for {} and {others} more", named.join(", ")),
    }
}

/// Short names for nodes: `n0`, `n1`, …
fn numbers(graph: &Graph) -> BTreeMap<Uuid, usize> {
    graph.nodes.iter().enumerate().map(|(at, node)| (node.job_id, at)).collect()
}

/// As a flowchart in the language of Mermaid.
pub fn mermaid(graph: &Graph) -> String {
    let numbers = numbers(graph);
    let mut text = String::from("flowchart LR\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let words = format!("{}<br/>{}", escaped(node.name(), "&"), node.state);
        _ = writeln!(text, "    n{at}[\"{words}\"]:::{}", node.state);
    }
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (numbers.get(&edge.from), numbers.get(&edge.to)) {
            let arrow = if edge.met { "-->" } else { "-.->" };
            _ = writeln!(text, "    n{from} {arrow} n{to}");
        }
    }
    for (state, fill, stroke) in COLOURS {
        _ = writeln!(text, "    classDef {state} fill:{fill},stroke:{stroke}");
    }
    text
}

/// As a digraph in the language of Graphviz.
pub fn dot(graph: &Graph) -> String {
    let numbers = numbers(graph);
    let mut text =
        String::from("digraph workflow {\n    rankdir=LR;\n    node [shape=box, style=\"rounded,filled\"];\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let name = escaped(node.name(), "\\");
        let (fill, stroke) = colours(&node.state);
        _ = writeln!(text, "    n{at} [label=\"{name}\\n{}\", fillcolor=\"{fill}\", color=\"{stroke}\"];", node.state);
    }
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (numbers.get(&edge.from), numbers.get(&edge.to)) {
            let style = if edge.met { "" } else { " [style=dashed]" };
            _ = writeln!(text, "    n{from} -> n{to}{style};");
        }
    }
    text.push_str("}\n");
    text
}

/// Within quotation marks: Mermaid knows entities, Graphviz backslashes.
fn escaped(text: &str, by: &str) -> String {
    let escape = |c: char| match (c, by) {
        ('"' | '\\', "\\") => format!("\\{c}"),
        (c, "\\") => c.to_string(),
        (c, _) if c.is_alphanumeric() || " -_.:/".contains(c) => c.to_string(),
        (c, _) => format!("#{};", u32::from(c)),
    };
    text.chars().map(escape).collect()
}

const COLOURS: [(&str, &str, &str); 8] = [
    ("scheduled", "#eceff4", "#7a8496"),
    ("queued", "#e3f0fc", "#2580d8"),
    ("blocked", "#e0f4f6", "#1b8797"),
    ("active", "#efe9fd", "#7c4ddb"),
    ("completed", "#e0f5ea", "#178a5c"),
    ("retrying", "#fdf0d5", "#b96f00"),
    ("failed", "#fde8e8", "#d3343e"),
    ("canceled", "#eceff4", "#7a8496"),
];

fn colours(state: &str) -> (&'static str, &'static str) {
    COLOURS.iter().find(|(name, ..)| *name == state).map_or(("#eceff4", "#7a8496"), |(_, fill, stroke)| (fill, stroke))
}
