//! Jobs as operators steer them.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::projects::Audit;
use crate::store::sql::{JOBS_CANCEL, JOBS_FORGET, JOBS_PRIORITISE, JOBS_RETRY};
use crate::store::{Reader, Store, StoreError};

/// What cancelling did to a job.
#[derive(Clone, Copy, Debug)]
pub struct Cancelled {
    pub id: Uuid,
    pub was: JobState,
    /// It is canceled now.
    pub canceled: bool,
    /// It is active, and its worker has been asked to stop.
    pub asked: bool,
}

/// What retrying did to a job.
#[derive(Clone, Copy, Debug)]
pub struct Retried {
    pub id: Uuid,
    pub was: JobState,
    /// It works on a project: retry the project.
    pub of_project: bool,
    /// It waits for a job that will never complete.
    pub is_doomed: bool,
    pub moved: bool,
}

/// What a replay changes; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// JSON text.
    pub payload: Option<String>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub priority: Option<i16>,
}

/// What deleting did to a dead letter.
#[derive(Clone, Copy, Debug)]
pub struct Forgotten {
    pub id: Uuid,
    pub was: JobState,
    /// It works on a project, and stays with it.
    pub of_project: bool,
    /// It is a step of a workflow, and stays with it.
    pub of_workflow: bool,
    pub gone: bool,
}

/// Where a job was when its priority should change.
#[derive(Clone, Copy, Debug)]
pub struct Prioritised {
    pub was: JobState,
    pub moved: bool,
}

impl Store {
    /// `jobs/cancel`: one answer for each job that exists.
    pub async fn cancel_jobs(&self, ids: &[Uuid], audit: &Audit) -> Result<Vec<Cancelled>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let rows = self.rows(&JOBS_CANCEL, &[&ids, actor, reason, request_id, &tell]).await?;
        self.wakeup.committed(tell);
        let read = |row: Reader| {
            Ok(Cancelled {
                id: row.get("id")?,
                was: was(&row)?,
                canceled: row.get("canceled")?,
                asked: row.get("cancel_requested")?,
            })
        };
        Reader::all(rows, &JOBS_CANCEL).map(read).collect()
    }

    /// `jobs/retry`: one answer for each job that exists. `only_dead` leaves alone what still waits.
    pub async fn retry_jobs(
        &self,
        ids: &[Uuid],
        edit: &Edit,
        only_dead: bool,
        audit: &Audit,
    ) -> Result<Vec<Retried>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let Edit { payload, kind, queue, priority } = edit;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
            [&ids, actor, reason, request_id, &tell, payload, kind, queue, priority, &only_dead];
        let rows = self.rows(&JOBS_RETRY, &params).await?;
        self.wakeup.committed(tell);
        let read = |row: Reader| {
            Ok(Retried {
                id: row.get("id")?,
                was: was(&row)?,
                of_project: row.get("of_project")?,
                is_doomed: row.get("is_unsatisfiable")?,
                moved: row.get("changed")?,
            })
        };
        Reader::all(rows, &JOBS_RETRY).map(read).collect()
    }

    /// `jobs/forget`: one answer for each job that exists; only dead letters go.
    pub async fn forget_dead_letters(&self, ids: &[Uuid], audit: &Audit) -> Result<Vec<Forgotten>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let rows = self.rows(&JOBS_FORGET, &[&ids, actor, reason, request_id]).await?;
        let read = |row: Reader| {
            Ok(Forgotten {
                id: row.get("id")?,
                was: was(&row)?,
                of_project: row.get("of_project")?,
                of_workflow: row.get("of_workflow")?,
                gone: row.get("deleted")?,
            })
        };
        Reader::all(rows, &JOBS_FORGET).map(read).collect()
    }

    /// `jobs/prioritise`: nothing when there is no such job.
    pub async fn prioritise_job(
        &self,
        id: Uuid,
        priority: i16,
        audit: &Audit,
    ) -> Result<Option<Prioritised>, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.row(&JOBS_PRIORITISE, &[&id, &priority, actor, reason, request_id, &tell]).await?;
        let Some(row) = row else { return Ok(None) };
        self.wakeup.committed(tell);
        let row = Reader { row, statement: JOBS_PRIORITISE.name };
        Ok(Some(Prioritised { was: was(&row)?, moved: row.get("changed")? }))
    }
}

fn was(row: &Reader) -> Result<JobState, StoreError> {
    row.word("previous_state", "job state", JobState::parse)
}
