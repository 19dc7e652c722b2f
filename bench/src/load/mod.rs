//! The loads: each runs one thing against a system and says what came of it.

pub mod drain;
pub mod enqueue;
pub mod idle;
pub mod latency;
pub mod steady;
