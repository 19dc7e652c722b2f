//! Actions on schedules: run, pause, resume and backfill.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::schedule::{Cause, ScheduledRun, TickOutcome};
use crate::store::Audit;
use crate::store::StoreError;
use crate::store::schedules::{Fired, Firing, Schedule, Tick};
use crate::web::api::audit::api_audit;
use crate::web::api::description;
use crate::web::api::response::{accepted, json};
use crate::web::api::schedules::plan::{Edit, MAX_CONFLICTS, save_schedule};
use crate::web::api::schedules::{load, not_found};
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::extract::{Json, Name, OptionalJson};
use crate::wire::time::parse_time;
use crate::wire::{self, Backfill, Backfilled, PutSchedule, Reason};

/// Maximum number of due times in a backfill.
const MAX_BACKFILL: usize = 1000;

/// Start the target of a schedule now, whatever its due times, overlap policy and state. The response is the tick.
#[utoipa::path(post, path = "/schedules/{name}/run", tag = "schedules", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Tick), description::WriteOne, description::Conflict))]
pub async fn run(app: Data<App>, request: HttpRequest, Name(name): Name, reason: OptionalJson<Reason>) -> ApiResult {
    if request.headers().contains_key("idempotency-key") {
        let message = "is not supported here, because every request starts another run; use /backfill to start a due time only once";
        return Err(ApiError::header("Idempotency-Key", message));
    }
    let tick = run_now(&app, &name, &api_audit(reason.0)?).await?;
    Ok(HttpResponse::Accepted().json(wire::Tick::from(tick)))
}

/// Starts the target of a schedule and returns the tick.
pub async fn run_now(app: &App, name: &str, audit: &Audit) -> Result<Tick, ApiError> {
    for _ in 0..MAX_CONFLICTS {
        let schedule = load(app, name).await?;
        let start = schedule.plan.run_at(schedule.id, schedule.at, Cause::Manual);
        let id = start.id;
        let Some(fired) = fire(app, &schedule, Cause::Manual, &[start], audit).await? else { continue };
        if fired.started > 0 {
            // The tick is only missing if retention or a deletion has already removed it.
            return app.store.tick_of(schedule.id, id).await?.ok_or_else(|| not_found(name));
        }
        let is_ours = |tick: &Tick| tick.due_at == schedule.at && tick.cause == Cause::Manual;
        let skipped = app.store.list_ticks(schedule.id, Some(TickOutcome::Skipped), None, 20).await?;
        let why = skipped.into_iter().find(is_ours).and_then(|it| it.reason);
        return Err(ApiError::NotStarted(why.unwrap_or_else(|| "another run started at the same time".into())));
    }
    Err(busy())
}

/// Fires a schedule. Returns `None` if it was fired or changed since it was read.
async fn fire(
    app: &App,
    schedule: &Schedule,
    cause: Cause,
    starts: &[ScheduledRun],
    audit: &Audit,
) -> Result<Option<Fired>, ApiError> {
    let firing = Firing {
        schedule: schedule.id,
        revision: schedule.revision,
        cause,
        starts,
        missed: None,
        missed_reason: "",
        next: None,
    };
    Ok(app.store.fire_schedule(&firing, app.default_policy(), audit).await?)
}

fn busy() -> ApiError {
    StoreError::Busy { statement: "schedules/fire", source: None }.into()
}

state_actions! {
    tag: "schedules", parameter: "name", body: Schedule, set: set_state;

    /// Pause a schedule. Due times that pass while it is paused are not started later.
    pause "/schedules/{name}/pause" => false;
    /// Resume a paused schedule. It starts due times from now on.
    resume "/schedules/{name}/resume" => true;
}

async fn set_state(app: &App, name: &str, enabled: bool, audit: &Audit) -> Result<wire::Schedule, ApiError> {
    set_enabled(app, name, enabled, audit).await?;
    Ok(load(app, name).await?.into())
}

