//! What is recorded about a request that changes something.

/// Who changes something and why, as the events record it.
#[derive(Clone, Debug)]
pub struct Audit {
    pub actor: String,
    pub request_id: Option<String>,
    pub reason: Option<String>,
}

/// The idempotency key of a request, and a hash of the request to tell reuse from repetition.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub key: String,
    pub request_hash: String,
}
