//! Changes the priority of a job.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::row::row;
use crate::store::sql::JOBS_PRIORITIZE;
use crate::store::{Audit, Store, StoreError};

row! {
    /// The outcome of changing the priority.
    #[derive(Clone, Copy, Debug)]
    pub struct PrioritizeOutcome {
        pub previous_state: JobState,
        pub changed: bool,
    }
}

impl Store {
    /// `jobs/prioritize`: none if the job does not exist.
    pub async fn prioritize_job(
        &self,
        id: Uuid,
        priority: i16,
        audit: &Audit,
    ) -> Result<Option<PrioritizeOutcome>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let notify = self.wakeup.may_notify();
        let outcome =
            self.fetch_optional(&JOBS_PRIORITIZE, &[&id, &priority, actor, reason, request_id, &notify]).await?;
        Ok(self.committed(notify, outcome))
    }
}
