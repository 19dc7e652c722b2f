//! Jobs as people ask for them and about them.

use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Execution, Job, execution, job};
use crate::domain::{Due, JobState, NewJob, moment};
use crate::store::events::{Event, event};
use crate::store::gather::Gathered;
use crate::store::sql::{
    DEAD_LETTERS_GROUPS, EXECUTIONS_OF_JOB, JOBS_COUNT_MATCHING, JOBS_COUNTS, JOBS_ENQUEUE, JOBS_EVENTS, JOBS_EXPLAIN,
    JOBS_FOLLOWERS, JOBS_GET, JOBS_LIST, JOBS_LIST_FINISHED, JOBS_MATCHING,
};
use crate::store::{Reader, Store, StoreError};

/// What became of a wish: the job that is there now.
#[derive(Clone, Copy, Debug)]
pub struct Enqueued {
    pub id: Uuid,
    /// False when the same key had been noted before.
    pub is_new: bool,
    /// When it may first be claimed, and when it was made; of the wish, if it is not new.
    pub due_at: OffsetDateTime,
    pub born_at: OffsetDateTime,
}

/// Which jobs: everything that is said must fit.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<JobState>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub tenant: Option<String>,
    pub tag: Option<String>,
    pub project: Option<Uuid>,
    /// Part of the error, in any case.
    pub error: Option<String>,
    /// The beginning of the id.
    pub id: Option<String>,
    pub since: Option<OffsetDateTime>,
    pub before: Option<OffsetDateTime>,
}

/// What the database knows about why a job is where it is.
#[derive(Debug)]
pub struct Explained {
    pub at: OffsetDateTime,
    pub queue_state: Option<String>,
    pub queue_reason: Option<String>,
    pub queue_actor: Option<String>,
    /// How many due jobs of its queue are served before it, up to 10,001.
    pub ahead: i64,
    /// Online workers that serve its queue and kind, and their free slots as of their last heartbeat.
    pub workers: i64,
    pub free_slots: i64,
    /// Those that would, but are cordoned or draining.
    pub held_workers: i64,
    pub limit: Option<TightLimit>,
}

/// A limit that gives nothing right now.
#[derive(Debug)]
pub struct TightLimit {
    pub name: String,
    pub mode: String,
    pub most: i32,
    pub span: Option<f64>,
    /// Seconds until a rate gives again.
    pub free_in: Option<f64>,
}

/// Dead letters that died of the same.
#[derive(Debug)]
pub struct Group {
    pub kind: String,
    pub error: String,
    pub n: i64,
    pub first_at: OffsetDateTime,
    pub last_at: OffsetDateTime,
    pub example_id: Uuid,
}

/// A new job as `enqueue_jobs` reads it. The payload travels as a text within the JSON, so that it stays as it is.
#[derive(Serialize)]
struct Wish<'a> {
    id: Uuid,
    kind: &'a str,
    queue: &'a str,
    tenant: &'a str,
    tags: &'a [String],
    priority: i16,
    payload: &'a str,
    run_at: Option<String>,
    delay_s: Option<f64>,
    max_attempts: u32,
    timeout_s: Option<f64>,
    deadline_at: Option<String>,
    backoff: Option<String>,
    origin_id: Option<Uuid>,
    schema_version: Option<i32>,
    idempotency_key: Option<&'a str>,
    request_hash: Option<&'a str>,
    window_s: Option<f64>,
    actor: Option<&'a str>,
    request_id: Option<&'a str>,
    workflow_id: Option<Uuid>,
    step: Option<&'a str>,
    depends_on: Vec<Uuid>,
    policies: Vec<&'static str>,
}

/// A job on its way into the queue, and who asks for it.
#[derive(Clone)]
pub(super) struct Asked {
    job: NewJob,
    origin: Option<Uuid>,
    actor: String,
    request_id: Option<String>,
}

/// Who asks for a job: the actor, and the request.
type By<'a> = (&'a str, Option<&'a str>);

/// So many jobs of one caller go by themselves.
const MANY: usize = 50;

/// New jobs as the text that `enqueue_jobs` reads.
pub(in crate::store) fn wishes<'a>(
    jobs: impl IntoIterator<Item = &'a NewJob>,
    origin: Option<Uuid>,
    by: Option<By<'a>>,
) -> String {
    text(jobs.into_iter().map(|job| wish(job, origin, by)).collect())
}

fn text(wishes: Vec<Wish<'_>>) -> String {
    // Texts and numbers cannot fail to be JSON.
    serde_json::to_string(&wishes).unwrap_or_else(|_| "[]".to_owned())
}

