//! The page that confirms an action before it runs.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::store::Audit;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::ui::{Choice, Form, Hidden, Nav, Rendering, Shell, control_id, respond};

#[derive(Debug, Clone, Template)]
#[template(path = "confirm.html", blocks = ["main"], whitespace = "minimize")]
pub struct ConfirmPage {
    pub shell: Shell,
    /// The action ("Cancel 21 jobs", "Pause queue"), as heading and on the button.
    pub heading: String,
    /// The name of the thing or the filter in words.
    pub subject: String,
    /// What happens, as sentences, the most important first.
    pub effects: Vec<String>,
    /// What is kept, as sentences.
    pub kept: Vec<String>,
    /// The number of things an action on many affects ("21 jobs").
    pub count: Option<String>,
    /// The first of them.
    pub listed: Vec<ConfirmItem>,
    /// How many are not listed ("and 16 more").
    pub more: Option<String>,
    pub post_to: String,
    pub hidden: Vec<Hidden>,
    /// Fields above the reason.
    pub fields: Vec<ConfirmField>,
    /// The value of the reason field; `None` for an action that records no reason.
    pub reason: Option<String>,
    pub icon: String,
    /// Whether data or work is lost: the button is red.
    pub destructive: bool,
    /// Where "Go back" leads.
    pub back: String,
    /// Why the last POST was rejected.
    pub error: Option<String>,
    /// Why the action is not possible now; then there is no form.
    pub blocked: Option<String>,
}

/// One of the things an action affects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmItem {
    pub label: String,
    pub href: String,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfirmField {
    pub field: String,
    pub label: String,
    pub hint: String,
    pub value: String,
    /// The options of a select; a text input if there are none.
    pub choices: Vec<Choice>,
    /// The text that must be typed to confirm.
    pub exact: Option<String>,
    pub error: Option<String>,
}

impl ConfirmField {
    pub fn control(&self) -> String {
        control_id(&self.field)
    }
}

/// The frame of a confirmation page.
pub struct Confirmation<'a> {
    pub nav: Nav,
    /// Label and address, outermost first.
    pub crumbs: &'a [(&'a str, String)],
    pub heading: &'a str,
    pub icon: &'a str,
    pub destructive: bool,
    pub post_to: &'a str,
    pub back: &'a str,
}

impl Confirmation<'_> {
    /// The page without its texts.
    pub async fn page(self, app: &App, request: &HttpRequest) -> Result<ConfirmPage, ApiError> {
        let shell = Shell::load(app, request, self.nav).await?.without_polling().titled(self.heading);
        Ok(ConfirmPage {
            shell: self.crumbs.iter().fold(shell, |shell, (label, href)| shell.crumb(label, href.clone())),
            heading: self.heading.to_owned(),
            subject: String::new(),
            effects: Vec::new(),
            kept: Vec::new(),
            count: None,
            listed: Vec::new(),
            more: None,
            post_to: self.post_to.to_owned(),
            hidden: Vec::new(),
            fields: Vec::new(),
            reason: Some(String::new()),
            icon: self.icon.to_owned(),
            destructive: self.destructive,
            back: self.back.to_owned(),
            error: None,
            blocked: None,
        })
    }
}

/// Why a confirmation was rejected, and the reason as it was typed.
pub type Rejected<'a> = (String, &'a str);

impl ConfirmPage {
    pub fn respond(&self, request: &HttpRequest, status: StatusCode) -> HttpResponse {
        respond(request, Rendering::new(self, self.as_main()).with_status(status))
    }

    /// Shows the page for the first time, or again with the error of the rejected confirmation.
    pub fn respond_to(self, request: &HttpRequest, rejected: Option<Rejected<'_>>) -> HttpResponse {
        let Some((error, reason)) = rejected else { return self.respond(request, StatusCode::OK) };
        let page = ConfirmPage { error: Some(error), reason: Some(reason.to_owned()), ..self };
        page.respond(request, StatusCode::UNPROCESSABLE_ENTITY)
    }
}

/// The audit record of a confirmed form. `Err(None)` if the confirmation page has not been shown yet.
pub fn confirmed_audit(form: &Form) -> Result<Audit, Option<Rejected<'_>>> {
    if !form.is_confirmed() {
        return Err(None);
    }
    form.audit().map_err(|error| Some((error, form.get("reason"))))
}
