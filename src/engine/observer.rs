//! The observer: looks at what really exists, compares it with what the projects say, and searches the clusters for what belongs to
//! no project. It changes nothing.
//!
//! Looks are claimed like jobs, by a conditional update of the time at which the next one is due, so any number of processes share
//! the work. A look that is lost costs nothing: the next one follows after the interval. A process takes the looks of the queues that
//! it serves, and leaves those that it cannot take to others: then nothing is recorded, because what this process lacks says nothing
//! about the project.
//!
//! The projects of each provisioner are looked at apart from the others, so that slow programs do not hold up databases.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join, try_join_all};
use slog::{Logger, debug, warn};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::supervisor::{ServiceFuture, service};
use super::{EngineResources, logger};
use crate::config::Config;
use crate::domain::{Health, ProjectStatus};
use crate::handlers::work_of;
use crate::log::chain;
use crate::provision::inspect::{InspectFuture, Inspection, Secrets};
use crate::provision::{Failure, Provisioner, Registry, RunAccess, Work};
use crate::secrets::{Keyring, LOOK_USER, SecretError, SensitiveText};
use crate::signal::Wakeup;
use crate::store::observations::{DueObservation, LookRequest, Observation};
use crate::store::{Store, StoreError};

/// How many projects of a provisioner are looked at at the same time.
const PARALLEL: usize = 4;
/// How long the search of a cluster may take.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest pause between two looks for due work.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long the access of a look to the Terraform state outlasts the look: the clocks of two hosts differ.
const CLOCK_MARGIN: Duration = Duration::from_secs(60);
/// Who records what is found.
pub const ACTOR: &str = "observer";

/// The observer of this process, for the provisioners that it has.
#[derive(Clone)]
pub struct Observer {
    pub store: Store,
    registry: Registry,
    keyring: Option<Keyring>,
    /// Where programs reach the API.
    api_address: Option<String>,
    queues: Vec<String>,
    interval: Duration,
    /// Templates, with their versions, whose projects this process cannot look at, and until when it does not try again.
    blind: Arc<Mutex<BTreeMap<(String, i32), Instant>>>,
    log: Logger,
}

/// The observer service.
pub fn observer(resources: &EngineResources) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service(resources.clone(), |resources| async move {
        let EngineResources { context, store, registry, .. } = &resources;
        let observer = Observer::new(&context.config, store, registry, logger(context, "observer"))
            .with_key(context.keyring.clone())
            .reachable_at(context.api_address.clone());
        let mut all: Vec<BoxFuture<'_, Result<(), StoreError>>> = vec![observer.keep_searching().boxed()];
        for (name, _) in registry.iter() {
            all.push(observer.keep_looking(name, &context.wakeup).boxed());
        }
        try_join_all(all).await?;
        Ok(())
    })
}

impl Observer {
    pub fn new(config: &Config, store: &Store, registry: &Registry, log: Logger) -> Self {
        Self {
            store: store.clone(),
            registry: registry.clone(),
            keyring: None,
            api_address: None,
            queues: config.worker_queues.clone(),
            interval: config.observe_interval,
            blind: Arc::default(),
            log,
        }
    }

    pub fn with_key(self, keyring: Option<Keyring>) -> Self {
        Self { keyring, ..self }
    }

    /// Sets the address at which programs reach the API.
    pub fn reachable_at(self, api_address: Option<String>) -> Self {
        Self { api_address, ..self }
    }

    async fn keep_looking(&self, provisioner: &str, wakeup: &Wakeup) -> Result<(), StoreError> {
        let mut wakeups = wakeup.subscribe_to_observations();
        loop {
            wakeups.clear();
            if self.look_at_due(provisioner, None).await? == 0 {
                _ = tokio::time::timeout(MAX_PAUSE.min(self.interval), wakeups.woken()).await;
            }
        }
    }

    async fn keep_searching(&self) -> Result<(), StoreError> {
        loop {
            self.search_due().await?;
            tokio::time::sleep(MAX_PAUSE.min(self.interval)).await;
        }
    }

    /// Takes every look and every search that this process can take and that was due at this time, once.
    pub async fn observe_once(&self, due_at: OffsetDateTime) -> Result<(), StoreError> {
        let mut looks: Vec<BoxFuture<'_, Result<usize, StoreError>>> = Vec::new();
        for (name, _) in self.registry.iter() {
            looks.push(self.look_at_due(name, Some(due_at)).boxed());
        }
        try_join(try_join_all(looks), self.search_due()).await.map(drop)
    }

