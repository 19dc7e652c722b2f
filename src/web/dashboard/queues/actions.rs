//! What is done to a queue: pause, drain, resume, and its limits.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::QueueState;
use crate::store::limits::Limit;
use crate::web::api::audit;
use crate::web::api::limits::checked;
use crate::web::api::queues::{limit_value, load, not_found, set_concurrency};
use crate::web::app::App;
use crate::web::dashboard::jobs::actions::shown;
use crate::web::dashboard::projects::list::ACTOR;
use crate::web::dashboard::queues::page::{own_limits, page};
use crate::web::dashboard::queues::view::QueueLimits;
use crate::web::dashboard::ui::confirm;
use crate::web::dashboard::ui::confirm::{Question, asks};
use crate::web::dashboard::ui::confirm_view::ConfirmPage;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, mistake, mistakes, see};
use crate::web::dashboard::ui::layout::counted;
use crate::web::dashboard::ui::layout_view::{FieldError, Nav};
use crate::web::dashboard::ui::links as names;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::wire::PutLimit;
use crate::wire::duration::HumanDuration;

/// `GET …/{verb}`: asks whether to pause or drain.
pub async fn ask(app: Data<App>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (name, verb) = path.into_inner();
    or_page(&app, &request, question(&app, &request, &name, &verb, None).await)
}

/// `POST …/{verb}`: pauses or drains.
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
    let (state, word) =
        if verb == "drain" { (QueueState::Draining, "draining") } else { (QueueState::Paused, "paused") };
    app.store.set_queue_state(name, state, &audit).await?.ok_or_else(|| not_found(name))?;
    Ok(see(&names::queue_page(name), Some(word)))
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
    let queue = load(app, name).await?;
    let (own, drains) = (names::queue_page(name), verb == "drain");
    let question = Question {
        nav: Nav::Queues,
        above: &[("Queues", crate::web::dashboard::queues::list::PAGE.to_owned()), (name, own.clone())],
        heading: if drains { "Drain a queue" } else { "Pause a queue" },
        icon: if drains { "funnel" } else { "pause" },
        destroys: drains,
        post_to: &format!("{own}/{verb}"),
        back: &own,
    };
    let waiting = queue.waiting + queue.scheduled + queue.retrying;
    let (happens, mut stays) = if drains {
        let refused = "New jobs are refused with 409 until it is resumed; whoever enqueues must deal with that.";
        let rest = match waiting {
            0 => "It is empty already.".to_owned(),
            n => format!("What is in it is worked off: {} now.", counted(n, "job")),
        };
        (refused, vec![rest])
    } else {
        let rest = match waiting {
            0 => "New jobs are accepted and wait.".to_owned(),
            n => format!("New jobs are accepted and wait, behind the {} that wait now.", counted(n, "job")),
        };
        ("No job of it is taken any more until it is resumed.", vec![rest])
    };
    if queue.active > 0 {
        stays.push(format!("What runs finishes: {} now.", counted(queue.active, "job")));
    }
    let page = ConfirmPage {
        subject: name.to_owned(),
        happens: vec![happens.to_owned()],
        stays,
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

/// `POST …/resume`.
pub async fn resume(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_resume(&app, name, &body).await)
}

async fn try_resume(app: &App, name: Path<String>, body: &Body) -> Result<HttpResponse, ApiError> {
    let (name, form) = (names::plain(name)?, Form::read(body)?);
    let audit = audit::audit(ACTOR, None)?;
    app.store.set_queue_state(&name, QueueState::Active, &audit).await?.ok_or_else(|| not_found(&name))?;
    Ok(see(form.path("back").unwrap_or(&names::queue_page(&name)), Some("resumed")))
}

/// `POST …/limits`.
pub async fn limits(app: Data<App>, request: HttpRequest, name: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_limits(&app, &request, name, &body).await)
}

