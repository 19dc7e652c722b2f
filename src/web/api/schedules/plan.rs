//! What somebody asks for, checked, and put where it belongs.

use std::time::Duration;

use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::domain::moment;
use crate::domain::schedule::{
    Backlog, DUE_AT, MOST_CATCH_UP, Misfire, Overlap, Plan, ProjectAction, ScheduleState, Target, Timing, TimingError,
    WorkflowTarget,
};
use crate::store::StoreError;
use crate::store::projects::Audit;
use crate::store::schedules::Schedule;
use crate::web::api::convert;
use crate::web::api::workflows;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{below, parse};
use crate::wire::duration::HumanDuration;
use crate::wire::schedule::{PutProject, PutTarget};
use crate::wire::{CreateJob, CreateWorkflow, FieldProblem, PutSchedule};

/// What is late by less than this was not missed, unless somebody says otherwise.
const USUAL_GRACE: Duration = Duration::from_secs(60);
/// How many due times `all` makes up for, unless somebody says otherwise.
const USUAL_CATCH_UP: u32 = 10;
/// The longest grace and the widest jitter.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often an edit that met a firing looks again.
const TRIES: usize = 10;

/// What a wish means for the schedule that may be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// What is left out is as in a new one.
    Replace,
    /// What is left out stays; there must be one, and of this version where one was seen.
    Change { version: Option<i64> },
}

/// `name` of a new schedule.
pub fn name(wish: Option<String>) -> Result<String, ApiError> {
    let name = wish.ok_or_else(|| ApiError::field("name", "is missing"))?.trim().to_owned();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::field("name", "must have 1 to 200 visible characters"));
    }
    if name == "." || name == ".." {
        return Err(ApiError::field("name", "must not be . or .., which clients take out of paths"));
    }
    if name == "preview" {
        return Err(ApiError::field("name", "must not be preview, which is the path that previews expressions"));
    }
    Ok(name)
}

/// Puts what is wished; whether it is new. What comes next is computed from the schedule as it was seen, so when it has
/// been fired or edited meanwhile, it is looked at again.
pub async fn put_plan(app: &App, name: &str, wish: &PutSchedule, edit: Edit, audit: &Audit) -> Result<bool, ApiError> {
    for _ in 0..TRIES {
        let (before, seen, now) = match app.store.list_schedules(Some(name)).await?.pop() {
            Some(Ok(before)) => {
                let (turn, at) = (before.turn, before.at);
                (Some(before), Some(turn), at)
            }
            // Nothing of it can be kept, but all of it can be replaced.
            Some(Err(before)) if edit == Edit::Replace => (None, Some(before.turn), before.at),
            Some(Err(before)) => return Err(ApiError::Unreadable(before.name)),
            None => (None, None, app.store.clock().await?),
        };
        if let Edit::Change { version } = edit {
            let before = before.as_ref().ok_or_else(|| crate::web::api::schedules::no_schedule(name))?;
            if version.is_some_and(|seen| seen != before.version) {
                return Err(ApiError::Stale(before.version));
            }
        }
        let plan = planned(app, name, wish, before.as_ref(), edit, now).await?;
        let next = plan.next_due(before.as_ref().map(|it| (&it.plan, it.next_at)), now);
        if let Some(is_new) = app.store.put_schedule(&plan, next, seen, audit).await? {
            return Ok(is_new);
        }
    }
    Err(StoreError::Busy { statement: "schedules/put", source: None }.into())
}

/// The plan that a wish comes to, or the field that cannot be accepted.
async fn planned(
    app: &App,
    name: &str,
    wish: &PutSchedule,
    before: Option<&Schedule>,
    edit: Edit,
    now: OffsetDateTime,
) -> Result<Plan, ApiError> {
    let kept = before.map(|it| &it.plan).filter(|_| edit != Edit::Replace);
    let timing = timing(wish, kept, before.map(|it| &it.plan.timing), now)?;
    let target = match (target(app, wish, kept).await?, kept) {
        (Some(target), _) => target,
        (None, Some(kept)) => kept.target.clone(),
        (None, None) => {
            return Err(ApiError::field(
                "target",
                "is missing; say what to start: {\"job\": {\"kind\": …}}, {\"project\": …} or {\"workflow\": …}",
            ));
        }
    };
    let state = match wish.enabled {
        Some(true) => ScheduleState::Enabled,
        Some(false) => ScheduleState::Paused,
        None => kept.map_or(ScheduleState::Enabled, |it| it.state),
    };
    let overlap = match wish.overlap.as_deref() {
        Some(word) => Overlap::parse(word).ok_or_else(|| ApiError::field("overlap", "must be allow or skip"))?,
        None => kept.map_or(Overlap::Allow, |it| it.overlap),
    };
    let jitter = match wish.jitter {
        Some(jitter) => within_a_day("jitter", jitter)?,
        None => kept.map_or(Duration::ZERO, |it| it.jitter),
    };
    Ok(Plan { name: name.to_owned(), state, timing, backlog: backlog(wish, kept)?, overlap, jitter, target })
}

