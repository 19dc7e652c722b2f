//! `/dashboard/schedules/{name}`: one schedule with its next runs and its history.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::schedule::TickOutcome;
use crate::domain::schedule::{
    Cause, Misfire, Occurrence, Overlap, ProjectAction, ScheduleDefinition, ScheduleState, Target,
};
use crate::domain::workflow::StepDefinition;
use crate::store::schedules::{Schedule, Tick};
use crate::web::api::schedules::convert::clock_change_note;
use crate::web::api::schedules::load;
use crate::web::app::App;
use crate::web::dashboard::schedules::form::{ScheduleForm, save, stored};
use crate::web::dashboard::schedules::list::{PAGE, started, target_words, tick_badge};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    Badge, Changed, CurlLine, Form, Link, Nav, Rendering, Shell, Stamp, StateBadge, curl_auth, duration, elapsed,
    links, name_in_path, or_error_page, plural, redirect, respond, short_id, stamp,
};

/// How many next runs, past ticks and workflow steps the page shows.
const NEXT: usize = 5;
const TICKS: i64 = 20;
const STEPS: usize = 8;

#[derive(Debug, Clone, Template)]
#[template(path = "schedules/page.html", blocks = ["main"], whitespace = "minimize")]
pub struct SchedulePage {
    pub shell: Shell,
    pub name: String,
    pub href: String,
    pub badge: Badge,
    pub paused: bool,
    /// The expression in words.
    pub words: String,
    pub changed: Changed,
    pub zone: String,
    pub next: Vec<NextRow>,
    /// The latest ticks, newest first.
    pub ticks: Vec<TickRow>,
    /// The definition, as names and values.
    pub facts: Vec<(String, String)>,
    pub payload: Option<String>,
    pub form: ScheduleForm,
    pub curls: Vec<CurlLine>,
}

/// A next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextRow {
    pub at: Stamp,
    /// The local time in the schedule's zone, with its offset.
    pub local: String,
    /// The effect of a daylight saving change.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRow {
    pub id: String,
    /// The due time; of several, the last.
    pub due: Stamp,
    /// Of several, how many and the first.
    pub several: Option<(String, Stamp)>,
    pub badge: Badge,
    /// Why it was skipped, or who requested it.
    pub why: Option<String>,
    /// The job or workflow it started.
    pub started: Option<Link>,
    pub late: Option<String>,
    pub took: Option<String>,
}

pub async fn show(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_error_page(&app, &request, try_show(&app, &request, name).await)
}

async fn try_show(app: &App, request: &HttpRequest, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let schedule = load(app, &name_in_path(name)?).await?;
    page(app, request, &schedule, None, StatusCode::OK).await
}

pub async fn change(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_change(&app, &request, name, &body).await)
}

async fn try_change(
    app: &App,
    request: &HttpRequest,
    name: Path<String>,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let (name, form) = (name_in_path(name)?, Form::read(body)?);
    let schedule = load(app, &name).await?;
    match save(app, &form, Some(&schedule)).await? {
        Ok(name) => Ok(redirect(&links::schedule_page(&name), Some("schedule-changed"))),
        Err(rejected) => page(app, request, &schedule, Some(rejected), StatusCode::UNPROCESSABLE_ENTITY).await,
    }
}

