//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use slog::Logger;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::Store;
use crate::store::projects::OperationPolicy;
use crate::telemetry::Telemetry;
use crate::web::api::internal::Polls;
use crate::web::api::schemas::Schemas;

/// The web's side of the process.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub wakeup: Arc<Wakeup>,
    pub process_status: Arc<ProcessStatus>,
    pub telemetry: Telemetry,
    pub config: Arc<Config>,
    /// The templates that a project can be made from; the first is the default.
    pub templates: Vec<String>,
    /// What payloads are checked against.
    pub schemas: Schemas,
    /// Host, port and name of the database, without its password.
    pub database_address: String,
    pub started_at: OffsetDateTime,
    /// Cancelled when the process stops: whoever waits for something must answer now.
    pub stop: Stop,
    /// Turns for those who wait with `?wait=` to look at the database.
    pub waiting: Arc<Semaphore>,
    /// The workers that wait for work.
    pub polls: Arc<Polls>,
    /// Places for those who follow the record.
    pub streams: Arc<Semaphore>,
    /// Host and port as somebody at this machine reaches us.
    pub host: String,
    pub log: Logger,
}

impl App {
    /// What every operation is bound by.
    pub fn bounds(&self) -> OperationPolicy {
        OperationPolicy { deadline: self.config.project_deadline, max_attempts: self.config.max_attempts }
    }

    /// A worker that has been silent for longer does not count as online.
    pub fn silence(&self) -> Duration {
        self.config.lease_ttl
    }
}
