//! Validation of the fields of a project.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::domain::{Ident, Labels, Parameters, ProjectName, cluster};
use crate::store::projects::Placement;
use crate::template::{self, MAX_DEADLINE, Template, Templates};
use crate::web::api::jobs::convert;
use crate::web::error::ApiError;
use crate::wire::FieldProblem;
use crate::wire::duration::HumanDuration;
use crate::wire::json::storable;
use crate::wire::time::parse_time;

/// How far in the future a project may expire.
const MAX_EXTENSION: Duration = Duration::from_secs(3650 * 24 * 3600);

pub fn name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::parse(text).map_err(|error| ApiError::field("name", error))
}

/// The requested template, or the default one.
pub fn template<'a>(requested: Option<&str>, known: &'a Templates) -> Result<&'a Template, ApiError> {
    known.get(requested.unwrap_or(known.default_name())).ok_or_else(|| {
        let message = match requested {
            Some(_) => format!("is unknown; use one of {}", known.names().join(", ")),
            None => format!("is required; use one of {}", known.names().join(", ")),
        };
        ApiError::field("template", message)
    })
}

/// Tenant, queue and priority of the jobs of a project.
pub fn placement(
    template: &Template,
    tenant: Option<&str>,
    queue: Option<&str>,
    priority: Option<i64>,
) -> Result<Placement, ApiError> {
    let mut placement = Placement::default();
    let ident = |field: &str, text: &str| {
        Ident::parse(text).map(|it| it.to_string()).map_err(|error| ApiError::field(field, error))
    };
    if let Some(tenant) = tenant {
        placement.tenant = ident("tenant", tenant)?;
    }
    if let Some(queue) = queue {
        // Such a queue may bound how many operations run, or belong to a worker elsewhere.
        if let Some(own) = &template.queue {
            return Err(ApiError::field("queue", format!("is {own}, as the template says, and cannot be chosen")));
        }
        if cluster::is_queue(queue) {
            return Err(ApiError::field("queue", "is reserved for projects in that cluster"));
        }
        placement.queue = Some(ident("queue", queue)?);
    }
    if let Some(priority) = priority {
        placement.priority = convert::priority(priority)?;
    }
    Ok(placement)
}

/// How long each operation may take.
pub fn deadline(duration: HumanDuration) -> Result<Duration, ApiError> {
    let valid = (Duration::from_secs(1)..=MAX_DEADLINE).contains(&duration.0);
    if valid { Ok(duration.0) } else { Err(ApiError::field("deadline", "must be from 1s to 30days")) }
}

/// The time of expiry, as a time or as a duration from now.
pub fn expires_at(at: Option<&str>, from_now: Option<HumanDuration>) -> Result<Option<OffsetDateTime>, ApiError> {
    match (at, from_now) {
        (Some(_), Some(_)) => Err(ApiError::field("expires_in", "cannot be given together with expires_at")),
        (Some(text), None) => {
            let at = parse_time("expires_at", text)?;
            if at <= OffsetDateTime::now_utc() {
                return Err(ApiError::field(
                    "expires_at",
                    "must be in the future; to delete the project now, send DELETE",
                ));
            }
            Ok(Some(at))
        }
        (None, Some(duration)) if duration.0.is_zero() || duration.0 > MAX_EXTENSION => {
            Err(ApiError::field("expires_in", "must be greater than 0 and at most 3650days"))
        }
        (None, from_now) => Ok(from_now.map(|it| OffsetDateTime::now_utc() + it.0)),
    }
}

/// The grace time of a deletion.
pub fn grace(text: &str) -> Result<Duration, ApiError> {
    let parsed = HumanDuration::parse(text).map(|it| it.0).filter(|it| *it <= template::MAX_GRACE);
    parsed.ok_or_else(|| ApiError::field("grace", "must be a duration of at most 365d, like 7d or 0s"))
}

/// By how much the expiry is put off.
pub fn extension(by: HumanDuration) -> Result<Duration, ApiError> {
    let valid = !by.0.is_zero() && by.0 <= MAX_EXTENSION;
    if valid { Ok(by.0) } else { Err(ApiError::field("by", "must be greater than 0 and at most 3650days")) }
}

/// Parameters that satisfy the schema of the template.
pub fn parameters(json: Option<Box<RawValue>>, template: &Template) -> Result<Parameters, ApiError> {
    let text = json.as_ref().map_or("{}", |json| json.get());
    // Check the depth first: deeply nested JSON would overflow the stack of a recursive parser.
    let parameters = Parameters::parse(text).map_err(|error| ApiError::field("parameters", error))?;
    storable(text).map_err(|why| ApiError::field("parameters", why))?;
    let value = serde_json::from_str(text).map_err(|error| ApiError::field("parameters", error))?;
    let mistakes = template.mistakes(&value);
    if mistakes.is_empty() {
        return Ok(parameters);
    }
    Err(ApiError::Fields(mistakes.into_iter().map(|it| FieldProblem::new(it.field, it.message)).collect()))
}

/// The labels of the template, and over them those of the request.
pub fn labels(map: BTreeMap<String, String>, template: &Template) -> Result<Labels, ApiError> {
    let mut all = template.labels.clone();
    all.extend(map);
    checked_labels(all)
}

pub fn checked_labels(map: BTreeMap<String, String>) -> Result<Labels, ApiError> {
    Labels::parse(map).map_err(|error| ApiError::field("labels", error))
}
