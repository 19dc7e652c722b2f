//! `/dashboard/projects`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::histogram::Histogram;
use crate::domain::{Health, ProjectStatus, ProjectVerb};
use crate::store::projects::{Filter, Project};
use crate::web::api::projects::conditions_of;
use crate::web::app::App;
use crate::web::dashboard::projects::create::CreateForm;
use crate::web::error::ApiError;
use crate::web::query::{DEFAULT_LIMIT, Query};
use crate::web::ui::{
    Badge, Counts, Nav, PROJECT_STATUSES, Pages, Preferences, Rendering, Shell, StateBadge, Tab, Tone, count, duration,
    filters, links, or_error_page, plural, respond, short_id,
};

pub const PAGE: &str = "/dashboard/projects";
#[derive(Debug, Clone, Template)]
#[template(path = "projects/list.html", blocks = ["main"], whitespace = "minimize")]
pub struct ProjectsPage {
    pub shell: Shell,
    pub create: CreateForm,
    pub tabs: Vec<Tab>,
    pub status: Option<ProjectStatus>,
    pub search: String,
    /// The URL of this list, to return to after an action.
    pub here: String,
    /// Newest first.
    pub rows: Vec<Project>,
    pub pages: Pages,
    pub times: ProvisionTimes,
    /// "12 projects, 9 ready", for a filter without matches.
    pub totals: String,
    /// Creates a project, for an installation without any.
    pub curl: String,
}

pub async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, list(&app, &request, CreateForm::default(), StatusCode::OK).await)
}

/// The list with the form given.
pub async fn list(
    app: &App,
    request: &HttpRequest,
    create: CreateForm,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["status", "search", "cursor", "label", "limit"])?;
    let mut filter = query.projects()?;
    // Without `status` the list starts with the preferred filter; an empty `status` shows all.
    if !query.has("status") {
        filter.status = Preferences::of(request).status;
    }
    let (rows, counts) = (app.store.list_projects(&filter).await?, Counts::load(app).await?);
    let next = rows.last().filter(|_| rows.len() as i64 == filter.limit).map(|last| last.id);
    let page = ProjectsPage {
        shell: Shell::new(app, request).at(Nav::Projects).with_counts(&counts).titled("Projects"),
        create: create.prepared(app, request),
        tabs: tabs(&filter, &counts),
        status: filter.status,
        search: filter.search.clone().unwrap_or_default(),
        here: href(&filter, filter.status, filter.before),
        pages: Pages {
            matching: matching(&filter, &counts, rows.len() as i64),
            newer: filter.before.map(|_| href(&filter, filter.status, None)),
            older: next.map(|id| href(&filter, filter.status, Some(id))),
        },
        rows,
        times: ProvisionTimes::load(app).await?,
        totals: format!(
            "{}, {} ready",
            plural(counts.existing_projects(), "project"),
            count(counts.projects_in(ProjectStatus::Ready))
        ),
        curl: format!(
            "curl -X POST http://{}/projects -H 'content-type: application/json' -d '{{\"name\": \"my-first\"}}'",
            app.host
        ),
    };
    Ok(respond(request, Rendering::new(&page, page.as_main()).with_status(status)))
}

impl ProjectsPage {
    pub fn note(&self, project: &Project) -> Option<String> {
        match project.status {
            ProjectStatus::Creating => Some("Waiting for a worker".to_owned()),
            ProjectStatus::Provisioning => self.times.usual().map(|usual| format!("Usually ready in {usual}")),
            ProjectStatus::Deleting => Some("Deletion in progress".to_owned()),
            ProjectStatus::PendingDeletion => Some("Can be restored".to_owned()),
            _ => project.error_reason.clone(),
        }
    }

    pub fn is_slow(&self, project: &Project) -> bool {
        self.times.is_slow(project, OffsetDateTime::now_utc())
    }
}

/// The text of a project.
pub trait ProjectView {
    fn href(&self) -> String;
    fn short_id(&self) -> String;
    fn can_retry(&self) -> bool;
    /// Shown if the project is not known to be healthy although it is ready.
    fn health_badge(&self) -> Option<Badge>;
    /// Whether a deletion can have a grace time.
    fn is_restorable(&self) -> bool;
    /// Why the project cannot be deleted now.
    fn delete_blocked(&self) -> Option<&'static str>;
}

impl ProjectView for Project {
    fn href(&self) -> String {
        links::project_page(self.id)
    }

    fn short_id(&self) -> String {
        short_id(self.id)
    }

    fn can_retry(&self) -> bool {
        ProjectVerb::Retry.applies_to(self.status)
    }

