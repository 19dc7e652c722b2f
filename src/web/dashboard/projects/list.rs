//! `/dashboard/projects`: the list, and the form that makes one more.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::histogram::Histogram;
use crate::domain::{ProjectName, ProjectStatus, ProjectVerb};
use crate::store::projects::{Created, Filter, NewProject, Project};
use crate::web::api::{audit, idempotency};
use crate::web::app::App;
use crate::web::dashboard::projects::list_view::{
    CreateForm, ListFilter, ProjectRow, ProjectsPage, StatusTab, TemplateOption,
};
use crate::web::dashboard::projects::page::delete_blocked;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::error::or_page;
use crate::web::dashboard::ui::form::{Form, see};
use crate::web::dashboard::ui::layout::{Frame, Preferences, Shown, count, is_live, respond, stamp};
use crate::web::dashboard::ui::layout_view::{FieldError, Nav};
use crate::web::dashboard::ui::status::ProjectStatus as Status;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::query::{DEFAULT_LIMIT, Query};

/// How the dashboard calls itself in the record.
pub const ACTOR: &str = "dashboard";

/// `GET`.
pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_page(&app, &request, list(&app, &request, CreateForm::default(), StatusCode::OK).await)
}

/// `POST`: creates, then shows the new project; or shows the list again with what was wrong.
pub async fn create(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answer = match try_create(&app, &body).await {
        Ok(Ok(id)) => Ok(see(&format!("/dashboard/projects/{id}"), Some("created"))),
        Ok(Err(form)) => list(&app, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await,
        Err(error) => Err(error),
    };
    or_page(&app, &request, answer)
}

async fn try_create(app: &App, body: &Body) -> Result<Result<Uuid, CreateForm>, ApiError> {
    let form = Form::read(body)?;
    let refused = |field: &str, message: String| CreateForm {
        project_name: form.get("project_name").to_owned(),
        errors: vec![FieldError { field: field.to_owned(), message }],
        ..CreateForm::default()
    };
    let name = match ProjectName::parse(form.get("project_name")) {
        Ok(name) => name,
        Err(error) => return Ok(Err(refused("project_name", format!("The name {error}.")))),
    };
    let wanted = Some(form.get("template").to_owned()).filter(|text| !text.is_empty());
    let Ok(template) = crate::web::api::projects::fields::template(wanted, &app.templates) else {
        return Ok(Err(refused("template", "Choose one of the templates.".to_owned())));
    };
    let said = format!("{}\0{template}", name.as_str());
    let key = Some(form.get("idempotency_key")).filter(|key| (1..=255).contains(&key.len()) && key.is_ascii());
    let key = key.map(|key| idempotency::form_key(key, said.as_bytes()));
    let mut new = NewProject { name, template, parameters: Default::default(), labels: Default::default(), key };
    let audit = audit::audit(ACTOR, None)?;
    loop {
        match app.store.create_project(&new, app.bounds(), &audit).await? {
            Created::New(project) => {
                app.telemetry.created.inc();
                return Ok(Ok(project.id));
            }
            Created::Replayed(project) => return Ok(Ok(project.id)),
            // Somebody went back to the form and asked for something else: that is a new wish.
            Created::KeyReused => new.key = None,
            Created::InFlight => return Err(ApiError::KeyInFlight),
        }
    }
}

async fn list(
    app: &App,
    request: &HttpRequest,
    mut create: CreateForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["status", "search", "cursor", "label", "limit"])?;
    let mut filter = query.projects()?;
    // "No status said" starts with the reader's own; `?status=` says "all".
    if !query.has("status") {
        filter.status = Preferences::of(request).status;
    }
    let (rows, counted) = (app.store.list_projects(&filter).await?, Counts::of(app).await?);
    let counts = &counted.projects;
    let usual = Usual::of(app).await?;
    let frame = Frame::of(app, request).at(Nav::Projects).counting(&counted);
    create.templates = app.templates.iter().map(|name| option(name)).collect();
    if !is_live(request) {
        create.idempotency_key = Uuid::new_v4().to_string();
    }
    let older = rows
        .last()
        .filter(|_| rows.len() as i64 == filter.limit)
        .map(|last| href(&filter, filter.status, Some(last.id)));
    let now = OffsetDateTime::now_utc();
    let page = ProjectsPage {
        shell: frame.shell("Projects"),
        create,
        tabs: tabs(&filter, counts),
        filter: ListFilter {
            status: filter.status.map(view),
            search: filter.search.clone().unwrap_or_default(),
            here: href(&filter, filter.status, filter.before),
        },
        matching: matching(&filter, counts, rows.len()),
        rows: rows.into_iter().map(|project| row(project, &usual, now)).collect(),
        newer: filter.before.map(|_| href(&filter, filter.status, None)),
        older,
        exists: exists(counts),
        curl: format!(
            "curl -X POST http://{}/projects -H 'content-type: application/json' -d '{{\"name\": \"my-first\"}}'",
            app.host
        ),
    };
    Ok(respond(request, Shown::new(&page, page.as_main()).with_status(status)))
}

