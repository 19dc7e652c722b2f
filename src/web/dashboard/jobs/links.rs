//! How a job hangs together with others: its workflow, what it waits for, and what waits for it.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::{JobState, Policy};
use crate::store::jobs::Job;
use crate::store::workflows::{Edge, Node};
use crate::web::app::App;
use crate::web::dashboard::ui::{Badge, Link, Tone, count, links, short_id};
use crate::web::dashboard::workflows::page as workflow;
use crate::web::dashboard::workflows::view::{EdgeRow, Edges, StepOf};
use crate::web::error::ApiError;

/// How many of each side a page shows.
const SHOWN: usize = 20;
/// Further than this, dependents are not counted.
const DEPENDENTS_CAP: i64 = 1_001;

/// What a page of a job tells of others.
pub struct Links {
    pub step: Option<StepOf>,
    pub dependencies: Edges,
    pub dependents: Edges,
    pub doomed_by: Option<Link>,
}

impl Links {
    /// Most jobs hang together with none, and then only who waits for it is asked.
    pub async fn of(app: &App, job: &Job) -> Result<Self, ApiError> {
        let step = match &job.step {
            Some(step) => app
                .store
                .get_workflow(step.workflow)
                .await?
                .map(|it| StepOf { step: step.name.clone(), workflow: workflow::link(&it) }),
            None => None,
        };
        let mut before = if job.has_dependencies { app.store.edges(&[job.id]).await? } else { Vec::new() };
        // What holds it comes first.
        before.sort_by_key(|edge| (edge.is_met(), edge.depends_on));
        let after = app.store.dependents(job.id, DEPENDENTS_CAP).await?;
        let shown = |edges: &[Edge], of: fn(&Edge) -> Uuid| edges.iter().take(SHOWN).map(of).collect::<Vec<_>>();
        let mut ids = shown(&before, |edge| edge.depends_on);
        ids.extend(shown(&after, |edge| edge.job_id));
        ids.extend(job.doomed_by);
        let nodes = if ids.is_empty() { Vec::new() } else { app.store.nodes(&ids).await? };
        let nodes: HashMap<Uuid, Node> = nodes.into_iter().map(|node| (node.id, node)).collect();
        Ok(Self {
            step,
            dependencies: edges(&before, &nodes, |edge| edge.depends_on),
            dependents: edges(&after, &nodes, |edge| edge.job_id),
            doomed_by: job
                .doomed_by
                .and_then(|id| nodes.get(&id))
                .map(|it| Link::to(links::job_page(it.id), it.name())),
        })
    }
}

fn edges(all: &[Edge], nodes: &HashMap<Uuid, Node>, other: fn(&Edge) -> Uuid) -> Edges {
    let row = |edge: &Edge| {
        let id = other(edge);
        let node = nodes.get(&id);
        EdgeRow {
            id: id.to_string(),
            job: Link::to(links::job_page(id), node.map_or("a job that is gone", Node::name)),
            short_id: short_id(id),
            state: node.map(|it| it.state),
            policy: policy(edge.policy),
            verdict: verdict(edge),
        }
    };
    let left = all.len().saturating_sub(SHOWN);
    let most = all.len() as i64 == DEPENDENTS_CAP;
    Edges {
        rows: all.iter().take(SHOWN).map(row).collect(),
        more: (left > 0)
            .then(|| format!("{}{} more are not shown.", if most { "At least " } else { "" }, count(left as i64))),
    }
}

/// What becomes of the one that waits, when the other does not complete.
fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Block => "Waits until it is completed, also by a retry.",
        Policy::AllowFailed => "Goes on, however it ends.",
        Policy::Cancel => "Is canceled if it fails.",
    }
}

/// Whether the one that waits may go on.
fn verdict(edge: &Edge) -> Badge {
    let (tone, icon, label) = match edge.outcome {
        _ if edge.is_met() => (Tone::Ok, "check", "Yes"),
        Some(outcome) if edge.policy.dooms(outcome.as_str()) => (Tone::Bad, "ban", "Never"),
        Some(JobState::Failed) => (Tone::Bad, "cross", "Not until it is retried"),
        _ => (Tone::Block, "lock", "Not yet"),
    };
    Badge { tone, icon, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_says_whether_it_lets_go() {
        let told =
            |policy, outcome| verdict(&Edge { job_id: Uuid::nil(), depends_on: Uuid::max(), policy, outcome }).label;
        assert_eq!(told(Policy::Block, None), "Not yet");
        assert_eq!(told(Policy::Block, Some(JobState::Completed)), "Yes");
        assert_eq!(told(Policy::Block, Some(JobState::Failed)), "Not until it is retried");
        assert_eq!(told(Policy::Block, Some(JobState::Canceled)), "Never");
        assert_eq!(told(Policy::Cancel, Some(JobState::Failed)), "Never");
        assert_eq!(told(Policy::AllowFailed, Some(JobState::Canceled)), "Yes");
    }
}
