//! Submitted forms, their errors, and the redirect after a POST.

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header::LOCATION;
use percent_encoding::percent_decode;

use crate::store::Audit;
use crate::store::{Refusal, StoreError};
use crate::web::api::audit;
use crate::web::error::ApiError;
use crate::web::extract::Body;
use crate::wire::FieldProblem;

/// The actor of every change made through the dashboard.
pub const ACTOR: &str = "dashboard";

/// The cookie that carries one message to the next page.
pub const FLASH: &str = "provost_flash";

/// Form fields by name.
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &Body) -> Result<Self, ApiError> {
        if percent_decode(&body.0).decode_utf8().is_err() {
            return Err(ApiError::field("form", "cannot be read: it is not UTF-8"));
        }
        let pairs = serde_urlencoded::from_bytes(&body.0);
        pairs.map(Self).map_err(|error| ApiError::field("form", format!("cannot be read: {error}")))
    }

    /// The value of a field; empty if it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The trimmed value; `None` if it is empty.
    pub fn word(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty())
    }

    /// A text of several lines. Browsers send CRLF; Provost stores LF.
    pub fn lines(&self, name: &str) -> String {
        self.get(name).replace("\r\n", "\n")
    }

    /// A path within the dashboard to return to. Other values are ignored, or the form would be an open redirect.
    pub fn path(&self, name: &str) -> Option<&str> {
        let path = self.get(name);
        let own = path == "/dashboard" || path.starts_with("/dashboard/") || path.starts_with("/dashboard?");
        (own && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\')).then_some(path)
    }

    /// A whole number; `None` if the field is empty. Anything else is an error of the field.
    pub fn whole_number(&self, field: &str, label: &str, errors: &mut Vec<FieldError>) -> Option<i64> {
        let number = self.word(field)?.parse().ok();
        if number.is_none() {
            errors.push(FieldError::new(field, format!("{label} must be a whole number.")));
        }
        number
    }

    /// Whether the form was sent by a confirmation page.
    pub fn is_confirmed(&self) -> bool {
        self.get("confirmed") == "1"
    }

    /// The audit record with the reason of the form, or the error message about the reason.
    pub fn audit(&self) -> Result<Audit, String> {
        let audit = audit::audit(ACTOR, Some(self.get("reason").to_owned()));
        audit.map_err(|_| "The reason must have at most 500 characters.".to_owned())
    }

    /// The same for a form with field errors.
    pub fn checked_audit(&self, errors: &mut Vec<FieldError>) -> Option<Audit> {
        self.audit().map_err(|error| errors.push(FieldError::new("reason", error))).ok()
    }
}

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The `name` of the field.
    pub field: String,
    /// What is wrong and what is allowed, as a sentence.
    pub message: String,
}

impl FieldError {
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        FieldError { field: field.to_owned(), message: message.into() }
    }

    /// The first message about `field`.
    pub fn find<'a>(errors: &'a [FieldError], field: &str) -> Option<&'a str> {
        errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    pub fn control(&self) -> String {
        control_id(&self.field)
    }
}

/// The `id` of a control: its name with dashes. A control with the id of a form property would hide that property.
pub fn control_id(field: &str) -> String {
    field.replace('_', "-")
}

/// One option of a select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

impl Choice {
    pub fn new(value: &str, label: impl Into<String>, selected: &str) -> Self {
        Choice { value: value.to_owned(), label: label.into(), selected: value == selected }
    }
}

/// Converts the field errors of a request into errors of a form. `field` maps a request field to its form field. Errors
/// that no field caused are returned unchanged.
pub fn field_errors(error: ApiError, field: impl Fn(&str) -> &'static str) -> Result<Vec<FieldError>, ApiError> {
    let convert = |it: FieldProblem| FieldError {
        message: if it.field.contains('/') {
            format!("At {}: {}.", it.field, it.message)
        } else {
            format!("The {} {}.", field(&it.field).replace('_', " "), it.message)
        },
        field: field(&it.field).to_owned(),
    };
    match error {
        ApiError::Fields(fields) => Ok(fields.into_iter().map(convert).collect()),
        ApiError::Store(StoreError::Refused { code: Refusal::Draining, .. }) => Ok(vec![FieldError::new(
            "queue",
            "This queue is draining and accepts no new jobs. Choose another queue or resume this one.",
        )]),
        other => Err(other),
    }
}

/// Redirects after a POST, so that reloading the page does not post again. `flash` is the message to show there.
pub fn redirect(path: &str, flash: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, path));
    if let Some(word) = flash {
        response.cookie(cookie(FLASH, word.to_owned(), Duration::minutes(1)));
    }
    response.finish()
}

/// A cookie that scripts cannot read and other sites cannot send.
pub fn cookie(name: &'static str, value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Strict).max_age(age).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_path_outside_dashboard_is_ignored() {
        for (path, accepted) in [
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
            assert_eq!(Form(vec![("back".into(), path.into())]).path("back").is_some(), accepted, "{path}");
        }
    }
}
