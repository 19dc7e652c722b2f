//! What is done to many jobs or dead letters: those that were selected, or all that match. Always asks first.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{JobState, moment};
use crate::store::jobs::{Filter, Job};
use crate::web::api::jobs::select::{MOST, Selection, Which};
use crate::web::app::App;
use crate::web::dashboard::jobs::bulk_verb::Verb;
use crate::web::dashboard::jobs::list::hidden;
use crate::web::dashboard::ui::{
    COUNT_CAP, ConfirmItem, ConfirmPage, Confirmation, Form, Hidden, capped, first_line, flash, links, or_error_page,
    plural, redirect,
};
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::filter_of;
use crate::wire::JobFilter;

/// How many of them the page lists.
const LISTED: usize = 5;

/// `POST /dashboard/jobs/bulk`.
pub async fn jobs(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, many(&app, &request, &body, &[Verb::Cancel, Verb::Retry]).await)
}

/// `POST /dashboard/dead-letters/bulk`.
pub async fn dead_letters(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    or_error_page(&app, &request, many(&app, &request, &body, &[Verb::Replay, Verb::Delete]).await)
}

async fn many(app: &App, request: &HttpRequest, body: &Body, verbs: &[Verb]) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let verb = verbs.iter().copied().find(|it| it.name() == form.get("verb"));
    let verb = verb.ok_or_else(|| ApiError::field("verb", "is not one that this page offers"))?;
    let back = form.path("back").unwrap_or(verb.list()).to_owned();
    let Some(which) = which(&form)? else { return Ok(redirect(&back, Some("nothing-picked"))) };
    let order = Order { verb, which, back, form };
    let met = Met::of(app, &order).await?;
    if !order.form.is_confirmed() {
        return page(app, request, &order, &met, None, StatusCode::OK).await;
    }
    let (audit, edit) = match (order.form.audit(), verb.edit(&order.form)) {
        (Ok(audit), Ok(edit)) => (audit, edit),
        (Err(why), _) | (_, Err(why)) => {
            return page(app, request, &order, &met, Some(why), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    // Fewer than the page spoke of are fine: the others moved by themselves. More would be more than was agreed to.
    let agreed: i64 = order.form.get("count").parse().unwrap_or(i64::MAX);
    if met.n > agreed {
        let why = format!("Now {} match, and the page spoke of {}.", plural(met.n, "job"), capped(agreed));
        return page(app, request, &order, &met, Some(why), StatusCode::CONFLICT).await;
    }
    let selection = Selection { which: order.which, audit, most: MOST, after: None };
    let acted = verb.act(app, &selection, &edit).await?;
    Ok(redirect(&order.back, Some(&flash::acted(verb.word(), &acted))))
}

/// What is to be done, to which, and the form that said so.
struct Order {
    verb: Verb,
    which: Which,
    back: String,
    form: Form,
}

impl Order {
    /// Says the same again, so that the answer to the question knows what was asked.
    fn again(&self, n: i64) -> Vec<Hidden> {
        let field = |field: &str, value: String| Hidden { field: field.to_owned(), value };
        let mut fields = vec![field("verb", self.verb.name().to_owned()), field("back", self.back.clone())];
        match &self.which {
            Which::These(ids) => fields.extend(ids.iter().map(|id| field("job_id", id.to_string()))),
            Which::Matching(filter) => {
                fields.push(field("all", "1".to_owned()));
                fields.extend(hidden(filter));
                fields.extend(filter.before.map(|at| field("as_of", moment::exact(at))));
            }
        }
        fields.push(field("count", n.to_string()));
        fields
    }
}

/// Which jobs; nothing when none was selected.
fn which(form: &Form) -> Result<Option<Which>, ApiError> {
    if form.get("all") != "1" {
        let ids: Result<Vec<Uuid>, _> = form.all("job_id").map(Uuid::try_parse).collect();
        let ids = ids.map_err(|_| ApiError::field("job_id", "must be a UUID"))?;
        return match ids.len() {
            0 => Ok(None),
            1..=MOST => Ok(Some(Which::These(ids))),
            _ => Err(ApiError::field("job_id", format!("must be at most {MOST}"))),
        };
    }
    let word = |name: &str| form.word(name).map(str::to_owned);
    // What comes after the question was asked is not meant by it.
    let as_of = word("as_of").unwrap_or_else(|| moment::exact(OffsetDateTime::now_utc()));
    let filter = filter_of(JobFilter {
        state: word("state"),
        kind: word("kind"),
        queue: word("queue"),
        tenant: word("tenant"),
        tag: word("tag"),
        error: Some(form.lines("error")).filter(|text| !text.is_empty()),
        before: Some(as_of),
        ..JobFilter::default()
    })?;
    Ok(Some(Which::Matching(Box::new(Filter { id: word("search"), ..filter }))))
}

/// Those to whom it would happen now.
struct Met {
    /// How many, counted no further than one above [`COUNT_CAP`].
    n: i64,
    /// How many of them are active.
    active: i64,
    /// How many of them are dead letters.
    dead: i64,
    /// How many were selected to whom it does not apply.
    left: i64,
    first: Vec<Job>,
}

impl Met {
    async fn of(app: &App, order: &Order) -> Result<Self, ApiError> {
        let states = order.verb.states();
        match &order.which {
            Which::These(ids) => {
                let (mut jobs, mut n, mut active, mut dead) = (Vec::new(), 0, 0, 0);
                for job in app.store.get_jobs(ids).await?.into_iter().filter(|job| states.contains(&job.state)) {
                    n += 1;
                    active += i64::from(job.state == JobState::Active);
                    dead += i64::from(job.state == JobState::Failed);
                    if jobs.len() < LISTED {
                        jobs.push(job);
                    }
                }
                Ok(Self { n, active, dead, left: ids.len() as i64 - n, first: jobs })
            }
            Which::Matching(filter) => {
                let count =
                    async |states: &[JobState]| app.store.count_matching_jobs(filter, states, COUNT_CAP + 1).await;
                let of = |state: JobState| if states.contains(&state) { vec![state] } else { Vec::new() };
                let found = app.store.matching_jobs(filter, states, None, LISTED as i64).await?;
                let ids: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
                Ok(Self {
                    n: count(states).await?,
                    active: count(&of(JobState::Active)).await?,
                    dead: count(&of(JobState::Failed)).await?,
                    left: 0,
                    first: app.store.get_jobs(&ids).await?,
                })
            }
        }
    }
}

async fn page(
    app: &App,
    request: &HttpRequest,
    order: &Order,
    met: &Met,
    error: Option<String>,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let verb = order.verb;
    let jobs = if met.n == 1 { "1 job".to_owned() } else { format!("{} jobs", capped(met.n)) };
    let heading = format!("{} {jobs}", verb.label());
    let confirmation = Confirmation {
        nav: verb.nav(),
        crumbs: &[(verb.place(), verb.list().to_owned())],
        heading: &heading,
        icon: verb.icon(),
        destructive: verb.destroys(),
        post_to: verb.path(),
        back: &order.back,
    };
    let blank = confirmation.page(app, request).await?;
    let (effects, mut kept) = verb.consequences(met.n, met.active, met.dead, app);
    if met.left > 0 {
        kept.push(format!("{} that it does not apply to now, though selected.", plural(met.left, "job")));
    }
    let rest = met.n - met.first.len() as i64;
    let page = ConfirmPage {
        subject: subject(&order.which),
        effects,
        kept,
        count: Some(jobs),
        listed: met.first.iter().map(item).collect(),
        more: (rest > 0).then(|| if met.n > COUNT_CAP { "and more".to_owned() } else { format!("and {rest} more") }),
        hidden: order.again(met.n),
        fields: verb.fields(&order.form),
        reason: Some(order.form.get("reason").to_owned()),
        blocked: (met.n == 0).then(|| "There is no job left to which it applies.".to_owned()),
        error,
        ..blank
    };
    Ok(page.respond(request, status))
}

fn item(job: &Job) -> ConfirmItem {
    let names = links::job(job.id, &job.kind);
    let note = match job.error.as_deref().filter(|_| job.state == JobState::Failed) {
        Some(error) => first_line(error).to_owned(),
        None => format!("{}, queue {}", job.state, job.queue),
    };
    ConfirmItem { label: format!("{} {}", names.kind, names.short_id), href: links::job_page(job.id), note: Some(note) }
}

/// Which ones, in words.
fn subject(which: &Which) -> String {
    let filter = match which {
        Which::These(_) => return "The selected jobs".to_owned(),
        Which::Matching(filter) => filter,
    };
    let words: Vec<String> = hidden(filter)
        .into_iter()
        .map(|it| match it.field.as_str() {
            "search" => format!("id beginning with {}", it.value),
            "error" => format!("error “{}”", first_line(&it.value)),
            field => format!("{field} {}", it.value),
        })
        .collect();
    if words.is_empty() { "All jobs".to_owned() } else { format!("All with {}", words.join(", ")) }
}
