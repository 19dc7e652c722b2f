//! What is done to a schedule: run now, pause, resume, delete, backfill.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use crate::domain::moment;
use crate::store::schedules::Removed;
use crate::web::api::audit;
use crate::web::api::schedules::actions::{backfillable, run_backfill, run_now, set_enabled};
use crate::web::api::schedules::convert::clock_change_note;
use crate::web::api::schedules::{load, load_any};
use crate::web::app::App;
use crate::web::dashboard::jobs::actions::shown;
use crate::web::dashboard::projects::list::ACTOR;
use crate::web::dashboard::schedules::list::PAGE;
use crate::web::dashboard::ui::confirm;
use crate::web::dashboard::ui::confirm::{Question, asks};
use crate::web::dashboard::ui::confirm_view::{ConfirmItem, ConfirmPage};
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::counted;
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::parts::Hidden;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::Query;
use crate::wire::time::parse_time;

/// How many due times a question lists.
const LISTED: usize = 10;

/// `POST …/run`.
pub async fn run(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_page(&app, &request, try_run(&app, name).await)
}

async fn try_run(app: &App, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = names::plain(name)?;
    run_now(app, &name, &audit::audit(ACTOR, None)?).await?;
    Ok(see(&names::schedule_page(&name), Some("schedule-run")))
}

/// `POST …/resume`.
pub async fn resume(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_page(&app, &request, try_resume(&app, name).await)
}

async fn try_resume(app: &App, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = names::plain(name)?;
    set_enabled(app, &name, true, &audit::audit(ACTOR, None)?).await?;
    Ok(see(&names::schedule_page(&name), Some("schedule-resumed")))
}

/// `GET …/{verb}`: asks whether to pause or delete.
pub async fn ask(app: Data<App>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (name, verb) = path.into_inner();
    or_page(&app, &request, question(&app, &request, &name, &verb, None).await)
}

/// `POST …/{verb}`: pauses or deletes.
pub async fn act(app: Data<App>, request: HttpRequest, path: Path<(String, String)>, body: Body) -> HttpResponse {
    let (name, verb) = path.into_inner();
    or_page(&app, &request, try_act(&app, &request, &name, &verb, &body).await)
}

async fn try_act(
    app: &App,
    request: &HttpRequest,
    name: &str,
    verb: &str,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return question(app, request, name, verb, refused).await,
    };
    if verb == "pause" {
        set_enabled(app, name, false, &audit).await?;
        return Ok(see(&names::schedule_page(name), Some("schedule-paused")));
    }
    // Whoever else deleted it wanted the same.
    match app.store.remove_schedule(name, None, &audit).await? {
        Removed::Yes | Removed::Missing | Removed::Stale { .. } => Ok(see(PAGE, Some("schedule-deleted"))),
    }
}

async fn question(
    app: &App,
    request: &HttpRequest,
    name: &str,
    verb: &str,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    if name.contains('\0') {
        return Err(ApiError::NoRoute);
    }
    // Also one that cannot be read can be deleted.
    _ = load_any(app, name).await?;
    let (own, deletes) = (names::schedule_page(name), verb == "delete");
    let question = Question {
        nav: Nav::Schedules,
        above: &[("Schedules", PAGE.to_owned()), (name, own.clone())],
        heading: if deletes { "Delete a schedule" } else { "Pause a schedule" },
        icon: if deletes { "trash" } else { "pause" },
        destroys: deletes,
        post_to: &format!("{own}/{verb}"),
        back: &own,
    };
    let (happens, stays) = if deletes {
        ("It starts nothing any more, and cannot be backfilled.", "What it started, and the record of it.")
    } else {
        (
            "Nothing starts by itself until it is resumed; what falls into that time is not made up for.",
            "What it started goes on. It can still be run now, and backfilled later.",
        )
    };
    let page = ConfirmPage {
        subject: name.to_owned(),
        happens: vec![happens.to_owned()],
        stays: vec![stays.to_owned()],
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

/// `GET …/backfill?from=&to=`: tells what would start, and asks.
pub async fn ask_backfill(app: Data<App>, request: HttpRequest, name: Path<String>) -> HttpResponse {
    or_page(&app, &request, try_ask_backfill(&app, &request, name).await)
}

async fn try_ask_backfill(app: &App, request: &HttpRequest, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = names::plain(name)?;
    let query = Query::parse(request.query_string(), &["from", "to"])?;
    let (Some(from), Some(to)) = (query.get("from"), query.get("to")) else {
        let form = format!("{}#backfill", names::schedule_page(&name));
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, form)).finish());
    };
    backfill_page(app, request, &name, (from, to), None).await
}

