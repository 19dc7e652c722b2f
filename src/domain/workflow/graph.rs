//! How jobs that wait for jobs hang together: for those who look at it.

use std::collections::HashMap;

use uuid::Uuid;

/// A graph without circles. Nodes are known by their places in the list that it was made from.
#[derive(Clone, Debug)]
pub struct Graph {
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    ranks: Vec<usize>,
    /// Each after its parents.
    order: Vec<usize>,
}

impl Graph {
    /// Of these nodes, with edges from a job to what it depends on. An edge to something that is not among the nodes is left out.
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
        // What stood in a circle, which nobody can make, comes last.
        let Sorted { mut order, ranks, waits_for } = sorted(&parents, &children);
        order.extend((0..nodes.len()).filter(|at| waits_for[*at] > 0));
        Self { parents, children, ranks, order }
    }

    /// How many steps the longest way to each node has.
    pub fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    pub fn parents(&self, at: usize) -> &[usize] {
        &self.parents[at]
    }

    pub fn children(&self, at: usize) -> &[usize] {
        &self.children[at]
    }

    /// The nodes from the first rank to the last, within a rank as they were given.
    pub fn reading_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ranks.len()).collect();
        order.sort_by_key(|at| (self.ranks[*at], *at));
        order
    }

    /// The way from a first node to a last one that is the longest, when each node is as long as said: what holds up the whole.
    pub fn critical_path(&self, lengths: &[f64]) -> Vec<usize> {
        let mut until = vec![0.0; self.ranks.len()];
        let mut via = vec![None; self.ranks.len()];
        // Of several that are equally long, the one with the most steps: where nothing has run yet, that is all one knows.
        let reach = |until: &[f64], at: usize| (until[at], self.ranks[at]);
        for at in &self.order {
            let longest = self.parents[*at]
                .iter()
                .copied()
                .reduce(|a, b| if reach(&until, b) > reach(&until, a) { b } else { a });
            via[*at] = longest;
            until[*at] = lengths.get(*at).copied().unwrap_or_default() + longest.map_or(0.0, |parent| until[parent]);
        }
        let mut at = (0..until.len()).reduce(|a, b| if reach(&until, b) > reach(&until, a) { b } else { a });
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

/// Some nodes in an order in which each comes after its parents.
pub(super) struct Sorted {
    /// All that do not stand in a circle or behind one; those that may come at the same time, as they were given.
    pub order: Vec<usize>,
    /// The length of the longest way to each of these; 0 for the others.
    pub ranks: Vec<usize>,
    /// How many parents of each are not in the order: nothing, but for the others.
    pub waits_for: Vec<usize>,
}

/// Sorts nodes by whom they come after. Takes time in proportion to the edges (Kahn's algorithm).
pub(super) fn sorted(parents: &[Vec<usize>], children: &[Vec<usize>]) -> Sorted {
    let mut waits_for: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ranks = vec![0; parents.len()];
    let mut order: Vec<usize> = (0..parents.len()).filter(|at| waits_for[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for child in &children[at] {
            ranks[*child] = ranks[*child].max(ranks[at] + 1);
            waits_for[*child] -= 1;
            if waits_for[*child] == 0 {
                order.push(*child);
            }
        }
    }
    Sorted { order, ranks, waits_for }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many nodes, with edges from a node to one before it.
    fn graph(n: u128, edges: &[(u128, u128)]) -> Graph {
        let nodes: Vec<Uuid> = (0..n).map(Uuid::from_u128).collect();
        Graph::new(&nodes, edges.iter().map(|(job, on)| (Uuid::from_u128(*job), Uuid::from_u128(*on))))
    }

    #[test]
    fn ranks_are_the_longest_ways() {
        let graph = graph(5, &[(1, 0), (2, 1), (3, 0), (3, 2), (3, 99)]);
        assert_eq!(graph.ranks(), [0, 1, 2, 3, 0]);
        assert_eq!(graph.reading_order(), [0, 4, 1, 2, 3]);
        assert_eq!((graph.parents(3), graph.children(0)), (&[0, 2][..], &[1, 3][..]));
    }

    #[test]
    fn the_critical_path_is_the_longest_by_time_and_else_by_steps() {
        let graph = graph(5, &[(1, 0), (2, 0), (3, 1), (3, 2)]);
        assert_eq!(graph.critical_path(&[1.0, 1.0, 5.0, 1.0, 2.0]), [0, 2, 3]);
        assert_eq!(graph.critical_path(&[1.0, 1.0, 5.0, 1.0, 8.0]), [4]);
        assert_eq!(graph.critical_path(&[0.0; 5]), [0, 1, 3]);
        assert_eq!(Graph::new(&[], []).critical_path(&[]), [0; 0]);
    }

    #[test]
    fn a_circle_that_nobody_can_make_does_no_harm() {
        let graph = graph(3, &[(0, 1), (1, 0), (2, 1)]);
        assert_eq!(graph.ranks(), [0, 0, 0]);
        assert!(graph.critical_path(&[1.0; 3]).len() <= 3);
    }
}