    /// Looks at the due projects of a provisioner until none is left. Returns at how many.
    async fn look_at_due(&self, provisioner: &str, due_at: Option<OffsetDateTime>) -> Result<usize, StoreError> {
        let claimed = self.claim(provisioner, due_at).await?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let claimed = tokio::sync::Mutex::new(claimed);
        let mut lanes: Vec<BoxFuture<'_, Result<usize, StoreError>>> = Vec::new();
        for _ in 0..PARALLEL {
            lanes.push(self.take_looks(&claimed, provisioner, due_at).boxed());
        }
        Ok(try_join_all(lanes).await?.into_iter().sum())
    }

    /// Takes one look after the other, and claims more when there are none left.
    async fn take_looks(
        &self,
        claimed: &tokio::sync::Mutex<Vec<DueObservation>>,
        provisioner: &str,
        due_at: Option<OffsetDateTime>,
    ) -> Result<usize, StoreError> {
        let mut n = 0;
        loop {
            let next = {
                let mut claimed = claimed.lock().await;
                if claimed.is_empty() {
                    *claimed = self.claim(provisioner, due_at).await?;
                }
                claimed.pop()
            };
            let Some(due) = next else { return Ok(n) };
            self.observe(due, due_at.is_some()).await;
            n += 1;
        }
    }

    async fn claim(
        &self,
        provisioner: &str,
        due_at: Option<OffsetDateTime>,
    ) -> Result<Vec<DueObservation>, StoreError> {
        let except: Vec<(String, i32)> = {
            let (mut blind, now) = (self.blind(), Instant::now());
            blind.retain(|_, until| *until > now);
            blind.keys().cloned().collect()
        };
        let request = LookRequest {
            limit: PARALLEL as i64,
            interval: self.interval,
            provisioner,
            queues: &self.queues,
            except: &except,
            due_at,
        };
        self.store.claim_observations(&request).await
    }

    async fn observe(&self, due: DueObservation, is_once: bool) {
        let (id, of_look) = (due.id, (due.id, due.version, due.at));
        let recorded = match self.look(due).await {
            Look::Done(observation) => self.store.record_observation(of_look, &observation, ACTOR).await.map(drop),
            Look::ForOthers(failure) => {
                debug!(self.log, "look left to other processes"; "project_id" => %id, "reason" => failure.message);
                // At another time, or this process would always be the first one again.
                let is_random = failure.code == Failure::OTHER_HOST && !is_once;
                let delay = if is_random { self.interval.mul_f64(rand::random()) } else { Duration::ZERO };
                self.store.leave_observation(id, delay).await
            }
            Look::Impossible => Ok(()),
        };
        if let Err(error) = recorded {
            warn!(self.log, "observation not recorded"; "project_id" => %id, "error" => chain(&error));
        }
    }

    async fn look(&self, due: DueObservation) -> Look {
        let (name, work) = match work_of(&due.payload) {
            Ok(it) => it,
            Err(error) => {
                warn!(self.log, "project cannot be observed"; "project_id" => %due.id, "error" => error);
                return Look::Impossible;
            }
        };
        let Some(provisioner) = self.registry.get(&name, &work.template) else { return Look::Impossible };
        match self.inspected(provisioner.as_ref(), &work, due.status == ProjectStatus::Paused).await {
            Ok(Inspection { health, reason, message, differences, cluster }) => Look::Done(Observation {
                health: Some(health),
                reason,
                message,
                differences: Some(differences),
                provisioner: name,
                cluster,
            }),
            Err(failure) if failure.is_for_others() => {
                // Another project of the template may be on this host.
                if failure.code != Failure::OTHER_HOST {
                    self.blind().insert((work.template, work.template_version), Instant::now() + self.interval);
                }
                Look::ForOthers(failure)
            }
            Err(failure) => Look::Done(Observation {
                health: (failure.code != Failure::NOT_OBSERVABLE).then_some(Health::Unknown),
                reason: failure.code,
                message: failure.message,
                differences: None,
                provisioner: name,
                cluster: String::new(),
            }),
        }
    }

