//! State shared by all handlers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use slog::Logger;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::domain::OperationKind;
use crate::domain::cluster::Cluster;
use crate::secrets::{Keyring, SecretError};
use crate::signal::{ProcessStatus, Stop, Wakeup};
use crate::store::Store;
use crate::store::projects::OperationPolicy;
use crate::telemetry::Telemetry;
use crate::template::Templates;
use crate::web::api::internal::polls::Polls;
use crate::web::api::schemas::registry::Schemas;

/// Finds the state of clusters, within seconds. Changes nothing.
pub trait LookAtClusters: Send + Sync {
    /// All clusters, or the one of this name.
    fn look<'a>(&'a self, name: Option<&'a str>) -> BoxFuture<'a, Vec<Cluster>>;
}

/// State shared by all handlers.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub wakeup: Arc<Wakeup>,
    pub process_status: Arc<ProcessStatus>,
    pub telemetry: Telemetry,
    pub config: Arc<Config>,
    /// Looks at the clusters that this process knows.
    pub clusters: Arc<dyn LookAtClusters>,
    /// Templates of projects.
    pub templates: Arc<Templates>,
    /// Opens the secrets of projects; none without a key.
    pub keyring: Option<Keyring>,
    /// Payload schemas.
    pub schemas: Schemas,
    /// Host, port and name of the database, without the password.
    pub database_address: String,
    pub started_at: OffsetDateTime,
    /// Canceled when the process stops: requests that wait must respond at once.
    pub stop: Stop,
    /// Limits how many waiting requests query the database at the same time.
    pub waiting: Arc<Semaphore>,
    /// Open dequeue requests of workers.
    pub polls: Arc<Polls>,
    /// Limits the number of event streams.
    pub streams: Arc<Semaphore>,
    /// Host and port for links on this machine.
    pub host: String,
    pub log: Logger,
}

impl App {
    /// Deadline and attempts of an operation on a project of this template.
    pub fn operation_policy(&self, template: &str, operation: OperationKind) -> OperationPolicy {
        let policy = self.templates.get(template).map(|it| it.policy(operation)).unwrap_or_default();
        OperationPolicy {
            deadline: policy.deadline.unwrap_or(self.config.project_deadline),
            max_attempts: policy.max_attempts.unwrap_or(self.config.max_attempts),
        }
    }

    /// Deadline and attempts where no template is known.
    pub fn default_policy(&self) -> OperationPolicy {
        OperationPolicy { deadline: self.config.project_deadline, max_attempts: self.config.max_attempts }
    }

    /// The keys of the installation.
    pub fn keyring(&self) -> Result<&Keyring, SecretError> {
        self.keyring.as_ref().ok_or(SecretError::NoKey)
    }

    /// A worker without a heartbeat for this long is not online.
    pub fn max_heartbeat_age(&self) -> Duration {
        self.config.lease_ttl
    }
}
