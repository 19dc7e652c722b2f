//! The states of Terraform: versions and locks.

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::row::{Row, row};
use super::secrets::StoredSecret;
use super::sql::{
    TERRAFORM_GET, TERRAFORM_LOCK, TERRAFORM_MAY_USE, TERRAFORM_PUT, TERRAFORM_REMOVE, TERRAFORM_UNLOCK,
    TERRAFORM_VERSIONS,
};
use super::{Audit, Store, StoreError};
use crate::secrets::Sealed;

/// Whose state it is, and who asks.
#[derive(Clone, Copy, Debug)]
pub struct StateCaller {
    pub project: Uuid,
    /// The attempt on whose behalf a program asks; `None` for anybody else. An attempt is refused once its lease is lost.
    pub execution: Option<Uuid>,
}

/// A version of a state to store.
#[derive(Clone, Debug)]
pub struct NewState<'a> {
    pub serial: i64,
    pub lineage: &'a str,
    /// SHA-256 of the content.
    pub digest: String,
    pub bytes: i32,
    /// The id of the secret, which is also a part of its name.
    pub secret: Uuid,
    pub sealed: Sealed,
}

/// What a request about a state has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateOutcome {
    Done,
    /// Somebody else holds the lock: JSON text that describes the holder.
    Held(String),
    /// The lock of the caller is gone.
    Unlocked,
    /// The state has another origin.
    Lineage,
    /// The newest version has this serial.
    Serial(i64),
    /// The project is deleted.
    Deleted,
    /// The attempt is not the current one.
    LeaseLost,
}

row! {
    /// A version of a state.
    #[derive(Clone, Debug)]
    pub struct StateVersion {
        pub version: i32,
        /// Whether the state was deleted here.
        pub is_deleted: bool,
        pub serial: i64,
        pub lineage: String,
        pub bytes: i32,
        pub actor: String,
        pub execution_id: Option<Uuid>,
        pub created_at: OffsetDateTime,
    }
}

/// The name of the secret with this id.
pub fn secret_name(id: Uuid) -> String {
    format!("terraform-state/{id}")
}

impl Store {
    /// `terraform/may_use`.
    pub async fn may_use_terraform_state(&self, caller: StateCaller) -> Result<bool, StoreError> {
        self.one(&TERRAFORM_MAY_USE, &[&caller.project, &caller.execution]).await?.get("is_allowed")
    }

    /// `terraform/get`: the newest version without a number.
    pub async fn terraform_state(
        &self,
        project: Uuid,
        version: Option<i32>,
    ) -> Result<Option<StoredSecret>, StoreError> {
        self.fetch_optional(&TERRAFORM_GET, &[&project, &version]).await
    }

    /// `terraform/versions`: newest first.
    pub async fn terraform_versions(&self, project: Uuid, limit: i64) -> Result<Vec<StateVersion>, StoreError> {
        self.fetch_all(&TERRAFORM_VERSIONS, &[&project, &limit]).await
    }

    /// `terraform/put`. `None` without such a project.
    pub async fn put_terraform_state(
        &self,
        caller: StateCaller,
        lock: Option<&str>,
        state: &NewState<'_>,
        actor: &str,
    ) -> Result<Option<StateOutcome>, StoreError> {
        let NewState { serial, lineage, digest, bytes, secret, sealed } = state;
        let Sealed { key_id, wrapped_key, ciphertext } = sealed;
        let params: [&(dyn ToSql + Sync); 12] = [
            &caller.project,
            &caller.execution,
            &lock,
            serial,
            lineage,
            digest,
            bytes,
            secret,
            key_id,
            wrapped_key,
            ciphertext,
            &actor,
        ];
        outcome(self.row(&TERRAFORM_PUT, &params).await?)
    }

    /// `terraform/remove`. `None` without such a project.
    pub async fn remove_terraform_state(
        &self,
        caller: StateCaller,
        audit: &Audit,
    ) -> Result<Option<StateOutcome>, StoreError> {
        let params: [&(dyn ToSql + Sync); 4] = [&caller.project, &caller.execution, &audit.actor, &audit.request_id];
        outcome(self.row(&TERRAFORM_REMOVE, &params).await?)
    }

    /// `terraform/lock`: `info` is JSON text. `None` without such a project.
    pub async fn lock_terraform_state(
        &self,
        caller: StateCaller,
        lock: &str,
        info: &str,
        actor: &str,
    ) -> Result<Option<StateOutcome>, StoreError> {
        outcome(self.row(&TERRAFORM_LOCK, &[&caller.project, &caller.execution, &lock, &info, &actor]).await?)
    }

    /// `terraform/unlock`: any lock without an id. `None` without such a project.
    pub async fn unlock_terraform_state(
        &self,
        caller: StateCaller,
        lock: Option<&str>,
        is_forced: bool,
        audit: &Audit,
    ) -> Result<Option<StateOutcome>, StoreError> {
        let params: [&(dyn ToSql + Sync); 6] =
            [&caller.project, &caller.execution, &lock, &is_forced, &audit.actor, &audit.request_id];
        outcome(self.row(&TERRAFORM_UNLOCK, &params).await?)
    }
}

fn outcome(row: Option<Row>) -> Result<Option<StateOutcome>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let word: String = row.get("outcome")?;
    Ok(Some(match word.as_str() {
        "held" => StateOutcome::Held(row.get::<Option<String>>("holder")?.unwrap_or_default()),
        "unlocked_meanwhile" => StateOutcome::Unlocked,
        "lineage" => StateOutcome::Lineage,
        "serial" => StateOutcome::Serial(row.get::<Option<i64>>("newest")?.unwrap_or_default()),
        "deleted" => StateOutcome::Deleted,
        "lease_lost" => StateOutcome::LeaseLost,
        _ => StateOutcome::Done,
    }))
}