fn wish<'a>(job: &'a NewJob, origin: Option<Uuid>, by: Option<By<'a>>) -> Wish<'a> {
    Wish {
        id: job.id,
        kind: job.kind.as_str(),
        queue: job.queue.as_str(),
        tenant: job.tenant.as_str(),
        tags: &job.tags,
        priority: job.priority,
        payload: &job.payload,
        run_at: if let Due::At(at) = job.due { Some(moment::exact(at)) } else { None },
        delay_s: job.due.delay().map(|it| it.as_secs_f64()),
        max_attempts: job.max_attempts,
        timeout_s: job.timeout.map(|it| it.as_secs_f64()),
        deadline_at: job.deadline_at.map(moment::exact),
        backoff: job.backoff.map(|it| it.text()),
        origin_id: origin,
        schema_version: job.schema_version,
        idempotency_key: job.key.as_ref().map(|it| it.key.as_str()),
        request_hash: job.key.as_ref().map(|it| it.hash.as_str()),
        window_s: job.key.as_ref().map(|it| it.window.as_secs_f64()),
        actor: by.map(|it| it.0),
        request_id: by.and_then(|it| it.1),
        workflow_id: job.step.as_ref().map(|it| it.workflow),
        step: job.step.as_ref().map(|it| it.name.as_str()),
        depends_on: job.dependencies.iter().map(|it| it.on).collect(),
        policies: job.dependencies.iter().map(|it| it.policy.as_str()).collect(),
    }
}

impl Filter {
    fn params(&self) -> ([&(dyn ToSql + Sync); 9], Option<&'static str>) {
        let Self { kind, queue, tenant, tag, project, error, id, since, before, .. } = self;
        ([kind, queue, tenant, tag, project, error, id, since, before], self.state.map(JobState::as_str))
    }
}

impl Store {
    /// Enqueues jobs: all of them, or none. In the order of the wishes. What is asked for at the same time, by whomever,
    /// shares a statement and a commit; only what has a key, depends on others, or is many by itself, goes alone.
    pub async fn enqueue_jobs(
        &self,
        jobs: &[NewJob],
        origin: Option<Uuid>,
        actor: &str,
        request_id: Option<&str>,
    ) -> Result<Vec<Enqueued>, StoreError> {
        if jobs.len() > MANY || jobs.iter().any(|job| job.key.is_some() || !job.dependencies.is_empty()) {
            return self.enqueue(wishes(jobs, origin, None), actor, request_id).await;
        }
        let asked = |job: &NewJob| Asked {
            job: job.clone(),
            origin,
            actor: actor.to_owned(),
            request_id: request_id.map(str::to_owned),
        };
        let store = self.clone();
        let together = move |all: Vec<Asked>| async move {
            let wishes = all.iter().map(|it| wish(&it.job, it.origin, Some((&it.actor, it.request_id.as_deref()))));
            store.enqueue(text(wishes.collect()), "", None).await
        };
        match self.groups.enqueue.join(jobs.iter().map(asked).collect(), together).await {
            Gathered::Done(enqueued) => Ok(enqueued),
            Gathered::Alone => self.enqueue(wishes(jobs, origin, None), actor, request_id).await,
            Gathered::Failed(error) => Err(StoreError::shared(error)),
        }
    }

    /// `jobs/enqueue`: all of them, or none.
    async fn enqueue(
        &self,
        wishes: String,
        actor: &str,
        request_id: Option<&str>,
    ) -> Result<Vec<Enqueued>, StoreError> {
        let tell = self.wakeup.may_notify();
        let rows = self.rows(&JOBS_ENQUEUE, &[&wishes, &actor, &request_id, &tell]).await?;
        self.wakeup.committed(tell);
        let read = |row: Reader| {
            Ok(Enqueued {
                id: row.get("job_id")?,
                is_new: row.get("is_new")?,
                due_at: row.get("due_at")?,
                born_at: row.get("created_at")?,
            })
        };
        Reader::all(rows, &JOBS_ENQUEUE).map(read).collect()
    }

    /// `jobs/get`: those that exist, in the order asked for.
    pub async fn get_jobs(&self, ids: &[Uuid]) -> Result<Vec<Job>, StoreError> {
        let rows = self.rows(&JOBS_GET, &[&ids]).await?;
        Reader::all(rows, &JOBS_GET).map(|row| job(&row)).collect()
    }

