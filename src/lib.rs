//! Provost: a control plane in one binary and one PostgreSQL database. The README says what it does; this list says where.
//!
//! Each module is a room with one verb, and imports point inward only: `cli → {web, engine} → {store, wire,
//! handlers} → provision → domain`. `web` and `engine` never import each other; they meet only in a row. The test `rules` keeps it so.

/// DECIDES. Pure: states, transitions, retry policy, names.
pub mod domain;

/// REMEMBERS. The only room that runs SQL.
pub mod store;

/// SPEAKS. The JSON that both ends agree on.
pub mod wire;

/// ACTS. Makes and removes the real thing behind a project.
pub mod provision;

/// ACTS. Does the work of one kind of job.
pub mod handlers;

/// WAITS. Supervisor, listener, worker loop, periodic maintenance: the only room that spawns.
pub mod engine;

/// ANSWERS. HTTP in, HTTP out: the API and the dashboard.
pub mod web;

/// WIRES. Subcommands; the only room that may know everyone.
pub mod cli;

pub mod config;
pub mod embedded;
pub mod log;
pub mod mutant;
pub mod signal;
pub mod telemetry;
