//! From rows to JSON, and from JSON to what the store understands.

use serde_json::value::RawValue;

use super::error::ApiError;
use super::middleware::request_id;
use crate::domain::{Labels, Parameters, ProjectName};
use crate::store::projects::{Asker, Event, Project, WaitingJob};
use crate::wire;
use crate::wire::json::storable;

/// How the API calls itself in the record.
pub const API: &str = "api";

/// The most characters that a reason may have.
const MAX_REASON: usize = 500;

impl From<Project> for wire::Project {
    fn from(row: Project) -> Self {
        Self {
            id: row.id,
            name: row.name,
            status: row.status.to_string(),
            error_reason: row.error_reason,
            template: row.template,
            parameters: RawValue::from_string(row.parameters).unwrap_or_else(|_| RawValue::NULL.to_owned()),
            labels: row.labels,
            version: row.version,
            deadline_at: row.deadline_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Event> for wire::Event {
    fn from(row: Event) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            previous_state: row.previous_state,
            new_state: row.new_state,
            reason: row.reason,
            actor: row.actor,
            job_id: row.job_id,
            execution_id: row.execution_id,
            request_id: row.request_id,
            occurred_at: row.occurred_at,
        }
    }
}

impl From<WaitingJob> for wire::JobSummary {
    fn from(row: WaitingJob) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            queue: row.queue,
            state: row.state.to_string(),
            attempt: row.attempt,
            failures: row.failures,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            execution_id: row.execution_id,
            worker_id: row.worker_id,
            lease_until: row.lease_until,
            ahead: row.ahead,
            workers: row.workers,
            error: row.error,
        }
    }
}

/// `name`.
pub fn name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::parse(text).map_err(|error| ApiError::field("name", error))
}

/// `template`: one of ours, or the first of them.
pub fn template(wanted: Option<String>, known: &[String]) -> Result<String, ApiError> {
    match wanted {
        Some(name) if known.contains(&name) => Ok(name),
        Some(_) => Err(ApiError::field("template", format!("is not known; known are: {}", known.join(", ")))),
        None => Ok(known.first().cloned().unwrap_or_default()),
    }
}

/// `parameters`.
pub fn parameters(json: Option<Box<RawValue>>) -> Result<Parameters, ApiError> {
    let Some(json) = json else { return Ok(Parameters::default()) };
    // The shape first: what is too deep must not be walked by a parser that recurses.
    let parameters = Parameters::parse(json.get()).map_err(|error| ApiError::field("parameters", error))?;
    storable(json.get()).map_err(|why| ApiError::field("parameters", why))?;
    Ok(parameters)
}

/// `labels`.
pub fn labels(map: std::collections::BTreeMap<String, String>) -> Result<Labels, ApiError> {
    Labels::parse(map).map_err(|error| ApiError::field("labels", error))
}

/// Who asks, for the record.
pub fn asker(actor: &str, reason: Option<String>) -> Result<Asker, ApiError> {
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(text) = &reason {
        if text.chars().count() > MAX_REASON {
            return Err(ApiError::field("reason", format!("must have at most {MAX_REASON} characters")));
        }
        if text.contains('\0') {
            return Err(ApiError::field("reason", "must not contain the character U+0000"));
        }
    }
    Ok(Asker { actor: actor.to_owned(), request_id: Some(request_id()), reason })
}
