//! Heartbeats: extend the leases of active jobs.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::Progress;
use crate::store::row::{Row, row};
use crate::store::sql::JOBS_HEARTBEAT;
use crate::store::{Store, StoreError};

/// An execution whose lease is to be renewed.
#[derive(Clone, Debug)]
pub struct LeasedExecution {
    pub job_id: Uuid,
    pub execution_id: Uuid,
    /// The progress that the handler reported, if any.
    pub progress: Option<Progress>,
}

impl From<(Uuid, Uuid)> for LeasedExecution {
    /// From the id of the job and of the execution.
    fn from((job_id, execution_id): (Uuid, Uuid)) -> Self {
        Self { job_id, execution_id, progress: None }
    }
}

row! {
    /// A lease that a heartbeat renewed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RenewedLease {
        pub execution_id: Uuid,
        /// The reason of a requested cancellation, perhaps empty.
        pub canceled: Option<String> = canceled,
    }
}

impl Store {
    /// `jobs/heartbeat`: returns the leases that were renewed. The others are lost.
    pub async fn heartbeat_jobs(
        &self,
        held: &[LeasedExecution],
        ttl: Duration,
    ) -> Result<Vec<RenewedLease>, StoreError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let (jobs, executions): (Vec<Uuid>, Vec<Uuid>) = held.iter().map(|it| (it.job_id, it.execution_id)).unzip();
        let progress = held.iter().map(|it| it.progress.as_ref());
        let (fractions, texts): (Vec<Option<f64>>, Vec<Option<&str>>) =
            progress.map(|it| (it.and_then(|it| it.fraction), it.map(|it| it.text.as_str()))).unzip();
        self.fetch_all(&JOBS_HEARTBEAT, &[&jobs, &executions, &ttl.as_secs_f64(), &fractions, &texts]).await
    }
}

fn canceled(row: &Row) -> Result<Option<String>, StoreError> {
    let reason: Option<String> = row.get("cancel_reason")?;
    Ok(row.get::<bool>("canceled")?.then(|| reason.unwrap_or_default()))
}
