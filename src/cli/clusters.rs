//! Reads `[clusters.*]` of `provost.toml`: PostgreSQL servers in which databases of projects are made. Their URLs come from a file or
//! from the environment, because they contain a password.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use toml::Table;

use crate::connection::Connector;
use crate::domain::cluster::{self, Cluster};
use crate::domain::{Ident, LimitMode, LimitScope};
use crate::log::chain;
use crate::provision::Failure;
use crate::provision::postgres::{Clusters, EMBEDDED};
use crate::store::limits::Limit;
use crate::store::{Audit, Store, StoreError};
use crate::web::LookAtClusters;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url_env: Option<String>,
    url_file: Option<String>,
    concurrency: Option<i32>,
}

/// The clusters of `provost.toml`.
#[derive(Default)]
pub struct KnownClusters {
    pub clusters: Clusters,
    /// How many operations may run in a cluster at the same time, where the file says so.
    pub concurrency: BTreeMap<String, i32>,
}

/// Adds the clusters of the table to `clusters`. One with a mistake is added as unreachable, so that its name is known. Each mistake
/// is added to `mistakes` as a sentence.
pub fn read(table: &Table, clusters: Clusters, mistakes: &mut Vec<String>) -> KnownClusters {
    let mut known = KnownClusters { clusters, ..KnownClusters::default() };
    for (name, value) in table {
        if let Err(why) = known.add(name, value.clone()) {
            mistakes.push(format!("clusters.{name} (provost.toml) {why}"));
            if name != EMBEDDED {
                known.clusters = known.clusters.with(name, Failure::permanent("invalid_settings", why));
            }
        }
    }
    known
}

impl KnownClusters {
    fn add(&mut self, name: &str, value: toml::Value) -> Result<(), String> {
        Ident::parse(name).map_err(|error| format!("has a name that {error}"))?;
        let entry: Entry =
            value.try_into().map_err(|error: toml::de::Error| format!("is invalid: {}", error.message()))?;
        if let Some(concurrency) = entry.concurrency {
            if !(1..=1000).contains(&concurrency) {
                return Err(format!("has the concurrency {concurrency}; use a whole number from 1 to 1000"));
            }
            self.concurrency.insert(name.to_owned(), concurrency);
        }
        if name == EMBEDDED {
            let has_url = entry.url_env.is_some() || entry.url_file.is_some();
            return if has_url {
                Err("is the embedded cluster, which needs no URL; choose another name".to_owned())
            } else {
                Ok(())
            };
        }
        let connector = connector(&entry)?;
        self.clusters = std::mem::take(&mut self.clusters).with(name, connector);
        Ok(())
    }
}

fn connector(entry: &Entry) -> Result<Connector, String> {
    let url = match (&entry.url_env, &entry.url_file) {
        (Some(variable), None) => {
            std::env::var(variable).map_err(|_| format!("needs a URL in the environment variable {variable}"))?
        }
        (None, Some(path)) => {
            std::fs::read_to_string(path).map_err(|error| format!("needs a URL in {path}: {error}"))?
        }
        _ => return Err("needs either url_env or url_file".to_owned()),
    };
    Connector::parse(url.trim()).map_err(|error| format!("has an unusable URL: {}", chain(&error)))
}

/// Sets the concurrency of clusters as `provost.toml` says, as limits of their queues.
pub async fn set_concurrency(store: &Store, concurrency: &BTreeMap<String, i32>) -> Result<(), StoreError> {
    for (name, max) in concurrency {
        let queue = cluster::queue(name);
        let limit = Limit {
            name: format!("queue:{queue}"),
            scope: LimitScope::Queue,
            value: Some(queue),
            mode: LimitMode::Concurrency,
            max: *max,
            window: None,
            burst: None,
            enabled: true,
        };
        let current = store.list_limits(Some(&limit.name)).await?;
        if current.first().is_none_or(|it| it.limit.max != *max || !it.limit.enabled) {
            let audit = Audit { actor: "provost.toml".to_owned(), reason: None, request_id: None };
            store.put_limit(&limit, &audit).await?;
        }
    }
    Ok(())
}

impl LookAtClusters for Clusters {
    fn look<'a>(&'a self, name: Option<&'a str>) -> BoxFuture<'a, Vec<Cluster>> {
        Box::pin(Clusters::look(self, name))
    }
}
