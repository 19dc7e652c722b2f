//! The schedule of a command, by name.

use crate::cli::client::complete;
use crate::cli::client::target::target;

target!("schedule", "SCHEDULE", "Name of the schedule", complete::schedules);
