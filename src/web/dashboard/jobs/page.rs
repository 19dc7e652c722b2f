//! `/dashboard/jobs/{id}`: one job, and the form that changes its priority.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::JobState;
use crate::store::jobs::Job;
use crate::web::api::audit;
use crate::web::api::jobs::explain::possible;
use crate::web::api::jobs::not_found;
use crate::web::app::App;
use crate::web::dashboard::jobs::callout::callout;
use crate::web::dashboard::jobs::data::JobData;
use crate::web::dashboard::jobs::format::PAGE;
use crate::web::dashboard::jobs::timeline::timeline;
use crate::web::dashboard::jobs::view::JobPage;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::ui::{
    ACTOR, CurlLine, Form, JobLink, Nav, Rendering, Shell, curl_auth, field_errors, id_in_path, links, or_error_page,
    redirect, respond, short_id, with_id,
};

/// A larger body is replaced by a file name in commands, to keep the page small. In bytes.
const INLINE: usize = 2048;

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    with_id(&app, &request, async |id| page(&app, &request, id, None, StatusCode::OK).await).await
}

/// `POST …/priority`.
pub async fn set_priority(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_set_priority(&app, &request, &body).await)
}

async fn try_set_priority(app: &App, request: &HttpRequest, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (id_in_path(request)?, Form::read(body)?);
    let typed = form.get("priority");
    let priority = match crate::web::api::jobs::convert::priority(typed.trim().parse().unwrap_or(-1)) {
        Ok(priority) => priority,
        Err(error) => {
            let message = field_errors(error, |_| "priority")?.pop().map(|it| it.message).unwrap_or_default();
            let rejected = Some((typed.to_owned(), message));
            return page(app, request, id, rejected, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let audit = audit::audit(ACTOR, None)?;
    let answer = app.store.prioritize_job(id, priority, &audit).await?.ok_or_else(|| not_found(id))?;
    let flash = if answer.changed { "priority".to_owned() } else { format!("job-refused.{}", answer.previous_state) };
    Ok(redirect(&links::job_page(id), Some(&flash)))
}

async fn page(
    app: &App,
    request: &HttpRequest,
    id: Uuid,
    priority: Option<(String, String)>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let data = JobData::load(app, id).await?;
    let callout = callout(app, &data).await?;
    let job = data.job;
    let verbs = possible(&job);
    let curl = enqueue_command(app, &job);
    let title = format!("{} {}", job.kind, short_id(id));
    let page = JobPage {
        shell: Shell::load(app, request, Nav::Jobs).await?.crumb("Jobs", PAGE).titled(&title),
        priority,
        callout,
        timeline: timeline(&data.events, job.state),
        timeline_truncated: data.events.last().is_some_and(|it| it.previous_state != "none"),
        origin: origin(&job, data.origin.as_ref()),
        step: data.relations.step,
        dependencies: data.relations.dependencies,
        dependents: data.relations.dependents,
        followers: data.followers,
        executions: data.executions,
        logs: data.logs,
        curls: curls(app, &job, &verbs, &curl),
        curl,
        verbs,
        job,
    };
    let is_final = matches!(page.job.state, JobState::Completed | JobState::Canceled | JobState::Superseded);
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status).stop_polling(is_final)))
}

/// A copy has the kind and payload of its original.
fn origin(job: &Job, origin: Option<&Job>) -> Option<(&'static str, JobLink)> {
    let id = job.origin_id?;
    let Some(origin) = origin else { return Some(("From", links::job(id, "deleted job"))) };
    let is_copy = origin.kind == job.kind && origin.payload == job.payload;
    Some((if is_copy { "Copy of" } else { "Follow-up of" }, links::job(id, &origin.kind)))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn enqueue_command(app: &App, job: &Job) -> String {
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

fn curls(app: &App, job: &Job, verbs: &[&str], enqueue: &str) -> Vec<CurlLine> {
    let (url, auth) = (format!("http://{}/jobs/{}", app.host, job.id), curl_auth(app));
    let mut lines = vec![
        CurlLine::new("Get", format!("curl{auth} {url}")),
        CurlLine::new("Inspect", format!("curl{auth} {url}/inspection")),
        CurlLine::new("Logs", format!("curl{auth} {url}/logs")),
        CurlLine::new("Enqueue a copy", enqueue.to_owned()),
    ];
    for (verb, label) in [("cancel", "Cancel"), ("retry", "Retry"), ("run-again", "Run again")] {
        if verbs.contains(&verb) {
            lines.push(CurlLine::new(label, format!("curl{auth} -X POST {url}/{verb}")));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn payload_stays_within_its_quotes() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