/// Pauses or resumes a schedule.
pub async fn set_enabled(app: &App, name: &str, enabled: bool, audit: &Audit) -> Result<(), ApiError> {
    let put = PutSchedule { enabled: Some(enabled), ..PutSchedule::default() };
    save_schedule(app, name, &put, Edit::Change { versions: None }, audit).await.map(drop)
}

/// Start the due times of a past window, or only report them with `dry_run`. Due times that were already started are skipped, so the
/// request is safe to repeat.
#[utoipa::path(post, path = "/schedules/{name}/backfill", tag = "schedules", params(("name" = String, Path)), request_body = Backfill,
    responses((status = 200, body = Backfilled, description = "Dry run"), (status = 202, body = Backfilled),
        description::WriteOne, description::Conflict))]
pub async fn backfill(app: Data<App>, Name(name): Name, body: Json<Backfill>) -> ApiResult {
    let request = body.value;
    let audit = api_audit(Reason { reason: request.reason, actor: request.actor })?;
    let (from, to) = (parse_time("from", &request.from)?, parse_time("to", &request.to)?);
    let schedule = load(&app, &name).await?;
    let open = backfillable(&app, &schedule, from, to).await?;
    let occurrence = |at: &OffsetDateTime| wire::Occurrence::from(schedule.plan.timing.occurrence(*at));
    let preview = Backfilled {
        dry_run: request.dry_run,
        started: open.due.len(),
        already: open.already,
        left_out: 0,
        due: open.due.iter().map(occurrence).collect(),
    };
    if request.dry_run {
        return json(preview);
    }
    let fired = run_backfill(&app, &schedule.plan.name, &open.due, &audit).await?;
    let count = |n: i64| usize::try_from(n).unwrap_or_default();
    let (started, left_out) = (count(fired.started), count(fired.left_out));
    Ok(accepted(true).json(Backfilled { started, left_out, ..preview }))
}

/// The due times of a window.
pub struct Backfillable {
    /// Due times that were not started.
    pub due: Vec<OffsetDateTime>,
    /// Number of due times that were already started.
    pub already: usize,
}

/// The due times of a past window, without those that were already started.
pub async fn backfillable(
    app: &App,
    schedule: &Schedule,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Result<Backfillable, ApiError> {
    if to > schedule.at {
        return Err(ApiError::field("to", "must be in the past"));
    }
    if from > to {
        return Err(ApiError::field("from", "must not be after to"));
    }
    let just_before = from.saturating_sub(time::Duration::NANOSECOND);
    let timing = &schedule.plan.timing;
    let all: Vec<_> = timing.after(just_before).take_while(|at| *at <= to).take(MAX_BACKFILL + 1).collect();
    if all.len() > MAX_BACKFILL {
        let message = format!("covers more than {MAX_BACKFILL} due times; use a shorter window");
        return Err(ApiError::field("to", message));
    }
    let started = app.store.fired_due_times(schedule.id, &all).await?;
    let already = started.len();
    Ok(Backfillable { due: all.into_iter().filter(|at| !started.contains(at)).collect(), already })
}

/// Starts due times in batches. Due times that were started meanwhile are skipped.
pub async fn run_backfill(app: &App, name: &str, due: &[OffsetDateTime], audit: &Audit) -> Result<Fired, ApiError> {
    let mut sum = Fired { started: 0, left_out: 0 };
    let (mut rest, mut conflicts) = (due, 0);
    while !rest.is_empty() {
        let schedule = load(app, name).await?;
        let (batch, later) = rest.split_at(schedule.plan.batch().min(rest.len()));
        let start = |at: &OffsetDateTime| schedule.plan.run_at(schedule.id, *at, Cause::Backfill);
        let starts: Vec<ScheduledRun> = batch.iter().map(start).collect();
        let Some(fired) = fire(app, &schedule, Cause::Backfill, &starts, audit).await? else {
            conflicts += 1;
            if conflicts > MAX_CONFLICTS {
                return Err(busy());
            }
            continue;
        };
        (rest, conflicts) = (later, 0);
        sum = Fired { started: sum.started + fired.started, left_out: sum.left_out + fired.left_out };
    }
    Ok(sum)
}