async fn page(
    app: &App,
    request: &HttpRequest,
    schedule: &Schedule,
    rejected: Option<ScheduleForm>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let plan = &schedule.plan;
    let ticks = app.store.list_ticks(schedule.id, None, None, TICKS).await?;
    // An overdue run is shown until it is started or skipped.
    let from = schedule.next_at.map_or(schedule.at, |next| next - time::Duration::NANOSECOND).min(schedule.at);
    let upcoming = if plan.state == ScheduleState::Paused { schedule.at } else { from };
    let page = SchedulePage {
        shell: Shell::load(app, request, Nav::Schedules).await?.crumb("Schedules", PAGE).titled(&plan.name),
        name: plan.name.clone(),
        href: links::schedule_page(&plan.name),
        badge: plan.state.badge(),
        paused: plan.state == ScheduleState::Paused,
        words: plan.timing.words(),
        changed: Changed {
            reason: schedule.reason.clone(),
            actor: schedule.actor.clone(),
            at: stamp(schedule.updated_at),
        },
        zone: plan.timing.zone().name().to_owned(),
        next: plan.timing.after(upcoming).take(NEXT).map(|at| next(&plan.timing.occurrence(at))).collect(),
        ticks: ticks.iter().map(row).collect(),
        facts: facts(plan),
        payload: payload(&plan.target),
        form: rejected.unwrap_or_else(|| stored(plan)),
        curls: curls(app, &plan.name),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

fn next(it: &Occurrence) -> NextRow {
    NextRow {
        at: stamp(it.at),
        local: format!("{} {} ({})", it.local.text, it.local.abbreviation, it.local.offset),
        note: it.clock_change.as_ref().map(clock_change_note),
    }
}

fn row(tick: &Tick) -> TickRow {
    let fired = tick.outcome == TickOutcome::Fired;
    let by = match tick.cause {
        Cause::Due => tick.reason.clone(),
        cause => {
            let verb = if cause == Cause::Manual { "run now" } else { "backfill" };
            let reason = tick.reason.as_ref().map(|reason| format!(", “{reason}”")).unwrap_or_default();
            Some(format!("{verb} by {}{reason}", tick.actor))
        }
    };
    let of_job = tick.job.as_ref().map(|it| (it.created_at, it.finished_at));
    let times = of_job.or(tick.workflow.as_ref().map(|it| (it.created_at, it.finished_at)));
    let took = times.and_then(|(created, finished)| Some(elapsed(created, finished?)));
    TickRow {
        id: tick.id.to_string(),
        due: stamp(tick.due_at),
        several: (tick.n > 1).then(|| (plural(tick.n, "run"), stamp(tick.since))),
        badge: tick_badge(tick),
        why: by,
        started: started(tick).map(|(href, id)| Link::to(href, short_id(id))),
        late: (fired && tick.cause == Cause::Due).then(|| elapsed(tick.due_at, tick.occurred_at)),
        took,
    }
}

/// The definition in words.
fn facts(plan: &ScheduleDefinition) -> Vec<(String, String)> {
    let fact = |name: &str, text: String| (name.to_owned(), text);
    let grace = duration(plan.misfire_policy.grace.as_secs_f64());
    let missed = match plan.misfire_policy.misfire {
        Misfire::Skip => format!("Runs missed by more than {grace}: skip."),
        Misfire::Latest => format!("Runs missed by more than {grace}: run once."),
        Misfire::All => format!("Runs missed by more than {grace}: run the newest {}.", plan.misfire_policy.catch_up),
    };
    let overlap = match plan.overlap {
        Overlap::Allow => "Overlap allowed.",
        Overlap::Skip => "A run is skipped if the previous one is still running.",
    };
    let mut facts = vec![
        fact("Starts", target_words(&plan.target)),
        fact("When", format!("{} in {}", plan.timing.expression(), plan.timing.zone().name())),
        fact("Missed runs", missed),
        fact("Overlap", overlap.to_owned()),
    ];
    if !plan.jitter.is_zero() {
        facts.push(fact("Jitter", format!("up to {}", duration(plan.jitter.as_secs_f64()))));
    }
    if let Target::Job(job) = &plan.target {
        facts.push(fact("Priority", job.priority.to_string()));
        facts.push(fact("Attempts", format!("at most {}", job.max_attempts)));
    }
    if let Target::Workflow(it) = &plan.target {
        let more = it.definition().steps.len().saturating_sub(STEPS);
        let more = (more > 0).then(|| format!("and {more} more"));
        let steps: Vec<String> = it.definition().steps.iter().take(STEPS).map(step).chain(more).collect();
        facts.push(fact("Steps", steps.join(", ")));
        facts.push(fact("Tenant", it.definition().tenant.to_string()));
    }
    facts
}

fn step(step: &StepDefinition) -> String {
    format!("{} ({})", step.name, step.job.kind)
}

fn payload(target: &Target) -> Option<String> {
    match target {
        Target::Job(job) => Some(job.payload.clone()).filter(|it| it != "{}"),
        Target::Project(ProjectAction::Create { parameters, .. }) => Some(parameters.as_str().to_owned()),
        Target::Project(_) | Target::Workflow(_) => None,
    }
}

fn curls(app: &App, name: &str) -> Vec<CurlLine> {
    let url = format!("http://{}/schedules/{}", app.host, crate::wire::segment(name));
    let auth = curl_auth(app);
    vec![
        CurlLine::new("Get", format!("curl{auth} {url}")),
        CurlLine::new("Next runs", format!("curl{auth} '{url}/next?limit=10'")),
        CurlLine::new("Run history", format!("curl{auth} {url}/ticks")),
        CurlLine::new("Run now", format!("curl{auth} -X POST {url}/run")),
    ]
}
