//! Everything that is tested through an outer boundary: HTTP, a browser, the command line, a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod harness;

mod api;
mod backup;
mod browser;
mod cli;
mod commands;
mod costs;
mod database;
mod diamonds;
mod engine;
mod faults;
#[cfg(feature = "chaos")]
#[allow(dead_code, unused_imports, reason = "the chaos program uses all of it")]
mod fences;
mod invariants;
mod jobs;
mod lanes;
#[cfg(feature = "chaos")]
mod mutants;
mod outage;
mod plans;
mod process;
mod programs;
mod projects;
mod remote;
mod rules;
mod schedules;
mod schema;
mod smoke;
mod state_matrix;
mod workflows;
