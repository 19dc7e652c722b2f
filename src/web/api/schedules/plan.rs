//! Creating and changing schedules.

use std::time::Duration;

use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::domain::moment;
use crate::domain::schedule::{
    DUE_AT, MAX_CATCH_UP, Misfire, MisfirePolicy, Overlap, ProjectAction, ScheduleDefinition, ScheduleState, Target,
    Timing, TimingError, WorkflowTarget,
};
use crate::store::Audit;
use crate::store::StoreError;
use crate::store::schedules::Schedule;
use crate::web::api::jobs::convert::create_request;
use crate::web::api::projects::fields;
use crate::web::api::schedules::not_found;
use crate::web::api::workflows;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{parse, with_prefix};
use crate::wire::duration::HumanDuration;
use crate::wire::schedule::{PutProject, PutTarget};
use crate::wire::{CreateJob, CreateWorkflow, PutSchedule};

/// Default of `misfire_grace`.
const DEFAULT_GRACE: Duration = Duration::from_secs(60);
/// Default of `catch_up`.
const DEFAULT_CATCH_UP: u32 = 10;
/// Maximum grace and jitter.
const ONE_DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a change is repeated after the schedule was fired or changed concurrently.
pub const MAX_CONFLICTS: usize = 20;

/// Error message if neither `cron` nor `every` is given.
pub const EXPRESSION_REQUIRED: &str = "is required: five cron fields or @daily, or every: 15m";

/// How to treat omitted fields and an existing schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Omitted fields get their defaults. Creates the schedule if there is none.
    Replace,
    /// Omitted fields keep their values. The schedule must exist and, if given, have one of these versions.
    Change { versions: Option<Vec<i64>> },
}

/// Validates `name`.
pub fn checked_name(name: Option<String>) -> Result<String, ApiError> {
    let name = name.ok_or_else(|| ApiError::field("name", "is required"))?.trim().to_owned();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::field("name", "must have 1 to 200 visible characters"));
    }
    if name == "." || name == ".." {
        return Err(ApiError::field("name", "must not be . or .., because clients remove these from paths"));
    }
    if name == "preview" {
        return Err(ApiError::field("name", "must not be preview, because /schedules/preview is another endpoint"));
    }
    Ok(name)
}

/// Creates or changes a schedule and returns whether it is new. The next due time depends on the current schedule, so the change is
/// repeated if the schedule was fired or changed concurrently.
pub async fn save_schedule(
    app: &App,
    name: &str,
    put: &PutSchedule,
    edit: Edit,
    audit: &Audit,
) -> Result<bool, ApiError> {
    for _ in 0..MAX_CONFLICTS {
        let (before, seen, now) = match app.store.list_schedules(Some(name)).await?.pop() {
            Some(Ok(before)) => {
                let (revision, at) = (before.revision, before.at);
                (Some(before), Some(revision), at)
            }
            // An unreadable schedule has no fields to keep, but it can be replaced.
            Some(Err(before)) if edit == Edit::Replace => (None, Some(before.revision), before.at),
            Some(Err(before)) => return Err(ApiError::InvalidSchedule(before.name)),
            None => (None, None, app.store.now().await?),
        };
        if let Edit::Change { versions } = &edit {
            let before = before.as_ref().ok_or_else(|| not_found(name))?;
            if versions.as_ref().is_some_and(|seen| !seen.contains(&before.version)) {
                return Err(ApiError::Stale(before.version));
            }
        }
        let plan = planned(app, name, put, before.as_ref(), &edit, now).await?;
        let next = plan.next_due(before.as_ref().map(|it| (&it.plan, it.next_at)), now);
        if let Some(is_new) = app.store.put_schedule(&plan, next, seen, audit).await? {
            return Ok(is_new);
        }
    }
    Err(StoreError::Busy { statement: "schedules/put", source: None }.into())
}

/// Validates the plan.
async fn planned(
    app: &App,
    name: &str,
    put: &PutSchedule,
    before: Option<&Schedule>,
    edit: &Edit,
    now: OffsetDateTime,
) -> Result<ScheduleDefinition, ApiError> {
    let kept = before.map(|it| &it.plan).filter(|_| *edit != Edit::Replace);
    let timing = timing(put, kept, before.map(|it| &it.plan.timing), now)?;
    let target = match (target(app, put, kept).await?, kept) {
        (Some(target), _) => target,
        (None, Some(kept)) => kept.target.clone(),
        (None, None) => {
            return Err(ApiError::field(
                "target",
                "is required: {\"job\": {\"kind\": …}}, {\"project\": …} or {\"workflow\": …}",
            ));
        }
    };
    let state = match put.enabled {
        Some(true) => ScheduleState::Enabled,
        Some(false) => ScheduleState::Paused,
        None => kept.map_or(ScheduleState::Enabled, |it| it.state),
    };
    let overlap = match put.overlap.as_deref() {
        Some(word) => Overlap::parse(word).ok_or_else(|| ApiError::field("overlap", "must be allow or skip"))?,
        None => kept.map_or(Overlap::Allow, |it| it.overlap),
    };
    let jitter = match put.jitter {
        Some(jitter) => within_a_day("jitter", jitter)?,
        None => kept.map_or(Duration::ZERO, |it| it.jitter),
    };
    Ok(ScheduleDefinition {
        name: name.to_owned(),
        state,
        timing,
        misfire_policy: misfire_policy(put, kept)?,
        overlap,
        jitter,
        target,
    })
}

