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
        let (ranks, order) = ranked(&parents, &children);
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
        while let Some(node) = at {
            path.push(node);
            at = via[node];
        }
        path.reverse();
        path
    }
}

/// The length of the longest way to each, and an order in which each comes after its parents. What stood in a circle, which nobody
/// can make, would be at rank 0, last.
fn ranked(parents: &[Vec<usize>], children: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
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
    order.extend((0..parents.len()).filter(|at| waits_for[*at] > 0));
    (ranks, order)
}
