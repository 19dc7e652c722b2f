//! Actions on many jobs or dead letters: the selected ones, or all that match a filter. A confirmation page shows them first.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, moment};
use crate::store::jobs::{Filter, Job};
use crate::web::api::jobs::selection::{MAX_SELECTED, SelectedJobs, Selection};
use crate::web::app::App;
use crate::web::dashboard::jobs::verbs::{Affected, DEAD_LETTERS, JOBS, List, Verb};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::job_filter;
use crate::web::ui::{
    COUNT_CAP, ConfirmItem, ConfirmPage, Confirmation, Form, Hidden, capped, first_line, flash, links, or_error_page,
    plural, redirect, short_id,
};
use crate::wire::JobFilter;

/// How many jobs the page lists.
const LISTED: usize = 5;

pub async fn jobs(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, submit(&app, &request, &body, &JOBS).await)
}

pub async fn dead_letters(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, submit(&app, &request, &body, &DEAD_LETTERS).await)
}

async fn submit(app: &App, request: &HttpRequest, body: &Body, list: &'static List) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let verb = list.verbs.iter().find(|it| it.name == form.get("verb"));
    let verb = verb.ok_or_else(|| ApiError::field("verb", "must be an action of this list"))?;
    let back = form.path("back").unwrap_or(list.page).to_owned();
    let Some(jobs) = selected(&form)? else { return Ok(redirect(&back, Some("nothing-picked"))) };
    let action = SubmittedAction { list, verb, jobs, back, form };
    let targets = Targets::load(app, &action).await?;
    if !action.form.is_confirmed() {
        return action.page(app, request, &targets, None, StatusCode::OK).await;
    }
    let (audit, edit) = match (action.form.audit(), verb.edit(&action.form)) {
        (Ok(audit), Ok(edit)) => (audit, edit),
        (Err(error), _) | (_, Err(error)) => {
            return action.page(app, request, &targets, Some(error), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    // Fewer jobs than confirmed are fine: the others have changed state. More would be more than the user agreed to.
    let confirmed: i64 = action.form.get("count").parse().unwrap_or(i64::MAX);
    if targets.affected.all > confirmed {
        let error = format!(
            "{} match now, but you confirmed {}. Check the list and confirm again.",
            plural(targets.affected.all, "job"),
            capped(confirmed)
        );
        return action.page(app, request, &targets, Some(error), StatusCode::CONFLICT).await;
    }
    let selection = Selection { jobs: action.jobs, audit, max: MAX_SELECTED, after: None };
    let acted = verb.run(app, &selection, &edit).await?;
    Ok(redirect(&action.back, Some(&flash::acted(verb.done, &acted))))
}

/// The selected jobs or the filter of a form; `None` if no job is selected.
fn selected(form: &Form) -> Result<Option<SelectedJobs>, ApiError> {
    if form.get("all") != "1" {
        let ids: Result<Vec<Uuid>, _> = form.all("job_id").map(Uuid::try_parse).collect();
        let ids = ids.map_err(|_| ApiError::field("job_id", "must be a UUID"))?;
        return match ids.len() {
            0 => Ok(None),
            1..=MAX_SELECTED => Ok(Some(SelectedJobs::Ids(ids))),
            _ => Err(ApiError::field("job_id", format!("must occur at most {MAX_SELECTED} times"))),
        };
    }
    let word = |name: &str| form.word(name).map(str::to_owned);
    // Jobs that are created after the confirmation page was shown are excluded.
    let as_of = word("as_of").unwrap_or_else(|| moment::exact(OffsetDateTime::now_utc()));
    let filter = job_filter(JobFilter {
        state: word("state"),
        kind: word("kind"),
        queue: word("queue"),
        tenant: word("tenant"),
        tag: word("tag"),
        error: Some(form.lines("error")).filter(|text| !text.is_empty()),
        before: Some(as_of),
        ..JobFilter::default()
    })?;
    Ok(Some(SelectedJobs::Matching(Box::new(Filter { id: word("search"), ..filter }))))
}

/// The jobs that the action affects now.
struct Targets {
    affected: Affected,
    /// Selected jobs that the action does not apply to.
    skipped: i64,
    first: Vec<Job>,
}

impl Targets {
    async fn load(app: &App, action: &SubmittedAction) -> Result<Self, ApiError> {
        let states = action.verb.states;
        match &action.jobs {
            SelectedJobs::Ids(ids) => {
                let mut jobs = app.store.get_jobs(ids).await?;
                jobs.retain(|job| states.contains(&job.state));
                let count = |state| jobs.iter().filter(|job| job.state == state).count() as i64;
                let all = jobs.len() as i64;
                let affected = Affected { all, active: count(JobState::Active), failed: count(JobState::Failed) };
                jobs.truncate(LISTED);
                Ok(Self { affected, skipped: ids.len() as i64 - all, first: jobs })
            }
            SelectedJobs::Matching(filter) => {
                let count =
                    async |states: &[JobState]| app.store.count_matching_jobs(filter, states, COUNT_CAP + 1).await;
                let only = |state| if states.contains(&state) { vec![state] } else { Vec::new() };
                let first = app.store.matching_jobs(filter, states, None, LISTED as i64).await?;
                let first: Vec<Uuid> = first.into_iter().map(|(id, _)| id).collect();
                let affected = Affected {
                    all: count(states).await?,
                    active: count(&only(JobState::Active)).await?,
                    failed: count(&only(JobState::Failed)).await?,
                };
                Ok(Self { affected, skipped: 0, first: app.store.get_jobs(&first).await? })
            }
        }
    }
}

/// The submitted action.
struct SubmittedAction {
    list: &'static List,
    verb: &'static Verb,
    jobs: SelectedJobs,
    back: String,
    form: Form,
}

impl SubmittedAction {
    /// The same action as hidden fields of the confirmation.
    fn hidden(&self, count: i64) -> Vec<Hidden> {
        let mut fields = vec![Hidden::new("verb", self.verb.name), Hidden::new("back", self.back.clone())];
        match &self.jobs {
            SelectedJobs::Ids(ids) => fields.extend(ids.iter().map(|id| Hidden::new("job_id", id.to_string()))),
            SelectedJobs::Matching(filter) => {
                fields.push(Hidden::new("all", "1"));
                fields.extend(filter.hidden());
                fields.extend(filter.before.map(|at| Hidden::new("as_of", moment::exact(at))));
            }
        }
        fields.push(Hidden::new("count", count.to_string()));
        fields
    }

    async fn page(
        &self,
        app: &App,
        request: &HttpRequest,
        targets: &Targets,
        error: Option<String>,
        status: StatusCode,
    ) -> Result<HttpResponse, ApiError> {
        let Self { list, verb, .. } = self;
        let all = targets.affected.all;
        let jobs = if all == 1 { "1 job".to_owned() } else { format!("{} jobs", capped(all)) };
        let confirmation = Confirmation {
            nav: list.nav,
            crumbs: &[(list.title, list.page.to_owned())],
            heading: &format!("{} {jobs}", verb.label),
            icon: verb.icon,
            destructive: verb.destructive,
            post_to: &format!("{}/bulk", list.page),
            back: &self.back,
        };
        let mut kept = vec![verb.kept.to_owned()];
        if targets.skipped > 0 {
            let skipped = plural(targets.skipped, "selected job");
            kept.push(format!("{skipped} that this action does not apply to."));
        }
        let rest = all - targets.first.len() as i64;
        let page = ConfirmPage {
            subject: subject(&self.jobs),
            effects: verb.effects(targets.affected, app),
            kept,
            count: Some(jobs),
            listed: targets.first.iter().map(item).collect(),
            more: (rest > 0).then(|| if all > COUNT_CAP { "and more".to_owned() } else { format!("and {rest} more") }),
            hidden: self.hidden(all),
            fields: verb.fields(&self.form),
            reason: Some(self.form.get("reason").to_owned()),
            blocked: (all == 0).then(|| "This action does not apply to any of these jobs now.".to_owned()),
            error,
            ..confirmation.page(app, request).await?
        };
        Ok(page.respond(request, status))
    }
}

fn item(job: &Job) -> ConfirmItem {
    let note = match job.error.as_deref().filter(|_| job.state == JobState::Failed) {
        Some(error) => first_line(error).to_owned(),
        None => format!("{}, queue {}", job.state, job.queue),
    };
    let label = format!("{} {}", job.kind, short_id(job.id));
    ConfirmItem { label, href: links::job_page(job.id), note: Some(note) }
}

/// The selection in words.
fn subject(jobs: &SelectedJobs) -> String {
    let SelectedJobs::Matching(filter) = jobs else { return "Selected jobs".to_owned() };
    let state = filter.state.map(|state| format!("state {state}"));
    let words = filter.words().into_iter().map(|(field, value)| match field {
        "ID" => format!("ID starting with {value}"),
        "error" => format!("error “{}”", first_line(value)),
        field => format!("{field} {value}"),
    });
    let words: Vec<String> = state.into_iter().chain(words).collect();
    if words.is_empty() { "All jobs".to_owned() } else { format!("All jobs with {}", words.join(", ")) }
}
