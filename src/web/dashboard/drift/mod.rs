//! `/dashboard/drift`: differences between what the projects say and what exists.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use crate::domain::{FindingKind, OrphanVerb};
use crate::store::Audit;
use crate::store::observations::{Finding, SearchedCluster};
use crate::web::api::drift::{TakeUp, quarantine_time, take_up};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::route::{get, resource};
use crate::web::ui::{
    Actions, AsStamp, ConfirmField, Consequences, Form, Nav, Performed, Rendering, Shell, StateBadge, Verb,
    action_routes, links, or_error_page, respond,
};
use crate::wire::duration::HumanDuration;

const PAGE: &str = "/dashboard/drift";
/// How many differences are shown.
const SHOWN: i64 = 200;

#[derive(Debug, Clone, Template)]
#[template(path = "drift/list.html", blocks = ["main"], whitespace = "minimize")]
struct DriftPage {
    shell: Shell,
    /// The oldest first.
    rows: Vec<Finding>,
    clusters: Vec<SearchedCluster>,
}

pub fn routes(config: &mut ServiceConfig) {
    config.service(resource(PAGE, &["GET"], [get().to(show)])).configure(action_routes::<Finding>);
}

async fn show(app: Data<App>, request: HttpRequest) -> HttpResponse {
    or_error_page(&app, &request, page(&app, &request).await)
}

async fn page(app: &App, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let page = DriftPage {
        shell: Shell::load(app, request, Nav::Drift).await?.titled("Drift"),
        rows: app.store.findings(None, SHOWN).await?,
        clusters: app.store.searched_clusters().await?,
    };
    Ok(respond(request, Rendering::new(&page, page.as_main())))
}

/// The text of a difference.
trait FindingView {
    fn is_orphan(&self) -> bool;
    fn href(&self) -> String;
    /// The page of the project, if it exists.
    fn project_page(&self) -> Option<(String, String)>;
}

impl FindingView for Finding {
    fn is_orphan(&self) -> bool {
        self.kind == FindingKind::Orphaned
    }

    fn href(&self) -> String {
        format!("{PAGE}/{}", self.id)
    }

    fn project_page(&self) -> Option<(String, String)> {
        Some((links::project_page(self.project_id?), self.project_name.clone()?))
    }
}

impl Actions for Finding {
    const NAV: Nav = Nav::Drift;
    const LIST: (&'static str, &'static str) = ("Drift", PAGE);
    const VERBS: &'static [Verb] = &[
        Verb::confirmed("adopt", "Adopt orphan", "plus"),
        Verb::confirmed("quarantine", "Quarantine orphan", "lock"),
        Verb::destructive("remove", "Remove orphan", "trash"),
    ];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError> {
        let id = Uuid::try_parse(id).map_err(|_| ApiError::NoRoute)?;
        app.store.finding(id).await?.ok_or_else(|| ApiError::not_found("finding", id))
    }

    fn title(&self) -> String {
        self.object.clone()
    }

    fn page(&self) -> String {
        PAGE.to_owned()
    }

    fn path(&self) -> String {
        self.href()
    }

    async fn consequences(&self, _: &App, verb: &str) -> Result<Consequences, ApiError> {
        let (effect, kept) = match verb {
            "adopt" => ("It becomes a project again, with a new password.", "Everything in it."),
            "quarantine" => (
                "All access is blocked, and it is renamed. After the grace time it is removed.",
                "Everything in it, until the grace time is over. Until then, undelete and retry the project to bring it back.",
            ),
            _ => ("It and everything in it are removed. This cannot be undone.", "The events of its project."),
        };
        let blocked = (!self.is_orphan()).then(|| "This is not an orphan.".to_owned());
        Ok(Consequences { effects: vec![effect.to_owned()], kept: vec![kept.to_owned()], blocked })
    }

    async fn perform(&self, app: &App, verb: &str, form: &Form, audit: &Audit) -> Result<Performed, ApiError> {
        let Some(verb) = OrphanVerb::parse(verb) else { return Err(ApiError::NoRoute) };
        let Some(grace) = grace(form) else {
            let error = "The grace time is not a duration greater than 0 and of at most 365 days, like 7d.".to_owned();
            return Ok(Performed::Rejected(error, StatusCode::UNPROCESSABLE_ENTITY));
        };
        let name = form.word("name");
        let project = take_up(app, self.id, TakeUp { verb, name, template: None, grace }, audit).await?;
        let flash = match verb {
            OrphanVerb::Adopt => "orphan-adopted",
            OrphanVerb::Quarantine => "orphan-quarantined",
            OrphanVerb::Remove => "orphan-removed",
        };
        Ok(Performed::done(links::project_page(project.id), flash))
    }

    fn fields(&self, verb: &str, form: Option<&Form>) -> Vec<ConfirmField> {
        let typed = |field: &str| form.map(|form| form.get(field).to_owned()).unwrap_or_default();
        let field = |field: &str, label: &str, hint: &str| ConfirmField {
            field: field.to_owned(),
            label: label.to_owned(),
            hint: hint.to_owned(),
            value: typed(field),
            ..ConfirmField::default()
        };
        match verb {
            "adopt" => vec![field("name", "Project name (optional)", "Its former name, unless you enter another one.")],
            "quarantine" => {
                vec![field("grace", "Grace time (optional)", "7 days, unless you enter another time, like 30d.")]
            }
            _ => Vec::new(),
        }
    }
}

fn grace(form: &Form) -> Option<Duration> {
    let given = match form.word("grace") {
        Some(text) => Some(HumanDuration::parse(text)?),
        None => None,
    };
    quarantine_time(given).ok()
}
