//! Errors of requests, and their HTTP statuses.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};

use crate::domain::{OperationKind, Outage};
use crate::log::chain;
use crate::secrets::SecretError;
use crate::store::{Refusal, StoreError};
use crate::web::request_id::request_id;
use crate::wire::{FieldProblem, Problem};

/// The result of a handler.
pub type ApiResult = Result<HttpResponse, ApiError>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("The body is not valid JSON: {0}.")]
    NotJson(String),
    #[error("The body must be JSON. Send it with the header Content-Type: application/json.")]
    NotJsonType,
    #[error(
        "The body has the content coding {0}, which is not supported. Send it uncompressed, without Content-Encoding."
    )]
    Encoded(String),
    #[error("The request contains invalid fields: {}.", sentence(.0))]
    Fields(Vec<FieldProblem>),
    #[error("The parameter {} {}.", .0.field, .0.message)]
    Parameter(FieldProblem),
    #[error("The header {} {}.", .0.field, .0.message)]
    Header(FieldProblem),
    /// The kind of entity, and its id or name.
    #[error("There is no {0} {1}.")]
    NotFound(&'static str, String),
    #[error("This path does not exist. GET /openapi.json lists all paths.")]
    NoRoute,
    #[error("This path only supports {}.", .0.join(", "))]
    Method(&'static [&'static str]),
    #[error("The {what} cannot be {verb} because it is {was}. {hint}")]
    InvalidState { what: &'static str, verb: &'static str, was: String, hint: &'static str },
    #[error(
        "The lease of execution {0} is lost: another attempt runs the job, or the job is no longer active. Stop working on it; nothing was changed."
    )]
    LeaseLost(uuid::Uuid),
    #[error("The resource has changed; its current version is {0}. Read it again, then repeat the change.")]
    Stale(i64),
    #[error("This version of Provost cannot read the schedule {0}. Replace or delete it.")]
    InvalidSchedule(String),
    #[error("Nothing was started: {0}.")]
    NotStarted(String),
    #[error("This Idempotency-Key was already used with a different body. Use a new key for a new request.")]
    KeyReused,
    #[error("Another request with this Idempotency-Key is still in progress. Retry in a moment.")]
    KeyInFlight,
    #[error("The body is larger than {0} bytes.")]
    TooLarge(usize),
    #[error("The body did not arrive in time. Send the request again.")]
    TooSlow,
    #[error("All {0} event streams are in use. Poll GET /events instead, or retry later.")]
    TooManyStreams(usize),
    #[error(
        "Authentication is required. Send the header Authorization: Bearer <PROVOST_ADMIN_TOKEN>; /internal also accepts a worker token, PROVOST_WORKER_TOKEN."
    )]
    Unauthorized,
    #[error(
        "Without an admin token, Provost accepts only requests whose Host is localhost. Set PROVOST_ADMIN_TOKEN to allow other hosts."
    )]
    Misdirected,
    #[error(
        "This request comes from a page of another site. Only Provost's own pages and API clients can make changes."
    )]
    CrossSite,
    #[error("This token is restricted to these queues: {}. Request a subset of them, or omit `queues` to serve all of them.", .0.join(", "))]
    QueueForbidden(Vec<String>),
    #[error("The project is protected from deletion. Send PATCH with {{\"protected\": false}} first.")]
    Protected,
    #[error("Several projects have the name {0}. Use the id of one of them, or rename the others.")]
    AmbiguousName(String),
    #[error("The template {template} does not support the operation {operation}: it configures no program for it.")]
    Unsupported { template: String, operation: OperationKind },
    #[error("The Terraform state was not changed: {0}.")]
    StateRefused(String),
    #[error("The secret is not available: {0}.")]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FieldProblem> for ApiError {
    fn from(problem: FieldProblem) -> Self {
        Self::Fields(vec![problem])
    }
}

impl ApiError {
    /// An invalid field of the body.
    pub fn field(field: impl Into<String>, message: impl ToString) -> Self {
        FieldProblem::new(field, message).into()
    }

