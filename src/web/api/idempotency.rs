//! `Idempotency-Key`: a creating request that may be sent twice.

use actix_web::HttpRequest;
use sha2::{Digest, Sha256};

use crate::store::IdempotencyKey;
use crate::web::access::hex;
use crate::web::error::ApiError;

/// The key of a request, with a hash of what the request says. Two bodies that differ in a single byte are different.
pub fn key_of(request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
    let key = key.ok_or_else(|| ApiError::header("Idempotency-Key", "must have 1 to 255 visible ASCII characters"))?;
    Ok(Some(named(key, body)))
}

/// The key of a form that carries it in a field.
pub fn named(key: &str, body: &[u8]) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), request_hash: hex(&Sha256::digest(body)) }
}