    /// One of [`Store::get_jobs`].
    pub async fn get_job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        Ok(self.get_jobs(&[id]).await?.pop())
    }

    /// `jobs/list`: newest first.
    pub async fn list_jobs(&self, filter: &Filter, below: Option<Uuid>, limit: i64) -> Result<Vec<Job>, StoreError> {
        let (rest, state) = filter.params();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&state];
        params.extend(rest);
        params.extend([&below as &(dyn ToSql + Sync), &limit]);
        let rows = self.rows(&JOBS_LIST, &params).await?;
        Reader::all(rows, &JOBS_LIST).map(|row| job(&row)).collect()
    }

    /// `jobs/list_finished`: what finished in the filter's state (`failed` if it names none), latest first.
    pub async fn list_finished_jobs(
        &self,
        filter: &Filter,
        below: Option<(OffsetDateTime, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Job>, StoreError> {
        let (rest, state) = filter.params();
        let state = state.unwrap_or(JobState::Failed.as_str());
        let (at, id) = below.unzip();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&state];
        params.extend(rest);
        params.extend([&at as &(dyn ToSql + Sync), &id, &limit]);
        let rows = self.rows(&JOBS_LIST_FINISHED, &params).await?;
        Reader::all(rows, &JOBS_LIST_FINISHED).map(|row| job(&row)).collect()
    }

    /// `jobs/matching`: ids and kinds of those in one of `states`, oldest first.
    pub async fn matching_jobs(
        &self,
        filter: &Filter,
        states: &[JobState],
        above: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<(Uuid, String)>, StoreError> {
        let (rest, state) = filter.params();
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&state];
        params.extend(rest);
        params.extend([&limit as &(dyn ToSql + Sync), &above, &states]);
        let rows = self.rows(&JOBS_MATCHING, &params).await?;
        Reader::all(rows, &JOBS_MATCHING).map(|row| Ok((row.get("id")?, row.get("kind")?))).collect()
    }

    /// `jobs/count_matching`: how many are in one of `states`, counted no further than `most`.
    pub async fn count_matching_jobs(
        &self,
        filter: &Filter,
        states: &[JobState],
        most: i64,
    ) -> Result<i64, StoreError> {
        let (rest, state) = filter.params();
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&state];
        params.extend(rest);
        params.extend([&most as &(dyn ToSql + Sync), &states]);
        self.one(&JOBS_COUNT_MATCHING, &params).await?.get("n")
    }

    /// `jobs/counts`: every state, also those that no job has.
    pub async fn count_jobs(&self) -> Result<std::collections::BTreeMap<JobState, i64>, StoreError> {
        let mut counts: std::collections::BTreeMap<_, _> = JobState::ALL.iter().map(|state| (*state, 0)).collect();
        for row in Reader::all(self.rows(&JOBS_COUNTS, &[]).await?, &JOBS_COUNTS) {
            counts.insert(row.word("state", "job state", JobState::parse)?, row.get("n")?);
        }
        Ok(counts)
    }

    /// `jobs/events`: newest first.
    pub async fn events_of_job(&self, id: Uuid, before: Option<i64>, limit: i64) -> Result<Vec<Event>, StoreError> {
        let rows = self.rows(&JOBS_EVENTS, &[&id, &before, &limit]).await?;
        Reader::all(rows, &JOBS_EVENTS).map(|row| event(&row)).collect()
    }

    /// `executions/of_job`: latest first.
    pub async fn executions_of_job(&self, id: Uuid, limit: i64) -> Result<Vec<Execution>, StoreError> {
        let rows = self.rows(&EXECUTIONS_OF_JOB, &[&id, &limit]).await?;
        Reader::all(rows, &EXECUTIONS_OF_JOB).map(|row| execution(&row)).collect()
    }

    /// `jobs/followers`: oldest first.
    pub async fn followers_of_job(&self, id: Uuid, limit: i64) -> Result<Vec<Job>, StoreError> {
        let rows = self.rows(&JOBS_FOLLOWERS, &[&id, &limit]).await?;
        Reader::all(rows, &JOBS_FOLLOWERS).map(|row| job(&row)).collect()
    }

    /// `jobs/explain`. A worker whose heartbeat is older than `silence` does not count.
    pub async fn explain_job(&self, id: Uuid, silence: std::time::Duration) -> Result<Option<Explained>, StoreError> {
        let Some(row) = self.row(&JOBS_EXPLAIN, &[&id, &silence.as_secs_f64()]).await? else { return Ok(None) };
        explained(&Reader { row, statement: JOBS_EXPLAIN.name }).map(Some)
    }

    /// `dead_letters/groups`: among the latest `looked_at` of them, the most frequent first.
    pub async fn group_dead_letters(
        &self,
        queue: Option<&str>,
        kind: Option<&str>,
        looked_at: i64,
        limit: i64,
    ) -> Result<Vec<Group>, StoreError> {
        let rows = self.rows(&DEAD_LETTERS_GROUPS, &[&queue, &kind, &looked_at, &limit]).await?;
        let read = |row: Reader| {
            Ok(Group {
                kind: row.get("kind")?,
                error: row.get("error")?,
                n: row.get("n")?,
                first_at: row.get("first_at")?,
                last_at: row.get("last_at")?,
                example_id: row.get("example_id")?,
            })
        };
        Reader::all(rows, &DEAD_LETTERS_GROUPS).map(read).collect()
    }
}

fn explained(row: &Reader) -> Result<Explained, StoreError> {
    let limit = match row.get::<Option<String>>("limit_name")? {
        Some(name) => Some(TightLimit {
            name,
            mode: row.get("limit_mode")?,
            most: row.get("limit_amount")?,
            span: row.get("limit_window_s")?,
            free_in: row.get("limit_free_in")?,
        }),
        None => None,
    };
    Ok(Explained {
        at: row.get("at")?,
        queue_state: row.get("queue_state")?,
        queue_reason: row.get("queue_reason")?,
        queue_actor: row.get("queue_actor")?,
        ahead: row.get("ahead")?,
        workers: row.get("workers")?,
        free_slots: row.get("free_slots")?,
        held_workers: row.get("held_workers")?,
        limit,
    })
}
