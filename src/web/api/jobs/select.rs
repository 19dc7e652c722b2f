//! Acts on many jobs: those that are named, or all that match a filter.

use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::{Edit, Filter, Forgotten};
use crate::store::projects::Audit;
use crate::web::api::convert;
use crate::web::api::jobs::{CANCELABLE, RETRYABLE};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query;
use crate::wire::{BulkOutcome, Reason, RefusedJob, SelectJobs};

/// How many rows one statement moves.
const BATCH: usize = 500;
/// How many jobs one request moves at most; whoever has more asks again.
pub const MOST: usize = 10_000;
/// How many can be named one by one: what fits into a body.
const MOST_NAMED: usize = 5_000;

/// Which jobs, and who asks.
pub struct Selection {
    pub which: Which,
    pub audit: Audit,
    /// How many at most.
    pub most: usize,
    /// Of all that match, only those behind this one: where the request before ended.
    pub after: Option<Uuid>,
}

/// Named one by one, or by what they have in common.
pub enum Which {
    These(Vec<Uuid>),
    Matching(Box<Filter>),
}

/// What a request selects.
pub fn selection(wish: SelectJobs) -> Result<Selection, ApiError> {
    let audit = convert::api_audit(Reason { reason: wish.reason, actor: wish.actor })?;
    let most = wish.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&most) {
        return Err(ApiError::field("limit", format!("must be a whole number from 1 to {MOST}")));
    }
    let which = match (wish.job_ids, wish.filter) {
        (Some(ids), None) if (1..=MOST_NAMED).contains(&ids.len()) => Which::These(ids),
        (Some(_), None) => return Err(ApiError::field("job_ids", format!("must be 1 to {MOST_NAMED} ids"))),
        (None, Some(filter)) => Which::Matching(Box::new(query::filter_of(filter)?)),
        _ => return Err(ApiError::field("job_ids", "must be given, or filter, but not both; an empty filter is all")),
    };
    if wish.after.is_some() && matches!(which, Which::These(_)) {
        return Err(ApiError::field("after", "goes with a filter, not with job_ids"));
    }
    Ok(Selection { which, audit, most, after: wish.after })
}

/// Cancels them.
pub async fn cancel(app: &App, selection: &Selection) -> Result<BulkOutcome, ApiError> {
    act(app, selection, CANCELABLE, async |ids| {
        let answers = app.store.cancel_jobs(&ids, &selection.audit).await?;
        Ok(answers
            .into_iter()
            .map(|it| (it.id, if it.canceled || it.asked { Ok(()) } else { Err(("it is finished", it.was)) }))
            .collect())
    })
    .await
}

/// Retries them; `only_dead` leaves alone what still waits.
pub async fn retry(app: &App, selection: &Selection, edit: &Edit, only_dead: bool) -> Result<BulkOutcome, ApiError> {
    let states = if only_dead { &[JobState::Failed] } else { RETRYABLE };
    act(app, selection, states, async |ids| {
        let answers = app.store.retry_jobs(&ids, edit, only_dead, &selection.audit).await?;
        let why = |of_project| {
            if of_project { "it works on a project: retry the project" } else { "it is not where it could be retried" }
        };
        Ok(answers
            .into_iter()
            .map(|it| (it.id, if it.moved { Ok(()) } else { Err((why(it.of_project), it.was)) }))
            .collect())
    })
    .await
}

/// Deletes them, if they are dead letters.
pub async fn forget(app: &App, selection: &Selection) -> Result<BulkOutcome, ApiError> {
    act(app, selection, &[JobState::Failed], async |ids| {
        let answers = app.store.forget_dead_letters(&ids, &selection.audit).await?;
        let why = |it: &Forgotten| match it {
            _ if it.of_project => "it works on a project, and stays with it",
            _ if it.of_workflow => "it is a step of a workflow, and stays with it",
            _ => "it is no dead letter",
        };
        Ok(answers.into_iter().map(|it| (it.id, if it.gone { Ok(()) } else { Err((why(&it), it.was)) })).collect())
    })
    .await
}

/// What became of each job of a batch.
type Answers = Vec<(Uuid, Result<(), (&'static str, JobState)>)>;

async fn act(
    app: &App,
    selection: &Selection,
    states: &[JobState],
    once: impl AsyncFn(Vec<Uuid>) -> Result<Answers, ApiError>,
) -> Result<BulkOutcome, ApiError> {
    let mut acted = BulkOutcome { moved: 0, refused: Vec::new(), more: false, after: None };
    match &selection.which {
        Which::These(ids) => {
            for batch in ids.chunks(BATCH) {
                let answers = once(batch.to_vec()).await?;
                let unknown = batch.iter().filter(|id| !answers.iter().any(|(known, _)| known == *id));
                acted.refused.extend(unknown.map(|id| refused(*id, "there is no such job", None)));
                note(&mut acted, answers);
            }
        }
        Which::Matching(filter) => {
            let (mut above, mut looked) = (selection.after, 0);
            while looked < selection.most {
                let limit = BATCH.min(selection.most - looked);
                let found = app.store.matching_jobs(filter, states, above, limit as i64).await?;
                let ids: Vec<Uuid> = found.iter().map(|(id, _)| *id).collect();
                let Some(last) = ids.last().copied() else { return Ok(acted) };
                (above, looked) = (Some(last), looked + ids.len());
                note(&mut acted, once(ids).await?);
            }
            acted.more = !app.store.matching_jobs(filter, states, above, 1).await?.is_empty();
            acted.after = above.filter(|_| acted.more);
        }
    }
    Ok(acted)
}

fn note(acted: &mut BulkOutcome, answers: Answers) {
    for (id, answer) in answers {
        match answer {
            Ok(()) => acted.moved += 1,
            Err((why, was)) => acted.refused.push(refused(id, why, Some(was))),
        }
    }
}

fn refused(id: Uuid, why: &str, was: Option<JobState>) -> RefusedJob {
    RefusedJob { id, reason: why.to_owned(), current_status: was.map(|it| it.to_string()) }
}
