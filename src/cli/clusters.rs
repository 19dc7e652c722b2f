//! Reads `[clusters.*]` of `provost.toml`: PostgreSQL servers in which databases of projects are made. Their URLs come from a file or
//! from the environment, because they contain a password.

use serde::Deserialize;
use toml::Table;

use crate::connection::Connector;
use crate::domain::Ident;
use crate::log::chain;
use crate::provision::postgres::{Clusters, EMBEDDED};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url_env: Option<String>,
    url_file: Option<String>,
}

/// Adds the clusters of the table to `clusters`. Returns every mistake as a sentence.
pub fn read(table: &Table, mut clusters: Clusters) -> (Clusters, Vec<String>) {
    let mut mistakes = Vec::new();
    for (name, value) in table {
        match cluster(name, value.clone()) {
            Ok(connector) => clusters = clusters.with(name, connector),
            Err(why) => mistakes.push(format!("clusters.{name} (provost.toml) {why}")),
        }
    }
    (clusters, mistakes)
}

fn cluster(name: &str, value: toml::Value) -> Result<Connector, String> {
    Ident::parse(name).map_err(|error| format!("has a name that {error}"))?;
    if name == EMBEDDED {
        return Err("has the name of the embedded cluster; choose another name".to_owned());
    }
    let entry: Entry = value.try_into().map_err(|error: toml::de::Error| format!("is invalid: {}", error.message()))?;
    let url = match (entry.url_env, entry.url_file) {
        (Some(variable), None) => {
            std::env::var(&variable).map_err(|_| format!("needs a URL in the environment variable {variable}"))?
        }
        (None, Some(path)) => {
            std::fs::read_to_string(&path).map_err(|error| format!("needs a URL in {path}: {error}"))?
        }
        _ => return Err("needs either url_env or url_file".to_owned()),
    };
    Connector::parse(url.trim()).map_err(|error| format!("has an unusable URL: {}", chain(&error)))
}
