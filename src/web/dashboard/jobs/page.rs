//! `/dashboard/jobs/{id}`: one job, and what can be done with it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::events::Event;
use crate::store::jobs::{Edit, Execution, Explained, Job};
use crate::store::logs::Line;
use crate::web::api::convert;
use crate::web::api::jobs::explain::possible;
use crate::web::api::jobs::{copy_of, found, no_job};
use crate::web::app::App;
use crate::web::dashboard::jobs::facts as job_facts;
use crate::web::dashboard::jobs::links::Links;
use crate::web::dashboard::jobs::timeline::{callout, executions, timeline};
use crate::web::dashboard::jobs::view::{FollowUp, JobPage, LogRow, PriorityForm};
use crate::web::dashboard::ui::{
    ACTOR, Counts, CurlLine, Form, Nav, Rendering, Shell, curl_auth, elapsed, field_errors, id_in_path, links,
    or_error_page, redirect, respond, short_id, with_id,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;

/// How much of a job's history a page shows.
const EVENTS: i64 = 100;
const EXECUTIONS: i64 = 50;
const FOLLOWERS: i64 = 20;
const LOGS: i64 = 200;
/// So many bytes of a line that it wrote.
const LINE: usize = 400;
/// A payload up to so many bytes is written into the lines for a shell.
const INLINE: usize = 2048;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id, None, StatusCode::OK).await).await
}

/// `POST …/retry`, from a list or from the page.
pub async fn retry(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_retry(&app, &request, &body).await)
}

async fn try_retry(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let audit = convert::audit(ACTOR, None)?;
    let own = links::job_page(id);
    let back = form.path("back").unwrap_or(&own);
    let answer = app.store.retry_jobs(&[id], &Edit::default(), false, &audit).await?.pop();
    let word = match answer {
        None if back == own => return Err(no_job(id)),
        None => "no-job".to_owned(),
        Some(it) if it.moved && it.was == JobState::Failed => "replayed".to_owned(),
        Some(it) if it.moved => "due-now".to_owned(),
        Some(it) if it.of_project => "of-project".to_owned(),
        // Two operators pressed the button: the second one is told what the job is now.
        Some(it) => format!("job-refused.{}", it.was),
    };
    Ok(redirect(back, Some(&word)))
}

/// `POST …/run-again`.
pub async fn run_again(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, try_run_again(&app, &request).await)
}

async fn try_run_again(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let id = id_in_path(request)?;
    let audit = convert::audit(ACTOR, None)?;
    match copy_of(app, id, &audit.actor, audit.request_id.as_deref()).await {
        Ok(copy) => Ok(redirect(&links::job_page(copy), Some("copied"))),
        Err(ApiError::NotNow { was, .. }) => Ok(redirect(&links::job_page(id), Some(&format!("job-refused.{was}")))),
        Err(error) => Err(error),
    }
}

/// `POST …/priority`.
pub async fn prioritise(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_prioritise(&app, &request, &body).await)
}

