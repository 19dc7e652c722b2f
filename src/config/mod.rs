//! The configuration of this process. All mistakes are reported together, and secrets are never printed.

mod reader;
mod secret;
mod settings;
mod sources;
mod tokens;
mod types;

pub use secret::Secret;
pub use settings::{CLIENT_SETTINGS, SETTINGS, Setting, example};
pub use sources::{Source, Sources};
pub use tokens::WorkerToken;
pub use types::{Config, Effective, LogFormat, Retain, Roles, Simulate};
