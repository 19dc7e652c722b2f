//! The only file that knows which failure is which HTTP status.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use uuid::Uuid;

use crate::domain::ProjectStatus;
use crate::log::chain;
use crate::store::{Refusal, StoreError};
use crate::web::middleware::request_id;
use crate::wire::{FieldProblem, Problem};

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("The body is not JSON: {0}.")]
    NotJson(String),
    #[error("The body must be JSON: send it with the header Content-Type: application/json.")]
    NotJsonType,
    #[error("The request has fields that cannot be accepted: {}.", sentence(.0))]
    Fields(Vec<FieldProblem>),
    #[error("The parameter {} {}.", .0.field, .0.message)]
    Parameter(FieldProblem),
    #[error("The header {} {}.", .0.field, .0.message)]
    Header(FieldProblem),
    #[error("There is no project {0}.")]
    NoProject(Uuid),
    #[error("There is no {0} {1}.")]
    Missing(&'static str, String),
    #[error("There is nothing at this path; GET /openapi.json lists what there is.")]
    NoRoute,
    #[error("This path answers to {} only.", .0.join(", "))]
    Method(&'static [&'static str]),
    #[error("The project cannot be {verb}: it is {was}. {hint}")]
    State { verb: &'static str, was: ProjectStatus, hint: &'static str },
    /// A job, queue or worker that is where this does not lead.
    #[error("The {what} cannot be {verb}: it is {was}. {hint}")]
    NotNow { what: &'static str, verb: &'static str, was: String, hint: &'static str },
    /// The execution is not its job's current one.
    #[error(
        "The lease of the execution {0} is lost: it is not its job's current one (any more). Stop working on it; nothing was changed."
    )]
    LeaseLost(Uuid),
    #[error("It has changed since you read it (it is version {0} now); read it again and decide anew.")]
    Stale(i64),
    #[error("This version of Provost cannot read the schedule {0}; put it anew or delete it.")]
    InvalidSchedule(String),
    #[error("Nothing was started: {0}.")]
    NotStarted(String),
    #[error("This Idempotency-Key was used before with another body; use a new key for a new request.")]
    KeyReused,
    #[error("A request with this Idempotency-Key is being answered right now; ask again in a moment.")]
    KeyInFlight,
    #[error("The body is larger than {0} bytes.")]
    TooLarge(usize),
    #[error("The body did not arrive in time.")]
    TooSlow,
    #[error("Too many follow the record already ({0}); ask for GET /events now and then instead, or come back later.")]
    TooManyStreams(usize),
    #[error(
        "Send the admin token: Authorization: Bearer <PROVOST_ADMIN_TOKEN>. For /internal that of workers will do: PROVOST_WORKER_TOKEN."
    )]
    Unauthorized,
    #[error(
        "Without a token Provost answers only to localhost, not to this Host name: set PROVOST_ADMIN_TOKEN to be reached by others."
    )]
    Misdirected,
    #[error("A page of another site sent this; only Provost's own pages and API clients may change things.")]
    CrossSite,
    #[error("This token is for workers of these queues alone: {}. Ask for some of them, or for none to have work of all.", .0.join(", "))]
    NotYourQueue(Vec<String>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a field of the body.
impl From<FieldProblem> for ApiError {
    fn from(problem: FieldProblem) -> Self {
        Self::Fields(vec![problem])
    }
}

impl ApiError {
    /// A field of the body that cannot be accepted.
    pub fn field(field: impl Into<String>, message: impl ToString) -> Self {
        FieldProblem { field: field.into(), message: message.to_string() }.into()
    }

    /// A parameter of the URL that cannot be understood.
    pub fn parameter(name: impl Into<String>, message: impl ToString) -> Self {
        Self::Parameter(FieldProblem { field: name.into(), message: message.to_string() })
    }

    /// A header that cannot be understood.
    pub fn header(name: &str, message: impl ToString) -> Self {
        Self::Header(FieldProblem { field: name.into(), message: message.to_string() })
    }

    /// Status, stable code, and the kind of problem in words.
    pub fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotJson(_) => (S::BAD_REQUEST, "invalid_json", "Not JSON"),
            Self::NotJsonType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Not JSON"),
            Self::Fields(_) => (S::UNPROCESSABLE_ENTITY, "invalid_field", "Invalid field"),
            Self::Parameter(_) => (S::BAD_REQUEST, "invalid_parameter", "Invalid parameter"),
            Self::Header(_) => (S::BAD_REQUEST, "invalid_header", "Invalid header"),
            Self::NoProject(_) => (S::NOT_FOUND, "not_found", "No such project"),
            Self::Missing(..) => (S::NOT_FOUND, "not_found", "Not there"),
            Self::NoRoute => (S::NOT_FOUND, "no_route", "Nothing here"),
            Self::Method(_) => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::State { .. } | Self::NotNow { .. } | Self::NotStarted(_) | Self::InvalidSchedule(_) => {
                (S::CONFLICT, "invalid_state", "Not possible in this state")
            }
            Self::LeaseLost(_) => (S::CONFLICT, "lease_lost", "Lease lost"),
            Self::Stale(_) => (S::PRECONDITION_FAILED, "stale_version", "Changed meanwhile"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key used before"),
            Self::KeyInFlight => (S::CONFLICT, "idempotency_key_in_flight", "Being answered already"),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Body too large"),
            Self::TooSlow => (S::REQUEST_TIMEOUT, "body_too_slow", "Body too slow"),
            Self::TooManyStreams(_) => (S::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "Not signed in"),
            Self::Misdirected => (S::MISDIRECTED_REQUEST, "misdirected_request", "Not this host"),
            Self::CrossSite => (S::FORBIDDEN, "cross_site_request", "Sent by another site"),
            Self::NotYourQueue(_) => (S::FORBIDDEN, "queue_forbidden", "Not a queue of this token"),
            Self::Store(StoreError::Unavailable { .. }) => {
                (S::SERVICE_UNAVAILABLE, "database_unavailable", "Database unavailable")
            }
            Self::Store(StoreError::Busy { .. }) => (S::SERVICE_UNAVAILABLE, "database_busy", "Database busy"),
            Self::Store(StoreError::Unstorable { .. }) => (S::UNPROCESSABLE_ENTITY, "unstorable", "Cannot be stored"),
            Self::Store(StoreError::Refused { code: Refusal::Draining, .. }) => {
                (S::CONFLICT, "queue_draining", "Queue takes nothing new")
            }
            Self::Store(StoreError::Refused { code: Refusal::KeyReused, .. }) => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key used before")
            }
            Self::Store(StoreError::Refused { code: Refusal::NoDependency, .. }) => {
                (S::UNPROCESSABLE_ENTITY, "no_such_dependency", "Nothing to depend on")
            }
            Self::Store(StoreError::Broken { .. } | StoreError::UnknownWord { .. }) => {
                (S::INTERNAL_SERVER_ERROR, "internal", "Our mistake")
            }
        }
    }

    /// What happened and what to do, without anything of our inside.
    pub fn detail(&self) -> String {
        match self {
            Self::Store(StoreError::Unavailable { .. }) => {
                "The database does not answer. Nothing that was accepted is lost; ask again in a moment.".into()
            }
            Self::Store(StoreError::Busy { .. }) => {
                "The database could not do this in time. Nothing was changed that you were not told of; ask again in a moment."
                    .into()
            }
            Self::Store(StoreError::Unstorable { .. }) => "A value of this request cannot be stored.".into(),
            Self::Store(StoreError::Refused { code: Refusal::Draining, reason: why }) => {
                format!("Not accepted: {why}. Resume the queue, or use another.")
            }
            Self::Store(StoreError::Refused { code: Refusal::KeyReused, .. }) => Self::KeyReused.to_string(),
            Self::Store(StoreError::Refused { code: Refusal::NoDependency, reason: why }) => {
                format!("Not accepted: {why}. It was never there, or has been forgotten.")
            }
            Self::Store(_) => "This is a mistake of ours; the log has the cause under this request's id.".into(),
            other => other.to_string(),
        }
    }

    /// The answer for programs.
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
                Self::Store(StoreError::Refused { code: Refusal::NoDependency, reason: why }) => {
                    vec![FieldProblem::new("dependencies", why)]
                }
                _ => Vec::new(),
            },
            current_status: match self {
                Self::State { was, .. } => Some(was.to_string()),
                Self::NotNow { was, .. } => Some(was.clone()),
                _ => None,
            },
        }
    }

    /// Adds what every representation of this error must carry: headers, and the cause for the log.
    pub fn mark(&self, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        match self {
            Self::Method(allowed) => {
                if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
                    headers.insert(ALLOW, value);
                }
            }
            Self::Unauthorized => _ = headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Self::KeyInFlight => _ = headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            Self::TooManyStreams(_) => _ = headers.insert(RETRY_AFTER, HeaderValue::from_static("30")),
            Self::Store(StoreError::Unavailable { .. } | StoreError::Busy { .. }) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        if let Self::Store(error) = self
            && !matches!(error, StoreError::Refused { .. })
        {
            response.extensions_mut().insert(Cause(chain(error)));
        }
    }
}

/// Why a request failed on our side; the request log writes it, once.
pub struct Cause(pub String);

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).content_type("application/problem+json").body(
            // A problem is texts and numbers, which cannot fail to be JSON.
            serde_json::to_string(&self.problem()).unwrap_or_default(),
        );
        self.mark(&mut response);
        response
    }
}

/// Nothing is routed here.
pub async fn no_route() -> HttpResponse {
    ApiError::NoRoute.error_response()
}

/// Something is, but not for this method.
pub async fn method_not_allowed(allowed: &'static [&'static str]) -> HttpResponse {
    ApiError::Method(allowed).error_response()
}

fn sentence(fields: &[FieldProblem]) -> String {
    let texts: Vec<String> = fields.iter().map(|it| format!("{} {}", it.field, it.message)).collect();
    texts.join("; ")
}