fn backlog(wish: &PutSchedule, kept: Option<&Plan>) -> Result<Backlog, ApiError> {
    let usual = Backlog { misfire: Misfire::Latest, catch_up: USUAL_CATCH_UP, grace: USUAL_GRACE };
    let mut backlog = kept.map_or(usual, |it| it.backlog);
    if let Some(word) = wish.misfire.as_deref() {
        let misfire = Misfire::parse(word);
        backlog.misfire = misfire.ok_or_else(|| ApiError::field("misfire", "must be skip, latest or all"))?;
    }
    if let Some(n) = wish.catch_up {
        let fits = u32::try_from(n).ok().filter(|n| *n <= MOST_CATCH_UP);
        let wrong = || ApiError::field("catch_up", format!("must be a whole number from 0 to {MOST_CATCH_UP}"));
        backlog.catch_up = fits.ok_or_else(wrong)?;
    }
    if let Some(grace) = wish.misfire_grace {
        backlog.grace = within_a_day("misfire_grace", grace)?;
    }
    Ok(backlog)
}

fn within_a_day(field: &str, span: HumanDuration) -> Result<Duration, ApiError> {
    if span.0 <= A_DAY { Ok(span.0) } else { Err(ApiError::field(field, "must be at most 24 hours")) }
}

/// When. An interval that stays the same goes on counting from where it began.
fn timing(
    wish: &PutSchedule,
    kept: Option<&Plan>,
    before: Option<&Timing>,
    now: OffsetDateTime,
) -> Result<Timing, ApiError> {
    let expression = match (expression(wish.cron.as_deref(), wish.every)?, kept) {
        (Some(text), _) => text,
        (None, Some(kept)) => kept.timing.expression().to_string(),
        (None, None) => {
            return Err(ApiError::field("cron", "is missing; say when: five fields of cron, @daily, or every: 15m"));
        }
    };
    let zone = match (wish.time_zone.as_deref(), kept) {
        (Some(zone), _) => zone,
        (None, Some(kept)) => kept.timing.zone().name(),
        (None, None) => "UTC",
    };
    let parsed = checked(&expression, zone, now, wish.every.is_some())?;
    let same = before.filter(|before| before.expression().to_string() == parsed.expression().to_string());
    match same {
        Some(before) => checked(&expression, zone, before.anchor(), wish.every.is_some()),
        None => Ok(parsed),
    }
}

/// A timing, or which of its fields cannot be accepted.
pub fn checked(expression: &str, zone: &str, anchor: OffsetDateTime, is_every: bool) -> Result<Timing, ApiError> {
    let anchor = anchor.replace_nanosecond(0).unwrap_or(anchor);
    Timing::parse(expression, zone, anchor).map_err(|error| match error {
        TimingError::Expression(_) if is_every => ApiError::field("every", error),
        TimingError::Expression(_) => ApiError::field("cron", error),
        TimingError::Zone => ApiError::field("time_zone", error),
    })
}

/// `cron` or `every` as one expression.
pub fn expression(cron: Option<&str>, every: Option<HumanDuration>) -> Result<Option<String>, ApiError> {
    match (cron, every) {
        (Some(_), Some(_)) => Err(ApiError::field("every", "cannot be given together with cron")),
        (Some(cron), None) => Ok(Some(cron.to_owned())),
        (None, Some(HumanDuration(every))) => Ok(Some(format!("@every {}", humantime::format_duration(every)))),
        (None, None) => Ok(None),
    }
}

/// What to start, if the wish says anything about it: all of it as a target, or a job by the fields beside the name, of
/// which those left out stay as they were.
async fn target(app: &App, wish: &PutSchedule, kept: Option<&Plan>) -> Result<Option<Target>, ApiError> {
    let beside = [
        ("kind", wish.kind.is_some()),
        ("queue", wish.queue.is_some()),
        ("payload", wish.payload.is_some()),
        ("priority", wish.priority.is_some()),
        ("max_attempts", wish.max_attempts.is_some()),
        ("timeout", wish.timeout.is_some()),
        ("tenant", wish.tenant.is_some()),
    ];
    let beside = beside.into_iter().find_map(|(field, is_there)| is_there.then_some(field));
    match (&wish.target, beside) {
        (Some(_), Some(field)) => Err(ApiError::field(field, "cannot be given together with target")),
        (None, None) => Ok(None),
        (Some(PutTarget::Job(job)), None) => job_target(app, (**job).clone(), "target.job.").await.map(Some),
        (Some(PutTarget::Project(action)), None) => project_target(app, action).map(|it| Some(Target::Project(it))),
        (Some(PutTarget::Workflow(wish)), None) => {
            workflow_target(app, wish).await.map(|it| Some(Target::Workflow(Box::new(it))))
        }
        (None, Some(_)) => job_target(app, job_beside(wish, kept)?, "").await.map(Some),
    }
}

