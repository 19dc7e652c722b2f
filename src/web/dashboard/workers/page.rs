//! `/dashboard/workers/{id}`: one worker, what it has in hand, and what is done to it.

use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use crate::domain::WorkerState;
use crate::store::stats::WorkerActivity;
use crate::store::workers::RegisteredWorker;
use crate::web::api::audit;
use crate::web::api::workers::{load, not_found};
use crate::web::app::App;
use crate::web::dashboard::jobs::actions::shown;
use crate::web::dashboard::jobs::facts::how_far;
use crate::web::dashboard::jobs::list::attempt;
use crate::web::dashboard::projects::list::ACTOR;
use crate::web::dashboard::ui::confirm;
use crate::web::dashboard::ui::confirm::{Question, asks};
use crate::web::dashboard::ui::confirm_view::ConfirmPage;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Shown, count, counted, respond, stamp};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::dashboard::ui::links as names;
use crate::web::dashboard::ui::state::Outcome;
use crate::web::dashboard::workers::list as workers;
use crate::web::dashboard::workers::list::{changed, is_other, serves_all, slots, state};
use crate::web::dashboard::workers::view::{OutcomeRow, RunningRow, WorkerPage};
use crate::web::error::ApiError;
use crate::web::extract::Body;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// How many jobs in hand, and queues that it worked on, a page looks at.
const HELD: i64 = 100;
const QUEUES: i64 = 1000;

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest, id: Path<String>) -> HttpResponse {
    or_page(&app, &request, page(&app, &request, id).await)
}

async fn page(app: &App, request: &HttpRequest, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = names::plain(id)?;
    let it = load(app, &id).await?;
    let worked = app.store.worker_stats(HOUR, None, Some(&id), QUEUES).await?;
    let running = running(app, &id).await?;
    let frame =
        Frame::of(app, request).at(Nav::Workers).counting(&Counts::of(app).await?).below("Workers", workers::PAGE);
    let worker = &it.worker;
    let page = WorkerPage {
        shell: frame.shell(&id),
        name: id.clone(),
        href: names::worker_page(&id),
        state: state(it.state),
        changed: changed(&it),
        means: means(&it),
        slots: slots(&it),
        running,
        outcomes: outcomes(&worked),
        queues: if serves_all(&worker.queues) {
            Vec::new()
        } else {
            worker.queues.iter().map(|it| names::queue(it)).collect()
        },
        kinds: if serves_all(&worker.kinds) { Vec::new() } else { worker.kinds.clone() },
        host: worker.host.clone(),
        pid: worker.pid.to_string(),
        incarnation: worker.incarnation.clone(),
        other_version: is_other(&worker.version),
        version: worker.version.clone(),
        started: stamp(it.started_at),
        seen: stamp(it.seen_at),
    };
    Ok(respond(request, Shown::new(&page, page.as_main())))
}

async fn running(app: &App, id: &str) -> Result<Vec<RunningRow>, ApiError> {
    let held = app.store.executions_of_worker(id, HELD).await?;
    let ids: Vec<Uuid> = held.iter().map(|(it, _)| it.job_id).collect();
    let jobs = app.store.get_jobs(&ids).await?;
    let row = |(it, lease_until): (crate::store::jobs::Execution, time::OffsetDateTime)| {
        let job = jobs.iter().find(|job| job.id == it.job_id);
        RunningRow {
            job: names::job(it.job_id, &it.kind),
            queue: names::queue(&it.queue),
            attempt: job.map_or_else(|| it.attempt.to_string(), |job| attempt(job.attempt, job.max_attempts)),
            since: stamp(it.claimed_at),
            lease_until: stamp(lease_until),
            progress: how_far(it.progress.as_ref()),
            canceling: job.is_some_and(|job| job.cancel_requested_at.is_some()),
        }
    };
    Ok(held.into_iter().map(row).collect())
}

fn means(it: &RegisteredWorker) -> String {
    let jobs = counted(it.busy.into(), "job");
    match (it.state, it.busy) {
        (WorkerState::Online, _) => String::new(),
        (WorkerState::Cordoned, 0) => "It has nothing left to do and takes no more.".to_owned(),
        (WorkerState::Cordoned, _) => format!("It finishes {jobs} and takes no more."),
        (WorkerState::Draining, 0) => "It has nothing left to do; it can be ended.".to_owned(),
        (WorkerState::Draining, _) => {
            format!("It takes no more, and hands back what it does not finish in time: {jobs} left.")
        }
        (WorkerState::Lost, _) => {
            "It has been silent for longer than a lease lasts. What it had is taken back and done by others.".to_owned()
        }
    }
}

