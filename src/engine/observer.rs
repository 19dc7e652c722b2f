//! The observer: looks at what really exists, compares it with what the projects say, and searches the clusters for what belongs to
//! no project. It changes nothing.
//!
//! Looks are claimed like jobs, by a conditional update of the time at which the next one is due, so any number of processes share
//! the work. A look that is lost costs nothing: the next one follows after the interval.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use slog::{Logger, warn};
use uuid::Uuid;

use super::supervisor::{ServiceFuture, service};
use super::{EngineResources, logger};
use crate::domain::{Health, ProjectStatus};
use crate::handlers::work_of;
use crate::log::chain;
use crate::provision::inspect::{InspectFuture, Inspection, Secrets};
use crate::provision::{Failure, Registry};
use crate::secrets::{Keyring, SecretError, SensitiveText};
use crate::store::observations::{DueObservation, Observation};
use crate::store::{Store, StoreError};

/// How many projects are claimed at once, and how many of them are looked at at the same time.
const BATCH: i64 = 20;
const PARALLEL: usize = 4;
/// How long one look may take. A cluster that does not answer must not hold up the others for longer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest pause between two looks for due work.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Who records what is found.
pub const ACTOR: &str = "observer";

/// The observer of this process, for the provisioners that it has.
#[derive(Clone)]
pub struct Observer {
    pub store: Store,
    pub registry: Registry,
    pub keyring: Option<Keyring>,
    pub log: Logger,
}

/// The observer service.
pub fn observer(resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service(resources.clone(), |resources| async move {
        let EngineResources { context, store, registry, .. } = &resources;
        let observer = Observer {
            store: store.clone(),
            registry: registry.clone(),
            keyring: context.keyring.clone(),
            log: logger(context, "observer"),
        };
        let interval = context.config.observe_interval;
        let mut wakeups = context.wakeup.subscribe_to_observations();
        loop {
            wakeups.clear();
            if observer.observe_due(interval, interval).await? == 0 {
                _ = tokio::time::timeout(MAX_PAUSE.min(interval), wakeups.woken()).await;
            }
        }
    })
}

impl Observer {
    /// Looks at the projects and the clusters that are due. Returns at how many projects.
    pub async fn observe_due(&self, interval: Duration, inventory: Duration) -> Result<usize, StoreError> {
        let due = self.store.claim_observations(BATCH, interval, &self.names()).await?;
        let n = due.len();
        stream::iter(due).map(|it| self.observe(it)).buffer_unordered(PARALLEL).collect::<Vec<_>>().await;
        self.take_inventories(inventory).await?;
        Ok(n)
    }

    fn names(&self) -> Vec<String> {
        self.registry.iter().map(|(name, _)| name.to_owned()).collect()
    }

    async fn observe(&self, due: DueObservation) {
        let (id, version) = (due.id, due.version);
        let observation = self.look(due).await;
        let recorded = match &observation {
            Some(observation) => self.store.record_observation(id, version, observation, ACTOR).await.map(drop),
            None => Ok(()),
        };
        if let Err(error) = recorded {
            warn!(self.log, "observation not recorded"; "project_id" => %id, "error" => chain(&error));
        }
    }

    /// `None` if this process cannot look at the project at all.
    async fn look(&self, due: DueObservation) -> Option<Observation> {
        let (name, work) = work_of(&due.payload)
            .inspect_err(
                |error| warn!(self.log, "project cannot be observed"; "project_id" => %due.id, "error" => error),
            )
            .ok()?;
        let provisioner = self.registry.get(&name, &work.template)?;
        let secrets = ProjectSecrets { store: &self.store, keyring: self.keyring.as_ref(), project: due.id };
        let is_paused = due.status == ProjectStatus::Paused;
        let looked = tokio::time::timeout(TIMEOUT, provisioner.inspect(&work, is_paused, &secrets)).await;
        let result =
            looked.unwrap_or_else(|_| Err(Failure::retryable("timed_out", "the cluster did not answer in time")));
        Some(match result {
            Ok(Inspection { health, reason, message, differences, cluster }) => Observation {
                health: Some(health),
                reason,
                message,
                differences: Some(differences),
                provisioner: name,
                cluster,
            },
            Err(failure) => Observation {
                health: (failure.code != Failure::NOT_OBSERVABLE).then_some(Health::Unknown),
                reason: failure.code,
                message: failure.message,
                differences: None,
                provisioner: name,
                cluster: String::new(),
            },
        })
    }

    async fn take_inventories(&self, interval: Duration) -> Result<(), StoreError> {
        for (name, provisioner) in self.registry.iter() {
            for cluster in provisioner.clusters() {
                let Some(due) = self.store.claim_inventory(&cluster, interval).await? else { continue };
                let taken = tokio::time::timeout(TIMEOUT, provisioner.inventory(&cluster, &due.installation)).await;
                let result = taken
                    .unwrap_or_else(|_| Err(Failure::retryable("timed_out", "the cluster did not answer in time")));
                let (found, error) = match result {
                    Ok(found) => (Some(found), None),
                    Err(failure) => (None, Some(failure.message)),
                };
                self.store.record_inventory(&cluster, name, due.at, found.as_deref(), error.as_deref()).await?;
            }
        }
        Ok(())
    }
}

/// The secrets of one project, from the database.
struct ProjectSecrets<'a> {
    store: &'a Store,
    keyring: Option<&'a Keyring>,
    project: Uuid,
}

impl Secrets for ProjectSecrets<'_> {
    fn secret<'a>(&'a self, name: &'a str) -> InspectFuture<'a, Option<SensitiveText>> {
        Box::pin(async move {
            let stored = self.store.get_secret(self.project, name).await;
            let stored = stored.map_err(|error| Failure::retryable("database_unavailable", error.to_string()))?;
            let Some(stored) = stored else { return Ok(None) };
            let unreadable = |error: SecretError| Failure::permanent("secret_unavailable", error.to_string());
            let keyring = self.keyring.ok_or_else(|| unreadable(SecretError::NoKey))?;
            keyring.open(self.project, name, &stored.sealed).map(Some).map_err(unreadable)
        })
    }
}