async fn try_limits(
    app: &App,
    request: &HttpRequest,
    name: Path<String>,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let (name, form) = (names::plain(name)?, Form::read(body)?);
    let queue = load(app, &name).await?;
    let wish = match wish(&name, &form) {
        Ok(wish) => wish,
        Err(errors) => {
            return page(app, request, &name, Some(typed(&form, errors)), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let audit = audit::audit(ACTOR, form.word("reason").map(str::to_owned))?;
    // Saving the form without a change is no change for the record.
    if wish.concurrency != queue.concurrency {
        set_concurrency(app, &name, wish.concurrency, &audit).await?;
    }
    let is_same = |limit: &Limit| {
        queue.rate == Some((limit.most, limit.span.unwrap_or_default(), limit.burst.unwrap_or_default()))
    };
    match wish.rate {
        Some(limit) if is_same(&limit) => {}
        Some(limit) => _ = app.store.put_limit(&limit, &audit).await?,
        None => {
            let [_, rate] = own_limits(&name);
            app.store.remove_limit(&rate, &audit).await?;
        }
    }
    Ok(see(&names::queue_page(&name), Some("limits")))
}

/// The limits that somebody asks for; nothing is no limit.
struct Wish {
    concurrency: Option<i32>,
    rate: Option<Limit>,
}

fn wish(name: &str, form: &Form) -> Result<Wish, Vec<FieldError>> {
    let mut errors = Vec::new();
    if form.get("reason").chars().count() > 500 {
        errors.push(mistake("reason", "The reason must have at most 500 characters."));
    }
    let concurrency = whole(form, "concurrency", "Running at once", &mut errors);
    let concurrency = concurrency.and_then(|it| match limit_value("concurrency", it) {
        Ok(it) => Some(it),
        Err(_) => {
            errors.push(mistake("concurrency", "Running at once must be a whole number from 0 to 1000000."));
            None
        }
    });
    let rate = whole(form, "rate", "Starts", &mut errors);
    let burst = whole(form, "burst", "Burst", &mut errors);
    let window = form.word("window").map(|text| (HumanDuration::parse(text), text));
    if let Some((None, _)) = window {
        errors.push(mistake("window", "The window must be a number of seconds, like 60 or 0.5."));
    }
    if rate.is_none() && form.word("rate").is_none() && (burst.is_some() || window.is_some()) {
        errors.push(mistake("rate", "Say how many may start in the window, or leave window and burst empty."));
    }
    let [_, own] = own_limits(name);
    let wish = |limit| PutLimit {
        name: own,
        scope: "queue".to_owned(),
        value: Some(name.to_owned()),
        mode: Some("rate".to_owned()),
        limit,
        window: window.and_then(|(span, _)| span),
        burst,
        enabled: None,
        reason: None,
    };
    let rate = match rate.map(|limit| checked(wish(limit))) {
        Some(Ok(limit)) => Some(limit),
        Some(Err(error)) => {
            errors.extend(mistakes(error, rate_field).unwrap_or_default());
            None
        }
        None => None,
    };
    if errors.is_empty() { Ok(Wish { concurrency, rate }) } else { Err(errors) }
}

fn rate_field(name: &str) -> &'static str {
    match name {
        "window" => "window",
        "burst" => "burst",
        _ => "rate",
    }
}

/// A number, or nothing where the field is empty.
pub fn whole(form: &Form, field: &str, label: &str, errors: &mut Vec<FieldError>) -> Option<i64> {
    let text = form.word(field)?;
    let read = text.parse().ok();
    if read.is_none() {
        errors.push(mistake(field, format!("{label} must be a whole number.")));
    }
    read
}

fn typed(form: &Form, errors: Vec<FieldError>) -> QueueLimits {
    let text = |name: &str| form.get(name).to_owned();
    QueueLimits {
        concurrency: text("concurrency"),
        rate: text("rate"),
        window: text("window"),
        burst: text("burst"),
        reason: text("reason"),
        errors,
        ..QueueLimits::default()
    }
}
