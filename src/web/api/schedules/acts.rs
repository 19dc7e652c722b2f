//! Acting: run now, pause, resume, backfill.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::schedule::{Cause, Start, TickOutcome};
use crate::store::StoreError;
use crate::store::projects::Audit;
use crate::store::schedules::{Fired, Firing, Schedule, Tick};
use crate::web::api::convert::api_audit;
use crate::web::api::schedules::plan::{Edit, put_plan};
use crate::web::api::schedules::{found, name_of};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{Json, OptionalJson};
use crate::wire::time::parse_time;
use crate::wire::{self, Backfill, Backfilled, Problem, PutSchedule, Reason};

/// How many due times a backfill may cover.
const MOST: usize = 1000;
/// How often an act that met a firing tries again.
const TRIES: usize = 20;

/// Start it now, whatever its times, its overlap policy and its state. The answer is the tick, with the job or the workflow.
#[utoipa::path(post, path = "/schedules/{name}/run", tag = "schedules", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 202, body = wire::Tick), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "Nothing was started, and why"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn run(app: Data<App>, request: HttpRequest, reason: OptionalJson<Reason>) -> Result<HttpResponse, ApiError> {
    if request.headers().contains_key("idempotency-key") {
        let why = "is not understood here: each request starts it once more; a due time that must start only once is for /backfill";
        return Err(ApiError::header("Idempotency-Key", why));
    }
    let tick = act_run(&app, &name_of(&request), &api_audit(reason.0)?).await?;
    Ok(HttpResponse::Accepted().json(wire::Tick::from(tick)))
}

/// Starts it now.
pub async fn act_run(app: &App, name: &str, audit: &Audit) -> Result<Tick, ApiError> {
    for _ in 0..TRIES {
        let schedule = found(app, name).await?;
        let start = schedule.plan.start(schedule.id, schedule.at, Cause::Manual);
        let id = start.id;
        let Some(fired) = fire(app, &schedule, Cause::Manual, &[start], audit).await? else { continue };
        if fired.started > 0 {
            // By what it made, as many others may have started meanwhile; gone it is only if retention was quicker than we.
            let tick = app.store.tick_of(schedule.id, id).await?;
            return tick.ok_or_else(|| crate::web::api::schedules::no_schedule(name));
        }
        let ours = |tick: &Tick| tick.due_at == schedule.at && tick.cause == Cause::Manual;
        let latest = app.store.list_ticks(schedule.id, Some(TickOutcome::Skipped), None, 20).await?;
        let why = latest.into_iter().find(ours).and_then(|it| it.reason);
        return Err(ApiError::NotStarted(why.unwrap_or_else(|| "it was started at this very moment".into())));
    }
    Err(busy())
}

async fn fire(
    app: &App,
    schedule: &Schedule,
    cause: Cause,
    starts: &[Start],
    audit: &Audit,
) -> Result<Option<Fired>, ApiError> {
    let firing =
        Firing { schedule: schedule.id, turn: schedule.turn, cause, starts, missed: None, why_missed: "", next: None };
    Ok(app.store.fire_schedule(&firing, app.bounds(), audit).await?)
}

/// Others were at it again and again.
fn busy() -> ApiError {
    StoreError::Busy { statement: "schedules/fire", source: None }.into()
}

/// Pause: nothing starts by itself until it is resumed, and what falls into that time is not made up for.
#[utoipa::path(post, path = "/schedules/{name}/pause", tag = "schedules", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Schedule), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn pause(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, false, reason.0).await
}

