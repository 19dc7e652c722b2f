//! `/internal`: what workers without a database speak. They claim, beat, write and settle by the same statements as a worker
//! beside the database; what an outcome means for its job is decided here, where the retry policy and the budget are known.

mod agent;
pub mod dequeue;
pub mod heartbeat;
pub mod logs;
mod polls;
pub mod result;
mod token_scope;

use std::time::Duration;

pub use polls::Polls;
pub use token_scope::Badge;

use crate::web::app::App;
use crate::web::error::ApiError;

/// The most characters of an id that a worker gives itself or a request.
const MAX_ID: usize = 200;

/// How long the leases of this worker last.
fn lease_of(app: &App, worker: &str) -> Duration {
    if agent::is_one(worker) { app.config.agent_lease } else { app.config.lease_ttl }
}

/// A name that a worker made for itself or for a request.
fn checked_id(field: &str, text: String) -> Result<String, ApiError> {
    let is_good = (1..=MAX_ID).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_good { Ok(text) } else { Err(ApiError::field(field, format!("must have 1 to {MAX_ID} visible characters"))) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
