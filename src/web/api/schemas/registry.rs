//! Payload schemas, compiled and cached.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonschema::Validator;
use serde_json::Value;

use crate::domain::NewJob;
use crate::store::Store;
use crate::web::error::ApiError;
use crate::wire::FieldProblem;

/// How long a schema is cached: a new schema applies in all processes after this time.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// Maximum number of cached kinds. Kinds come from requests, so expired entries must be removed.
const MAX_CACHED: usize = 1000;
/// Maximum number of errors reported for a payload.
const MAX_ERRORS: usize = 20;

/// The built-in schemas and a cache of the registered ones.
#[derive(Clone)]
pub struct Schemas {
    pub(super) built_in: Arc<BTreeMap<String, String>>,
    cache: Arc<Mutex<HashMap<String, (Instant, Versions)>>>,
}

/// The validators of a kind, by version.
type Versions = Arc<BTreeMap<i32, Validator>>;

impl Schemas {
    /// `built_in` contains the schemas of the built-in handlers, by kind.
    pub fn new(built_in: BTreeMap<String, String>) -> Self {
        Self { built_in: Arc::new(built_in), cache: Arc::default() }
    }

    /// Checks the payload of a new job and sets its schema version. `prefix` is the path of the job in the request.
    pub async fn check(&self, store: &Store, job: &mut NewJob, prefix: &str) -> Result<(), ApiError> {
        let versions = self.versions(store, job.kind.as_str()).await?;
        let invalid = |message| ApiError::field(format!("{prefix}schema_version"), message);
        let validator = match job.schema_version {
            None => versions.last_key_value(),
            Some(version) if versions.is_empty() => {
                return Err(invalid(format!("is {version}, but {} has no schema", job.kind)));
            }
            Some(version) => versions.get_key_value(&version).map(Some).ok_or_else(|| {
                let known: Vec<String> = versions.keys().map(ToString::to_string).collect();
                invalid(format!("is {version}; the versions of {} are {}", job.kind, known.join(", ")))
            })?,
        };
        let Some((version, validator)) = validator else { return Ok(()) };
        validate(validator, &job.payload, prefix)?;
        job.schema_version = Some(*version);
        Ok(())
    }

    /// Checks a new payload for an existing job against the latest schema of its kind.
    pub async fn check_text(&self, store: &Store, kind: &str, payload: &str) -> Result<(), ApiError> {
        match self.versions(store, kind).await?.last_key_value() {
            Some((_, validator)) => validate(validator, payload, ""),
            None => Ok(()),
        }
    }

    async fn versions(&self, store: &Store, kind: &str) -> Result<Versions, ApiError> {
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned();
        if let Some((_, versions)) = cached.filter(|(at, _)| at.elapsed() < CACHE_TTL) {
            return Ok(versions);
        }
        let mut versions = BTreeMap::new();
        if let Some(validator) = self.built_in.get(kind).and_then(|text| compile(text).ok()) {
            versions.insert(1, validator);
        }
        for row in store.list_schemas(Some(kind)).await? {
            // A schema that does not compile cannot be registered.
            if let Ok(validator) = compile(&row.schema) {
                versions.insert(row.version, validator);
            }
        }
        let versions = Arc::new(versions);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() > MAX_CACHED {
            cache.retain(|_, (at, _)| at.elapsed() < CACHE_TTL);
        }
        cache.insert(kind.to_owned(), (Instant::now(), versions.clone()));
        Ok(versions)
    }

    pub(super) fn invalidate(&self, kind: &str) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }
}

fn validate(validator: &Validator, payload: &str, prefix: &str) -> Result<(), ApiError> {
    // The payload was parsed when the request was read, so this cannot fail.
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let errors: Vec<FieldProblem> = validator
        .iter_errors(&payload)
        .take(MAX_ERRORS)
        .map(|error| FieldProblem::new(format!("{prefix}payload{}", error.instance_path()), error))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiError::Fields(errors)) }
}

/// Compiles a JSON Schema. External references are errors: the features that would fetch them are disabled.
pub(super) fn compile(text: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    jsonschema::validator_for(&schema).map_err(|error| error.to_string())
}
