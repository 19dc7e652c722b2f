//! The load generators. Each runs one kind of load against a system and returns the result.

pub mod drain;
pub mod enqueue;
pub mod idle;
pub mod latency;
pub mod steady;