/// How its attempts ended, most frequent first. Those that still run have not.
fn outcomes(worked: &[WorkerActivity]) -> Vec<OutcomeRow> {
    let sum = |of: fn(&WorkerActivity) -> i64| worked.iter().map(of).sum::<i64>();
    let ways = [
        (Outcome::Completed, sum(|it| it.completed)),
        (Outcome::Failed, sum(|it| it.failed)),
        (Outcome::TimedOut, sum(|it| it.timeouts)),
    ];
    let all: i64 = ways.iter().map(|(_, n)| n).sum();
    let mut rows: Vec<(Outcome, i64)> = ways.into_iter().filter(|(_, n)| *n > 0).collect();
    rows.sort_by_key(|(_, n)| -n);
    let row = |(outcome, n): (Outcome, i64)| OutcomeRow {
        outcome,
        count: count(n),
        percent: u32::try_from((n * 100 + all / 2) / all.max(1)).unwrap_or(100),
    };
    rows.into_iter().map(row).collect()
}

/// `GET …/{verb}`: asks whether to cordon or drain.
pub async fn ask(app: Data<App>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (id, verb) = path.into_inner();
    or_page(&app, &request, question(&app, &request, &id, &verb, None).await)
}

/// `POST …/{verb}`: cordons or drains.
pub async fn act(app: Data<App>, request: HttpRequest, path: Path<(String, String)>, body: Body) -> HttpResponse {
    let (id, verb) = path.into_inner();
    or_page(&app, &request, try_act(&app, &request, &id, &verb, &body).await)
}

async fn try_act(
    app: &App,
    request: &HttpRequest,
    id: &str,
    verb: &str,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let audit = match confirm::agreed(&form) {
        Ok(audit) => audit,
        Err(refused) => return question(app, request, id, verb, refused).await,
    };
    let (state, word) = match verb {
        "drain" => (WorkerState::Draining, "worker-draining"),
        _ => (WorkerState::Cordoned, "cordoned"),
    };
    app.store.set_worker_state(id, state, &audit).await?.ok_or_else(|| not_found(id))?;
    Ok(see(&names::worker_page(id), Some(word)))
}

async fn question(
    app: &App,
    request: &HttpRequest,
    id: &str,
    verb: &str,
    refused: Option<(String, &str)>,
) -> Result<HttpResponse, ApiError> {
    if id.contains('\0') {
        return Err(ApiError::NoRoute);
    }
    let it = load(app, id).await?;
    let (own, drains) = (names::worker_page(id), verb == "drain");
    let question = Question {
        nav: Nav::Workers,
        above: &[("Workers", workers::PAGE.to_owned()), (id, own.clone())],
        heading: if drains { "Drain a worker" } else { "Cordon a worker" },
        icon: if drains { "funnel" } else { "pause" },
        destroys: drains,
        post_to: &format!("{own}/{verb}"),
        back: &own,
    };
    let jobs = counted(it.busy.into(), "job");
    let takes_none = "It takes no more jobs until it is uncordoned.".to_owned();
    let (happens, stays) = if drains {
        let hands_back =
            format!("What it does not finish in time is handed back for others, without a failure: it has {jobs} now.");
        (vec![takes_none, hands_back], "Its process goes on running, and says so.")
    } else {
        (vec![takes_none], "It finishes what it has.")
    };
    let stays = if drains { stays.to_owned() } else { format!("{} That is {jobs} now.", stays) };
    let page = ConfirmPage {
        subject: id.to_owned(),
        happens,
        stays: vec![stays],
        blocked: (it.state == WorkerState::Lost).then(|| "It is lost: it would not hear of it.".to_owned()),
        ..asks(app, request, question).await?
    };
    Ok(shown(request, page, refused))
}

/// `POST …/uncordon`.
pub async fn uncordon(app: Data<App>, request: HttpRequest, id: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_uncordon(&app, id, &body).await)
}

async fn try_uncordon(app: &App, id: Path<String>, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (names::plain(id)?, Form::read(body)?);
    let audit = audit::audit(ACTOR, None)?;
    app.store.set_worker_state(&id, WorkerState::Online, &audit).await?.ok_or_else(|| not_found(&id))?;
    Ok(see(form.path("back").unwrap_or(&names::worker_page(&id)), Some("uncordoned")))
}

/// `POST …/forget`. Its own page is gone with it, so the list is next.
pub async fn forget(app: Data<App>, request: HttpRequest, id: Path<String>, body: Body) -> HttpResponse {
    or_page(&app, &request, try_forget(&app, id, &body).await)
}

async fn try_forget(app: &App, id: Path<String>, body: &Body) -> Result<HttpResponse, ApiError> {
    let (id, form) = (names::plain(id)?, Form::read(body)?);
    let back = form.path("back").unwrap_or(workers::PAGE);
    let audit = audit::audit(ACTOR, None)?;
    let it = load(app, &id).await?;
    let gone = it.state == WorkerState::Lost && app.store.forget_workers(Some(&id), app.silence(), &audit).await? > 0;
    Ok(see(back, Some(&if gone { "forgotten".to_owned() } else { format!("forget-refused.{}", it.state) })))
}
