//! `/internal`: the protocol of remote workers. It uses the same statements as workers with direct database access. The server decides what
//! an outcome means for a job, because it knows the job's retry policy and budget.

mod command_agent;
pub mod dequeue;
pub mod heartbeat;
pub mod logs;
pub mod polls;
pub mod result;
pub mod steps;
pub mod token_scope;

use std::time::Duration;

use crate::web::app::App;
use crate::web::error::ApiError;

/// Maximum number of characters of an id that a worker chooses.
const MAX_ID: usize = 200;

/// The lease of a worker. Command agents send heartbeats less often, so their leases are longer.
fn lease_of(app: &App, worker: &str) -> Duration {
    if command_agent::is_agent(worker) { app.config.agent_lease } else { app.config.lease_ttl }
}

/// Validates an id that a worker chose for itself or for a request.
fn checked_id(field: &str, text: String) -> Result<String, ApiError> {
    let is_valid = (1..=MAX_ID).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_valid { Ok(text) } else { Err(ApiError::field(field, format!("must have 1 to {MAX_ID} visible characters"))) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
