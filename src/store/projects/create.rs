//! Creates projects.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{OperationPolicy, Project, labels_json};
use crate::domain::{Labels, Parameters, ProjectName};
use crate::store::row::{FromRow, Row};
use crate::store::sql::PROJECTS_CREATE;
use crate::store::{Audit, IdempotencyKey, Store, StoreError};

/// How often a creation is repeated when another request records the same idempotency key at the same time.
const CREATE_ATTEMPTS: usize = 3;

/// A project to create.
#[derive(Clone, Debug)]
pub struct NewProject {
    pub name: ProjectName,
    pub template: String,
    pub parameters: Parameters,
    pub labels: Labels,
    pub key: Option<IdempotencyKey>,
}

/// The outcome of creating a project.
#[derive(Debug)]
pub enum Created {
    New(Project),
    /// An earlier request with the same key and content created this project.
    Replayed(Project),
    /// Another request with the same key is in progress.
    InFlight,
    /// An earlier request used the key with other content.
    KeyReused,
}

impl Store {
    /// `projects/create`: the project, its job, the event and the wakeup. The statement describes idempotency keys.
    pub async fn create_project(
        &self,
        new: &NewProject,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Created, StoreError> {
        // Another request may record the key between this statement's snapshot and its lock; the next snapshot sees it.
        for _ in 0..CREATE_ATTEMPTS {
            if let Some(created) = self.create_project_once(new, policy, audit).await? {
                return Ok(created);
            }
        }
        Ok(Created::InFlight)
    }

    async fn create_project_once(
        &self,
        new: &NewProject,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Option<Created>, StoreError> {
        let (key, notify) = (new.key.as_ref(), self.wakeup.may_notify());
        let params: [&(dyn ToSql + Sync); 13] = [
            &Uuid::now_v7(),
            &Uuid::now_v7(),
            &new.name.as_str(),
            &new.template,
            &new.parameters.as_str(),
            &labels_json(&new.labels),
            &policy.deadline.as_secs_f64(),
            &i32::try_from(policy.max_attempts).unwrap_or(i32::MAX),
            &audit.actor,
            &audit.request_id,
            &notify,
            &key.map(|it| it.key.as_str()),
            &key.map(|it| it.request_hash.as_str()),
        ];
        let row = self.one(&PROJECTS_CREATE, &params).await?;
        if row.get::<Option<Uuid>>("id")?.is_some() {
            self.wakeup.committed(notify);
            return Ok(Some(Created::New(Project::from_row(&row)?)));
        }
        self.created_before(&row, key).await
    }

    /// The outcome of the earlier request with the same key, or none if the statement must run again.
    async fn created_before(&self, row: &Row, key: Option<&IdempotencyKey>) -> Result<Option<Created>, StoreError> {
        let (project, hash): (Option<Uuid>, Option<String>) = (row.get("key_project_id")?, row.get("key_hash")?);
        match project {
            Some(_) if hash.as_deref() != key.map(|it| it.request_hash.as_str()) => Ok(Some(Created::KeyReused)),
            Some(id) => Ok(self.get_project(id).await?.map(Created::Replayed)),
            None => Ok((!row.get::<bool>("lock_acquired")?).then_some(Created::InFlight)),
        }
    }
}
