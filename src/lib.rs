//! Provost: a control plane in one binary and one PostgreSQL database. The README describes the product; this list is the map
//! of the code.
//!
//! Each module has one responsibility. Imports point inward only: `cli → {web, engine} → {store, wire, handlers} → provision →
//! domain`. `web` and `engine` never import each other; they communicate only through the database. The test `rules` checks
//! this.

/// The rules, as pure functions: states, transitions, retry policy, names.
pub mod domain;

/// The statements and their rows. The only module that runs SQL.
pub mod store;

/// The JSON that server and client exchange, and the client.
pub mod wire;

/// Creates and removes the resources of projects.
pub mod provision;

/// Runs the programs that the operator configures.
pub mod program;

/// Runs jobs, one handler per kind.
pub mod handlers;

/// Supervisor, listener, worker loop and periodic maintenance. The only module that spawns tasks.
pub mod engine;

/// Serves HTTP: the API and the dashboard.
pub mod web;

/// The commands. The only module that may import all others.
pub mod cli;

pub mod config;
pub mod connection;
pub mod embedded;
pub mod lines;
pub mod log;
pub mod mutant;
pub mod schema;
pub mod secrets;
pub mod signal;
pub mod telemetry;
pub mod template;
