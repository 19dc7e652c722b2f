//! Validation of the fields of a project.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::domain::{Labels, Parameters, ProjectName};
use crate::template::{self, Template, Templates};
use crate::web::error::ApiError;
use crate::wire::FieldProblem;
use crate::wire::json::storable;

pub fn name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::parse(text).map_err(|error| ApiError::field("name", error))
}

/// The requested template, or the default one.
pub fn template<'a>(requested: Option<&str>, known: &'a Templates) -> Result<&'a Template, ApiError> {
    known.get(requested.unwrap_or(template::DEFAULT)).ok_or_else(|| {
        let message = match requested {
            Some(_) => format!("is unknown; use one of {}", known.names().join(", ")),
            None => format!("is required; use one of {}", known.names().join(", ")),
        };
        ApiError::field("template", message)
    })
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
