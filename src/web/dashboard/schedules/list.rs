//! `/dashboard/schedules`: what starts by itself, and the form that adds to it.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::moment;
use crate::domain::schedule::{ProjectAction, ScheduleState, Target, TickOutcome};
use crate::store::schedules::{Listed, Schedule, Tick, InvalidSchedule};
use crate::web::api::schedules::convert::UNREADABLE_WORDS;
use crate::web::app::App;
use crate::web::dashboard::jobs::list as jobs;
use crate::web::dashboard::schedules::form::{blank, save};
use crate::web::dashboard::schedules::view::{Badge, ScheduleForm, ScheduleRow, SchedulesPage, StripMark};
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, counted, respond, stamp};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::status::Tone;
use crate::web::dashboard::workflows::list as workflows;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;

pub const PAGE: &str = "/dashboard/schedules";
/// How many ticks a row shows.
const STRIP: i64 = 7;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let answer = match Query::parse(request.query_string(), &[]) {
        Ok(_) => page(&app, &request, blank(), StatusCode::OK).await,
        Err(error) => Err(error),
    };
    or_page(&app, &request, answer)
}

/// `POST`: adds one.
pub async fn add(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_page(&app, &request, try_add(&app, &request, &body).await)
}

async fn try_add(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    match save(app, &form, None).await? {
        Ok(name) => Ok(see(&names::schedule_page(&name), Some("schedule-added"))),
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
    let counts = Counts::of(app).await?;
    let paused = schedules.iter().flatten().filter(|it| it.plan.state == ScheduleState::Paused).count();
    let page = SchedulesPage {
        shell: Frame::of(app, request).at(Nav::Schedules).counting(&counts).shell("Schedules"),
        summary: match (schedules.len(), paused) {
            (0, _) => "none".to_owned(),
            (n, 0) => counted(n as i64, "schedule"),
            (n, paused) => format!("{}, {paused} paused", counted(n as i64, "schedule")),
        },
        rows: schedules.iter().map(|it| listed(it, &mut strips)).collect(),
        form,
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status)))
}

fn listed(it: &Listed, strips: &mut HashMap<Uuid, Vec<StripMark>>) -> ScheduleRow {
    let mut strip = |id| strips.remove(&id).unwrap_or_default();
    match it {
        Ok(schedule) => row(schedule, strip(schedule.id)),
        Err(unreadable) => unreadable_row(unreadable, strip(unreadable.id)),
    }
}

fn unreadable_row(it: &InvalidSchedule, strip: Vec<StripMark>) -> ScheduleRow {
    ScheduleRow {
        name: it.name.clone(),
        href: names::schedule_page(&it.name),
        words: UNREADABLE_WORDS.to_owned(),
        expression: it.expression.clone(),
        starts: "nothing that this version knows".to_owned(),
        badge: Badge { tone: Tone::Bad, icon: "ban", label: "InvalidSchedule" },
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
        href: names::schedule_page(&plan.name),
        words: plan.timing.words(),
        expression: plan.timing.expression().to_string(),
        starts: starts(&plan.target),
        badge: badge(plan.state),
        paused,
        readable: true,
        strip,
        last: schedule.last_at.map(stamp),
        next: schedule.next_at.filter(|_| !paused).map(stamp),
    }
}

/// What it starts, in words.
pub fn starts(target: &Target) -> String {
    match target {
        Target::Job(job) => format!("{} in {}", job.kind, job.queue),
        Target::Project(ProjectAction::Create { name, .. }) => format!("creates the project {}", name.as_str()),
        Target::Project(ProjectAction::Retry(id)) => format!("retries the project {id}"),
        Target::Project(ProjectAction::Delete(id)) => format!("deletes the project {id}"),
        Target::Workflow(it) => {
            let plan = it.plan();
            format!("the workflow {}, {}", plan.name, counted(plan.steps.len() as i64, "step"))
        }
    }
}

/// Whether it is on.
pub fn badge(state: ScheduleState) -> Badge {
    match state {
        ScheduleState::Enabled => Badge { tone: Tone::Ok, icon: "check", label: "On" },
        ScheduleState::Paused => Badge { tone: Tone::Wait, icon: "pause", label: "Paused" },
    }
}

/// What became of a tick: where its job or its workflow is, or that it started nothing.
pub fn outcome(tick: &Tick) -> Badge {
    match (tick.outcome, &tick.job, &tick.workflow) {
        (TickOutcome::Skipped, ..) => Badge { tone: Tone::Neutral, icon: "ban", label: "Skipped" },
        (TickOutcome::Fired, Some(it), _) => {
            let state = jobs::state(it.state);
            Badge { tone: state.tone(), icon: state.icon(), label: state.label() }
        }
        (TickOutcome::Fired, None, Some(it)) => workflows::badge(it.state),
        (TickOutcome::Fired, None, None) => Badge { tone: Tone::Neutral, icon: "play", label: "Started" },
    }
}

/// The page of what a tick started, as far as that is still there, and the id of it.
pub fn started(tick: &Tick) -> Option<(String, Uuid)> {
    match (&tick.job, &tick.workflow) {
        (Some(_), _) => tick.job_id.map(|id| (names::job_page(id), id)),
        (None, Some(_)) => tick.workflow_id.map(|id| (names::workflow_page(id), id)),
        (None, None) => None,
    }
}

fn mark(tick: &Tick) -> StripMark {
    let badge = outcome(tick);
    StripMark {
        badge,
        label: format!("{}: {}", moment::readable(tick.due_at), badge.label),
        href: started(tick).map(|(href, _)| href),
    }
}
