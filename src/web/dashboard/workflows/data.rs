//! The steps of a workflow with their times.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, Policy};
use crate::store::workflows::{Node, Workflow};
use crate::web::api::workflows::graph;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::ui::{Link, elapsed, links};
use crate::wire::{GraphEdge, GraphNode};

pub struct Steps {
    /// In reading order.
    pub list: Vec<Step>,
    pub edges: Vec<GraphEdge>,
    pub critical_path: Vec<Uuid>,
    /// The duration of the critical path so far, in seconds.
    pub critical_seconds: f64,
    /// The database's clock when the steps were read.
    pub at: OffsetDateTime,
    indexes: HashMap<Uuid, usize>,
    /// Policies other than the default, by step and dependency.
    policies: HashMap<(Uuid, Uuid), &'static str>,
}

impl Steps {
    pub async fn load(app: &App, workflow: &Workflow) -> Result<Self, ApiError> {
        let ids = app.store.steps_of_workflow(workflow.id, None).await?;
        let (nodes, edges) = graph::rows(app, &ids).await?;
        let graph = graph::graph(&nodes, &edges);
        let at = nodes.first().map_or(workflow.updated_at, |it| it.at);
        let mut nodes: HashMap<Uuid, Node> = nodes.into_iter().map(|node| (node.id, node)).collect();
        let step = |node: GraphNode| Some(Step::new(nodes.remove(&node.job_id)?, node));
        let list: Vec<Step> = graph.nodes.into_iter().filter_map(step).collect();
        Ok(Self {
            indexes: list.iter().enumerate().map(|(index, step)| (step.id(), index)).collect(),
            policies: edges.iter().filter_map(|it| Some(((it.job_id, it.depends_on), policy(it.policy)?))).collect(),
            list,
            edges: graph.edges,
            critical_path: graph.critical_path,
            critical_seconds: graph.critical_ms as f64 / 1000.0,
            at,
        })
    }

    pub fn index(&self, id: Uuid) -> Option<usize> {
        self.indexes.get(&id).copied()
    }

    pub fn get(&self, id: Uuid) -> Option<&Step> {
        self.list.get(self.index(id)?)
    }

    pub fn policy(&self, step: Uuid, dependency: Uuid) -> Option<&'static str> {
        self.policies.get(&(step, dependency)).copied()
    }
}

fn policy(policy: Policy) -> Option<&'static str> {
    match policy {
        Policy::AllowFailed => Some("any outcome"),
        Policy::Cancel => Some("canceled on failure"),
        Policy::Block => None,
    }
}

/// One step: its row, its place in the graph, and the times of its latest attempt.
#[derive(Clone, Debug)]
pub struct Step {
    pub row: Node,
    pub node: GraphNode,
    pub waited: Option<Interval>,
    pub ran: Option<Interval>,
}

impl Step {
    pub fn new(row: Node, node: GraphNode) -> Self {
        let (waited, ran) = times(&row, node.ready_at);
        Self { row, node, waited, ran }
    }

    pub fn id(&self) -> Uuid {
        self.row.id
    }

    pub fn name(&self) -> &str {
        self.row.name()
    }

    pub fn state(&self) -> JobState {
        self.row.state
    }

    pub fn link(&self) -> Link {
        Link::to(links::job_page(self.row.id), self.name())
    }
}

/// An interval without an end is ongoing.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub from: OffsetDateTime,
    pub to: Option<OffsetDateTime>,
}

impl Interval {
    /// The duration of an interval that has ended.
    pub fn duration(&self) -> Option<String> {
        self.to.map(|to| elapsed(self.from, to))
    }
}

/// When the latest attempt waited for a worker, and when it ran.
fn times(row: &Node, ready_at: Option<OffsetDateTime>) -> (Option<Interval>, Option<Interval>) {
    let ready_until = |to: OffsetDateTime| ready_at.map(|from| Interval { from: from.min(to), to: Some(to) });
    match row.state {
        JobState::Blocked | JobState::Scheduled | JobState::Retrying => (None, None),
        JobState::Queued => (ready_at.map(|from| Interval { from, to: None }), None),
        JobState::Active => {
            (row.claimed_at.and_then(ready_until), row.claimed_at.map(|from| Interval { from, to: None }))
        }
        JobState::Completed | JobState::Failed | JobState::Canceled | JobState::Superseded => {
            let ran = row.claimed_at.zip(row.finished_at).filter(|(from, to)| from <= to && row.attempt > 0);
            (ran.and_then(|(from, _)| ready_until(from)), ran.map(|(from, to)| Interval { from, to: Some(to) }))
        }
    }
}
