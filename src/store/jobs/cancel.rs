//! Cancels jobs.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::row::row;
use crate::store::sql::JOBS_CANCEL;
use crate::store::{Audit, Store, StoreError};

row! {
    /// The outcome of canceling a job.
    #[derive(Clone, Copy, Debug)]
    pub struct CancelOutcome {
        pub id: Uuid,
        pub previous_state: JobState,
        /// The job is canceled.
        pub canceled: bool,
        /// The job is active, and its worker receives the request with the next heartbeat.
        pub requested: bool as "cancel_requested",
    }
}

impl Store {
    /// `jobs/cancel`: returns an outcome for each job that exists.
    pub async fn cancel_jobs(&self, ids: &[Uuid], audit: &Audit) -> Result<Vec<CancelOutcome>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let notify = self.wakeup.may_notify();
        let rows = self.fetch_all(&JOBS_CANCEL, &[&ids, actor, reason, request_id, &notify]).await?;
        let rows: Vec<CancelOutcome> = self.committed(notify, rows);
        if rows.iter().any(|it| it.requested) {
            self.wakeup.cancel_requested();
        }
        Ok(rows)
    }
}
