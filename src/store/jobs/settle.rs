//! How executions end: each settlement by itself for whoever asks, many in one statement for the database.

use uuid::Uuid;

use super::ask::wishes;
use super::work::Lease;
use crate::domain::{JobKind, JobState, NewJob, ProjectStatus, Settlement};
use crate::store::gather::Gathered;
use crate::store::sql::JOBS_SETTLE;
use crate::store::{Reader, Store, StoreError};

/// What the database says to a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Recorded: where the job is now, and the project that moved with it, if one did.
    Yes { state: JobState, project: Option<(ProjectStatus, ProjectStatus)> },
    /// It was recorded before, with the same outcome: the first answer got lost.
    Already,
    /// The execution is not the job's current one any more; nothing was changed.
    LeaseLost,
}

/// A settlement on its way: what the statement has to be told of it.
#[derive(Clone)]
pub(super) struct Ended {
    job_id: Uuid,
    execution_id: Uuid,
    state: JobState,
    outcome: &'static str,
    error: Option<String>,
    delay: f64,
    spends_failure: bool,
    during: Option<ProjectStatus>,
    after: Option<ProjectStatus>,
    result: Option<String>,
    next: Option<String>,
    actor: String,
}

impl Store {
    /// `jobs/settle`: fenced by the execution id. May be sent again when the answer got lost. Settlements that come at the
    /// same time share a statement and a commit.
    pub async fn settle_job(
        &self,
        lease: &Lease,
        kind: Option<JobKind>,
        settlement: Settlement,
        next: &[NewJob],
        actor: &str,
    ) -> Result<Settled, StoreError> {
        let ended = Ended {
            job_id: lease.job_id,
            execution_id: lease.execution_id,
            state: settlement.state,
            outcome: settlement.outcome,
            delay: settlement.delay.as_secs_f64(),
            spends_failure: settlement.spends_failure,
            during: kind.map(JobKind::status_during),
            after: kind.and_then(|kind| settlement.project_status(kind)),
            error: settlement.error,
            result: settlement.result,
            next: (!next.is_empty()).then(|| wishes(next, None, None)),
            actor: actor.to_owned(),
        };
        let store = self.clone();
        let together = move |all: Vec<Ended>| async move { store.settle_jobs(&all).await };
        match self.groups.settle.join(vec![ended.clone()], together).await {
            Gathered::Done(answers) => answers.first().copied().ok_or(missing()),
            Gathered::Alone => self.settle_jobs(&[ended]).await?.first().copied().ok_or(missing()),
            Gathered::Failed(error) => Err(StoreError::shared(error)),
        }
    }

    /// One statement for all of them, which have one worker: the answers in the same order.
    async fn settle_jobs(&self, all: &[Ended]) -> Result<Vec<Settled>, StoreError> {
        let tell = self.wakeup.may_notify();
        // In the order of the ids: see the statement.
        let mut order: Vec<(usize, &Ended)> = all.iter().enumerate().collect();
        order.sort_by_key(|(_, it)| it.job_id);
        let sorted = || order.iter().map(|(_, it)| *it);
        let column = |of: fn(&Ended) -> Uuid| sorted().map(of).collect::<Vec<_>>();
        let text = |of: for<'a> fn(&'a Ended) -> Option<&'a str>| sorted().map(of).collect::<Vec<_>>();
        let rows = self
            .rows(
                &JOBS_SETTLE,
                &[
                    &column(|it| it.job_id),
                    &column(|it| it.execution_id),
                    &text(|it| Some(it.state.as_str())),
                    &text(|it| Some(it.outcome)),
                    &text(|it| it.error.as_deref()),
                    &sorted().map(|it| it.delay).collect::<Vec<_>>(),
                    &sorted().map(|it| it.spends_failure).collect::<Vec<_>>(),
                    &text(|it| it.during.map(ProjectStatus::as_str)),
                    &text(|it| it.after.map(ProjectStatus::as_str)),
                    &text(|it| Some(&it.actor)),
                    &tell,
                    &text(|it| it.result.as_deref()),
                    &text(|it| it.next.as_deref()),
                ],
            )
            .await?;
        let mut answers = vec![Settled::LeaseLost; all.len()];
        let mut wakes = false;
        for row in Reader::all(rows, &JOBS_SETTLE) {
            wakes |= row.get::<bool>("needs_wakeup")?;
            let place = usize::try_from(row.get::<i64>("ordinal")?).unwrap_or_default();
            let asked = place.checked_sub(1).and_then(|at| order.get(at));
            if let Some((answer, ended)) = asked.and_then(|(at, ended)| answers.get_mut(*at).zip(Some(ended))) {
                *answer = answer_of(&row, ended)?;
            }
        }
        if wakes {
            self.wakeup.committed(tell);
        } else {
            self.wakeup.changed();
        }
        Ok(answers)
    }
}

fn answer_of(row: &Reader, ended: &Ended) -> Result<Settled, StoreError> {
    if row.get("settled")? {
        let state = row.word("state", "job state", JobState::parse)?;
        let moved: Option<String> = row.get("project_status")?;
        let now = moved.as_deref().and_then(ProjectStatus::parse);
        return Ok(Settled::Yes { state, project: ended.during.zip(now) });
    }
    let earlier: Option<String> = row.get("recorded_outcome")?;
    Ok(if earlier.as_deref() == Some(ended.outcome) { Settled::Already } else { Settled::LeaseLost })
}

fn missing() -> StoreError {
    StoreError::Busy { statement: JOBS_SETTLE.name, source: None }
}
