//! Validation of workflows.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::workflow::{
    DefinitionError, StepDefinition, StepDependency, WorkflowDefinition, definition::MAX_STEPS,
};
use crate::domain::{Ident, NewWorkflow};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::extract::{parse_text, with_prefix};
use crate::wire::create_job::policy;
use crate::wire::workflow::{CreateLink, CreateStep, STEP_FIELDS};
use crate::wire::{CreateJob, CreateWorkflow, FieldProblem};

const MAX_STEP_NAME: usize = 128;

/// Validates a workflow. `prefix` is its path in the request.
pub async fn workflow(app: &App, request: CreateWorkflow, prefix: &str) -> Result<NewWorkflow, ApiError> {
    plan(app, request, prefix).await?.instantiate().map_err(|fault| invalid(prefix, fault))
}

/// Validates each step of a workflow, but not their dependencies.
pub async fn plan(app: &App, request: CreateWorkflow, prefix: &str) -> Result<WorkflowDefinition, ApiError> {
    let name = visible(&request.name, 200).map_err(|why| ApiError::field(format!("{prefix}name"), why))?;
    let tenant = request.tenant.as_deref().map_or(Ok(Ident::default()), Ident::parse);
    let tenant = tenant.map_err(|error| ApiError::field(format!("{prefix}tenant"), error))?;
    if request.steps.len() > MAX_STEPS {
        let why = format!("must have 1 to {MAX_STEPS} steps; got {}", request.steps.len());
        return Err(ApiError::field(format!("{prefix}steps"), why));
    }
    let mut steps = Vec::with_capacity(request.steps.len());
    for (at, text) in request.steps.iter().enumerate() {
        let prefix = format!("{prefix}steps.{at}.");
        let step = step(text).map_err(|error| with_prefix(&prefix, error))?;
        steps.push(planned(app, step, &tenant, &prefix).await?);
    }
    Ok(WorkflowDefinition { name, tenant, steps })
}

/// The problem of an invalid plan.
pub fn invalid(prefix: &str, DefinitionError { field, message }: DefinitionError) -> ApiError {
    ApiError::field(format!("{prefix}{field}"), message)
}

/// The unparsed fields of a JSON object, without duplicates.
struct Fields(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a step object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    if fields.insert(name.clone(), value).is_some() {
                        return Err(M::Error::custom(format!("duplicate field `{name}`")));
                    }
                }
                Ok(Fields(fields))
            }
        }
        reader.deserialize_map(ObjectVisitor)
    }
}

/// Parses a step. Fields that are not a step's own belong to its job.
fn step(text: &RawValue) -> Result<CreateStep, ApiError> {
    let (step, job): (BTreeMap<String, Box<RawValue>>, BTreeMap<_, _>) =
        parse_text::<Fields>(text.get())?.0.into_iter().partition(|(field, _)| STEP_FIELDS.contains(&field.as_str()));
    // The fields are valid JSON, so serializing them cannot fail.
    let json = |fields| serde_json::to_string(&fields).unwrap_or_default();
    let step: CreateStep = parse_text(&json(step))?;
    Ok(CreateStep { job: parse_text::<CreateJob>(&json(job))?, ..step })
}

async fn planned(app: &App, step: CreateStep, tenant: &Ident, prefix: &str) -> Result<StepDefinition, ApiError> {
    let invalid = |field: &str, why: &str| ApiError::field(format!("{prefix}{field}"), why);
    let name = visible(&step.name, MAX_STEP_NAME).map_err(|why| invalid("name", &why))?;
    let forbidden = [
        ("tenant", step.job.tenant.is_some(), "is a field of the workflow, not of a step"),
        (
            "idempotency_key",
            step.job.idempotency_key.is_some(),
            "is not supported for a step; use the header Idempotency-Key of the workflow",
        ),
        (
            "dependencies",
            step.job.dependencies.is_some(),
            "are not supported for a step; use depends_on with names of steps",
        ),
    ];
    if let Some((field, _, why)) = forbidden.into_iter().find(|(_, is_present, _)| *is_present) {
        return Err(invalid(field, why));
    }
    let depends_on = links(step.depends_on, step.dependency_policy.as_deref());
    let depends_on = depends_on.map_err(|problem| with_prefix(prefix, problem.into()))?;
    let job = step.job.checked(app.config.max_attempts);
    let mut job = job.map_err(|problem| with_prefix(prefix, problem.into()))?;
    job.tenant = tenant.clone();
    app.schemas.check(&app.store, &mut job, prefix).await?;
    Ok(StepDefinition { name, job, depends_on })
}

fn links(requested: Vec<CreateLink>, default: Option<&str>) -> Result<Vec<StepDependency>, FieldProblem> {
    let default = policy("dependency_policy", default)?;
    let link = |(at, link)| match link {
        CreateLink::Text(step) => Ok(StepDependency { step: step.trim().to_owned(), policy: default }),
        CreateLink::Object(edge) => {
            let policy = edge.policy.map(|word| policy(&format!("depends_on.{at}.policy"), Some(&word))).transpose()?;
            Ok(StepDependency { step: edge.step.trim().to_owned(), policy: policy.unwrap_or(default) })
        }
    };
    requested.into_iter().enumerate().map(link).collect()
}

/// A trimmed name of at most `max` characters, at least one of which is visible.
fn visible(text: &str, max: usize) -> Result<String, String> {
    let text = text.trim();
    // Characters that only direct or join others are invisible.
    let is_visible = |c: char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let is_valid = (1..=max).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && text.chars().any(is_visible);
    if is_valid { Ok(text.to_owned()) } else { Err(format!("must have 1 to {max} visible characters")) }
}
