//! `/dashboard/schedules/{name}/backfill`: confirms the runs of a past time range, then starts them.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::moment;
use crate::store::schedules::Schedule;
use crate::web::api::schedules::actions::{backfillable, run_backfill};
use crate::web::api::schedules::convert::clock_change_note;
use crate::web::api::schedules::load;
use crate::web::app::App;
use crate::web::dashboard::schedules::list::PAGE;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::web::ui::{
    ConfirmItem, ConfirmPage, Confirmation, Form, Hidden, Nav, Rejected, confirmed_audit, links, name_in_path,
    or_error_page, plural, redirect,
};

/// How many runs the confirmation lists.
const LISTED: usize = 10;

/// `GET …?from=&to=`.
pub async fn confirm(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_error_page(&app, &request, try_confirm(&app, &request, name).await)
}

async fn try_confirm(app: &App, request: &HttpRequest, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = name_in_path(name)?;
    let query = Query::parse(request.query_string(), &["from", "to"])?;
    let (Some(from), Some(to)) = (query.get("from"), query.get("to")) else {
        let form = format!("{}#backfill", links::schedule_page(&name));
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, form)).finish());
    };
    page(app, request, &name, (from, to), None).await
}

pub async fn submit(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_error_page(&app, &request, try_submit(&app, &request, name, &body).await)
}

async fn try_submit(
    app: &App,
    request: &HttpRequest,
    name: Path<String>,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let (name, form) = (name_in_path(name)?, Form::read(body)?);
    let range = (form.get("from"), form.get("to"));
    let audit = match confirmed_audit(&form) {
        Ok(audit) => audit,
        Err(rejected) => return page(app, request, &name, range, rejected).await,
    };
    let schedule = load(app, &name).await?;
    let open = backfillable(app, &schedule, parse("from", range.0)?, parse("to", range.1)?).await?;
    run_backfill(app, &name, &open.due, &audit).await?;
    Ok(redirect(&links::schedule_page(&name), Some("schedule-backfilled")))
}

fn parse(field: &str, text: &str) -> Result<OffsetDateTime, ApiError> {
    Ok(crate::wire::time::parse_time(field, text.trim())?)
}

async fn page(
    app: &App,
    request: &HttpRequest,
    name: &str,
    (from, to): (&str, &str),
    rejected: Option<Rejected<'_>>,
) -> Result<HttpResponse, ApiError> {
    let schedule = load(app, name).await?;
    let own = links::schedule_page(name);
    let confirmation = Confirmation {
        nav: Nav::Schedules,
        crumbs: &[("Schedules", PAGE.to_owned()), (name, own.clone())],
        heading: "Backfill schedule",
        icon: "play",
        destructive: false,
        post_to: &format!("{own}/backfill"),
        back: &own,
    };
    let page = ConfirmPage { subject: name.to_owned(), ..confirmation.page(app, request).await? };
    let open = async { backfillable(app, &schedule, parse("from", from)?, parse("to", to)?).await };
    let open = match open.await {
        Ok(open) => open,
        Err(ApiError::Fields(fields)) => {
            let why: Vec<String> = fields.iter().map(|it| format!("The field {} {}.", it.field, it.message)).collect();
            return Ok(ConfirmPage { blocked: Some(why.join(" ")), ..page }.respond_to(request, None));
        }
        Err(error) => return Err(error),
    };
    let n = open.due.len();
    let runs = plural(n as i64, "run");
    let kept = format!("{} that already started. No run starts twice.", plural(open.already as i64, "run"));
    let page = ConfirmPage {
        effects: vec![format!("Starts {runs} immediately.")],
        kept: (open.already > 0).then_some(kept).into_iter().collect(),
        count: Some(runs),
        listed: open.due.iter().take(LISTED).map(|at| item(&schedule, *at, &own)).collect(),
        more: (n > LISTED).then(|| format!("and {} more", n - LISTED)),
        hidden: vec![Hidden::new("from", from), Hidden::new("to", to)],
        blocked: (n == 0).then(|| "Every run in this range has already started.".to_owned()),
        ..page
    };
    Ok(page.respond_to(request, rejected))
}

fn item(schedule: &Schedule, at: OffsetDateTime, own: &str) -> ConfirmItem {
    let occurrence = schedule.plan.timing.occurrence(at);
    let shift = occurrence.clock_change.as_ref().map(|it| format!(" {}", clock_change_note(it))).unwrap_or_default();
    ConfirmItem {
        label: moment::readable(at),
        href: own.to_owned(),
        note: Some(format!("{} {}{shift}", occurrence.local.text, occurrence.local.abbreviation)),
    }
}
