//! Actions on one object: `GET …/{verb}` confirms, `POST …/{verb}` performs. Each noun declares its verbs.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse};

use crate::store::Audit;
use crate::web::api::audit;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::web::route::{get, resource};
use crate::web::ui::PAGE_AND_FORM;
use crate::web::ui::links::existing_name;
use crate::web::ui::{
    ACTOR, ConfirmField, ConfirmItem, ConfirmPage, Confirmation, Form, Hidden, Nav, or_error_page, redirect,
};

/// One action.
pub struct Verb {
    /// The last segment of its path.
    pub name: &'static str,
    /// The heading and the button of the confirmation page; `None` performs without confirmation.
    pub confirm: Option<&'static str>,
    pub icon: &'static str,
    /// Whether data or work is lost.
    pub destructive: bool,
}

impl Verb {
    /// Performed by one click, without confirmation.
    pub const fn direct(name: &'static str) -> Self {
        Verb { name, confirm: None, icon: "", destructive: false }
    }

    pub const fn confirmed(name: &'static str, heading: &'static str, icon: &'static str) -> Self {
        Verb { name, confirm: Some(heading), icon, destructive: false }
    }

    pub const fn destructive(name: &'static str, heading: &'static str, icon: &'static str) -> Self {
        Verb { name, confirm: Some(heading), icon, destructive: true }
    }
}

/// The text of a confirmation page.
#[derive(Default)]
pub struct Consequences {
    pub effects: Vec<String>,
    pub kept: Vec<String>,
    /// Why the action is not possible now.
    pub blocked: Option<String>,
}

/// The result of an action.
pub enum Performed {
    /// Redirect to `page`, or to the form's `back`, with a flash message.
    Done { page: String, flash: String },
    /// Show the confirmation again with an error.
    Rejected(String, StatusCode),
}

impl Performed {
    pub fn done(page: impl Into<String>, flash: impl Into<String>) -> Self {
        Self::Done { page: page.into(), flash: flash.into() }
    }
}

/// An object with actions.
pub trait Actions: Sized + 'static {
    const NAV: Nav;
    /// The label and the address of the list. The actions of an object are below `{list}/{id}`.
    const LIST: (&'static str, &'static str);
    const VERBS: &'static [Verb];

    async fn load(app: &App, id: &str) -> Result<Self, ApiError>;

    /// The name on the confirmation page and in the breadcrumbs.
    fn title(&self) -> String;

    /// The address of the page of the object.
    fn page(&self) -> String;

    /// The address below which the actions are.
    fn path(&self) -> String {
        self.page()
    }

    async fn consequences(&self, app: &App, verb: &str) -> Result<Consequences, ApiError>;

    async fn perform(&self, app: &App, verb: &str, form: &Form, audit: &Audit) -> Result<Performed, ApiError>;

    /// The first objects that the action affects, and how many are not listed.
    async fn listed(&self, _app: &App, _verb: &str) -> Result<(Vec<ConfirmItem>, Option<String>), ApiError> {
        Ok((Vec::new(), None))
    }

    /// Shown next to the title.
    fn detail(&self) -> Option<String> {
        None
    }

    fn hidden(&self, _verb: &str) -> Vec<Hidden> {
        Vec::new()
    }

    /// Fields above the reason, with the values and errors of a submitted form.
    fn fields(&self, _verb: &str, _form: Option<&Form>) -> Vec<ConfirmField> {
        Vec::new()
    }

    /// Whether a submitted form confirms, rather than leads to the confirmation page.
    fn is_confirmed(form: &Form) -> bool {
        form.is_confirmed()
    }
}

/// Registers the verbs of `T`.
pub fn action_routes<T: Actions>(config: &mut ServiceConfig) {
    for verb in T::VERBS {
        let path = format!("{}/{{id}}/{}", T::LIST.1, verb.name);
        let submit = move |app: Data<App>, request: HttpRequest, id: Path<String>, body: Body| async move {
            or_error_page(&app, &request, submit::<T>(&app, &request, &id, verb, &body).await)
        };
        if verb.confirm.is_none() {
            config.service(resource(&path, &["POST"], [post().to(submit)]));
            continue;
        }
        let confirm = move |app: Data<App>, request: HttpRequest, id: Path<String>| async move {
            or_error_page(&app, &request, confirm::<T>(&app, &request, &id, verb).await)
        };
        config.service(resource(&path, PAGE_AND_FORM, [get().to(confirm), post().to(submit)]));
    }
}

async fn confirm<T: Actions>(
    app: &App,
    request: &HttpRequest,
    id: &str,
    verb: &'static Verb,
) -> Result<HttpResponse, ApiError> {
    let object = T::load(app, &existing_name(id.to_owned())?).await?;
    Ok(page(app, request, &object, verb, None).await?.respond(request, StatusCode::OK))
}

async fn submit<T: Actions>(
    app: &App,
    request: &HttpRequest,
    id: &str,
    verb: &'static Verb,
    body: &Body,
) -> Result<HttpResponse, ApiError> {
    let form = Form::read(body)?;
    let object = T::load(app, &existing_name(id.to_owned())?).await?;
    let audit = if verb.confirm.is_none() {
        audit::audit(ACTOR, Some(form.get("reason").to_owned()))?
    } else if !T::is_confirmed(&form) {
        return Ok(page(app, request, &object, verb, None).await?.respond(request, StatusCode::OK));
    } else {
        match form.audit() {
            Ok(audit) => audit,
            Err(error) => {
                return reject(app, request, &object, verb, &form, error, StatusCode::UNPROCESSABLE_ENTITY).await;
            }
        }
    };
    match object.perform(app, verb.name, &form, &audit).await? {
        Performed::Done { page, flash } => Ok(redirect(form.path("back").unwrap_or(&page), Some(&flash))),
        Performed::Rejected(error, status) => reject(app, request, &object, verb, &form, error, status).await,
    }
}

async fn reject<T: Actions>(
    app: &App,
    request: &HttpRequest,
    object: &T,
    verb: &Verb,
    form: &Form,
    error: String,
    status: StatusCode,
) -> Result<HttpResponse, ApiError> {
    let page = page(app, request, object, verb, Some(form)).await?;
    let page = ConfirmPage { error: Some(error), reason: Some(form.get("reason").to_owned()), ..page };
    Ok(page.respond(request, status))
}

async fn page<T: Actions>(
    app: &App,
    request: &HttpRequest,
    object: &T,
    verb: &Verb,
    form: Option<&Form>,
) -> Result<ConfirmPage, ApiError> {
    let (own, (list, list_page)) = (object.page(), T::LIST);
    let confirmation = Confirmation {
        nav: T::NAV,
        crumbs: &[(list, list_page.to_owned()), (&object.title(), own.clone())],
        heading: verb.confirm.unwrap_or_default(),
        icon: verb.icon,
        destructive: verb.destructive,
        post_to: &format!("{}/{}", object.path(), verb.name),
        back: &own,
    };
    let Consequences { effects, kept, blocked } = object.consequences(app, verb.name).await?;
    let (listed, more) = object.listed(app, verb.name).await?;
    Ok(ConfirmPage {
        subject: object.title(),
        effects,
        kept,
        blocked,
        listed,
        more,
        count: object.detail(),
        hidden: object.hidden(verb.name),
        fields: object.fields(verb.name, form),
        ..confirmation.page(app, request).await?
    })
}
