//! Projects: what people ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::sql::{
    PROJECTS_CREATE, PROJECTS_DELETE, PROJECTS_EVENTS, PROJECTS_EXPIRE, PROJECTS_EXPLAIN, PROJECTS_GET, PROJECTS_LIST,
    PROJECTS_PATCH, PROJECTS_RETRY, Statement,
};
use super::{Reader, Store, StoreError, Transition};
use crate::domain::{JobState, Labels, Parameters, ProjectName, ProjectStatus};

/// A row of `projects`.
#[derive(Clone, Debug)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
    pub status: ProjectStatus,
    pub error_reason: Option<String>,
    pub template: String,
    /// JSON text, byte for byte as it was given.
    pub parameters: String,
    pub labels: BTreeMap<String, String>,
    pub version: i64,
    pub requested_at: OffsetDateTime,
    pub deadline_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// Who asks for a move, as the record will tell it.
#[derive(Clone, Debug)]
pub struct Audit {
    pub actor: String,
    pub request_id: Option<String>,
    pub reason: Option<String>,
}

/// What every operation on a project is bound by.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long the project may stay in a transient status.
    pub deadline: Duration,
    /// How many failures its job may have.
    pub max_attempts: u32,
}

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct NewProject {
    pub name: ProjectName,
    pub template: String,
    pub parameters: Parameters,
    pub labels: Labels,
    pub key: Option<IdempotencyKey>,
}

/// The name of a request that may be sent twice, and what it said.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub key: String,
    pub request_hash: String,
}

/// What became of a wish.
#[derive(Debug)]
pub enum Created {
    New(Project),
    /// The same request was answered before, with this project.
    Replayed(Project),
    /// The same request is being answered right now.
    InFlight,
    /// The key was used before, for something else.
    KeyReused,
}

/// Which projects, and how many.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<ProjectStatus>,
    pub labels: Option<Labels>,
    pub search: Option<String>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// A change of what people call it.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    pub name: Option<ProjectName>,
    pub labels: Option<Labels>,
    /// The version the caller saw; `None` for any.
    pub version: Option<i64>,
}

/// One line of a project's record.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: i64,
    pub project_id: Uuid,
    pub previous_state: String,
    pub new_state: String,
    pub reason: Option<String>,
    pub actor: String,
    pub job_id: Option<Uuid>,
    pub job_kind: Option<String>,
    pub execution_id: Option<Uuid>,
    pub attempt: Option<i32>,
    pub request_id: Option<String>,
    pub occurred_at: OffsetDateTime,
}

/// A project that was given up at its deadline.
#[derive(Debug)]
pub struct Expired {
    pub id: Uuid,
    pub previous_state: String,
    pub error_reason: String,
    pub job_id: Option<Uuid>,
}

/// A project and the job that it waits for, as the database sees them now.
#[derive(Debug)]
pub struct Explained {
    pub project: Project,
    /// The database's clock.
    pub at: OffsetDateTime,
    pub job: Option<WaitingJob>,
}

/// The unfinished job of a project.
#[derive(Debug)]
pub struct WaitingJob {
    pub id: Uuid,
    pub kind: String,
    pub queue: String,
    pub state: JobState,
    pub run_at: OffsetDateTime,
    pub attempt: i32,
    pub failures: i32,
    pub max_attempts: i32,
    pub execution_id: Option<Uuid>,
    pub worker_id: Option<String>,
    pub lease_until: Option<OffsetDateTime>,
    pub claimed_at: Option<OffsetDateTime>,
    pub error: Option<String>,
    /// How many due jobs are served before this one.
    pub ahead: i64,
    /// How many workers serve its queue and kind.
    pub workers: i64,
    /// How many slots of theirs are free, as of their last heartbeat.
    pub free_slots: i64,
}

impl Store {
    /// `projects/create`: the project, its job, the record and the wakeup. See the statement for what a key does.
    pub async fn create_project(&self, new: &NewProject, bounds: Bounds, audit: &Audit) -> Result<Created, StoreError> {
        // Another request may note the key between our snapshot and our lock; the next look then sees it.
        for _ in 0..3 {
            if let Some(created) = self.create_project_once(new, bounds, audit).await? {
                return Ok(created);
            }
        }
        Ok(Created::InFlight)
    }

