//! SPEAKS: the JSON that both ends agree on. Wire types are not domain types: they are read from and written to the
//! outside, and nothing else.

pub mod explain;
pub mod health;
pub mod metrics;
pub mod problem;
pub mod project;
pub mod time;

pub use explain::{Explanation, JobSummary};
pub use health::{Health, ListenerHealth, ServiceHealth, WorkersHealth};
pub use metrics::{CountsByStatus, Metrics};
pub use problem::{FieldProblem, Problem};
pub use project::{CreateProject, Event, PatchProject, Project, Reason};