    fn health_badge(&self) -> Option<Badge> {
        let conditions = conditions_of(self.conditions.as_deref());
        let healthy = conditions.iter().find(|it| it.kind == "healthy")?;
        match Health::of_condition(Some(&healthy.status)) {
            Health::Healthy => None,
            Health::Unhealthy => Some(Badge::new(Tone::Bad, "warn", "Unhealthy")),
            Health::Unknown => Some(Badge::new(Tone::Wait, "warn", "Health unknown")),
        }
    }

    fn is_restorable(&self) -> bool {
        self.was_ready && !matches!(self.status, ProjectStatus::PendingDeletion | ProjectStatus::Deleted)
    }

    fn delete_blocked(&self) -> Option<&'static str> {
        match self.status {
            ProjectStatus::Deleting => Some("The project is being deleted"),
            ProjectStatus::Deleted => Some("The project is deleted"),
            _ if self.is_protected => Some("The project is protected from deletion"),
            _ => None,
        }
    }
}

/// Provisioning times of the last day, in seconds.
#[derive(Debug, Clone)]
pub struct ProvisionTimes {
    pub median: Option<f64>,
    pub p95: Option<f64>,
}

impl ProvisionTimes {
    pub async fn load(app: &App) -> Result<Self, ApiError> {
        let day = Duration::from_secs(24 * 60 * 60);
        let mut times = Histogram::default();
        let provisions = app.store.count_provisions(day, day).await?;
        provisions.iter().filter(|it| it.ready).for_each(|it| times.add(it.bucket, it.n));
        let seconds = |quantile| times.percentile(quantile).map(|ms| ms / 1000.0);
        Ok(Self { median: seconds(0.5), p95: seconds(0.95) })
    }

    /// Whether a project takes longer than 95% of all others.
    pub fn is_slow(&self, project: &Project, now: OffsetDateTime) -> bool {
        let on_its_way = matches!(project.status, ProjectStatus::Creating | ProjectStatus::Provisioning);
        on_its_way && self.p95.is_some_and(|p95| (now - project.requested_at).as_seconds_f64() > p95 + 1.0)
    }

    /// The median: "3 s".
    pub fn usual(&self) -> Option<String> {
        self.median.map(duration)
    }
}

fn tabs(filter: &Filter, counts: &Counts) -> Vec<Tab> {
    let tab = |status: Option<ProjectStatus>| Tab {
        label: status.map_or("All", |status| status.badge().label).to_owned(),
        count: count(status.map_or_else(|| counts.existing_projects(), |status| counts.projects_in(status))),
        href: href(filter, status, None),
        current: filter.status == status,
        quiet: status == Some(ProjectStatus::Deleted),
    };
    // Most projects have one of a few statuses; the others have a tab while they occur.
    let is_shown = |status: &ProjectStatus| {
        let is_usual = matches!(
            status,
            ProjectStatus::Ready
                | ProjectStatus::Creating
                | ProjectStatus::Provisioning
                | ProjectStatus::Failed
                | ProjectStatus::Deleting
                | ProjectStatus::Deleted
        );
        is_usual || counts.projects_in(*status) > 0 || filter.status == Some(*status)
    };
    std::iter::once(None).chain(PROJECT_STATUSES.into_iter().filter(is_shown).map(Some)).map(tab).collect()
}

fn matching(filter: &Filter, counts: &Counts, shown: i64) -> String {
    if filter.search.is_none() && filter.labels.is_none() {
        return count(filter.status.map_or_else(|| counts.existing_projects(), |status| counts.projects_in(status)));
    }
    // Counting the matches of a search would require a scan.
    if shown == filter.limit || filter.before.is_some() { "many".to_owned() } else { count(shown) }
}

/// The list with another status or page and the same other filters.
fn href(filter: &Filter, status: Option<ProjectStatus>, before: Option<Uuid>) -> String {
    let before = before.map(|id| id.to_string());
    let labels: Vec<String> =
        filter.labels.iter().flat_map(|it| it.as_map()).map(|(key, value)| format!("{key}={value}")).collect();
    let limit = filter.limit.to_string();
    let mut pairs = vec![("status", status.map_or("", ProjectStatus::as_str))];
    pairs.extend(labels.iter().map(|label| ("label", label.as_str())));
    pairs.extend((filter.limit != DEFAULT_LIMIT).then_some(("limit", limit.as_str())));
    pairs.extend(filter.search.as_deref().map(|text| ("search", text)));
    pairs.extend(before.as_deref().map(|id| ("cursor", id)));
    format!("{PAGE}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}