    async fn create_project_once(
        &self,
        new: &NewProject,
        bounds: Bounds,
        audit: &Audit,
    ) -> Result<Option<Created>, StoreError> {
        let labels = json_of(new.labels.as_map());
        let (key, tell) = (new.key.as_ref(), self.wakeup.may_notify());
        let row = self
            .one(
                &PROJECTS_CREATE,
                &[
                    &Uuid::now_v7(),
                    &Uuid::now_v7(),
                    &new.name.as_str(),
                    &new.template,
                    &new.parameters.as_str(),
                    &labels,
                    &bounds.deadline.as_secs_f64(),
                    &i32::try_from(bounds.max_attempts).unwrap_or(i32::MAX),
                    &audit.actor,
                    &audit.request_id,
                    &tell,
                    &key.map(|it| it.key.as_str()),
                    &key.map(|it| it.request_hash.as_str()),
                ],
            )
            .await?;
        if row.get::<Option<Uuid>>("id")?.is_some() {
            self.wakeup.committed(tell);
            return Ok(Some(Created::New(project(&row)?)));
        }
        match (row.get::<Option<Uuid>>("key_project_id")?, row.get::<Option<String>>("key_hash")?) {
            (Some(_), hash) if hash.as_deref() != key.map(|it| it.request_hash.as_str()) => {
                Ok(Some(Created::KeyReused))
            }
            (Some(id), _) => Ok(self.get_project(id).await?.map(Created::Replayed)),
            (None, _) if !row.get::<bool>("lock_acquired")? => Ok(Some(Created::InFlight)),
            (None, _) => Ok(None),
        }
    }

    /// `projects/get`.
    pub async fn get_project(&self, id: Uuid) -> Result<Option<Project>, StoreError> {
        let row = self.row(&PROJECTS_GET, &[&id]).await?;
        row.map(|row| project(&Reader { row, statement: PROJECTS_GET.name })).transpose()
    }

    /// `projects/list`: newest first.
    pub async fn list_projects(&self, filter: &Filter) -> Result<Vec<Project>, StoreError> {
        let status = filter.status.map(ProjectStatus::as_str);
        let labels = filter.labels.as_ref().map(|labels| json_of(labels.as_map()));
        let rows =
            self.rows(&PROJECTS_LIST, &[&status, &labels, &filter.search, &filter.before, &filter.limit]).await?;
        Reader::all(rows, &PROJECTS_LIST).map(|row| project(&row)).collect()
    }

    /// `projects/patch`.
    pub async fn patch_project(&self, id: Uuid, patch: &Patch) -> Result<Transition<Project>, StoreError> {
        let name = patch.name.as_ref().map(ProjectName::as_str);
        let labels = patch.labels.as_ref().map(|labels| json_of(labels.as_map()));
        let row = self.row(&PROJECTS_PATCH, &[&id, &name, &labels, &patch.version]).await?;
        let Some(row) = row else { return Ok(Transition::Missing) };
        let row = Reader { row, statement: PROJECTS_PATCH.name };
        match row.get::<Option<Uuid>>("id")? {
            Some(_) => Ok(Transition::Applied(project(&row)?)),
            None => stayed(&row, patch.version),
        }
    }

    /// `projects/retry`: only a failed project moves.
    pub async fn retry_project(
        &self,
        id: Uuid,
        bounds: Bounds,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        self.begin_operation(&PROJECTS_RETRY, id, None, bounds, audit).await
    }

    /// `projects/delete`: only a ready or failed project moves, and only if it is still the version the caller saw.
    pub async fn delete_project(
        &self,
        id: Uuid,
        version: Option<i64>,
        bounds: Bounds,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        self.begin_operation(&PROJECTS_DELETE, id, version, bounds, audit).await
    }

    /// The statements that move a project and enqueue the job that works on it take the same parameters.
    async fn begin_operation(
        &self,
        statement: &Statement,
        id: Uuid,
        version: Option<i64>,
        bounds: Bounds,
        audit: &Audit,
    ) -> Result<Transition<Project>, StoreError> {
        let tell = self.wakeup.may_notify();
        let row = self
            .row(
                statement,
                &[
                    &id,
                    &Uuid::now_v7(),
                    &bounds.deadline.as_secs_f64(),
                    &i32::try_from(bounds.max_attempts).unwrap_or(i32::MAX),
                    &audit.actor,
                    &audit.reason,
                    &audit.request_id,
                    &tell,
                    &version,
                ],
            )
            .await?;
        let Some(row) = row else { return Ok(Transition::Missing) };
        let row = Reader { row, statement: statement.name };
        if row.get("changed")? {
            self.wakeup.committed(tell);
            // A statement does not see what a function called in it has written, so the project is read afterwards.
            return Ok(self.get_project(id).await?.map_or(Transition::Missing, Transition::Applied));
        }
        stayed(&row, version)
    }

