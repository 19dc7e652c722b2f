//! `/dashboard/schedules/{name}`: one schedule, what comes next and what was. What is done to it is in `schedule_acts`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::schedule::{
    Cause, Misfire, Occurrence, Overlap, Plan, ProjectAction, ScheduleState, Target, TickOutcome,
};
use crate::domain::workflow::StepDefinition;
use crate::store::schedules::{Schedule, Tick};
use crate::web::api::schedules::convert::clock_change_note;
use crate::web::api::schedules::load;
use crate::web::app::App;
use crate::web::dashboard::projects::view::CurlLine;
use crate::web::dashboard::schedules::form::{save, stored};
use crate::web::dashboard::schedules::list::{PAGE, badge, outcome, started, starts};
use crate::web::dashboard::schedules::view::{NextRow, ScheduleForm, SchedulePage, TickRow};
use crate::web::dashboard::ui::chart;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, auth, counted, respond, span, stamp};
use crate::web::dashboard::ui::layout_view::{Link, Nav};
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::parts::Changed;
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// How many due times to come a page shows, and how many that were.
const NEXT: usize = 5;
const TICKS: i64 = 20;
/// How many steps of a workflow it names.
const STEPS: usize = 8;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_page(&app, &request, try_show(&app, &request, name).await)
}

async fn try_show(app: &App, request: &HttpRequest, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let schedule = load(app, &names::plain(name)?).await?;
    page(app, request, &schedule, None, StatusCode::OK).await
}

/// `POST`: changes it.
pub async fn change(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_change(&app, &request, name, &body).await)
}

async fn try_change(
    app: &App,
    request: &HttpRequest,
    name: Path<String>,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let (name, form) = (names::plain(name)?, Form::read(body)?);
    let schedule = load(app, &name).await?;
    match save(app, &form, Some(&schedule)).await? {
        Ok(name) => Ok(see(&names::schedule_page(&name), Some("schedule-changed"))),
        Err(typed) => page(app, request, &schedule, Some(typed), StatusCode::UNPROCESSABLE_ENTITY).await,
    }
}

async fn page(
    app: &App,
    request: &HttpRequest,
    schedule: &Schedule,
    typed: Option<ScheduleForm>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let plan = &schedule.plan;
    let ticks = app.store.list_ticks(schedule.id, None, None, TICKS).await?;
    let counts = Counts::of(app).await?;
    // What is overdue is shown as such until somebody deals with it.
    let from = schedule.next_at.map_or(schedule.at, |next| next - time::Duration::NANOSECOND).min(schedule.at);
    let upcoming = if plan.state == ScheduleState::Paused { schedule.at } else { from };
    let page = SchedulePage {
        shell: Frame::of(app, request).at(Nav::Schedules).counting(&counts).below("Schedules", PAGE).shell(&plan.name),
        name: plan.name.clone(),
        href: names::schedule_page(&plan.name),
        badge: badge(plan.state),
        paused: plan.state == ScheduleState::Paused,
        words: plan.timing.words(),
        changed: Changed {
            reason: schedule.reason.clone(),
            actor: schedule.actor.clone(),
            at: stamp(schedule.updated_at),
        },
        zone: plan.timing.zone().name().to_owned(),
        next: plan.timing.after(upcoming).take(NEXT).map(|at| next(&plan.timing.look(at))).collect(),
        ticks: ticks.iter().map(row).collect(),
        facts: facts(plan),
        payload: payload(&plan.target),
        form: typed.unwrap_or_else(|| stored(plan)),
        curls: curls(app, &plan.name),
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status)))
}

fn next(it: &Occurrence) -> NextRow {
    NextRow {
        at: stamp(it.at),
        local: format!("{} {} ({})", it.local.text, it.local.abbreviation, it.local.offset),
        note: it.shift.as_ref().map(clock_change_note),
    }
}

fn row(tick: &Tick) -> TickRow {
    let fired = tick.outcome == TickOutcome::Fired;
    let by = match tick.cause {
        Cause::Due => tick.reason.clone(),
        cause => {
            let asked = if cause == Cause::Manual { "run now" } else { "backfill" };
            let reason = tick.reason.as_ref().map(|reason| format!(", “{reason}”")).unwrap_or_default();
            Some(format!("{asked} by {}{reason}", tick.actor))
        }
    };
    let of_job = tick.job.as_ref().map(|it| (it.created_at, it.finished_at));
    let life = of_job.or(tick.workflow.as_ref().map(|it| (it.created_at, it.finished_at)));
    let took = life.and_then(|(born, finished)| Some(span(born, finished?)));
    TickRow {
        id: tick.id.to_string(),
        due: stamp(tick.due_at),
        several: (tick.n > 1).then(|| (counted(tick.n, "due time"), stamp(tick.since))),
        badge: outcome(tick),
        why: by,
        started: started(tick).map(|(href, id)| Link::to(href, crate::web::dashboard::projects::list::short(id))),
        late: (fired && tick.cause == Cause::Due).then(|| span(tick.due_at, tick.occurred_at)),
        took,
    }
}

/// The policies in words.
fn facts(plan: &Plan) -> Vec<(String, String)> {
    let fact = |name: &str, text: String| (name.to_owned(), text);
    let grace = chart::seconds(plan.backlog.grace.as_secs_f64());
    let missed = match plan.backlog.misfire {
        Misfire::Skip => format!("What is late by more than {grace} is not started."),
        Misfire::Latest => format!("Of what is late by more than {grace}, the latest is started."),
        Misfire::All => {
            format!("Of what is late by more than {grace}, the newest {} are started.", plan.backlog.catch_up)
        }
    };
    let overlap = match plan.overlap {
        Overlap::Allow => "If the last run still works, the next starts beside it.",
        Overlap::Skip => "If the last run still works, the next is skipped.",
    };
    let mut facts = vec![
        fact("Starts", starts(&plan.target)),
        fact("When", format!("{} in {}", plan.timing.expression(), plan.timing.zone().name())),
        fact("Missed", missed),
        fact("Overlap", overlap.to_owned()),
    ];
    if !plan.jitter.is_zero() {
        facts.push(fact("Jitter", format!("up to {} later", chart::seconds(plan.jitter.as_secs_f64()))));
    }
    if let Target::Job(job) = &plan.target {
        facts.push(fact("Priority", job.priority.to_string()));
        facts.push(fact("Attempts", format!("at most {}", job.max_attempts)));
    }
    if let Target::Workflow(it) = &plan.target {
        let more = it.plan().steps.len().saturating_sub(STEPS);
        let more = (more > 0).then(|| format!("and {more} more"));
        let steps: Vec<String> = it.plan().steps.iter().take(STEPS).map(step).chain(more).collect();
        facts.push(fact("Steps", steps.join(", ")));
        facts.push(fact("Tenant", it.plan().tenant.to_string()));
    }
    facts
}

/// A step in words: `resize (image.thumbnail)`.
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
    let auth = auth(app);
    let line = |label: &str, line: String| CurlLine { label: label.to_owned(), line };
    vec![
        line("Get", format!("curl{auth} {url}")),
        line("Next times", format!("curl{auth} '{url}/next?limit=10'")),
        line("What became of them", format!("curl{auth} {url}/ticks")),
        line("Run now", format!("curl{auth} -X POST {url}/run")),
    ]
}
