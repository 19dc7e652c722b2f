//! Jobs, one file per action: enqueue, claim, heartbeat, settle, reap, and the actions of operators.

mod batches;
mod cancel;
mod claim;
mod delivery;
mod enqueue;
mod execution;
mod explain;
mod heartbeat;
mod job;
mod list;
mod prioritize;
mod reap;
mod retry;
mod settle;

pub(super) use batches::Batches;
pub use cancel::CancelOutcome;
pub use claim::{CandidateWindow, ClaimOutcome, ClaimRequest, ClaimedJob, Lease, execution_ids};
pub use enqueue::Enqueued;
pub(super) use enqueue::new_jobs_json;
pub use execution::{ActiveExecution, EndedExecution, Execution};
pub use explain::{ExhaustedLimit, JobExplanation};
pub use heartbeat::{LeasedExecution, RenewedLease};
pub use job::Job;
pub use list::Filter;
pub use prioritize::PrioritizeOutcome;
pub use reap::{GracePeriods, Overdue, ReapedJob};
pub use retry::{Edit, RetryOutcome};
pub use settle::Settled;
