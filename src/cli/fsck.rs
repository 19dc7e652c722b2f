//! `provost fsck`: compares every project with what really exists. It changes nothing that exists.

use std::time::Duration;

use serde::Serialize;
use slog::Logger;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::client::Global;
use super::database::{Database, connect_existing, report_unusable};
use super::exit::Exit;
use super::output::{Output, print};
use super::process::{Provisioning, keyring};
use super::tables::DIFFERENCE;
use crate::config::Config;
use crate::engine::observer::Observer;
use crate::log::chain;
use crate::signal::Wakeup;
use crate::store::observations::SearchedCluster;
use crate::store::{Store, StoreError};

/// How many connections are needed: several projects are looked at at once.
const POOL: usize = 5;
/// How long to wait for looks that other processes have claimed.
const PATIENCE: Duration = Duration::from_secs(30);
/// An interval that is shorter says nothing about who searches a cluster.
const MIN_INTERVAL: Duration = Duration::from_secs(60);
/// How many differences are printed.
const SHOWN: i64 = 10_000;

pub fn run(config: &Config, output: &Output, global: &Global) -> Exit {
    let log = Logger::root(slog::Discard, slog::o!());
    let Database { private: _private, connector, .. } = match connect_existing(config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let (provisioning, keyring) = match (Provisioning::of(config, &log), keyring(config)) {
        (Ok(provisioning), Ok(keyring)) => (provisioning, keyring),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() else {
        return Exit::Failure;
    };
    let found = runtime.block_on(async {
        let pool = connector.pool(POOL).map_err(|error| error.to_string())?;
        let store = Store::new(pool, std::sync::Arc::new(Wakeup::default()));
        let observer = Observer::new(config, &store, &provisioning.registry, log);
        let observer = observer.with_key(keyring).reachable_at(config.server.clone());
        let found = compare(&observer, config.observe_interval).await;
        observer.store.close();
        found.map_err(|error| chain(&error))
    });
    drop(runtime);
    provisioning.tenants.stop();
    match found {
        Ok(lines) => {
            let printed = match output.format.is_for_people() {
                true => print(&as_text(&lines)),
                false => output.list(&DIFFERENCE, &serde_json::to_string(&lines).unwrap_or_default()),
            };
            match printed {
                Ok(()) if !lines.is_empty() => Exit::Failure,
                printed => global.end(printed),
            }
        }
        Err(reason) => report_unusable(&std::io::Error::other(reason), Some(&connector)),
    }
}

/// One difference.
#[derive(Debug, Serialize)]
struct Line {
    /// The name and the id of the project, if there is one.
    project: Option<String>,
    project_id: Option<uuid::Uuid>,
    /// What it is about.
    object: String,
    message: String,
}

impl Line {
    fn general(object: impl Into<String>, message: impl Into<String>) -> Self {
        Self { project: None, project_id: None, object: object.into(), message: message.into() }
    }
}

/// What has not been looked at since the beginning.
struct Pending {
    projects: i64,
    clusters: Vec<String>,
}

impl Pending {
    async fn of(store: &Store, since: OffsetDateTime, interval: Duration) -> Result<Self, StoreError> {
        let is_pending = |it: &SearchedCluster| {
            let is_claimed = it.due_at > since;
            // A cluster that was removed from the settings is still listed, but no process searches it.
            let is_in_use = it.tried_at.is_some_and(|at| at > since - 2 * interval.max(MIN_INTERVAL));
            it.tried_at.is_none_or(|at| at < since) && (is_claimed || is_in_use)
        };
        let clusters = store.searched_clusters().await?.into_iter().filter(is_pending).map(|it| it.cluster);
        Ok(Self { projects: store.unobserved_since(since).await?, clusters: clusters.collect() })
    }

    fn is_nothing(&self) -> bool {
        self.projects == 0 && self.clusters.is_empty()
    }
}

/// Looks at everything now, and returns every difference. What an earlier look has found is left out.
async fn compare(observer: &Observer, interval: Duration) -> Result<Vec<Line>, StoreError> {
    let store = &observer.store;
    let since = store.request_observations().await?;
    observer.observe_once(since).await?;
    let deadline = Instant::now() + PATIENCE;
    let mut pending = Pending::of(store, since, interval).await?;
    while !pending.is_nothing() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        pending = Pending::of(store, since, interval).await?;
    }
    let mut lines: Vec<Line> = Vec::new();
    for it in store.findings(None, SHOWN).await?.into_iter().filter(|it| it.last_seen_at >= since) {
        let (project, project_id) = (it.project_name, it.project_id);
        lines.push(Line { project, project_id, object: it.object, message: it.message });
    }
    // The findings say more than the condition in_sync.
    for it in store.untrue_conditions(since, SHOWN).await?.into_iter().filter(|it| it.condition != "in_sync") {
        let object = format!("condition {} of a project that is {}", it.condition, it.status);
        lines.push(Line { project: Some(it.name), project_id: Some(it.id), object, message: it.message });
    }
    for it in store.searched_clusters().await? {
        if let Some(error) = it.error.filter(|_| it.tried_at.is_some_and(|at| at >= since)) {
            lines.push(Line::general(format!("cluster {}", it.cluster), format!("cannot be searched: {error}")));
        }
    }
    lines.extend(pending.clusters.iter().map(|it| Line::general(format!("cluster {it}"), "was not searched in time")));
    if pending.projects > 0 {
        let message = format!(
            "{} could not be looked at: this process does not know their cluster or has no program or key for them, and no other process has looked at them in time",
            pending.projects
        );
        lines.push(Line::general("projects", message));
    }
    Ok(lines)
}

fn as_text(lines: &[Line]) -> String {
    let line = |it: &Line| match &it.project {
        Some(project) => format!("{project}: {}: {}", it.object, it.message),
        None => format!("{}: {}", it.object, it.message),
    };
    let mut text: Vec<String> = lines.iter().map(line).collect();
    text.push(match lines.len() {
        0 => "Every project is as it says.".to_owned(),
        1 => "\n1 difference.".to_owned(),
        n => format!("\n{n} differences."),
    });
    text.join("\n")
}
