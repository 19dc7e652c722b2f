//! Who makes a change and why.

use crate::store::Audit;
use crate::web::error::ApiError;
use crate::web::request_id::request_id;
use crate::wire::Reason;

/// The default actor of changes through the API.
pub const API: &str = "api";

const MAX_REASON: usize = 500;
const MAX_ACTOR: usize = 100;

/// The audit data of a change by `actor`.
pub fn audit(actor: &str, reason: Option<String>) -> Result<Audit, ApiError> {
    let reason = checked("reason", reason, MAX_REASON)?;
    Ok(Audit { actor: actor.to_owned(), request_id: Some(request_id()), reason })
}

/// The audit data of a change through the API, by the actor named in the body.
pub fn api_audit(body: Reason) -> Result<Audit, ApiError> {
    let actor = checked("actor", body.actor, MAX_ACTOR)?;
    audit(actor.as_deref().unwrap_or(API), body.reason)
}

/// Trims a text; an empty text counts as absent.
fn checked(field: &str, text: Option<String>, max: usize) -> Result<Option<String>, ApiError> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(text) = &text {
        if text.chars().count() > max {
            return Err(ApiError::field(field, format!("must have at most {max} characters")));
        }
        if text.contains('\0') {
            return Err(ApiError::field(field, "must not contain the character U+0000"));
        }
    }
    Ok(text)
}