/// The job that the fields beside the name come to.
fn job_beside(wish: &PutSchedule, kept: Option<&Plan>) -> Result<CreateJob, ApiError> {
    let kept = kept.and_then(|it| match &it.target {
        Target::Job(job) => Some(convert::wish_of(job)),
        Target::Project(_) | Target::Workflow(_) => None,
    });
    let mut job = kept.unwrap_or_default();
    // A schema is chosen anew for what may be another payload.
    job.schema_version = job.schema_version.filter(|_| wish.kind.is_none() && wish.payload.is_none());
    job.kind = wish.kind.clone().unwrap_or(job.kind);
    if job.kind.is_empty() && wish.kind.is_none() {
        return Err(ApiError::field("kind", "is missing; say what kind of job these fields are for"));
    }
    job.queue = wish.queue.clone().or(job.queue);
    job.payload = wish.payload.clone().or(job.payload);
    job.priority = wish.priority.or(job.priority);
    job.max_attempts = wish.max_attempts.or(job.max_attempts);
    job.timeout = wish.timeout.or(job.timeout);
    job.tenant = wish.tenant.clone().or(job.tenant);
    Ok(job)
}

async fn job_target(app: &App, wish: CreateJob, prefix: &str) -> Result<Target, ApiError> {
    let named = |problem: FieldProblem| ApiError::field(format!("{prefix}{}", problem.field), problem.message);
    let belongs = [
        ("run_at", wish.run_at.is_some(), "is for the schedule to say"),
        ("delay", wish.delay.is_some(), "is for the schedule to say"),
        ("deadline_at", wish.deadline_at.is_some(), "is one moment, and the schedule has many"),
        ("dependencies", wish.dependencies.is_some(), "are for jobs of a workflow, which a schedule can start"),
        ("idempotency_key", wish.idempotency_key.is_some(), "is not needed: each due time starts one job"),
    ];
    if let Some((field, _, why)) = belongs.into_iter().find(|(_, is_there, _)| *is_there) {
        return Err(ApiError::field(format!("{prefix}{field}"), why));
    }
    let mut job = wish.checked(app.config.max_attempts).map_err(named)?;
    app.schemas.check(app, &mut job, prefix).await?;
    Ok(Target::Job(Box::new(job)))
}

async fn workflow_target(app: &App, wish: &RawValue) -> Result<WorkflowTarget, ApiError> {
    let prefix = "target.workflow.";
    let wish: CreateWorkflow = parse(wish.get().as_bytes()).map_err(|error| below(prefix, error))?;
    let plan = workflows::plan::plan(app, wish, prefix).await?;
    WorkflowTarget::checked(plan).map_err(|fault| workflows::plan::refused(prefix, fault))
}

fn project_target(app: &App, wish: &PutProject) -> Result<ProjectAction, ApiError> {
    let inside = |error| below("target.project.", error);
    let project = || {
        wish.project_id
            .ok_or_else(|| inside(ApiError::field("project_id", format!("must say which project to {}", wish.action))))
    };
    match wish.action.as_str() {
        "create" => create_action(app, wish).map_err(inside),
        "retry" => project().map(ProjectAction::Retry),
        "delete" => project().map(ProjectAction::Delete),
        _ => Err(inside(ApiError::field("action", "must be create, retry or delete"))),
    }
}

fn create_action(app: &App, wish: &PutProject) -> Result<ProjectAction, ApiError> {
    let name = wish.name.as_deref().ok_or_else(|| ApiError::field("name", "is missing"))?;
    // It must fit with the due time in it, too.
    convert::name(&name.replace(DUE_AT, &moment::text(OffsetDateTime::UNIX_EPOCH)))?;
    let parameters: Option<Box<RawValue>> = wish.parameters.clone();
    Ok(ProjectAction::Create {
        name: convert::name(name)?,
        template: convert::template(wish.template.clone(), &app.templates)?,
        parameters: convert::parameters(parameters)?,
        labels: convert::labels(wish.labels.clone().unwrap_or_default())?,
    })
}