    async fn inspected(
        &self,
        provisioner: &dyn Provisioner,
        work: &Work,
        is_paused: bool,
    ) -> Result<Inspection, Failure> {
        let timeout = provisioner.look_timeout(&work.template);
        let secrets = ProjectSecrets {
            store: &self.store,
            keyring: self.keyring.as_ref(),
            api_address: self.api_address.as_deref(),
            project: work.project_id,
            until: OffsetDateTime::now_utc() + timeout + CLOCK_MARGIN,
        };
        let looked = tokio::time::timeout(timeout, provisioner.inspect(work, is_paused, &secrets)).await;
        looked.unwrap_or_else(|_| Err(timed_out(timeout)))
    }

    fn blind(&self) -> MutexGuard<'_, BTreeMap<(String, i32), Instant>> {
        self.blind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches the clusters that are due, all at the same time.
    async fn search_due(&self) -> Result<(), StoreError> {
        let mut searches: Vec<BoxFuture<'_, Result<(), StoreError>>> = Vec::new();
        for (name, provisioner) in self.registry.iter() {
            for cluster in provisioner.clusters() {
                searches.push(self.search(name, provisioner, cluster).boxed());
            }
        }
        try_join_all(searches).await.map(drop)
    }

    async fn search(&self, name: &str, provisioner: &dyn Provisioner, cluster: String) -> Result<(), StoreError> {
        let Some(due) = self.store.claim_inventory(&cluster, self.interval).await? else { return Ok(()) };
        let taken = tokio::time::timeout(SEARCH_TIMEOUT, provisioner.inventory(&cluster, &due.installation)).await;
        let (found, error) = match taken.unwrap_or_else(|_| Err(timed_out(SEARCH_TIMEOUT))) {
            Ok(found) => (Some(found), None),
            Err(failure) => (None, Some(failure.message)),
        };
        self.store.record_inventory(&cluster, name, due.at, found.as_deref(), error.as_deref()).await
    }
}

/// How a look has ended.
enum Look {
    Done(Observation),
    /// This process cannot take it.
    ForOthers(Failure),
    /// No process can take it.
    Impossible,
}

fn timed_out(after: Duration) -> Failure {
    Failure::retryable("timed_out", format!("the look did not end within {} s", after.as_secs()))
}

/// The secrets of one project, from the database.
struct ProjectSecrets<'a> {
    store: &'a Store,
    keyring: Option<&'a Keyring>,
    api_address: Option<&'a str>,
    project: Uuid,
    /// When the access to the Terraform state ends.
    until: OffsetDateTime,
}

impl ProjectSecrets<'_> {
    async fn has_state(&self) -> Result<bool, Failure> {
        let versions = self.store.terraform_versions(self.project, 1).await.map_err(unavailable)?;
        Ok(versions.first().is_some_and(|it| !it.is_deleted))
    }
}

fn unavailable(error: StoreError) -> Failure {
    Failure::retryable("database_unavailable", chain(&error))
}

impl Secrets for ProjectSecrets<'_> {
    fn secret<'a>(&'a self, name: &'a str) -> InspectFuture<'a, Option<SensitiveText>> {
        Box::pin(async move {
            let stored = self.store.get_secret(self.project, name).await.map_err(unavailable)?;
            let Some(stored) = stored else { return Ok(None) };
            let failed = |code: &str, error: SecretError| Failure::permanent(code, error.to_string());
            let keyring = self.keyring.ok_or_else(|| failed(Failure::NO_KEY, SecretError::NoKey))?;
            keyring.open(self.project, name, &stored.sealed).map(Some).map_err(|it| failed("secret_unreadable", it))
        })
    }

    fn state_access(&self) -> InspectFuture<'_, Option<RunAccess>> {
        Box::pin(async {
            let Some((keyring, address)) = self.keyring.zip(self.api_address) else {
                return match self.has_state().await? {
                    true => Err(Failure::permanent(
                        Failure::NO_ADDRESS,
                        "programs of this process cannot read the Terraform state: it has no key, or no address of a server (PROVOST_SERVER)",
                    )),
                    false => Ok(None),
                };
            };
            let until = self.until.unix_timestamp();
            let token = keyring.look_token(self.project, until);
            let user = format!("{LOOK_USER}{until}");
            Ok(Some(RunAccess { address: address.to_owned(), user, token, may_write: false }))
        })
    }
}
