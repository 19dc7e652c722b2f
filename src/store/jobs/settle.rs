//! Settles executions: records how attempts ended.

use uuid::Uuid;

use super::claim::Lease;
use super::enqueue::new_jobs_json;
use crate::domain::{JobState, NewJob, ProjectStatus, Settlement};
use crate::store::group_commit::Grouped;
use crate::store::row::Row;
use crate::store::sql::JOBS_SETTLE;
use crate::store::{Store, StoreError};

/// The outcome of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The state of the job now, and the previous and new status of its project if that changed.
    Recorded { state: JobState, project: Option<(ProjectStatus, ProjectStatus)> },
    /// Recorded before with the same outcome; the first response was lost.
    AlreadyRecorded,
    /// The execution is no longer the current one of the job. Nothing was changed.
    LeaseLost,
}

/// A settlement as the statement reads it.
#[derive(Clone)]
pub struct SettleRequest {
    job_id: Uuid,
    execution_id: Uuid,
    state: JobState,
    outcome: &'static str,
    error: Option<String>,
    /// Seconds until a retry.
    delay: f64,
    counts_as_failure: bool,
    result: Option<String>,
    /// The follow-ups, as `enqueue_jobs` reads them.
    follow_ups: Option<String>,
    actor: String,
}

impl Store {
    /// `jobs/settle`: fenced by the execution id. Can be repeated after a lost response. Settlements that arrive at the same
    /// time share a statement and a commit.
    pub async fn settle_job(
        &self,
        lease: &Lease,
        settlement: Settlement,
        follow_ups: &[NewJob],
        actor: &str,
    ) -> Result<Settled, StoreError> {
        let request = SettleRequest {
            job_id: lease.job_id,
            execution_id: lease.execution_id,
            state: settlement.state,
            outcome: settlement.outcome,
            delay: settlement.delay.as_secs_f64(),
            counts_as_failure: settlement.counts_as_failure,
            error: settlement.error,
            result: settlement.result,
            follow_ups: (!follow_ups.is_empty()).then(|| new_jobs_json(follow_ups, None)),
            actor: actor.to_owned(),
        };
        let store = self.clone();
        let settle = move |requests: Vec<SettleRequest>| async move { store.settle_jobs(&requests).await };
        let settled = match self.batches.settle.join(vec![request.clone()], settle).await {
            Grouped::Done(settled) => settled,
            Grouped::Refused => self.settle_jobs(&[request]).await?,
            Grouped::Failed(error) => return Err(StoreError::shared(error)),
        };
        settled.first().copied().ok_or(StoreError::Busy { statement: JOBS_SETTLE.name, source: None })
    }

    /// One statement for all requests; returns the outcomes in the same order.
    async fn settle_jobs(&self, requests: &[SettleRequest]) -> Result<Vec<Settled>, StoreError> {
        let notify = self.wakeup.may_notify();
        // In the order of the job ids, in which the statement locks the rows.
        let mut order: Vec<(usize, &SettleRequest)> = requests.iter().enumerate().collect();
        order.sort_by_key(|(_, it)| it.job_id);
        let rows = self.settle_rows(&order, notify).await?;
        let mut settled = vec![Settled::LeaseLost; requests.len()];
        let mut creates_work = false;
        for row in &rows {
            creates_work |= row.get::<bool>("needs_wakeup")?;
            // Counted from 1 in the order of the parameters.
            let place = usize::try_from(row.get::<i64>("ordinal")?).unwrap_or_default();
            let request = place.checked_sub(1).and_then(|index| order.get(index));
            if let Some((outcome, request)) = request.and_then(|(at, it)| settled.get_mut(*at).zip(Some(it))) {
                *outcome = read_outcome(row, request)?;
            }
        }
        if creates_work {
            self.wakeup.committed(notify);
        } else {
            self.wakeup.changed();
        }
        Ok(settled)
    }

    async fn settle_rows(&self, order: &[(usize, &SettleRequest)], notify: bool) -> Result<Vec<Row>, StoreError> {
        let requests = || order.iter().map(|(_, it)| *it);
        let ids = |of: fn(&SettleRequest) -> Uuid| requests().map(of).collect::<Vec<_>>();
        let texts = |of: for<'a> fn(&'a SettleRequest) -> Option<&'a str>| requests().map(of).collect::<Vec<_>>();
        self.rows(
            &JOBS_SETTLE,
            &[
                &ids(|it| it.job_id),
                &ids(|it| it.execution_id),
                &texts(|it| Some(it.state.as_str())),
                &texts(|it| Some(it.outcome)),
                &texts(|it| it.error.as_deref()),
                &requests().map(|it| it.delay).collect::<Vec<_>>(),
                &requests().map(|it| it.counts_as_failure).collect::<Vec<_>>(),
                &texts(|it| Some(&it.actor)),
                &notify,
                &texts(|it| it.result.as_deref()),
                &texts(|it| it.follow_ups.as_deref()),
            ],
        )
        .await
    }
}

fn read_outcome(row: &Row, request: &SettleRequest) -> Result<Settled, StoreError> {
    if row.get("settled")? {
        let before: Option<ProjectStatus> = row.get("previous_project_status")?;
        return Ok(Settled::Recorded { state: row.get("state")?, project: before.zip(row.get("project_status")?) });
    }
    let earlier: Option<String> = row.get("recorded_outcome")?;
    Ok(if earlier.as_deref() == Some(request.outcome) { Settled::AlreadyRecorded } else { Settled::LeaseLost })
}
