//! Workflows and dependency graphs.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create_job::CreateJob;
use super::json::TextOr;
use super::time::{serialize, serialize_option};

/// A workflow: jobs with dependencies between them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workflow {
    pub id: Uuid,
    #[schema(example = "nightly-import")]
    pub name: String,
    /// `running`, `completed`, `failed` (a step failed and no other step can run) or `canceled`.
    #[schema(example = "running")]
    pub state: String,
    pub tenant: String,
    pub steps: StepCounts,
    /// Completed share of the steps, 0 to 1.
    pub progress: f64,
    pub actor: String,
    #[serde(serialize_with = "serialize")]
    pub created_at: OffsetDateTime,
    #[serde(serialize_with = "serialize")]
    pub updated_at: OffsetDateTime,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
}

/// Number of steps by state.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepCounts {
    pub total: i64,
    /// Waiting for other steps.
    pub blocked: i64,
    /// Scheduled, queued or retrying.
    pub waiting: i64,
    pub active: i64,
    pub completed: i64,
    pub failed: i64,
    pub canceled: i64,
}

/// A workflow to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkflow {
    /// 1 to 200 visible characters.
    #[schema(example = "nightly-import")]
    pub name: String,
    /// Tenant of all steps. Default: `default`.
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// 1 to 20,000 steps, in any order.
    #[schema(value_type = Vec<CreateStep>)]
    pub steps: Vec<Box<RawValue>>,
}

/// A step: a named job and its dependencies. `tenant` and `idempotency_key` belong to the workflow.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateStep {
    /// 1 to 128 visible characters, unique within the workflow.
    #[schema(example = "resize")]
    pub name: String,
    /// Names of steps that must finish first, or `{"step": …, "policy": …}`.
    #[serde(default, alias = "dependsOn")]
    #[schema(value_type = Vec<String>, example = json!(["fetch"]))]
    pub depends_on: Vec<CreateLink>,
    /// What happens if a dependency does not complete: `block` (the default), `allow_failed` or `cancel`. A dependency's own `policy` takes
    /// precedence.
    #[serde(alias = "dependencyPolicy")]
    #[schema(example = "block")]
    pub dependency_policy: Option<String>,
    #[serde(skip)]
    #[schema(inline)]
    pub job: CreateJob,
}

/// The fields of a step that are not fields of a job.
pub const STEP_FIELDS: [&str; 5] = ["name", "depends_on", "dependsOn", "dependency_policy", "dependencyPolicy"];

/// A dependency on a step: its name, or an object with a policy.
pub type CreateLink = TextOr<LinkEdge>;

/// A dependency with a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEdge {
    pub step: String,
    pub policy: Option<String>,
}

/// Options of the demo workflow.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoWorkflow {
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
}

/// A dependency graph, in topological order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Graph {
    /// The workflow, if the graph is one.
    pub workflow_id: Option<Uuid>,
    /// The job whose graph was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_job_id: Option<Uuid>,
    /// Ordered by rank, then by position in the request.
    pub nodes: Vec<GraphNode>,
    /// Ordered like the nodes.
    pub edges: Vec<GraphEdge>,
    /// The chain of dependent jobs with the longest total duration.
    pub critical_path: Vec<Uuid>,
    /// Total duration of the critical path, in milliseconds, including the time that its jobs waited in the queue.
    pub critical_ms: i64,
    /// Whether jobs were omitted.
    pub truncated: bool,
}

/// One job of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphNode {
    pub job_id: Uuid,
    /// The job's name in its workflow.
    pub step: Option<String>,
    pub workflow_id: Option<Uuid>,
    pub kind: String,
    pub queue: String,
    #[schema(example = "blocked")]
    pub state: String,
    /// Length of the longest path to this job.
    pub rank: usize,
    /// Why the job is blocked.
    pub blocked_reason: Option<String>,
    pub error: Option<String>,
    /// The dependency whose outcome canceled the job.
    pub canceled_by: Option<Uuid>,
    pub depends_on: Vec<Uuid>,
    pub dependents: Vec<Uuid>,
    pub attempt: i32,
    /// When the job's last dependency finished; null while it is blocked.
    #[serde(serialize_with = "serialize_option")]
    pub ready_at: Option<OffsetDateTime>,
    /// When the latest attempt began.
    #[serde(serialize_with = "serialize_option")]
    pub started_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "serialize_option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Whether the job is on the critical path.
    pub critical: bool,
}

impl GraphNode {
    /// The step name, or the kind of a job outside a workflow.
    pub fn name(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.kind)
    }
}

/// A dependency between two jobs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphEdge {
    /// The dependency.
    pub from: Uuid,
    /// The dependent.
    pub to: Uuid,
    /// `block`, `allow_failed` or `cancel`.
    pub policy: String,
    /// The recorded outcome of the dependency: `completed`, `failed` or `canceled`.
    pub outcome: Option<String>,
    /// Whether this dependency no longer blocks the dependent.
    pub met: bool,
}
