//! A dependency graph with its layout.

use std::collections::HashMap;

use uuid::Uuid;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, sanitize};
use crate::domain::workflow::{Graph, Layout};

pub struct Picture {
    pub nodes: Vec<Node>,
    /// From, to, and whether the dependency is met.
    pub edges: Vec<(usize, usize, bool)>,
    pub ranks: Vec<usize>,
    pub layout: Layout,
}

/// A job of the graph.
pub struct Node {
    pub name: String,
    pub state: String,
    /// Why the job is blocked, or its error.
    pub note: String,
}

impl Picture {
    pub fn new(graph: &Json) -> Result<Self, Failure> {
        let invalid = || Failure::new(Exit::Failure, "the graph in the response is invalid");
        let (nodes, edges) = (graph.at("nodes").list(), graph.at("edges").list());
        let ids: Vec<Uuid> = nodes
            .iter()
            .map(|it| Uuid::try_parse(it.text("job_id")).map_err(|_| invalid()))
            .collect::<Result<_, _>>()?;
        let indices: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let index = |text: &str| Uuid::try_parse(text).ok().and_then(|id| indices.get(&id).copied());
        let edge =
            |it: &Json| Some((index(it.text("from"))?, index(it.text("to"))?, it.at("met") == &Json::Bool(true)));
        let edges: Vec<_> = edges.iter().filter_map(edge).collect();
        let shape = Graph::new(&ids, edges.iter().map(|(from, to, _)| (ids[*to], ids[*from])));
        let first = |it: &Json, a, b| sanitize(if it.text(a).is_empty() { it.text(b) } else { it.text(a) });
        let node = |it: &Json| Node {
            name: first(it, "step", "kind"),
            state: sanitize(it.text("state")),
            note: first(it, "blocked_reason", "error"),
        };
        let (ranks, layout) = (shape.ranks().to_vec(), Layout::new(&shape));
        Ok(Self { nodes: nodes.iter().map(node).collect(), edges, ranks, layout })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// a → b, c → d.
    pub fn diamond() -> Picture {
        let id = |n: u128| Uuid::from_u128(n).to_string();
        let node = |n, name: &str, state: &str| {
            format!("{{\"job_id\":\"{}\",\"step\":\"{name}\",\"state\":\"{state}\"}}", id(n))
        };
        let edge = |from, to| format!("{{\"from\":\"{}\",\"to\":\"{}\",\"met\":true}}", id(from), id(to));
        let nodes =
            [node(1, "a", "completed"), node(2, "b<&>", "active"), node(3, "c", "queued"), node(4, "d", "blocked")];
        let edges = [edge(1, 2), edge(1, 3), edge(2, 4), edge(3, 4)];
        let text = format!("{{\"nodes\":[{}],\"edges\":[{}]}}", nodes.join(","), edges.join(","));
        Picture::new(&Json::parse(&text).unwrap()).unwrap()
    }
}