async fn try_prioritise(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let typed = form.get("priority");
    // No number that fits is 0 to 9 plus something that cannot be read.
    let priority = match convert::priority(typed.trim().parse().unwrap_or(-1)) {
        Ok(priority) => priority,
        Err(error) => {
            let error = field_errors(error, |_| "priority")?.pop().map(|it| it.message);
            let form = PriorityForm { priority: typed.to_owned(), error };
            return page(app, request, id, Some(form), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let audit = convert::audit(ACTOR, None)?;
    let answer = app.store.prioritise_job(id, priority, &audit).await?.ok_or_else(|| no_job(id))?;
    let word = if answer.moved { "priority".to_owned() } else { format!("job-refused.{}", answer.was) };
    Ok(redirect(&links::job_page(id), Some(&word)))
}

/// Everything that a page of a job is made of.
pub struct Known {
    pub job: Job,
    pub explained: Explained,
    pub events: Vec<Event>,
    pub executions: Vec<Execution>,
    pub followers: Vec<Job>,
    pub origin: Option<Job>,
    pub links: Links,
    pub logs: Vec<Line>,
}

impl Known {
    async fn of(app: &App, id: Uuid) -> Result<Self, ApiError> {
        let job = found(app, id).await?;
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
            explained: app.store.explain_job(id, app.silence()).await?.ok_or_else(|| no_job(id))?,
            events: app.store.events_of_job(id, None, EVENTS).await?,
            executions: app.store.executions_of_job(id, EXECUTIONS).await?,
            followers: app.store.followers_of_job(id, FOLLOWERS).await?,
            links: Links::of(app, &job).await?,
            job,
            origin,
        })
    }
}

async fn page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    priority: Option<PriorityForm>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let known = Known::of(app, id).await?;
    let job = &known.job;
    let shell = Shell::new(app, request)
        .at(Nav::Jobs)
        .with_counts(&Counts::load(app).await?)
        .crumb("Jobs", crate::web::dashboard::jobs::list::PAGE);
    let can = possible(job);
    let usual = PriorityForm { priority: job.priority.to_string(), error: None };
    let again = enqueue_line(app, job);
    let page = JobPage {
        shell: shell.titled(&format!("{} {}", job.kind, short_id(job.id))),
        id: job.id.to_string(),
        short_id: short_id(job.id),
        kind: job.kind.clone(),
        state: job.state,
        can_retry: can.contains(&"retry"),
        can_cancel: can.contains(&"cancel") && job.cancel_requested_at.is_none(),
        can_run_again: can.contains(&"run-again"),
        priority_form: can.contains(&"prioritise").then(|| priority.unwrap_or(usual)),
        callout: callout(app, &known).await?,
        timeline: timeline(&known.events, job.state),
        timeline_left_out: known.events.last().filter(|it| it.previous_state != "none").map(|_| "Some".to_owned()),
        timeline_total: job.finished_at.map(|at| elapsed(job.created_at, at)),
        payload: job.payload.clone(),
        result: job.result.clone(),
        facts: job_facts::facts(&known),
        step: known.links.step.clone(),
        dependencies: known.links.dependencies.clone(),
        dependents: known.links.dependents.clone(),
        follow_ups: known.followers.iter().map(follow_up).collect(),
        executions: executions(&known.executions),
        logs: known.logs.iter().map(log_row).collect(),
        logs_href: format!("/jobs/{id}/logs"),
        curls: curls(app, job, &can, &again),
        curl: again,
    };
    // What was completed or canceled can only be copied.
    let rests = matches!(job.state, JobState::Completed | JobState::Canceled);
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status).stop_polling(rests)))
}

/// A page shows the beginning of a long line.
fn log_row(line: &Line) -> LogRow {
    let cut = line.line.floor_char_boundary(LINE);
    let more = if cut < line.line.len() { "…" } else { "" };
    LogRow { stream: line.stream.clone(), text: format!("{}{more}", &line.line[..cut]) }
}

fn follow_up(job: &Job) -> FollowUp {
    FollowUp { job: links::job(job.id, &job.kind), state: job.state }
}

/// A text as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The line that enqueues the same again. A large payload would make a large page, so it is left to a file.
fn enqueue_line(app: &App, job: &Job) -> String {
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let body = format!(
        "{{\"kind\": {}, \"queue\": {}, \"tenant\": {}, \"priority\": {}, \"payload\": {}}}",
        text(&job.kind),
        text(&job.queue),
        text(&job.tenant),
        job.priority,
        job.payload
    );
    let body = if body.len() > INLINE { "@job.json".to_owned() } else { quoted(&body) };
    format!("curl{} -X POST http://{}/jobs -H 'content-type: application/json' -d {body}", curl_auth(app), app.host)
}

fn curls(app: &App, job: &Job, can: &[&str], again: &str) -> Vec<CurlLine> {
    let (url, auth) = (format!("http://{}/jobs/{}", app.host, job.id), curl_auth(app));
    let line = |label: &str, line: String| CurlLine { label: label.to_owned(), line };
    let mut lines = vec![
        line("Get", format!("curl{auth} {url}")),
        line("Everything about it", format!("curl{auth} {url}/inspection")),
        line("What it wrote", format!("curl{auth} {url}/logs")),
        line("Enqueue the same", again.to_owned()),
    ];
    for (verb, label) in [("cancel", "Cancel"), ("retry", "Retry"), ("run-again", "Run again")] {
        if can.contains(&verb) {
            lines.push(line(label, format!("curl{auth} -X POST {url}/{verb}")));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_payload_cannot_leave_its_quotes() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
