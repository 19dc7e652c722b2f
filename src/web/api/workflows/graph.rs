//! Dependency graphs, as JSON, Mermaid and Graphviz.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::workflow::definition::MAX_STEPS;
use crate::domain::{JobState, workflow};
use crate::store::workflows::{Edge, Node};
use crate::web::api::jobs::explain::blocked_reason;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::wire::{Graph, GraphEdge, GraphNode};

/// Maximum number of jobs to query: one more than a graph shows, to detect omitted jobs.
pub const MAX_JOBS: i64 = MAX_STEPS as i64 + 1;

/// The graph of these jobs.
pub async fn of_jobs(app: &App, ids: &[Uuid]) -> Result<Graph, ApiError> {
    let (nodes, edges) = rows(app, ids).await?;
    Ok(graph(&nodes, &edges))
}

/// The jobs and dependencies of a graph.
pub async fn rows(app: &App, ids: &[Uuid]) -> Result<(Vec<Node>, Vec<Edge>), ApiError> {
    Ok((app.store.nodes(ids).await?, app.store.edges(ids).await?))
}

/// Computes ranks, the critical path and the reasons of blocked jobs.
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
    let ids_at = |positions: &[usize]| positions.iter().map(|at| ids[*at]).collect::<Vec<_>>();
    let mut on_path = vec![false; nodes.len()];
    critical.iter().for_each(|at| on_path[*at] = true);
    let graph_node = |at: usize| {
        let (node, blocking) = (&nodes[at], unmet.get(&ids[at]).map_or(&[][..], Vec::as_slice));
        let blocked_reason = (node.state == JobState::Blocked).then(|| blocked_reason(blocking, &by_id));
        GraphNode {
            rank: shape.ranks()[at],
            depends_on: ids_at(shape.parents(at)),
            dependents: ids_at(shape.children(at)),
            critical: on_path[at],
            blocked_reason,
            ready_at: (node.pending_dependencies == 0).then_some(ready[at]),
            ..GraphNode::from(node)
        }
    };
    let positions: HashMap<Uuid, usize> = order.iter().enumerate().map(|(position, at)| (ids[*at], position)).collect();
    let position = |id: &Uuid| positions.get(id).copied().unwrap_or(usize::MAX);
    let mut edges: Vec<GraphEdge> = edges.iter().map(GraphEdge::from).collect();
    edges.sort_by_key(|edge| (position(&edge.to), position(&edge.from), edge.from));
    Graph {
        workflow_id: nodes.first().and_then(|it| it.workflow_id),
        root_job_id: None,
        nodes: order.into_iter().map(graph_node).collect(),
        edges,
        critical_ms: (critical.iter().map(|at| lengths[*at]).sum::<f64>() * 1000.0) as i64,
        critical_path: critical.into_iter().map(|at| ids[at]).collect(),
        truncated: false,
    }
}

impl From<&Node> for GraphNode {
    fn from(node: &Node) -> Self {
        Self {
            job_id: node.id,
            step: node.step.clone(),
            workflow_id: node.workflow_id,
            kind: node.kind.clone(),
            queue: node.queue.clone(),
            state: node.state.to_string(),
            rank: 0,
            blocked_reason: None,
            error: node.error.clone(),
            canceled_by: node.canceled_by,
            depends_on: Vec::new(),
            dependents: Vec::new(),
            attempt: node.attempt,
            ready_at: None,
            started_at: node.claimed_at,
            finished_at: node.finished_at,
            critical: false,
        }
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

/// When a job's last dependency finished, or when the job was created.
fn ready(nodes: &[Node], shape: &workflow::Graph, at: usize) -> OffsetDateTime {
    let ends = shape.parents(at).iter().filter_map(|parent| nodes[*parent].finished_at);
    ends.fold(nodes[at].created_at, OffsetDateTime::max)
}

/// How long a job took, in seconds: from `ready` until it finished, or until now. 0 while it is blocked.
fn length(node: &Node, ready: OffsetDateTime) -> f64 {
    if node.pending_dependencies > 0 {
        return 0.0;
    }
    // A job may have started before a retried dependency finished.
    let started = node.claimed_at.map_or(ready, |claimed| claimed.min(ready));
    (node.finished_at.unwrap_or(node.at) - started).as_seconds_f64().max(0.0)
}

/// Short names for nodes: `n0`, `n1`, …
fn numbers(graph: &Graph) -> BTreeMap<Uuid, usize> {
    graph.nodes.iter().enumerate().map(|(at, node)| (node.job_id, at)).collect()
}

/// The graph as a Mermaid flowchart.
pub fn mermaid(graph: &Graph) -> String {
    let numbers = numbers(graph);
    let mut text = String::from("flowchart LR\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let label = format!("{}<br/>{}", escaped(node.name(), "&"), node.state);
        _ = writeln!(text, "    n{at}[\"{label}\"]:::{}", node.state);
    }
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (numbers.get(&edge.from), numbers.get(&edge.to)) {
            let arrow = if edge.met { "-->" } else { "-.->" };
            _ = writeln!(text, "    n{from} {arrow} n{to}");
        }
    }
    for (state, fill, stroke) in COLORS {
        _ = writeln!(text, "    classDef {state} fill:{fill},stroke:{stroke}");
    }
    text
}

/// The graph as a Graphviz digraph.
pub fn dot(graph: &Graph) -> String {
    let numbers = numbers(graph);
    let mut text =
        String::from("digraph workflow {\n    rankdir=LR;\n    node [shape=box, style=\"rounded,filled\"];\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let name = escaped(node.name(), "\\");
        let (fill, stroke) = colors(&node.state);
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

/// Escapes text in quotation marks: `by` is `&` for Mermaid (entities) or `\` for Graphviz (backslashes).
fn escaped(text: &str, by: &str) -> String {
    let escape = |c: char| match (c, by) {
        ('"' | '\\', "\\") => format!("\\{c}"),
        (c, "\\") => c.to_string(),
        (c, _) if c.is_alphanumeric() || " -_.:/".contains(c) => c.to_string(),
        (c, _) => format!("#{};", u32::from(c)),
    };
    text.chars().map(escape).collect()
}

const COLORS: [(&str, &str, &str); 8] = [
    ("scheduled", "#eceff4", "#7a8496"),
    ("queued", "#e3f0fc", "#2580d8"),
    ("blocked", "#e0f4f6", "#1b8797"),
    ("active", "#efe9fd", "#7c4ddb"),
    ("completed", "#e0f5ea", "#178a5c"),
    ("retrying", "#fdf0d5", "#b96f00"),
    ("failed", "#fde8e8", "#d3343e"),
    ("canceled", "#eceff4", "#7a8496"),
];

fn colors(state: &str) -> (&'static str, &'static str) {
    COLORS.iter().find(|(name, ..)| *name == state).map_or(("#eceff4", "#7a8496"), |(_, fill, stroke)| (fill, stroke))
}
