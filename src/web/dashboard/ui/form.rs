//! What a browser's form sends.

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header::LOCATION;

use crate::store::{Refusal, StoreError};
use crate::web::dashboard::ui::layout_view::FieldError;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::wire::FieldProblem;

/// The cookie that carries one message to the next page.
pub const FLASH: &str = "provost_flash";

/// Fields by name.
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &Body) -> Result<Self, ApiError> {
        let pairs = serde_urlencoded::from_bytes(&body.0);
        pairs.map(Self).map_err(|error| ApiError::field("form", format!("cannot be read: {error}")))
    }

    /// The value of a field; a field that was not sent is empty.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field, in the order of the page.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A word: without what stands around it, and nothing when it is empty.
    pub fn word(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty())
    }

    /// A text of several lines. Browsers send every line break as two characters; ours is one.
    pub fn lines(&self, name: &str) -> String {
        self.get(name).replace("\r\n", "\n")
    }

    /// A path of ours to go back to; anything else would send people to strangers.
    pub fn path(&self, name: &str) -> Option<&str> {
        let path = self.get(name);
        let ours = path == "/dashboard" || path.starts_with("/dashboard/") || path.starts_with("/dashboard?");
        (ours && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\')).then_some(path)
    }
}

/// What was wrong, by field and in sentences. `field` says what a part of the request is called on the form; whatever
/// is no mistake in a field is not for a form to say.
pub fn mistakes(error: ApiError, field: impl Fn(&str) -> &'static str) -> Result<Vec<FieldError>, ApiError> {
    let sentence = |it: FieldProblem| FieldError {
        message: if it.field.contains('/') {
            format!("At {}: {}.", it.field, it.message)
        } else {
            format!("The {} {}.", field(&it.field).replace('_', " "), it.message)
        },
        field: field(&it.field).to_owned(),
    };
    match error {
        ApiError::Fields(fields) => Ok(fields.into_iter().map(sentence).collect()),
        ApiError::Store(StoreError::Refused { code: Refusal::Draining, .. }) => {
            Ok(vec![mistake("queue", "This queue is draining and takes no new jobs: choose another, or resume it.")])
        }
        other => Err(other),
    }
}

/// One mistake.
pub fn mistake(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

/// After a POST: see that page. Going back or reloading never posts again.
pub fn see(path: &str, flash: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, path));
    if let Some(word) = flash {
        response.cookie(cookie(FLASH, word.to_owned(), Duration::minutes(1)));
    }
    response.finish()
}

/// A cookie that only our own pages send, and no script reads.
pub fn cookie(name: &'static str, value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Strict).max_age(age).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_back_to() {
        for (path, ours) in [
            ("/dashboard/projects?status=failed", true),
            ("/dashboard", true),
            ("//evil.example/dashboard/", false),
            ("https://evil.example", false),
            ("/dashboards", false),
            ("/dashboard/\\evil", false),
            ("/dashboard/\0", false),
            ("/dashboard/é", false),
            ("", false),
        ] {
            assert_eq!(Form(vec![("back".into(), path.into())]).path("back").is_some(), ours, "{path}");
        }
    }
}