    /// An invalid parameter of the URL.
    pub fn parameter(name: impl Into<String>, message: impl ToString) -> Self {
        Self::Parameter(FieldProblem::new(name, message))
    }

    /// An invalid header.
    pub fn header(name: &str, message: impl ToString) -> Self {
        Self::Header(FieldProblem::new(name, message))
    }

    /// No entity of this kind has this id or name.
    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound(what, id.to_string())
    }

    /// Reports an invalid field as an invalid parameter.
    pub fn into_parameter(self) -> Self {
        match self {
            Self::Fields(mut fields) if !fields.is_empty() => Self::Parameter(fields.swap_remove(0)),
            other => other,
        }
    }

    /// Status, stable code and title.
    pub fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotJson(_) => (S::BAD_REQUEST, "invalid_json", "Invalid JSON"),
            Self::NotJsonType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type"),
            Self::Encoded(_) => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", "Unsupported content coding"),
            Self::Fields(_) => (S::UNPROCESSABLE_ENTITY, "invalid_field", "Invalid field"),
            Self::Parameter(_) => (S::BAD_REQUEST, "invalid_parameter", "Invalid parameter"),
            Self::Header(_) => (S::BAD_REQUEST, "invalid_header", "Invalid header"),
            Self::NotFound(..) => (S::NOT_FOUND, "not_found", "Not found"),
            Self::NoRoute => (S::NOT_FOUND, "no_route", "Path not found"),
            Self::Method(_) => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::InvalidState { .. } | Self::NotStarted(_) | Self::InvalidSchedule(_) => {
                (S::CONFLICT, "invalid_state", "Invalid state")
            }
            Self::AmbiguousName(_) => (S::CONFLICT, "ambiguous_name", "Name not unique"),
            Self::Protected => (S::CONFLICT, "protected", "Project protected"),
            Self::Unsupported { .. } => (S::CONFLICT, "not_supported", "Operation not supported"),
            Self::StateRefused(_) => (S::CONFLICT, "state_refused", "State not changed"),
            Self::Secret(error) if error.is_unreadable() => (S::CONFLICT, "secret_unreadable", "Secret cannot be read"),
            Self::Secret(_) => (S::CONFLICT, "secret_unavailable", "Secret not available"),
            Self::LeaseLost(_) => (S::CONFLICT, "lease_lost", "Lease lost"),
            Self::Stale(_) => (S::PRECONDITION_FAILED, "stale_version", "Version out of date"),
            Self::KeyReused | Self::Store(StoreError::Refused { code: Refusal::KeyReused, .. }) => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused")
            }
            Self::KeyInFlight => (S::CONFLICT, "idempotency_key_in_flight", "Request in progress"),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Body too large"),
            Self::TooSlow => (S::REQUEST_TIMEOUT, "body_too_slow", "Request timeout"),
            Self::TooManyStreams(_) => (S::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "Not authenticated"),
            Self::Misdirected => (S::MISDIRECTED_REQUEST, "misdirected_request", "Host not allowed"),
            Self::CrossSite => (S::FORBIDDEN, "cross_site_request", "Cross-site request"),
            Self::QueueForbidden(_) => (S::FORBIDDEN, "queue_forbidden", "Queue not allowed"),
            Self::Store(StoreError::Unavailable { outage: Outage::NoConnection, .. }) => {
                (S::SERVICE_UNAVAILABLE, "database_unavailable", "Database unavailable")
            }
            Self::Store(StoreError::Unavailable { outage, .. }) => {
                (S::SERVICE_UNAVAILABLE, outage.as_str(), "Database not usable")
            }
            Self::Store(StoreError::Busy { .. } | StoreError::Session { .. }) => {
                (S::SERVICE_UNAVAILABLE, "database_busy", "Database busy")
            }
            Self::Store(StoreError::Unstorable { .. }) => (S::UNPROCESSABLE_ENTITY, "unstorable", "Cannot be stored"),
            Self::Store(StoreError::Refused { code: Refusal::Draining, .. }) => {
                (S::CONFLICT, "queue_draining", "Queue is draining")
            }
            Self::Store(StoreError::Refused { code: Refusal::NoDependency, .. }) => {
                (S::UNPROCESSABLE_ENTITY, "no_such_dependency", "Dependency not found")
            }
            Self::Store(StoreError::Broken { .. } | StoreError::UnknownValue { .. }) => {
                (S::INTERNAL_SERVER_ERROR, "internal", "Internal error")
            }
        }
    }

    /// What happened and what to do, without internal details.
    pub fn detail(&self) -> String {
        match self {
            Self::Store(StoreError::Unavailable { outage: Outage::NoConnection, .. }) => {
                "The database is not responding. Accepted work is not lost. Retry in a moment.".into()
            }
            Self::Store(StoreError::Unavailable { outage, .. }) => {
                format!("{} Accepted work is not lost.", outage.advice())
            }
            Self::Store(StoreError::Busy { .. } | StoreError::Session { .. }) => {
                "The database did not respond in time. Retry in a moment.".into()
            }
            Self::Store(StoreError::Unstorable { .. }) => {
                "The request contains a value that the database cannot store.".into()
            }
            Self::Store(StoreError::Refused { code: Refusal::Draining, reason }) => {
                format!("Not accepted: {reason}. Resume the queue or use another one.")
            }
            Self::Store(StoreError::Refused { code: Refusal::KeyReused, .. }) => Self::KeyReused.to_string(),
            Self::Store(StoreError::Refused { code: Refusal::NoDependency, reason }) => {
                format!("Not accepted: {reason}. The job never existed, or retention has removed it.")
            }
            Self::Store(_) => {
                "An internal error occurred. The server log contains the cause, under this request id.".into()
            }
            other => other.to_string(),
        }
    }

    /// The error as problem details.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.kind();
        Problem {
            kind: format!("urn:provost:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
            code: code.to_owned(),
            request_id: request_id(),
            errors: match self {
                Self::Fields(fields) => fields.clone(),
                Self::Parameter(field) | Self::Header(field) => vec![field.clone()],
                Self::Store(StoreError::Refused { code: Refusal::NoDependency, reason }) => {
                    vec![FieldProblem::new("dependencies", reason)]
                }
                _ => Vec::new(),
            },
            current_status: match self {
                Self::InvalidState { was, .. } => Some(was.clone()),
                _ => None,
            },
        }
    }

    /// Adds what every response with this error needs: headers, and the cause for the log.
    pub fn mark(&self, response: &mut HttpResponse) {
        let header = match self {
            Self::Method(allowed) => HeaderValue::from_str(&allowed.join(", ")).ok().map(|value| (ALLOW, value)),
            Self::Encoded(_) => Some((ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
            Self::Unauthorized => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::KeyInFlight => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            Self::TooManyStreams(_) => Some((RETRY_AFTER, HeaderValue::from_static("30"))),
            Self::Store(error) if error.is_temporary() => Some((RETRY_AFTER, HeaderValue::from_static("2"))),
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        if let Self::Store(error) = self
            && !matches!(error, StoreError::Refused { .. })
        {
            response.extensions_mut().insert(Cause(chain(error)));
        }
    }
}

/// The cause of a server-side failure, for the request log.
pub struct Cause(pub String);

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code())
            .content_type("application/problem+json")
            // Serializing strings and numbers cannot fail.
            .body(serde_json::to_string(&self.problem()).unwrap_or_default());
        self.mark(&mut response);
        response
    }
}

/// The response for an unknown path.
pub async fn no_route() -> HttpResponse {
    ApiError::NoRoute.error_response()
}

/// The response for a known path and an unsupported method.
pub async fn method_not_allowed(allowed: &'static [&'static str]) -> HttpResponse {
    ApiError::Method(allowed).error_response()
}

fn sentence(fields: &[FieldProblem]) -> String {
    let texts: Vec<String> = fields.iter().map(|it| format!("{} {}", it.field, it.message)).collect();
    texts.join("; ")
}
