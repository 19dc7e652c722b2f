//! Bulk actions on jobs, selected by id or by filter.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::Audit;
use crate::store::dead_letters::DeleteOutcome;
use crate::store::jobs::{Edit, Filter};
use crate::web::api::audit::api_audit;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query;
use crate::wire::{BulkOutcome, Reason, RefusedJob, SelectJobs};

/// Maximum number of jobs that one statement changes.
const BATCH: usize = 500;
/// Maximum number of jobs that one request changes.
pub const MAX_SELECTED: usize = 10_000;
/// Maximum number of ids in one request.
const MAX_IDS: usize = 5_000;

/// The jobs to act on.
pub struct Selection {
    pub jobs: SelectedJobs,
    pub audit: Audit,
    /// Maximum number of jobs.
    pub max: usize,
    /// Only matching jobs after this one: where the previous request stopped.
    pub after: Option<Uuid>,
}

/// Jobs by id or by filter.
pub enum SelectedJobs {
    Ids(Vec<Uuid>),
    Matching(Box<Filter>),
}

impl Selection {
    /// Validates the selection of a request.
    pub fn parse(request: SelectJobs) -> Result<Self, ApiError> {
        let audit = api_audit(Reason { reason: request.reason, actor: request.actor })?;
        let max = request.limit.unwrap_or(MAX_SELECTED);
        if !(1..=MAX_SELECTED).contains(&max) {
            return Err(ApiError::field("limit", format!("must be a whole number from 1 to {MAX_SELECTED}")));
        }
        let jobs = match (request.job_ids, request.filter) {
            (Some(ids), None) if (1..=MAX_IDS).contains(&ids.len()) => SelectedJobs::Ids(ids),
            (Some(_), None) => return Err(ApiError::field("job_ids", format!("must have 1 to {MAX_IDS} ids"))),
            (None, Some(filter)) => SelectedJobs::Matching(Box::new(query::job_filter(filter)?)),
            _ => {
                let message = "or filter is required, but not both; an empty filter matches every job";
                return Err(ApiError::field("job_ids", message));
            }
        };
        if request.after.is_some() && matches!(jobs, SelectedJobs::Ids(_)) {
            return Err(ApiError::field("after", "is only allowed with a filter"));
        }
        Ok(Self { jobs, audit, max, after: request.after })
    }
}

/// Cancels the selected jobs.
pub async fn cancel(app: &App, selection: &Selection) -> Result<BulkOutcome, ApiError> {
    apply(app, selection, CANCELABLE, async |ids| {
        let answers = app.store.cancel_jobs(&ids, &selection.audit).await?;
        let outcome = |changed, was| if changed { Ok(()) } else { Err(("the job has already finished", was)) };
        Ok(answers.into_iter().map(|it| (it.id, outcome(it.canceled || it.requested, it.previous_state))).collect())
    })
    .await
}

/// Retries the selected jobs; with `only_dead`, only dead letters.
pub async fn retry(app: &App, selection: &Selection, edit: &Edit, only_dead: bool) -> Result<BulkOutcome, ApiError> {
    let states = if only_dead { &[JobState::Failed] } else { RETRYABLE };
    apply(app, selection, states, async |ids| {
        let answers = app.store.retry_jobs(&ids, edit, only_dead, &selection.audit).await?;
        let why = |of_project| match of_project {
            true => "the job belongs to a project; retry the project",
            false => "the job cannot be retried in its state",
        };
        Ok(answers
            .into_iter()
            .map(|it| (it.id, if it.changed { Ok(()) } else { Err((why(it.of_project), it.previous_state)) }))
            .collect())
    })
    .await
}

/// Deletes the selected jobs that are dead letters.
pub async fn delete(app: &App, selection: &Selection) -> Result<BulkOutcome, ApiError> {
    apply(app, selection, &[JobState::Failed], async |ids| {
        let answers = app.store.delete_dead_letters(&ids, &selection.audit).await?;
        let why = |it: &DeleteOutcome| match it {
            _ if it.of_project => "the job belongs to a project and is deleted with the project",
            _ if it.of_workflow => "the job belongs to a workflow and is deleted with the workflow",
            _ => "the job is not a dead letter",
        };
        Ok(answers
            .into_iter()
            .map(|it| (it.id, if it.deleted { Ok(()) } else { Err((why(&it), it.previous_state)) }))
            .collect())
    })
    .await
}

/// The outcome for each job of a batch.
type Answers = Vec<(Uuid, Result<(), (&'static str, JobState)>)>;

async fn apply(
    app: &App,
    selection: &Selection,
    states: &[JobState],
    change: impl AsyncFn(Vec<Uuid>) -> Result<Answers, ApiError>,
) -> Result<BulkOutcome, ApiError> {
    let mut outcome = BulkOutcome { moved: 0, refused: Vec::new(), more: false, after: None };
    match &selection.jobs {
        SelectedJobs::Ids(ids) => {
            for batch in ids.chunks(BATCH) {
                let answers = change(batch.to_vec()).await?;
                let unknown = batch.iter().filter(|id| !answers.iter().any(|(known, _)| known == *id));
                outcome.refused.extend(unknown.map(|id| refused(*id, "the job does not exist", None)));
                add(&mut outcome, answers);
            }
        }
        SelectedJobs::Matching(filter) => {
            let (mut after, mut considered) = (selection.after, 0);
            while considered < selection.max {
                let limit = BATCH.min(selection.max - considered);
                let matching = app.store.matching_jobs(filter, states, after, limit as i64).await?;
                let ids: Vec<Uuid> = matching.iter().map(|(id, _)| *id).collect();
                let Some(last) = ids.last().copied() else { return Ok(outcome) };
                (after, considered) = (Some(last), considered + ids.len());
                let mut answers = change(ids).await?;
                // A job that has left these states in the meantime no longer matches.
                answers.retain(|(_, answer)| answer.as_ref().err().is_none_or(|(_, was)| states.contains(was)));
                add(&mut outcome, answers);
            }
            outcome.more = !app.store.matching_jobs(filter, states, after, 1).await?.is_empty();
            outcome.after = after.filter(|_| outcome.more);
        }
    }
    Ok(outcome)
}

fn add(outcome: &mut BulkOutcome, answers: Answers) {
    for (id, answer) in answers {
        match answer {
            Ok(()) => outcome.moved += 1,
            Err((why, was)) => outcome.refused.push(refused(id, why, Some(was))),
        }
    }
}

fn refused(id: Uuid, why: &str, was: Option<JobState>) -> RefusedJob {
    RefusedJob { id, reason: why.to_owned(), current_status: was.map(|it| it.to_string()) }
}
