//! The JSON of the API, and a client that speaks it. Wire types are separate from domain types: they only describe what is read
//! from and written to the outside.

pub mod client;
pub mod cluster;
pub mod create_job;
pub mod credential;
pub mod dead_letter;
pub mod drift;
pub mod duration;
pub mod event;
pub mod hash;
pub mod health;
pub mod internal;
pub mod job;
pub mod job_selection;
pub mod json;
pub mod limit;
pub mod metrics;
mod path;
pub mod problem;
pub mod project;
pub mod queue;
pub mod schedule;
pub mod schema;
pub mod stats;
pub mod template;
pub mod terraform;
pub mod time;
pub mod worker;
pub mod workflow;

pub use cluster::{Cluster, ClusterCapabilities};
pub use create_job::CreateJob;
pub use credential::{Reissue, Reissued};
pub use dead_letter::{DeadLetterGroup, ReplayJobs};
pub use drift::{Drift, Finding, SearchedCluster, TakeUpOrphan};
pub use event::Event;
pub use health::{FleetHealth, Health, ListenerHealth, RoleHealth, ServiceHealth, TroubleHealth, WorkersHealth};
pub use job::{BackoffPolicy, Execution, Inspection, Job, JobExplanation, PatchJob};
pub use job_selection::{BulkOutcome, JobFilter, RefusedJob, SelectJobs};
pub use limit::{Limit, PutLimit};
pub use metrics::{CountsByStatus, Metrics};
pub use path::segment;
pub use problem::{FieldProblem, Problem};
pub use project::{
    Access, ApplyProject, CreateProject, ExtendProject, JobSummary, PatchProject, Project, ProjectEvent,
    ProjectExplanation, ProjectOperation, ProjectStep, Reason,
};
pub use queue::{CreateQueue, PatchQueue, Queue};
pub use schedule::{Backfill, Backfilled, Occurrence, Preview, PreviewSchedule, PutSchedule, Schedule, Tick};
pub use schema::{PutSchema, Schema};
pub use stats::{KindStats, Percentiles, QueueStats, Retention, Stats, WorkerStats};
pub use template::{Template, TemplatePolicy};
pub use terraform::{LockInfo, StateVersion};
pub use worker::Worker;
pub use workflow::{CreateWorkflow, Graph, GraphEdge, GraphNode, Workflow};
