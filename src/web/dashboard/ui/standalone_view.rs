//! The pages that stand alone: help, sign in, and what went wrong.

use askama::Template;

use crate::web::dashboard::ui::layout_view::{Link, Shell};

/// `GET /dashboard/help`.
#[derive(Debug, Clone, Template)]
#[template(path = "help.html", blocks = ["main"], whitespace = "minimize")]
pub struct HelpPage {
    /// The frame, with `live` false.
    pub shell: Shell,
}

/// `GET` and `POST /dashboard/login`.
#[derive(Debug, Clone, Template)]
#[template(path = "login.html", blocks = ["main"], whitespace = "minimize")]
pub struct LoginPage {
    /// The frame, with `live` false; only title, theme and asset version are shown.
    pub shell: Shell,
    /// The path to go to afterwards.
    pub next: String,
    /// Why the last try was refused, in the same words for every cause.
    pub error: Option<String>,
}

/// Any page that could not be shown: 404, 409, 500, 503.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html", blocks = ["main"], whitespace = "minimize")]
pub struct ErrorPage {
    /// The frame. With `db_ok` false the banner is shown, and with `live` true the page recovers by itself.
    pub shell: Shell,
    /// The HTTP status.
    pub status: u16,
    /// The heading ("This project does not exist").
    pub heading: String,
    /// What happened, as a sentence.
    pub happened: String,
    /// Whether data is safe, as a sentence.
    pub safe: String,
    /// What to do, as a sentence.
    pub todo: String,
    /// The id to quote when asking for help.
    pub request_id: Option<String>,
    /// The way back.
    pub back: Link,
}
