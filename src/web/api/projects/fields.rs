//! Validation of the fields of a project.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::domain::{Labels, Parameters, ProjectName};
use crate::web::error::ApiError;
use crate::wire::json::storable;

pub fn name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::parse(text).map_err(|error| ApiError::field("name", error))
}

/// One of the `known` templates, of which the first is the default.
pub fn template(requested: Option<String>, known: &[String]) -> Result<String, ApiError> {
    match requested {
        Some(name) if known.contains(&name) => Ok(name),
        Some(_) => Err(ApiError::field("template", format!("is unknown; use one of {}", known.join(", ")))),
        None => Ok(known.first().cloned().unwrap_or_default()),
    }
}

pub fn parameters(json: Option<Box<RawValue>>) -> Result<Parameters, ApiError> {
    let Some(json) = json else { return Ok(Parameters::default()) };
    // Check the depth first: deeply nested JSON would overflow the stack of a recursive parser.
    let parameters = Parameters::parse(json.get()).map_err(|error| ApiError::field("parameters", error))?;
    storable(json.get()).map_err(|why| ApiError::field("parameters", why))?;
    Ok(parameters)
}

pub fn labels(map: BTreeMap<String, String>) -> Result<Labels, ApiError> {
    Labels::parse(map).map_err(|error| ApiError::field("labels", error))
}