/// Resume: it starts what is due from now on.
#[utoipa::path(post, path = "/schedules/{name}/resume", tag = "schedules", params(("name" = String, Path)), request_body(content = Option<Reason>),
    responses((status = 200, body = wire::Schedule), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
pub async fn resume(
    app: Data<App>,
    request: HttpRequest,
    reason: OptionalJson<Reason>,
) -> Result<HttpResponse, ApiError> {
    moved(&app, &request, true, reason.0).await
}

async fn moved(app: &App, request: &HttpRequest, enabled: bool, reason: Reason) -> Result<HttpResponse, ApiError> {
    let name = name_of(request);
    act_move(app, &name, enabled, &api_audit(reason)?).await?;
    Ok(HttpResponse::Ok().json(wire::Schedule::from(found(app, &name).await?)))
}

/// Pauses or resumes.
pub async fn act_move(app: &App, name: &str, enabled: bool, audit: &Audit) -> Result<(), ApiError> {
    let wish = PutSchedule { enabled: Some(enabled), ..PutSchedule::default() };
    put_plan(app, name, &wish, Edit::Change { version: None }, audit).await.map(drop)
}

/// Make up for the due times of a span that has passed, or only tell which they are. A due time that started something
/// before does not start again, so the same backfill may be sent twice.
#[utoipa::path(post, path = "/schedules/{name}/backfill", tag = "schedules", params(("name" = String, Path)), request_body = Backfill,
    responses((status = 200, body = Backfilled, description = "What would be started"), (status = 202, body = Backfilled), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub async fn backfill(app: Data<App>, request: HttpRequest, body: Json<Backfill>) -> Result<HttpResponse, ApiError> {
    let wish = body.value;
    let audit = api_audit(Reason { reason: wish.reason, actor: wish.actor })?;
    let (from, to) = (parse_time("from", &wish.from)?, parse_time("to", &wish.to)?);
    let schedule = found(&app, &name_of(&request)).await?;
    let open = backfillable(&app, &schedule, from, to).await?;
    let look = |at: &OffsetDateTime| wire::Occurrence::from(schedule.plan.timing.look(*at));
    let due = open.due.iter().map(look).collect();
    let told = Backfilled { dry_run: wish.dry_run, started: open.due.len(), already: open.already, left_out: 0, due };
    if wish.dry_run {
        return Ok(HttpResponse::Ok().json(told));
    }
    let fired = act_backfill(&app, &schedule.plan.name, &open.due, &audit).await?;
    let count = |n: i64| usize::try_from(n).unwrap_or_default();
    Ok(HttpResponse::Accepted().json(Backfilled {
        started: count(fired.started),
        left_out: count(fired.left_out),
        ..told
    }))
}

/// What a backfill has to do.
pub struct Backfillable {
    /// Due times that started nothing yet.
    pub due: Vec<OffsetDateTime>,
    /// How many of the span did.
    pub already: usize,
}

/// The due times of a span that started nothing yet.
pub async fn backfillable(
    app: &App,
    schedule: &Schedule,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> Result<Backfillable, ApiError> {
    if to > schedule.at {
        return Err(ApiError::field("to", "must have passed; what is to come starts by itself"));
    }
    if from > to {
        return Err(ApiError::field("from", "must not be after to"));
    }
    let just_before = from.saturating_sub(time::Duration::NANOSECOND);
    let timing = &schedule.plan.timing;
    let all: Vec<_> = timing.after(just_before).take_while(|at| *at <= to).take(MOST + 1).collect();
    if all.len() > MOST {
        return Err(ApiError::field("to", format!("covers more than {MOST} due times; take a shorter span")));
    }
    let fired = app.store.fired(schedule.id, &all).await?;
    let already = fired.len();
    Ok(Backfillable { due: all.into_iter().filter(|at| !fired.contains(at)).collect(), already })
}

/// Starts them, a batch at a time; what has started meanwhile is left as it is.
pub async fn act_backfill(app: &App, name: &str, due: &[OffsetDateTime], audit: &Audit) -> Result<Fired, ApiError> {
    let mut sum = Fired { started: 0, left_out: 0 };
    let (mut rest, mut tries) = (due, 0);
    while !rest.is_empty() {
        let schedule = found(app, name).await?;
        let (batch, later) = rest.split_at(schedule.plan.batch().min(rest.len()));
        let start = |at: &OffsetDateTime| schedule.plan.start(schedule.id, *at, Cause::Backfill);
        let starts: Vec<Start> = batch.iter().map(start).collect();
        let Some(fired) = fire(app, &schedule, Cause::Backfill, &starts, audit).await? else {
            tries += 1;
            if tries > TRIES {
                return Err(busy());
            }
            continue;
        };
        (rest, tries) = (later, 0);
        sum = Fired { started: sum.started + fired.started, left_out: sum.left_out + fired.left_out };
    }
    Ok(sum)
}
