//! Creates projects.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{OperationPolicy, Project, labels_json};
use crate::domain::{Labels, OperationKind, Parameters, ProjectName, ProjectStatus};
use crate::store::row::{FromRow, Row};
use crate::store::sql::{PROJECTS_CREATE, PROJECTS_FIND_OR_CREATE, Statement};
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
    pub placement: Placement,
    /// How long each operation may take; none: as the template says.
    pub deadline: Option<Duration>,
    /// When the project is deleted.
    pub expires_at: Option<OffsetDateTime>,
    /// The project of which this one is a clone.
    pub source: Option<Uuid>,
    pub key: Option<IdempotencyKey>,
}

/// Where and when the jobs of a project run.
#[derive(Clone, Debug)]
pub struct Placement {
    pub tenant: String,
    /// None: that of the template.
    pub queue: Option<String>,
    /// 0 to 9; 9 runs first.
    pub priority: i16,
}

impl NewProject {
    /// A project without an own placement, deadline or expiry.
    pub fn new(name: ProjectName, template: &str, parameters: Parameters, labels: Labels) -> Self {
        let (placement, template) = (Placement::default(), template.to_owned());
        Self {
            name,
            template,
            parameters,
            labels,
            placement,
            deadline: None,
            expires_at: None,
            source: None,
            key: None,
        }
    }

    /// The operation that makes the project.
    pub const fn operation(&self) -> OperationKind {
        if self.source.is_some() { OperationKind::Clone } else { OperationKind::Create }
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self { tenant: "default".to_owned(), queue: None, priority: 5 }
    }
}

/// The project of a name.
#[derive(Debug)]
pub enum Found {
    New(Project),
    Existing(Project),
    /// The number of projects that have the name.
    Several(i64),
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
    /// The project to clone has this status.
    SourceNotReady(ProjectStatus),
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
        let notify = self.wakeup.may_notify();
        let row = self.submit(&PROJECTS_CREATE, new, policy, audit, notify).await?;
        if row.get::<Option<Uuid>>("id")?.is_some() {
            self.wakeup.committed(notify);
            return Ok(Some(Created::New(Project::from_row(&row)?)));
        }
        self.not_created(&row, new).await
    }

    /// `projects/find_or_create`: the project with this name, created if there is none. Ignores the idempotency key and the source.
    pub async fn find_or_create_project(
        &self,
        new: &NewProject,
        policy: OperationPolicy,
        audit: &Audit,
    ) -> Result<Found, StoreError> {
        let notify = self.wakeup.may_notify();
        let row = self.submit(&PROJECTS_FIND_OR_CREATE, new, policy, audit, notify).await?;
        match row.get::<i64>("matches")? {
            0 => {
                self.wakeup.committed(notify);
                Ok(Found::New(Project::from_row(&row)?))
            }
            1 => Ok(Found::Existing(Project::from_row(&row)?)),
            several => Ok(Found::Several(several)),
        }
    }

    /// Runs one of the statements that create a project. Only `projects/create` takes a key and a source.
    async fn submit(
        &self,
        statement: &Statement,
        new: &NewProject,
        policy: OperationPolicy,
        audit: &Audit,
        notify: bool,
    ) -> Result<Row, StoreError> {
        let key = new.key.as_ref();
        let ids = [Uuid::now_v7(), Uuid::now_v7()];
        let labels = labels_json(&new.labels);
        let (own_deadline, deadline) = (new.deadline.map(|it| it.as_secs_f64()), policy.deadline.as_secs_f64());
        let max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
        let name = new.name.as_str();
        let parameters = new.parameters.as_str();
        let Placement { tenant, queue, priority } = &new.placement;
        let (key_text, hash) = (key.map(|it| it.key.as_str()), key.map(|it| it.request_hash.as_str()));
        let params: [&(dyn ToSql + Sync); 19] = [
            &ids[0],
            &ids[1],
            &name,
            &new.template,
            &parameters,
            &labels,
            tenant,
            queue,
            priority,
            &own_deadline,
            &deadline,
            &new.expires_at,
            &max_attempts,
            &audit.actor,
            &audit.request_id,
            &notify,
            &key_text,
            &hash,
            &new.source,
        ];
        let takes_key = statement.name == PROJECTS_CREATE.name;
        self.one(statement, if takes_key { &params } else { &params[..16] }).await
    }

    /// Why nothing was created, or none if the statement must run again.
    async fn not_created(&self, row: &Row, new: &NewProject) -> Result<Option<Created>, StoreError> {
        let (project, hash): (Option<Uuid>, Option<String>) = (row.get("key_project_id")?, row.get("key_hash")?);
        if let Some(id) = project {
            let is_same = hash.as_deref() == new.key.as_ref().map(|it| it.request_hash.as_str());
            let earlier =
                if is_same { self.get_project(id).await?.map(Created::Replayed) } else { Some(Created::KeyReused) };
            return Ok(earlier);
        }
        if !row.get::<bool>("lock_acquired")? {
            return Ok(Some(Created::InFlight));
        }
        let source: Option<ProjectStatus> = row.get("source_status")?;
        let blocked = source.unwrap_or(ProjectStatus::Deleted);
        Ok((new.source.is_some() && !blocked.can_be_cloned()).then_some(Created::SourceNotReady(blocked)))
    }
}
