//! Workflows, and how jobs hang together, as everybody sees them.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create_job::CreateJob;
use super::json::TextOr;
use super::time::{serialize, serialize_option};

/// Jobs that wait for jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workflow {
    pub id: Uuid,
    #[schema(example = "nightly-import")]
    pub name: String,
    /// `running`, `completed`, `failed` (a step failed, and no other can go on) or `canceled`.
    #[schema(example = "running")]
    pub state: String,
    pub tenant: String,
    /// How many steps it has, and how many of them are where.
    pub steps: StepCounts,
    /// Which share of its steps is completed, 0 to 1.
    pub progress: f64,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
}

/// The steps of a workflow by where they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepCounts {
    pub total: i64,
    /// Wait for other steps.
    pub blocked: i64,
    /// Scheduled, queued, or waiting to be tried again.
    pub waiting: i64,
    pub active: i64,
    pub completed: i64,
    pub failed: i64,
    pub canceled: i64,
}

/// A workflow that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkflow {
    /// 1 to 200 visible characters.
    #[schema(example = "nightly-import")]
    pub name: String,
    /// Whose work all of it is; `default` unless said otherwise.
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// 1 to 20,000 steps, in any order.
    #[schema(value_type = Vec<CreateStep>)]
    pub steps: Vec<Box<RawValue>>,
}

/// A step: a job with a name, and with the names of the steps that have to end before it. Its `tenant` and `idempotency_key` are the workflow's.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateStep {
    /// 1 to 128 visible characters; each name is there once.
    #[schema(example = "resize")]
    pub name: String,
    /// Names of steps, or `{"step": …, "policy": …}`.
    #[serde(default, alias = "dependsOn")]
    #[schema(value_type = Vec<String>, example = json!(["fetch"]))]
    pub depends_on: Vec<CreateLink>,
    /// What becomes of it when one of them does not complete, where that says nothing else: `block` (the default), `allow_failed` or `cancel`.
    #[serde(alias = "dependencyPolicy")]
    #[schema(example = "block")]
    pub dependency_policy: Option<String>,
    #[serde(skip)]
    #[schema(inline)]
    pub job: CreateJob,
}

/// The fields of a step that are not its job's.
pub const STEP_FIELDS: [&str; 5] = ["name", "depends_on", "dependsOn", "dependency_policy", "dependencyPolicy"];

/// A step that has to end first: its name, or an edge.
pub type CreateLink = TextOr<LinkEdge>;

/// The same, with what becomes of the one that waits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEdge {
    pub step: String,
    pub policy: Option<String>,
}

/// For whom the workflow of the demonstration is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoWorkflow {
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
}

/// Jobs that hang together: each before those that wait for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Graph {
    /// The workflow, where it is one's.
    pub workflow_id: Option<Uuid>,
    /// The job that was asked about, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_job_id: Option<Uuid>,
    /// From the first rank to the last, within a rank as they were named.
    pub nodes: Vec<GraphNode>,
    /// In the order of the nodes.
    pub edges: Vec<GraphEdge>,
    /// The jobs, from a first one to a last one, that took the longest together: what holds up the whole.
    pub critical_path: Vec<Uuid>,
    /// How long those took, in milliseconds: each since it might start.
    pub critical_ms: i64,
    /// Whether there are more jobs than are shown.
    pub truncated: bool,
}

/// One job of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphNode {
    pub job_id: Uuid,
    /// What it is called in its workflow.
    pub step: Option<String>,
    pub workflow_id: Option<Uuid>,
    pub kind: String,
    pub queue: String,
    #[schema(example = "blocked")]
    pub state: String,
    /// How many steps the longest way to it has.
    pub rank: usize,
    /// What it waits for, in words, while it is blocked.
    pub blocked_reason: Option<String>,
    pub error: Option<String>,
    /// The dependency whose end canceled it.
    pub doomed_by: Option<Uuid>,
    pub depends_on: Vec<Uuid>,
    pub dependents: Vec<Uuid>,
    pub attempt: i32,
    /// Since when it might start, once nothing that it depends on holds it.
    #[serde(serialize_with = "serialize_option")]
    pub ready_at: Option<OffsetDateTime>,
    /// When its latest execution began.
    #[serde(serialize_with = "serialize_option")]
    pub started_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Whether it lies on the critical path.
    pub critical: bool,
}

impl GraphNode {
    /// What people call it.
    pub fn name(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.kind)
    }
}

/// One job waits for another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphEdge {
    /// Who has to end.
    pub from: Uuid,
    /// Who waits.
    pub to: Uuid,
    /// `block`, `allow_failed` or `cancel`.
    pub policy: String,
    /// How the first ended, as the second was told: `completed`, `failed` or `canceled`.
    pub outcome: Option<String>,
    /// Whether the second may go on, as far as this edge is concerned.
    pub met: bool,
}
