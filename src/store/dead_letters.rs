//! Dead letters: jobs in state `failed`.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::row;
use super::sql::{DEAD_LETTERS_GROUPS, JOBS_FORGET};
use super::{Audit, Store, StoreError};
use crate::domain::JobState;

row! {
    /// Dead letters of the same kind with the same error.
    #[derive(Debug)]
    pub struct DeadLetterGroup {
        pub kind: String,
        pub error: String,
        pub n: i64,
        pub first_at: OffsetDateTime,
        pub last_at: OffsetDateTime,
        pub example_id: Uuid,
    }

    /// The outcome of deleting a dead letter.
    #[derive(Clone, Copy, Debug)]
    pub struct DeleteOutcome {
        pub id: Uuid,
        pub previous_state: JobState,
        /// The job belongs to a project and is kept with it.
        pub of_project: bool,
        /// The job is a step of a workflow and is kept with it.
        pub of_workflow: bool,
        pub deleted: bool,
    }
}

impl Store {
    /// `dead_letters/groups`: groups of the latest `sample` dead letters, the largest first.
    pub async fn group_dead_letters(
        &self,
        queue: Option<&str>,
        kind: Option<&str>,
        sample: i64,
        limit: i64,
    ) -> Result<Vec<DeadLetterGroup>, StoreError> {
        self.fetch_all(&DEAD_LETTERS_GROUPS, &[&queue, &kind, &sample, &limit]).await
    }

    /// `jobs/forget`: deletes those of the jobs that are dead letters. Returns an outcome for each job that exists.
    pub async fn delete_dead_letters(&self, ids: &[Uuid], audit: &Audit) -> Result<Vec<DeleteOutcome>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        self.fetch_all(&JOBS_FORGET, &[&ids, actor, reason, request_id]).await
    }
}
