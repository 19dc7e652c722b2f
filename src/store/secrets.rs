//! Secrets of projects, encrypted. Only their callers have keys.

use uuid::Uuid;

use super::row::{Row, row};
use super::sql::{
    SECRETS_GET, SECRETS_KEYS, SECRETS_NAMES, SECRETS_OF_ATTEMPT, SECRETS_PUT, SECRETS_RECORD_REVEAL, SECRETS_REMOVE,
    SECRETS_REWRAP, SECRETS_TO_REWRAP, SECRETS_UNREADABLE,
};
use super::steps::{Fenced, Holder};
use super::{Audit, Store, StoreError};
use crate::domain::ProjectStatus;
use crate::secrets::Sealed;

row! {
    /// A stored secret.
    #[derive(Clone, Debug)]
    pub struct StoredSecret {
        pub project_id: Uuid,
        pub name: String,
        pub sealed: Sealed = sealed,
    }

    /// A secret that another key than the current one encrypts.
    #[derive(Clone, Debug)]
    pub struct SecretToRewrap {
        pub id: Uuid,
        pub project_id: Uuid,
        pub name: String,
        pub sealed: Sealed = sealed,
    }

    /// A project whose credential cannot be read.
    #[derive(Clone, Debug)]
    pub struct UnreadableCredential {
        pub id: Uuid,
        pub name: String,
        pub status: ProjectStatus,
    }

    /// How many secrets a key encrypts.
    #[derive(Clone, Debug)]
    pub struct KeyUse {
        pub key_id: String,
        pub secrets: i64,
    }
}

/// The new wrapped key of a secret.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    pub id: Uuid,
    /// The wrapped key as it was read.
    pub before: Vec<u8>,
    pub wrapped_key: Vec<u8>,
}

impl Store {
    /// `secrets/put`: a secret of this name that exists stays as it is.
    pub async fn put_secret(&self, holder: Holder, name: &str, sealed: &Sealed) -> Result<Fenced<()>, StoreError> {
        let Sealed { key_id, wrapped_key, ciphertext } = sealed;
        let Holder { job_id, execution_id, .. } = holder;
        let row = self
            .row(&SECRETS_PUT, &[&job_id, &execution_id, &Uuid::now_v7(), &name, key_id, wrapped_key, ciphertext])
            .await?;
        Ok(row.map(drop).into())
    }

    /// `secrets/remove`.
    pub async fn remove_secret(&self, holder: Holder, name: &str) -> Result<Fenced<()>, StoreError> {
        let row = self.row(&SECRETS_REMOVE, &[&holder.job_id, &holder.execution_id, &name]).await?;
        Ok(row.map(drop).into())
    }

    /// `secrets/of_attempt`: a secret of the project whose job an attempt holds.
    pub async fn secret_of_attempt(&self, holder: Holder, name: &str) -> Result<Option<StoredSecret>, StoreError> {
        self.fetch_optional(&SECRETS_OF_ATTEMPT, &[&holder.job_id, &holder.execution_id, &name]).await
    }

    /// `secrets/record_reveal`: an event that says who has seen a secret.
    pub async fn record_reveal(&self, project: Uuid, name: &str, audit: &Audit) -> Result<(), StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.execute(&SECRETS_RECORD_REVEAL, &[&project, &name, actor, reason, request_id]).await
    }

    /// `secrets/names`: in order.
    pub async fn secret_names(&self, project: Uuid) -> Result<Vec<String>, StoreError> {
        self.rows(&SECRETS_NAMES, &[&project]).await?.iter().map(|row| row.get("name")).collect()
    }

    /// `secrets/keys`.
    pub async fn count_secrets_by_key(&self) -> Result<Vec<KeyUse>, StoreError> {
        self.fetch_all(&SECRETS_KEYS, &[]).await
    }

    /// `secrets/to_rewrap`: at most `limit` secrets with an id after `after`.
    pub async fn secrets_to_rewrap(
        &self,
        current_key: &str,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<SecretToRewrap>, StoreError> {
        self.fetch_all(&SECRETS_TO_REWRAP, &[&current_key, &after, &limit]).await
    }

    /// `secrets/rewrap`: returns how many secrets have changed.
    pub async fn rewrap_secrets(&self, new_key: &str, secrets: &[Rewrapped]) -> Result<i64, StoreError> {
        let ids: Vec<Uuid> = secrets.iter().map(|it| it.id).collect();
        let before: Vec<&[u8]> = secrets.iter().map(|it| it.before.as_slice()).collect();
        let new: Vec<&[u8]> = secrets.iter().map(|it| it.wrapped_key.as_slice()).collect();
        self.fetch_value(&SECRETS_REWRAP, &[&new_key, &ids, &before, &new]).await
    }

    /// `secrets/unreadable`: projects with a credential that none of these keys encrypts, in the order of their ids.
    pub async fn unreadable_credentials(
        &self,
        keys: &[&str],
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<UnreadableCredential>, StoreError> {
        self.fetch_all(&SECRETS_UNREADABLE, &[&keys, &after, &limit]).await
    }

    /// `secrets/get`.
    pub async fn get_secret(&self, project: Uuid, name: &str) -> Result<Option<StoredSecret>, StoreError> {
        self.fetch_optional(&SECRETS_GET, &[&project, &name]).await
    }
}

fn sealed(row: &Row) -> Result<Sealed, StoreError> {
    Ok(Sealed { key_id: row.get("key_id")?, wrapped_key: row.get("wrapped_key")?, ciphertext: row.get("ciphertext")? })
}
