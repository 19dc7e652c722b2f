//! Changes the priority of a job.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::row::row;
use crate::store::sql::JOBS_PRIORITISE;
use crate::store::{Audit, Store, StoreError};

row! {
    /// The outcome of changing the priority.
    #[derive(Clone, Copy, Debug)]
    pub struct PrioritiseOutcome {
        pub previous_state: JobState,
        pub changed: bool,
    }
}

impl Store {
    /// `jobs/prioritise`: none if the job does not exist.
    pub async fn prioritise_job(
        &self,
        id: Uuid,
        priority: i16,
        audit: &Audit,
    ) -> Result<Option<PrioritiseOutcome>, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let notify = self.wakeup.may_notify();
        let outcome =
            self.fetch_optional(&JOBS_PRIORITISE, &[&id, &priority, actor, reason, request_id, &notify]).await?;
        Ok(self.committed(notify, outcome))
    }
}
