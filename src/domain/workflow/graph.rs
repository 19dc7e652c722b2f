//! The dependency graph of a workflow, as shown to people.

use std::collections::HashMap;

use uuid::Uuid;

/// An acyclic graph. A node is identified by its index in the list that the graph was built from.
#[derive(Clone, Debug)]
pub struct Graph {
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    ranks: Vec<usize>,
    /// Every node after its parents.
    order: Vec<usize>,
}

impl Graph {
    /// Builds the graph from edges that lead from a job to its dependency. Edges to unknown nodes are dropped.
    pub fn new(nodes: &[Uuid], edges: impl IntoIterator<Item = (Uuid, Uuid)>) -> Self {
        let places: HashMap<Uuid, usize> = nodes.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut parents = vec![Vec::new(); nodes.len()];
        let mut children = vec![Vec::new(); nodes.len()];
        for (job, on) in edges {
            if let (Some(job), Some(on)) = (places.get(&job), places.get(&on)) {
                parents[*job].push(*on);
                children[*on].push(*job);
            }
        }
        // Nodes in a cycle, which validation excludes, come last.
        let TopologicalOrder { mut order, ranks, pending } = topological_order(&parents, &children);
        order.extend((0..nodes.len()).filter(|at| pending[*at] > 0));
        Self { parents, children, ranks, order }
    }

    /// The number of edges on the longest path to each node.
    pub fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    pub fn parents(&self, at: usize) -> &[usize] {
        &self.parents[at]
    }

    pub fn children(&self, at: usize) -> &[usize] {
        &self.children[at]
    }

    /// The nodes by rank, then by index.
    pub fn reading_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ranks.len()).collect();
        order.sort_by_key(|at| (self.ranks[*at], *at));
        order
    }

    /// The longest path by the sum of `lengths`.
    pub fn critical_path(&self, lengths: &[f64]) -> Vec<usize> {
        let mut until = vec![0.0; self.ranks.len()];
        let mut via = vec![None; self.ranks.len()];
        // Ties go to the path with more steps. Before anything has run, all lengths are equal.
        let length = |until: &[f64], at: usize| (until[at], self.ranks[at]);
        for at in &self.order {
            let longest = self.parents[*at]
                .iter()
                .copied()
                .reduce(|a, b| if length(&until, b) > length(&until, a) { b } else { a });
            via[*at] = longest;
            until[*at] = lengths.get(*at).copied().unwrap_or_default() + longest.map_or(0.0, |parent| until[parent]);
        }
        let mut at = (0..until.len()).reduce(|a, b| if length(&until, b) > length(&until, a) { b } else { a });
        let mut path = Vec::new();
        while let Some(node) = at
            && path.len() < via.len()
        {
            path.push(node);
            at = via[node];
        }
        path.reverse();
        path
    }
}

/// A topological order.
pub(super) struct TopologicalOrder {
    /// Every node that is not in or behind a cycle. Nodes without an order between them keep the order of their
    /// indexes.
    pub order: Vec<usize>,
    /// The length of the longest path to each ordered node; 0 for the others.
    pub ranks: Vec<usize>,
    /// The number of parents of each node that are not in the order.
    pub pending: Vec<usize>,
}

/// Sorts nodes topologically in time linear in the edges (Kahn's algorithm).
pub(super) fn topological_order(parents: &[Vec<usize>], children: &[Vec<usize>]) -> TopologicalOrder {
    let mut pending: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ranks = vec![0; parents.len()];
    let mut order: Vec<usize> = (0..parents.len()).filter(|at| pending[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for child in &children[at] {
            ranks[*child] = ranks[*child].max(ranks[at] + 1);
            pending[*child] -= 1;
            if pending[*child] == 0 {
                order.push(*child);
            }
        }
    }
    TopologicalOrder { order, ranks, pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of `n` nodes with edges from a node to its dependency.
    fn graph(n: u128, edges: &[(u128, u128)]) -> Graph {
        let nodes: Vec<Uuid> = (0..n).map(Uuid::from_u128).collect();
        Graph::new(&nodes, edges.iter().map(|(job, on)| (Uuid::from_u128(*job), Uuid::from_u128(*on))))
    }

    #[test]
    fn rank_is_the_longest_path() {
        let graph = graph(5, &[(1, 0), (2, 1), (3, 0), (3, 2), (3, 99)]);
        assert_eq!(graph.ranks(), [0, 1, 2, 3, 0]);
        assert_eq!(graph.reading_order(), [0, 4, 1, 2, 3]);
        assert_eq!((graph.parents(3), graph.children(0)), (&[0, 2][..], &[1, 3][..]));
    }

    #[test]
    fn critical_path_is_longest_by_time_then_steps() {
        let graph = graph(5, &[(1, 0), (2, 0), (3, 1), (3, 2)]);
        assert_eq!(graph.critical_path(&[1.0, 1.0, 5.0, 1.0, 2.0]), [0, 2, 3]);
        assert_eq!(graph.critical_path(&[1.0, 1.0, 5.0, 1.0, 8.0]), [4]);
        assert_eq!(graph.critical_path(&[0.0; 5]), [0, 1, 3]);
        assert_eq!(Graph::new(&[], []).critical_path(&[]), [0; 0]);
    }

    #[test]
    fn cycle_is_tolerated() {
        let graph = graph(3, &[(0, 1), (1, 0), (2, 1)]);
        assert_eq!(graph.ranks(), [0, 0, 0]);
        assert!(graph.critical_path(&[1.0; 3]).len() <= 3);
    }
}
