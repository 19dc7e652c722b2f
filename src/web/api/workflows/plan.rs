//! A workflow that somebody asks for, checked.

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
use crate::web::extract::{below, read};
use crate::wire::create_job::policy;
use crate::wire::workflow::{CreateLink, CreateStep, STEP_FIELDS};
use crate::wire::{CreateJob, CreateWorkflow, FieldProblem};

/// The most characters of a step's name.
const MAX_STEP_NAME: usize = 128;

/// What is wished, as a workflow that can be started; or the field that cannot be accepted, below `prefix`.
pub async fn workflow(app: &App, wish: CreateWorkflow, prefix: &str) -> Result<NewWorkflow, ApiError> {
    plan(app, wish, prefix).await?.instantiate().map_err(|fault| refused(prefix, fault))
}

/// What is wished, each step of it checked; or the field that cannot be accepted, below `prefix`.
pub async fn plan(app: &App, wish: CreateWorkflow, prefix: &str) -> Result<WorkflowDefinition, ApiError> {
    let name = visible(&wish.name, 200).map_err(|why| ApiError::field(format!("{prefix}name"), why))?;
    let tenant = wish.tenant.as_deref().map_or(Ok(Ident::default()), Ident::parse);
    let tenant = tenant.map_err(|error| ApiError::field(format!("{prefix}tenant"), error))?;
    if wish.steps.len() > MAX_STEPS {
        let why = format!("must be 1 to {MAX_STEPS} steps; these are {}", wish.steps.len());
        return Err(ApiError::field(format!("{prefix}steps"), why));
    }
    let mut steps = Vec::with_capacity(wish.steps.len());
    for (at, text) in wish.steps.iter().enumerate() {
        let prefix = format!("{prefix}steps.{at}.");
        let step = step(text).map_err(|error| below(&prefix, error))?;
        steps.push(planned(app, step, &tenant, &prefix).await?);
    }
    Ok(WorkflowDefinition { name, tenant, steps })
}

/// What is wrong with a plan, below `prefix`.
pub fn refused(prefix: &str, DefinitionError { field, message }: DefinitionError) -> ApiError {
    ApiError::field(format!("{prefix}{field}"), message)
}

/// The fields of an object as they are, each of them once.
struct Fields(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: a step")
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
        reader.deserialize_map(Once)
    }
}

/// A step: what is its own, and the rest, which is its job's.
fn step(text: &RawValue) -> Result<CreateStep, ApiError> {
    let (own, job): (BTreeMap<String, Box<RawValue>>, BTreeMap<_, _>) =
        read::<Fields>(text.get())?.0.into_iter().partition(|(field, _)| STEP_FIELDS.contains(&field.as_str()));
    // Texts that were JSON a moment ago are JSON.
    let json = |fields| serde_json::to_string(&fields).unwrap_or_default();
    let step: CreateStep = read(&json(own))?;
    Ok(CreateStep { job: read::<CreateJob>(&json(job))?, ..step })
}

async fn planned(app: &App, step: CreateStep, tenant: &Ident, prefix: &str) -> Result<StepDefinition, ApiError> {
    let wrong = |field: &str, why: &str| ApiError::field(format!("{prefix}{field}"), why);
    let name = visible(&step.name, MAX_STEP_NAME).map_err(|why| wrong("name", &why))?;
    let not_a_steps = [
        ("tenant", step.job.tenant.is_some(), "is the workflow's to say: beside its name"),
        ("idempotency_key", step.job.idempotency_key.is_some(), "is the workflow's: the header Idempotency-Key"),
        ("dependencies", step.job.dependencies.is_some(), "are depends_on in a step, and names of steps"),
    ];
    if let Some((field, _, why)) = not_a_steps.into_iter().find(|(_, is_there, _)| *is_there) {
        return Err(wrong(field, why));
    }
    let depends_on = links(step.depends_on, step.dependency_policy.as_deref());
    let depends_on = depends_on.map_err(|problem| wrong(&problem.field, &problem.message))?;
    let job = step.job.checked(app.config.max_attempts);
    let mut job = job.map_err(|problem| wrong(&problem.field, &problem.message))?;
    job.tenant = tenant.clone();
    app.schemas.check(app, &mut job, prefix).await?;
    Ok(StepDefinition { name, job, depends_on })
}

fn links(wishes: Vec<CreateLink>, usual: Option<&str>) -> Result<Vec<StepDependency>, FieldProblem> {
    let usual = policy("dependency_policy", usual)?;
    let link = |(at, wish)| match wish {
        CreateLink::Text(step) => Ok(StepDependency { step: step.trim().to_owned(), policy: usual }),
        CreateLink::Object(edge) => {
            let policy = edge.policy.map(|word| policy(&format!("depends_on.{at}.policy"), Some(&word))).transpose()?;
            Ok(StepDependency { step: edge.step.trim().to_owned(), policy: policy.unwrap_or(usual) })
        }
    };
    wishes.into_iter().enumerate().map(link).collect()
}

/// A name for people: so many characters that one can see.
fn visible(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    // What only directs or joins other characters shows nothing by itself.
    let shows = |c: char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let fits =
        (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.chars().any(shows);
    if fits { Ok(text.to_owned()) } else { Err(format!("must have 1 to {most} visible characters")) }
}