    /// `projects/events`: newest first.
    pub async fn events_of_project(&self, id: Uuid, before: Option<i64>, limit: i64) -> Result<Vec<Event>, StoreError> {
        let rows = self.rows(&PROJECTS_EVENTS, &[&id, &before, &limit]).await?;
        Reader::all(rows, &PROJECTS_EVENTS).map(|row| event(&row)).collect()
    }

    /// `projects/explain`. A worker whose heartbeat is older than `silence` does not count.
    pub async fn explain_project(&self, id: Uuid, silence: Duration) -> Result<Option<Explained>, StoreError> {
        let Some(row) = self.row(&PROJECTS_EXPLAIN, &[&id, &silence.as_secs_f64()]).await? else { return Ok(None) };
        let row = Reader { row, statement: PROJECTS_EXPLAIN.name };
        let job = row.get::<Option<Uuid>>("job_id")?.map(|id| waiting_job(id, &row)).transpose()?;
        Ok(Some(Explained { project: project(&row)?, at: row.get("at")?, job }))
    }

    /// `projects/expire`: gives up what is past its deadline.
    pub async fn expire_projects(&self, limit: i64, actor: &str) -> Result<Vec<Expired>, StoreError> {
        let tell = self.wakeup.may_notify();
        let rows = self.rows(&PROJECTS_EXPIRE, &[&limit, &actor, &tell]).await?;
        if !rows.is_empty() {
            self.wakeup.committed(tell);
        }
        let expired = |row: Reader| {
            Ok(Expired {
                id: row.get("id")?,
                previous_state: row.get("previous_state")?,
                error_reason: row.get("error_reason")?,
                job_id: row.get("job_id")?,
            })
        };
        Reader::all(rows, &PROJECTS_EXPIRE).map(expired).collect()
    }
}

/// Why a conditional move did not happen: `was` and `was_version` are of the row as it was found.
fn stayed(row: &Reader, version: Option<i64>) -> Result<Transition<Project>, StoreError> {
    let found: i64 = row.get("previous_version")?;
    if version.is_some_and(|seen| seen != found) {
        return Ok(Transition::Stale { version: found });
    }
    Ok(Transition::Rejected { was: row.word("previous_status", "project status", ProjectStatus::parse)? })
}

fn project(row: &Reader) -> Result<Project, StoreError> {
    let labels: String = row.get("labels")?;
    Ok(Project {
        id: row.get("id")?,
        name: row.get("name")?,
        status: row.word("status", "project status", ProjectStatus::parse)?,
        error_reason: row.get("error_reason")?,
        template: row.get("template")?,
        parameters: row.get("parameters")?,
        labels: serde_json::from_str(&labels)
            .map_err(|_| StoreError::UnknownWord { what: "label", word: labels.clone() })?,
        version: row.get("version")?,
        requested_at: row.get("requested_at")?,
        deadline_at: row.get("deadline_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn event(row: &Reader) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        previous_state: row.get("previous_state")?,
        new_state: row.get("new_state")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        job_id: row.get("job_id")?,
        job_kind: row.get("kind")?,
        execution_id: row.get("execution_id")?,
        attempt: row.get("attempt")?,
        request_id: row.get("request_id")?,
        occurred_at: row.get("occurred_at")?,
    })
}

fn waiting_job(id: Uuid, row: &Reader) -> Result<WaitingJob, StoreError> {
    Ok(WaitingJob {
        id,
        kind: row.get("kind")?,
        queue: row.get("queue")?,
        state: row.word("state", "job state", JobState::parse)?,
        run_at: row.get("run_at")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        max_attempts: row.get("max_attempts")?,
        execution_id: row.get("execution_id")?,
        worker_id: row.get("worker_id")?,
        lease_until: row.get("lease_until")?,
        claimed_at: row.get("claimed_at")?,
        error: row.get("error")?,
        ahead: row.get("ahead")?,
        workers: row.get("workers")?,
        free_slots: row.get("free_slots")?,
    })
}

/// A map of texts cannot fail to be JSON.
fn json_of(map: &BTreeMap<String, String>) -> String {
    serde_json::to_string(map).unwrap_or_else(|_| "{}".to_owned())
}
