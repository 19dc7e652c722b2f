//! SPEAKS: the JSON that both ends agree on. Wire types are not domain types: they are read from and written to the
//! outside, and nothing else. The client of a server lives here too: it knows the same JSON from the other end.

pub mod client;
pub mod create_job;
pub mod explain;
pub mod fleet;
pub mod health;
pub mod job;
pub mod json;
pub mod metrics;
mod path;
pub mod problem;
pub mod project;
pub mod schedule;
pub mod span;
pub mod stats;
pub mod time;
pub mod worker;
pub mod workflow;

pub use create_job::CreateJob;
pub use explain::{Explanation, JobSummary, Waiting};
pub use fleet::{CreateQueue, Limit, PatchQueue, PutLimit, PutSchema, Queue, Schema, Worker};
pub use health::{Health, ListenerHealth, ServiceHealth, WorkersHealth};
pub use job::{
    Acted, BackoffPolicy, DeadLetterGroup, Execution, Inspection, Job, JobFilter, PatchJob, Refused, ReplayJobs,
    SelectJobs,
};
pub use metrics::{CountsByStatus, Metrics};
pub use path::segment;
pub use problem::{FieldProblem, Problem};
pub use project::{CreateProject, Event, PatchProject, Project, Reason};
pub use schedule::{Backfill, Backfilled, Occurrence, Preview, PreviewSchedule, PutSchedule, Schedule, Tick};
pub use stats::{KindStats, Percentiles, QueueStats, Record, Retention, Stats, WorkerStats};
pub use workflow::{CreateWorkflow, Graph, GraphEdge, GraphNode, Workflow};
