//! `provost secrets`: the keys that encrypt secrets, and moving secrets to the current key.

use uuid::Uuid;

use super::client::Global;
use super::database::{Database, connect_existing, report_unusable};
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, array, print};
use super::process::keyring;
use super::tables::{KEY, ROTATED_KEY};
use crate::config::Config;
use crate::log::chain;
use crate::secrets::{Keyring, SecretError};
use crate::store::secrets::{KeyUse, Rewrapped};
use crate::store::{Connector, Store};
use crate::wire::client::Body;

/// How many secrets are read and written together.
const BATCH: i64 = 500;

/// The verb of `provost secrets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Status,
    RotateKey,
}

pub fn run(config: &Config, verb: Verb, output: &Output, global: &Global) -> Exit {
    let keyring = match keyring(config) {
        Ok(Some(keyring)) => keyring,
        Ok(None) => {
            eprintln!("provost: {}", SecretError::NoKey);
            return Exit::Usage;
        }
        Err(exit) => return exit,
    };
    let Database { private: _private, connector, .. } = match connect_existing(config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    let result = runtime.block_on(async {
        let store = store(&connector)?;
        match verb {
            Verb::Status => status(&store, &keyring, output).await,
            Verb::RotateKey => rotate(&store, &keyring, output).await,
        }
    });
    match result {
        Ok((printed, Exit::Success)) => global.end(printed),
        Ok((_, exit)) => exit,
        Err(error) => report_unusable(error.as_ref(), Some(&connector)),
    }
}

type Printed = Result<(Result<(), Failure>, Exit), Box<dyn std::error::Error>>;

fn store(connector: &Connector) -> Result<Store, Box<dyn std::error::Error>> {
    Ok(Store::new(connector.pool(1)?, std::sync::Arc::default()))
}

/// Shows how many secrets each key encrypts, and whether the key is there.
async fn status(store: &Store, keyring: &Keyring, output: &Output) -> Printed {
    let keys = store.count_secrets_by_key().await?;
    let previous = keyring.previous.as_ref().map(|it| it.id());
    let status = |id: &str| match id {
        id if id == keyring.current.id() => "current",
        id if Some(id) == previous => "previous",
        _ => "missing",
    };
    let row = |it: &KeyUse| {
        let body = Body::default().with("key", Some(&it.key_id)).with("status", Some(status(&it.key_id)));
        body.with("secrets", Some(it.secrets)).text()
    };
    let mut rows: Vec<String> = keys.iter().map(row).collect();
    for (id, word) in [(Some(keyring.current.id()), "current"), (previous, "previous")] {
        if let Some(id) = id.filter(|id| !keys.iter().any(|it| it.key_id == *id)) {
            let row = Body::default().with("key", Some(id)).with("status", Some(word)).with("secrets", Some(0));
            rows.push(row.text());
        }
    }
    Ok((output.list(&KEY, &array(rows)), Exit::Success))
}

/// Encrypts the keys of all secrets with the current key, in batches. Each batch stands for itself, so the command can be interrupted,
/// repeated, and run while servers work.
async fn rotate(store: &Store, keyring: &Keyring, output: &Output) -> Printed {
    let (mut after, mut moved, mut unreadable): (Option<Uuid>, i64, i64) = (None, 0, 0);
    loop {
        let secrets = store.secrets_to_rewrap(keyring.current.id(), after, BATCH).await?;
        let Some(last) = secrets.last() else { break };
        after = Some(last.id);
        let mut batch = Vec::new();
        for secret in secrets {
            match keyring.rewrap(secret.project_id, &secret.name, &secret.sealed) {
                Ok(sealed) => batch.push(Rewrapped {
                    id: secret.id,
                    before: secret.sealed.wrapped_key,
                    wrapped_key: sealed.wrapped_key,
                }),
                Err(error) => {
                    unreadable += 1;
                    output.note(&format!("project {}: {}", secret.project_id, chain(&error)));
                }
            }
        }
        moved += store.rewrap_secrets(keyring.current.id(), &batch).await?;
    }
    let key = keyring.current.id();
    let exit = if unreadable == 0 { Exit::Success } else { Exit::Partial };
    if !output.format.is_for_people() {
        let body =
            Body::default().with("key", Some(key)).with("moved", Some(moved)).with("unreadable", Some(unreadable));
        return Ok((output.row(&ROTATED_KEY, &body.text()), exit));
    }
    let mut text = format!("{moved} secrets moved to the key {key}.");
    text.push_str(&match unreadable {
        0 => " The previous key is no longer needed.".to_owned(),
        n => format!(
            " {n} cannot be read with any key of the settings. Set the key that encrypted them as PROVOST_SECRET_KEY_PREVIOUS and \
             repeat, or replace the credentials: provost credentials reissue --all"
        ),
    });
    Ok((print(&text), exit))
}
