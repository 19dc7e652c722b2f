//! Tests of the runner, with a recorder in memory.

pub mod memory;
mod run;
