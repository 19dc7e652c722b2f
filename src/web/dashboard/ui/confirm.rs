//! Asks on the server before something happens that cannot simply be undone.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use crate::store::Audit;
use crate::web::api::audit;
use crate::web::app::App;
use crate::web::dashboard::ui::confirm_view::ConfirmPage;
use crate::web::dashboard::ui::counts::Counts;
use crate::web::dashboard::ui::form::Form;
use crate::web::dashboard::ui::layout::{Frame, Shown, respond};
use crate::web::dashboard::ui::layout_view::Nav;
use crate::web::error::ApiError;

/// What is the same on every page that asks.
pub struct Question<'a> {
    pub nav: Nav,
    /// The pages above, outermost first: label and address.
    pub above: &'a [(&'a str, String)],
    pub heading: &'a str,
    pub icon: &'a str,
    pub destroys: bool,
    pub post_to: &'a str,
    pub back: &'a str,
}

/// The page, with everything else empty.
pub async fn asks(app: &App, request: &HttpRequest, it: Question<'_>) -> Result<ConfirmPage, ApiError> {
    let frame = Frame::of(app, request).at(it.nav).counting(&Counts::of(app).await?).still();
    let frame = it.above.iter().fold(frame, |frame, (label, href)| frame.below(label, href.clone()));
    Ok(ConfirmPage {
        shell: frame.shell(it.heading),
        heading: it.heading.to_owned(),
        subject: String::new(),
        happens: Vec::new(),
        stays: Vec::new(),
        count: None,
        listed: Vec::new(),
        more: None,
        post_to: it.post_to.to_owned(),
        hidden: Vec::new(),
        fields: Vec::new(),
        reason: Some(String::new()),
        button: it.heading.to_owned(),
        icon: it.icon.to_owned(),
        destroys: it.destroys,
        cancel: it.back.to_owned(),
        error: None,
        blocked: None,
    })
}

/// Sends it.
pub fn answer(request: &HttpRequest, page: &ConfirmPage, status: StatusCode) -> HttpResponse {
    respond(request, Shown::new(page, page.as_main()).with_status(status))
}

/// Whether the form of such a page was sent, and not only the wish that led to it.
pub fn is_confirmed(form: &Form) -> bool {
    form.get("confirmed") == "1"
}

/// Why a question is asked again: what is wrong with the reason, and the reason as it was typed.
pub type Refused<'a> = (String, &'a str);

/// Who asks, once they have confirmed; else the question is to be asked, perhaps again.
pub fn agreed(form: &Form) -> Result<Audit, Option<Refused<'_>>> {
    if !is_confirmed(form) {
        return Err(None);
    }
    audit(form).map_err(|why| Some((why, form.get("reason"))))
}

/// Who asks, with the reason typed; else why the reason cannot be kept, as a sentence.
pub fn audit(form: &Form) -> Result<Audit, String> {
    let audit = audit::audit(crate::web::dashboard::projects::list::ACTOR, Some(form.get("reason").to_owned()));
    audit.map_err(|_| "The reason must have at most 500 characters.".to_owned())
}
