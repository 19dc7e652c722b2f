//! `provost fsck`: compares every project with what really exists. It changes nothing that exists.

use std::time::Duration;

use serde::Serialize;
use slog::Logger;

use super::client::Global;
use super::database::{connect_existing, report_unusable};
use super::exit::Exit;
use super::output::{Output, print};
use super::process::{Provisioning, keyring};
use super::tables::DIFFERENCE;
use crate::config::Config;
use crate::engine::observer::Observer;
use crate::log::chain;
use crate::signal::Wakeup;
use crate::store::{Store, StoreError};

/// How many connections are needed: several projects are looked at at once.
const POOL: usize = 5;
/// How long to wait for looks that other processes have claimed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many differences are printed.
const SHOWN: i64 = 10_000;

pub fn run(config: &Config, output: &Output, global: &Global) -> Exit {
    let log = Logger::root(slog::Discard, slog::o!());
    let (_private, connector) = match connect_existing(config) {
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
        let registry = provisioning.registry.clone();
        let observer = Observer { store, registry, keyring, log };
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

/// Looks at everything now, and returns every difference.
async fn compare(observer: &Observer, interval: Duration) -> Result<Vec<Line>, StoreError> {
    let store = &observer.store;
    let since = store.request_observations().await?;
    while observer.observe_due(interval, interval).await? > 0 {}
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut unobserved = store.unobserved_since(since).await?;
    while unobserved > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        unobserved = store.unobserved_since(since).await?;
    }
    let mut lines: Vec<Line> = Vec::new();
    for it in store.findings(None, SHOWN).await? {
        let (project, project_id) = (it.project_name, it.project_id);
        lines.push(Line { project, project_id, object: it.object, message: it.message });
    }
    // The findings say more than the condition in_sync.
    for it in store.untrue_conditions(SHOWN).await?.into_iter().filter(|it| it.condition != "in_sync") {
        let object = format!("condition {} of a project that is {}", it.condition, it.status);
        lines.push(Line { project: Some(it.name), project_id: Some(it.id), object, message: it.message });
    }
    for it in store.searched_clusters().await? {
        if let Some(error) = it.error {
            let object = format!("cluster {}", it.cluster);
            lines.push(Line {
                project: None,
                project_id: None,
                object,
                message: format!("cannot be searched: {error}"),
            });
        }
    }
    if unobserved > 0 {
        let message = format!(
            "{unobserved} could not be looked at: no process here knows their provisioner, or it did not answer"
        );
        lines.push(Line { project: None, project_id: None, object: "projects".to_owned(), message });
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