/// `POST …/backfill`.
pub async fn backfill(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_backfill(&app, &request, name, &body).await)
}

async fn try_backfill(
    app: &App,
    request: &HttpRequest,
    name: Path<String>,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let (name, form) = (names::plain(name)?, Form::read(body)?);
    let said = (form.get("from"), form.get("to"));
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return backfill_page(app, request, &name, said, refused).await,
    };
    let schedule = load(app, &name).await?;
    let open = backfillable(app, &schedule, parsed("from", said.0)?, parsed("to", said.1)?).await?;
    run_backfill(app, &name, &open.due, &audit).await?;
    Ok(see(&names::schedule_page(&name), Some("schedule-backfilled")))
}

fn parsed(field: &str, text: &str) -> Result<OffsetDateTime, ApiError> {
    Ok(parse_time(field, text.trim())?)
}

async fn backfill_page(
    app: &App,
    request: &HttpRequest,
    name: &str,
    (from, to): (&str, &str),
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    let schedule = load(app, name).await?;
    let own = names::schedule_page(name);
    let question = Question {
        nav: Nav::Schedules,
        above: &[("Schedules", PAGE.to_owned()), (name, own.clone())],
        heading: "Backfill a schedule",
        icon: "play",
        destroys: false,
        post_to: &format!("{own}/backfill"),
        back: &own,
    };
    let blank = ConfirmPage { subject: name.to_owned(), ..asks(app, request, question).await? };
    let span = async { backfillable(app, &schedule, parsed("from", from)?, parsed("to", to)?).await };
    let open = match span.await {
        Ok(open) => open,
        Err(ApiError::Fields(fields)) => {
            let why: Vec<String> = fields.iter().map(|it| format!("The field {} {}.", it.field, it.message)).collect();
            return Ok(shown(request, ConfirmPage { blocked: Some(why.join(" ")), ..blank }, None));
        }
        Err(error) => return Err(error),
    };
    let n = open.due.len();
    let listed = open.due.iter().take(LISTED).map(|at| {
        let look = schedule.plan.timing.look(*at);
        let shift = look.shift.as_ref().map(|it| format!(" {}", clock_change_note(it))).unwrap_or_default();
        ConfirmItem {
            label: moment::readable(*at),
            href: own.clone(),
            note: Some(format!("{} {}{shift}", look.local.text, look.local.abbreviation)),
        }
    });
    let hidden = |field: &str, value: &str| Hidden { field: field.to_owned(), value: value.to_owned() };
    let mut stays = Vec::new();
    if open.already > 0 {
        stays.push(format!(
            "{} started something before, and nothing starts twice.",
            counted(open.already as i64, "due time")
        ));
    }
    let page = ConfirmPage {
        happens: vec![format!("It starts at once what {} would have started.", counted(n as i64, "due time"))],
        stays,
        count: Some(counted(n as i64, "due time")),
        listed: listed.collect(),
        more: (n > LISTED).then(|| format!("and {} more", n - LISTED)),
        hidden: vec![hidden("from", from), hidden("to", to)],
        blocked: (n == 0).then(|| "No due time of this span is left that did not start something.".to_owned()),
        ..blank
    };
    Ok(shown(request, page, refused))
}