fn misfire_policy(put: &PutSchedule, kept: Option<&ScheduleDefinition>) -> Result<MisfirePolicy, ApiError> {
    let default = MisfirePolicy { misfire: Misfire::Latest, catch_up: DEFAULT_CATCH_UP, grace: DEFAULT_GRACE };
    let mut policy = kept.map_or(default, |it| it.misfire_policy);
    if let Some(word) = put.misfire.as_deref() {
        let misfire = Misfire::parse(word);
        policy.misfire = misfire.ok_or_else(|| ApiError::field("misfire", "must be skip, latest or all"))?;
    }
    if let Some(n) = put.catch_up {
        let valid = u32::try_from(n).ok().filter(|n| *n <= MAX_CATCH_UP);
        let invalid = || ApiError::field("catch_up", format!("must be a whole number from 0 to {MAX_CATCH_UP}"));
        policy.catch_up = valid.ok_or_else(invalid)?;
    }
    if let Some(grace) = put.misfire_grace {
        policy.grace = within_a_day("misfire_grace", grace)?;
    }
    Ok(policy)
}

fn within_a_day(field: &str, duration: HumanDuration) -> Result<Duration, ApiError> {
    if duration.0 <= ONE_DAY { Ok(duration.0) } else { Err(ApiError::field(field, "must be at most 24 hours")) }
}

/// Validates the timing. An unchanged interval keeps its anchor, so its due times do not shift.
fn timing(
    put: &PutSchedule,
    kept: Option<&ScheduleDefinition>,
    before: Option<&Timing>,
    now: OffsetDateTime,
) -> Result<Timing, ApiError> {
    let expression = match (expression(put.cron.as_deref(), put.every)?, kept) {
        (Some(text), _) => text,
        (None, Some(kept)) => kept.timing.expression().to_string(),
        (None, None) => {
            return Err(ApiError::field("cron", EXPRESSION_REQUIRED));
        }
    };
    let zone = match (put.time_zone.as_deref(), kept) {
        (Some(zone), _) => zone,
        (None, Some(kept)) => kept.timing.zone().name(),
        (None, None) => "UTC",
    };
    let parsed = checked_timing(&expression, zone, now, put.every.is_some())?;
    let same = before.filter(|before| before.expression().to_string() == parsed.expression().to_string());
    match same {
        Some(before) => checked_timing(&expression, zone, before.anchor(), put.every.is_some()),
        None => Ok(parsed),
    }
}

/// Parses a timing and names the invalid field.
pub fn checked_timing(
    expression: &str,
    zone: &str,
    anchor: OffsetDateTime,
    is_every: bool,
) -> Result<Timing, ApiError> {
    let anchor = anchor.replace_nanosecond(0).unwrap_or(anchor);
    Timing::parse(expression, zone, anchor).map_err(|error| match error {
        TimingError::Expression(_) if is_every => ApiError::field("every", error),
        TimingError::Expression(_) => ApiError::field("cron", error),
        TimingError::Zone => ApiError::field("time_zone", error),
    })
}

/// Combines `cron` and `every` into one expression.
pub fn expression(cron: Option<&str>, every: Option<HumanDuration>) -> Result<Option<String>, ApiError> {
    match (cron, every) {
        (Some(_), Some(_)) => Err(ApiError::field("every", "must not be combined with cron")),
        (Some(cron), None) => Ok(Some(cron.to_owned())),
        (None, Some(HumanDuration(every))) => Ok(Some(format!("@every {}", humantime::format_duration(every)))),
        (None, None) => Ok(None),
    }
}

