//! The data of the job page.

use uuid::Uuid;

use crate::store::events::Event;
use crate::store::jobs::{Execution, Job, JobExplanation};
use crate::store::logs::LogLine;
use crate::web::api::jobs::{load, not_found};
use crate::web::app::App;
use crate::web::dashboard::jobs::relations::JobRelations;
use crate::web::error::ApiError;

const EVENTS: i64 = 100;
const EXECUTIONS: i64 = 50;
const FOLLOWERS: i64 = 20;
const LOGS: i64 = 200;

pub struct JobData {
    pub job: Job,
    pub explained: JobExplanation,
    pub events: Vec<Event>,
    pub executions: Vec<Execution>,
    pub followers: Vec<Job>,
    /// The job this one is a copy or a follow-up of, unless it has been deleted.
    pub origin: Option<Job>,
    pub relations: JobRelations,
    pub logs: Vec<LogLine>,
}

impl JobData {
    pub async fn load(app: &App, id: Uuid) -> Result<Self, ApiError> {
        let job = load(app, id).await?;
        let origin = match job.origin_id {
            Some(origin) => app.store.get_job(origin).await?,
            None => None,
        };
        let logs = match job.execution_id {
            Some(execution) => app.store.latest_logs(execution, LOGS).await?,
            None => Vec::new(),
        };
        Ok(Self {
            logs,
            explained: app.store.explain_job(id, app.max_heartbeat_age()).await?.ok_or_else(|| not_found(id))?,
            events: app.store.events_of_job(id, None, EVENTS).await?,
            executions: app.store.executions_of_job(id, EXECUTIONS).await?,
            followers: app.store.followers_of_job(id, FOLLOWERS).await?,
            relations: JobRelations::load(app, &job).await?,
            job,
            origin,
        })
    }
}
