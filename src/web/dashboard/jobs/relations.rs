//! The workflow, dependencies and dependents of a job.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::{JobState, Policy};
use crate::store::jobs::Job;
use crate::store::workflows::{Edge, Node};
use crate::web::app::App;
use crate::web::dashboard::jobs::view::{Relation, Relations};
use crate::web::error::ApiError;
use crate::web::ui::{Badge, Link, Tone, count, links};

/// How many dependencies and dependents a page shows.
const SHOWN: usize = 20;
/// Dependents are counted up to this number.
const COUNTED: i64 = 1_001;

#[derive(Default)]
pub struct JobRelations {
    pub step: Option<(String, Link)>,
    pub dependencies: Relations,
    pub dependents: Relations,
    /// The dependency that caused the cancellation.
    pub canceled_by: Option<Link>,
}

impl JobRelations {
    pub async fn load(app: &App, job: &Job) -> Result<Self, ApiError> {
        let workflow = match &job.step {
            Some(step) => app.store.get_workflow(step.workflow).await?,
            None => None,
        };
        let step = job.step.as_ref().zip(workflow);
        let mut before = if job.has_dependencies { app.store.edges(&[job.id]).await? } else { Vec::new() };
        before.sort_by_key(|edge| (edge.is_met(), edge.depends_on));
        let after = app.store.dependents(job.id, COUNTED).await?;
        let before_ids = before.iter().take(SHOWN).map(|edge| edge.depends_on);
        let after_ids = after.iter().take(SHOWN).map(|edge| edge.job_id);
        let ids: Vec<Uuid> = before_ids.chain(after_ids).chain(job.canceled_by).collect();
        let nodes = if ids.is_empty() { Vec::new() } else { app.store.nodes(&ids).await? };
        let nodes: HashMap<Uuid, Node> = nodes.into_iter().map(|node| (node.id, node)).collect();
        let canceled_by = job.canceled_by.and_then(|id| nodes.get(&id));
        Ok(Self {
            step: step.map(|(step, it)| (step.name.clone(), Link::to(links::workflow_page(it.id), it.name))),
            dependencies: relations(&before, &nodes, |edge| edge.depends_on),
            dependents: relations(&after, &nodes, |edge| edge.job_id),
            canceled_by: canceled_by.map(|it| Link::to(links::job_page(it.id), it.name())),
        })
    }
}

fn relations(edges: &[Edge], nodes: &HashMap<Uuid, Node>, other: fn(&Edge) -> Uuid) -> Relations {
    let row = |edge: &Edge| {
        let id = other(edge);
        Relation { id, node: nodes.get(&id).cloned(), policy: policy(edge.policy), met: met(edge) }
    };
    let hidden = edges.len().saturating_sub(SHOWN);
    let at_least = if edges.len() as i64 == COUNTED { "At least " } else { "" };
    Relations {
        rows: edges.iter().take(SHOWN).map(row).collect(),
        more: (hidden > 0).then(|| format!("{at_least}{} more not shown.", count(hidden as i64))),
    }
}

fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Block => "Waits until the dependency completes, even if that takes a retry.",
        Policy::AllowFailed => "Continues after any outcome.",
        Policy::Cancel => "Canceled if the dependency fails.",
    }
}

fn met(edge: &Edge) -> Badge {
    match edge.outcome {
        _ if edge.is_met() => Badge::new(Tone::Ok, "check", "Yes"),
        Some(outcome) if edge.policy.cancels_dependent(outcome.as_str()) => Badge::new(Tone::Bad, "ban", "Never"),
        Some(JobState::Failed) => Badge::new(Tone::Bad, "cross", "Not until retried"),
        _ => Badge::new(Tone::Block, "lock", "Not yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependency_badge_follows_policy_and_outcome() {
        let label =
            |policy, outcome| met(&Edge { job_id: Uuid::nil(), depends_on: Uuid::max(), policy, outcome }).label;
        assert_eq!(label(Policy::Block, None), "Not yet");
        assert_eq!(label(Policy::Block, Some(JobState::Completed)), "Yes");
        assert_eq!(label(Policy::Block, Some(JobState::Failed)), "Not until retried");
        assert_eq!(label(Policy::Block, Some(JobState::Canceled)), "Never");
        assert_eq!(label(Policy::Cancel, Some(JobState::Failed)), "Never");
        assert_eq!(label(Policy::AllowFailed, Some(JobState::Canceled)), "Yes");
    }
}
