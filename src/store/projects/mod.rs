//! Projects: creation, operations on them, and their events.

mod create;
mod explain;
mod operation;

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::row::{FromRow, Row, row};
use super::sql::{PROJECTS_EVENTS, PROJECTS_GET, PROJECTS_LIST, PROJECTS_OF_NAME, PROJECTS_PATCH};
use super::{Store, StoreError};
use crate::domain::{Labels, OperationKind, ProjectName, ProjectStatus, search};

pub use create::{Created, Found, NewProject, Placement};
pub use explain::{ProjectExplanation, WaitingJob};
pub use operation::{DueDeletion, ExpiredProject, Operation, OperationPolicy, Request};

row! {
    /// A row of `projects`.
    #[derive(Clone, Debug)]
    pub struct Project {
        pub id: Uuid,
        pub name: String,
        pub status: ProjectStatus,
        pub error_reason: Option<String>,
        pub template: String,
        pub template_version: i32,
        /// The project of which this one is a clone.
        pub source_id: Option<Uuid>,
        /// Whether the project has worked.
        pub was_ready: bool,
        /// JSON text, byte for byte as it was submitted.
        pub parameters: String,
        pub labels: BTreeMap<String, String>,
        pub version: i64,
        /// The current operation, or else the last one.
        pub operation: OperationKind,
        /// Why the last operation failed: JSON text.
        pub failure: Option<String>,
        /// Whether deletion is refused.
        pub is_protected: bool,
        /// What the current operation is to stop for: `cancel` or `delete`.
        pub stop_request: Option<String>,
        /// Tenant, queue and priority of the jobs of its operations.
        pub tenant: String,
        pub queue: String,
        pub priority: i16,
        /// How long each operation may take; none: as the template says.
        pub operation_deadline: Option<Duration>,
        /// When the project is deleted.
        pub expires_at: Option<OffsetDateTime>,
        /// When the grace time of a deletion ends.
        pub delete_after: Option<OffsetDateTime>,
        /// What is known beside the status: a JSON array, or nothing.
        pub conditions: Option<String>,
        /// When what exists was last looked at.
        pub observed_at: Option<OffsetDateTime>,
        pub requested_at: OffsetDateTime,
        pub deadline_at: Option<OffsetDateTime>,
        pub created_at: OffsetDateTime,
        pub updated_at: OffsetDateTime,
    }

    /// A recorded transition of a project.
    #[derive(Clone, Debug)]
    pub struct ProjectEvent {
        pub id: i64,
        pub project_id: Uuid,
        pub previous_state: String,
        pub new_state: String,
        pub reason: Option<String>,
        pub actor: String,
        pub job_id: Option<Uuid>,
        pub job_kind: Option<String> as "kind",
        pub execution_id: Option<Uuid>,
        pub attempt: Option<i32>,
        pub request_id: Option<String>,
        pub occurred_at: OffsetDateTime,
    }
}

/// Selects projects that match every given field.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<ProjectStatus>,
    pub labels: Option<Labels>,
    pub search: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// A new time of expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expiry {
    At(OffsetDateTime),
    Never,
    /// Later than the present one by this, or from now on if that has passed.
    LaterBy(Duration),
}

/// A change of the name, the labels, the protection or the expiry.
#[derive(Clone, Debug, Default)]
pub struct ProjectPatch {
    pub name: Option<ProjectName>,
    pub labels: Option<Labels>,
    pub is_protected: Option<bool>,
    pub expiry: Option<Expiry>,
    /// The versions on which the caller agrees to act; none for any.
    pub versions: Option<Vec<i64>>,
}

/// The outcome of a conditional transition.
#[derive(Debug)]
pub enum Transition<T> {
    /// Applied; this is the project now.
    Applied(T),
    /// Not allowed from the current status.
    Rejected { was: ProjectStatus },
    /// The project is protected from deletion.
    Protected,
    /// The caller read an older version.
    Stale { version: i64 },
    /// The project does not exist.
    Missing,
}

impl Store {
    /// `projects/get`.
    pub async fn get_project(&self, id: Uuid) -> Result<Option<Project>, StoreError> {
        self.fetch_optional(&PROJECTS_GET, &[&id]).await
    }

    /// `projects/of_name`: at most two projects with this name that are not deleted.
    pub async fn projects_of_name(&self, name: &ProjectName) -> Result<Vec<Project>, StoreError> {
        self.fetch_all(&PROJECTS_OF_NAME, &[&name.as_str()]).await
    }

    /// The template of a project.
    pub async fn template_of_project(&self, id: Uuid) -> Result<Option<String>, StoreError> {
        Ok(self.get_project(id).await?.map(|it| it.template))
    }

    /// `projects/list`: newest first.
    pub async fn list_projects(&self, filter: &Filter) -> Result<Vec<Project>, StoreError> {
        let Filter { status, labels, search: part, before, limit } = filter;
        let status = status.map(ProjectStatus::as_str);
        let labels = labels.as_ref().map(labels_json);
        let pattern = part.as_deref().map(search::pattern);
        self.fetch_all(&PROJECTS_LIST, &[&status, &labels, &pattern, before, limit]).await
    }

    /// `projects/patch`.
    pub async fn patch_project(&self, id: Uuid, patch: &ProjectPatch) -> Result<Transition<Project>, StoreError> {
        let name = patch.name.as_ref().map(ProjectName::as_str);
        let labels = patch.labels.as_ref().map(labels_json);
        let (at, is_never, later) = match patch.expiry {
            None => (None, false, None),
            Some(Expiry::At(at)) => (Some(at), false, None),
            Some(Expiry::Never) => (None, true, None),
            Some(Expiry::LaterBy(by)) => (None, false, Some(by.as_secs_f64())),
        };
        let params: [&(dyn ToSql + Sync); 8] =
            [&id, &name, &labels, &patch.versions, &patch.is_protected, &at, &is_never, &later];
        let row = self.row(&PROJECTS_PATCH, &params).await?;
        let Some(row) = row else { return Ok(Transition::Missing) };
        match row.get::<Option<Uuid>>("id")? {
            Some(_) => Ok(Transition::Applied(Project::from_row(&row)?)),
            None => rejection(&row, patch.versions.as_deref()),
        }
    }

    /// `projects/events`: newest first.
    pub async fn events_of_project(
        &self,
        id: Uuid,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ProjectEvent>, StoreError> {
        self.fetch_all(&PROJECTS_EVENTS, &[&id, &before, &limit]).await
    }
}

/// Why a conditional transition was not applied. `was` and `was_version` are the status and version of the locked row.
fn rejection(row: &Row, versions: Option<&[i64]>) -> Result<Transition<Project>, StoreError> {
    let current: i64 = row.get("previous_version")?;
    if versions.is_some_and(|it| !it.contains(&current)) {
        return Ok(Transition::Stale { version: current });
    }
    Ok(Transition::Rejected { was: row.get("previous_status")? })
}

fn labels_json(labels: &Labels) -> String {
    // A map of strings always serializes.
    serde_json::to_string(labels.as_map()).unwrap_or_else(|_| "{}".to_owned())
}