/// Validates the target, if the request contains one: either `target`, or the top-level fields of a job.
async fn target(app: &App, put: &PutSchedule, kept: Option<&ScheduleDefinition>) -> Result<Option<Target>, ApiError> {
    let job_fields = [
        ("kind", put.kind.is_some()),
        ("queue", put.queue.is_some()),
        ("payload", put.payload.is_some()),
        ("priority", put.priority.is_some()),
        ("max_attempts", put.max_attempts.is_some()),
        ("timeout", put.timeout.is_some()),
        ("tenant", put.tenant.is_some()),
    ];
    let job_field = job_fields.into_iter().find_map(|(field, is_present)| is_present.then_some(field));
    match (&put.target, job_field) {
        (Some(_), Some(field)) => Err(ApiError::field(field, "must not be combined with target")),
        (None, None) => Ok(None),
        (Some(PutTarget::Job(job)), None) => job_target(app, (**job).clone(), "target.job.").await.map(Some),
        (Some(PutTarget::Project(action)), None) => project_target(app, action).map(|it| Some(Target::Project(it))),
        (Some(PutTarget::Workflow(workflow)), None) => {
            workflow_target(app, workflow).await.map(|it| Some(Target::Workflow(Box::new(it))))
        }
        (None, Some(_)) => job_target(app, top_level_job(put, kept)?, "").await.map(Some),
    }
}

/// The job that the top-level fields describe. Omitted fields keep their values.
fn top_level_job(put: &PutSchedule, kept: Option<&ScheduleDefinition>) -> Result<CreateJob, ApiError> {
    let kept = kept.and_then(|it| match &it.target {
        Target::Job(job) => Some(create_request(job)),
        Target::Project(_) | Target::Workflow(_) => None,
    });
    let mut job = kept.unwrap_or_default();
    // A new kind or payload is checked against the latest schema.
    job.schema_version = job.schema_version.filter(|_| put.kind.is_none() && put.payload.is_none());
    job.kind = put.kind.clone().unwrap_or(job.kind);
    if job.kind.is_empty() && put.kind.is_none() {
        return Err(ApiError::field("kind", "is required for the other fields of a job"));
    }
    job.queue = put.queue.clone().or(job.queue);
    job.payload = put.payload.clone().or(job.payload);
    job.priority = put.priority.or(job.priority);
    job.max_attempts = put.max_attempts.or(job.max_attempts);
    job.timeout = put.timeout.or(job.timeout);
    job.tenant = put.tenant.clone().or(job.tenant);
    Ok(job)
}

async fn job_target(app: &App, job: CreateJob, prefix: &str) -> Result<Target, ApiError> {
    let forbidden = [
        ("run_at", job.run_at.is_some(), "is determined by the schedule"),
        ("delay", job.delay.is_some(), "is determined by the schedule"),
        ("deadline_at", job.deadline_at.is_some(), "is a fixed time, but the schedule has many due times"),
        ("dependencies", job.dependencies.is_some(), "are not supported; use a workflow as the target"),
        ("idempotency_key", job.idempotency_key.is_some(), "is not needed: each due time starts exactly one job"),
    ];
    if let Some((field, _, why)) = forbidden.into_iter().find(|(_, is_present, _)| *is_present) {
        return Err(ApiError::field(format!("{prefix}{field}"), why));
    }
    let mut job = job.checked(app.config.max_attempts).map_err(|problem| with_prefix(prefix, problem.into()))?;
    app.schemas.check(&app.store, &mut job, prefix).await?;
    Ok(Target::Job(Box::new(job)))
}

async fn workflow_target(app: &App, json: &RawValue) -> Result<WorkflowTarget, ApiError> {
    let prefix = "target.workflow.";
    let workflow: CreateWorkflow = parse(json.get().as_bytes()).map_err(|error| with_prefix(prefix, error))?;
    let plan = workflows::plan::plan(app, workflow, prefix).await?;
    WorkflowTarget::new(plan).map_err(|fault| workflows::plan::invalid(prefix, fault))
}

fn project_target(app: &App, put: &PutProject) -> Result<ProjectAction, ApiError> {
    let inside = |error| with_prefix("target.project.", error);
    let project = || {
        put.project_id
            .ok_or_else(|| inside(ApiError::field("project_id", format!("is required to {} a project", put.action))))
    };
    match put.action.as_str() {
        "create" => create_action(app, put).map_err(inside),
        "retry" => project().map(ProjectAction::Retry),
        "delete" => project().map(ProjectAction::Delete),
        _ => Err(inside(ApiError::field("action", "must be create, retry or delete"))),
    }
}

fn create_action(app: &App, put: &PutProject) -> Result<ProjectAction, ApiError> {
    let name = put.name.as_deref().ok_or_else(|| ApiError::field("name", "is required"))?;
    // The name must also be valid once the due time is inserted.
    fields::name(&name.replace(DUE_AT, &moment::text(OffsetDateTime::UNIX_EPOCH)))?;
    let parameters: Option<Box<RawValue>> = put.parameters.clone();
    let template = fields::template(put.template.as_deref(), &app.templates)?;
    Ok(ProjectAction::Create {
        name: fields::name(name)?,
        template: template.name.clone(),
        parameters: fields::parameters(parameters, template)?,
        labels: fields::labels(put.labels.clone().unwrap_or_default(), template)?,
    })
}
