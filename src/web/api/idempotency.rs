//! The `Idempotency-Key` header.

use actix_web::HttpRequest;

use crate::store::IdempotencyKey;
use crate::web::error::ApiError;
use crate::wire::hash::sha256_hex;

/// The key of a request, with a hash of the body: a reused key with a different body is an error.
pub fn key_of(request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
    let key = key.ok_or_else(|| ApiError::header("Idempotency-Key", "must have 1 to 255 visible ASCII characters"))?;
    Ok(Some(hashed(key, body)))
}

/// The key from a hidden field of a form, unless somebody has changed it to something that is no key.
pub fn form_key(key: &str, content: &str) -> Option<IdempotencyKey> {
    ((1..=255).contains(&key.len()) && key.is_ascii()).then(|| hashed(key, content.as_bytes()))
}

fn hashed(key: &str, body: &[u8]) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), request_hash: sha256_hex(body) }
}