fn option(name: &str) -> TemplateOption {
    TemplateOption { name: name.to_owned(), about: String::new(), selected: false }
}

/// How long provisioning took lately, to say what is usual.
pub struct Usual {
    pub median: Option<f64>,
    pub p95: Option<f64>,
}

impl Usual {
    /// Over the last day, in seconds.
    pub async fn of(app: &App) -> Result<Self, ApiError> {
        let day = Duration::from_secs(24 * 60 * 60);
        let mut taken = Histogram::default();
        app.store
            .count_provisions(day, day)
            .await?
            .iter()
            .filter(|it| it.ready)
            .for_each(|it| taken.add(it.bucket, it.n));
        let seconds = |quantile| taken.percentile(quantile).map(|ms| ms / 1000.0);
        Ok(Self { median: seconds(0.5), p95: seconds(0.95) })
    }

    /// Whether a project that has moved for so long is slower than nearly all others.
    pub fn is_slow(&self, project: &Project, now: OffsetDateTime) -> bool {
        let moving = matches!(project.status, ProjectStatus::Creating | ProjectStatus::Provisioning);
        moving && self.p95.is_some_and(|p95| (now - project.requested_at).as_seconds_f64() > p95 + 1.0)
    }

    /// "usually 3 s".
    pub fn words(&self) -> Option<String> {
        self.median.map(crate::web::dashboard::ui::chart::seconds)
    }
}

fn row(project: Project, usual: &Usual, now: OffsetDateTime) -> ProjectRow {
    let note = match project.status {
        ProjectStatus::Creating => Some("Waits for a free worker".to_owned()),
        ProjectStatus::Provisioning => usual.words().map(|usual| format!("Usually ready in {usual}")),
        ProjectStatus::Deleting => Some("Being removed".to_owned()),
        _ => project.error_reason.clone(),
    };
    ProjectRow {
        id: project.id.to_string(),
        short_id: short(project.id),
        status: view(project.status),
        note,
        since: project.status.is_transient().then(|| stamp(project.requested_at)),
        slow: usual.is_slow(&project, now),
        created: stamp(project.created_at),
        updated: stamp(project.updated_at),
        can_retry: ProjectVerb::Retry.target(project.status).is_some(),
        delete_blocked: delete_blocked(project.status),
        name: project.name,
    }
}

/// Enough of an id to recognise it. The first characters of a UUIDv7 are its time, so the end tells neighbours apart.
pub fn short(id: Uuid) -> String {
    let text = id.to_string();
    format!("{}…{}", &text[..8], &text[text.len() - 4..])
}

/// The page's own word for a status.
pub fn view(status: ProjectStatus) -> Status {
    Status::from_name(status.as_str())
}

/// How many projects there are that are not deleted.
pub fn alive(counts: &BTreeMap<ProjectStatus, i64>) -> i64 {
    counts.iter().filter(|(status, _)| **status != ProjectStatus::Deleted).map(|(_, n)| n).sum()
}

fn tabs(filter: &Filter, counts: &BTreeMap<ProjectStatus, i64>) -> Vec<StatusTab> {
    let tab = |status: Option<ProjectStatus>, n: i64| StatusTab {
        status: status.map(view),
        count: count(n),
        href: href(filter, status, None),
        current: filter.status == status,
    };
    let of = |status: &Status| {
        ProjectStatus::parse(status.name()).map(|it| tab(Some(it), counts.get(&it).copied().unwrap_or(0)))
    };
    std::iter::once(tab(None, alive(counts))).chain(Status::ALL.iter().filter_map(of)).collect()
}

fn matching(filter: &Filter, counts: &BTreeMap<ProjectStatus, i64>, shown: usize) -> String {
    if filter.search.is_none() && filter.labels.is_none() {
        return count(filter.status.map_or_else(|| alive(counts), |status| counts.get(&status).copied().unwrap_or(0)));
    }
    // Counting what a search finds would mean scanning; the page says what it knows.
    if shown as i64 == filter.limit || filter.before.is_some() { "many".to_owned() } else { count(shown as i64) }
}

fn exists(counts: &BTreeMap<ProjectStatus, i64>) -> String {
    let ready = counts.get(&ProjectStatus::Ready).copied().unwrap_or(0);
    format!("{} projects in all, {} of them ready", count(alive(counts)), count(ready))
}

/// The list with another status or another page, keeping the rest.
fn href(filter: &Filter, status: Option<ProjectStatus>, before: Option<Uuid>) -> String {
    let before = before.map(|id| id.to_string());
    let labels: Vec<String> =
        filter.labels.iter().flat_map(|it| it.as_map()).map(|(k, v)| format!("{k}={v}")).collect();
    let limit = filter.limit.to_string();
    let mut pairs = vec![("status", status.map_or("", ProjectStatus::as_str))];
    pairs.extend(labels.iter().map(|label| ("label", label.as_str())));
    pairs.extend((filter.limit != DEFAULT_LIMIT).then_some(("limit", limit.as_str())));
    pairs.extend(filter.search.as_deref().map(|text| ("search", text)));
    pairs.extend(before.as_deref().map(|id| ("cursor", id)));
    format!("/dashboard/projects?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}
