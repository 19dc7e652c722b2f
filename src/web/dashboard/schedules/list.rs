//! `/dashboard/schedules`: the list, and the form that adds a schedule.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use crate::domain::moment;
use crate::domain::schedule::{ProjectAction, ScheduleState, Target, TickOutcome};
use crate::store::schedules::{InvalidSchedule, ParsedSchedule, Schedule, Tick};
use crate::web::api::schedules::convert::UNREADABLE_WORDS;
use crate::web::app::App;
use crate::web::dashboard::schedules::form::{ScheduleForm, blank, save};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::web::ui::{
    Badge, Form, Nav, Rendering, Shell, Stamp, StateBadge, Tone, links, or_error_page, plural, redirect, respond, stamp,
};

pub const PAGE: &str = "/dashboard/schedules";
/// How many ticks a row shows.
const STRIP: i64 = 7;

#[derive(Debug, Clone, Template)]
#[template(path = "schedules/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct SchedulesPage {
    pub shell: Shell,
    /// "4 schedules, 1 paused".
    pub summary: String,
    pub rows: Vec<ScheduleRow>,
    pub form: ScheduleForm,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    pub name: String,
    pub href: String,
    /// The expression in words.
    pub words: String,
    pub expression: String,
    /// What the schedule starts, in words.
    pub target: String,
    pub badge: Badge,
    pub paused: bool,
    /// Whether this version can read the schedule. Otherwise it can only be deleted.
    pub readable: bool,
    /// The latest ticks, oldest first.
    pub strip: Vec<StripMark>,
    pub last: Option<Stamp>,
    pub next: Option<Stamp>,
}

/// One tick of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripMark {
    pub badge: Badge,
    pub label: String,
    /// The job or workflow it started.
    pub href: Option<String>,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let answer = match Query::parse(request.query_string(), &[]) {
        Ok(_) => page(&app, &request, blank(), StatusCode::OK).await,
        Err(error) => Err(error),
    };
    or_error_page(&app, &request, answer)
}

pub async fn add(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_add(&app, &request, &body).await)
}

async fn try_add(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    match save(app, &form, None).await? {
        Ok(name) => Ok(redirect(&links::schedule_page(&name), Some("schedule-added"))),
        Err(typed) => page(app, request, typed, StatusCode::UNPROCESSABLE_ENTITY).await,
    }
}

async fn page(
    app: &App,
    request: &HttpRequest,
    form: ScheduleForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let schedules = app.store.list_schedules(None).await?;
    let mut strips: HashMap<Uuid, Vec<StripMark>> = HashMap::new();
    for (schedule, tick) in app.store.latest_ticks(STRIP).await? {
        strips.entry(schedule).or_default().insert(0, mark(&tick));
    }
    let paused = schedules.iter().flatten().filter(|it| it.plan.state == ScheduleState::Paused).count();
    let page = SchedulesPage {
        shell: Shell::load(app, request, Nav::Schedules).await?.titled("Schedules"),
        summary: match (schedules.len(), paused) {
            (0, _) => "none".to_owned(),
            (n, 0) => plural(n as i64, "schedule"),
            (n, paused) => format!("{}, {paused} paused", plural(n as i64, "schedule")),
        },
        rows: schedules.iter().map(|it| load_any(it, &mut strips)).collect(),
        form,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

fn load_any(it: &ParsedSchedule, strips: &mut HashMap<Uuid, Vec<StripMark>>) -> ScheduleRow {
    let mut strip = |id| strips.remove(&id).unwrap_or_default();
    match it {
        Ok(schedule) => row(schedule, strip(schedule.id)),
        Err(unreadable) => unreadable_row(unreadable, strip(unreadable.id)),
    }
}

fn unreadable_row(it: &InvalidSchedule, strip: Vec<StripMark>) -> ScheduleRow {
    ScheduleRow {
        name: it.name.clone(),
        href: links::schedule_page(&it.name),
        words: UNREADABLE_WORDS.to_owned(),
        expression: it.expression.clone(),
        target: "unknown to this version".to_owned(),
        badge: Badge::new(Tone::Bad, "ban", "InvalidSchedule"),
        paused: false,
        readable: false,
        strip,
        last: it.last_at.map(stamp),
        next: None,
    }
}

fn row(schedule: &Schedule, strip: Vec<StripMark>) -> ScheduleRow {
    let plan = &schedule.plan;
    let paused = plan.state == ScheduleState::Paused;
    ScheduleRow {
        name: plan.name.clone(),
        href: links::schedule_page(&plan.name),
        words: plan.timing.words(),
        expression: plan.timing.expression().to_string(),
        target: target_words(&plan.target),
        badge: plan.state.badge(),
        paused,
        readable: true,
        strip,
        last: schedule.last_at.map(stamp),
        next: schedule.next_at.filter(|_| !paused).map(stamp),
    }
}

pub fn target_words(target: &Target) -> String {
    match target {
        Target::Job(job) => format!("{} on queue {}", job.kind, job.queue),
        Target::Project(ProjectAction::Create { name, .. }) => format!("creates project {}", name.as_str()),
        Target::Project(ProjectAction::Retry(id)) => format!("retries project {id}"),
        Target::Project(ProjectAction::Delete(id)) => format!("deletes project {id}"),
        Target::Workflow(it) => {
            let plan = it.definition();
            format!("workflow {}, {}", plan.name, plural(plan.steps.len() as i64, "step"))
        }
    }
}

/// The badge of a tick: the state of what it started, or that it started nothing.
pub fn tick_badge(tick: &Tick) -> Badge {
    match (tick.outcome, &tick.job, &tick.workflow) {
        (TickOutcome::Skipped, ..) => Badge::new(Tone::Neutral, "ban", "Skipped"),
        (TickOutcome::Fired, Some(job), _) => job.state.badge(),
        (TickOutcome::Fired, None, Some(workflow)) => workflow.state.badge(),
        (TickOutcome::Fired, None, None) => Badge::new(Tone::Neutral, "play", "Started"),
    }
}

/// The page and id of the job or workflow that a tick started, unless it was pruned.
pub fn started(tick: &Tick) -> Option<(String, Uuid)> {
    match (&tick.job, &tick.workflow) {
        (Some(_), _) => tick.job_id.map(|id| (links::job_page(id), id)),
        (None, Some(_)) => tick.workflow_id.map(|id| (links::workflow_page(id), id)),
        (None, None) => None,
    }
}

fn mark(tick: &Tick) -> StripMark {
    let badge = tick_badge(tick);
    StripMark {
        badge,
        label: format!("{}: {}", moment::readable(tick.due_at), badge.label),
        href: started(tick).map(|(href, _)| href),
    }
}
