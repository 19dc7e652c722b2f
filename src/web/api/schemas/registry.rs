//! Payload schemas, compiled and cached.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::block;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::domain::NewJob;
use crate::schema::{Schema, budget};
use crate::store::Store;
use crate::web::error::ApiError;
use crate::wire::FieldProblem;

/// How long a schema is cached: a new schema applies in all processes after this time.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// Maximum number of cached kinds. Kinds come from requests, so expired entries must be removed.
const MAX_CACHED: usize = 1000;
/// Maximum size of the cached schemas in bytes of their text. Compiled, they take several times as much.
const MAX_CACHED_BYTES: usize = 4 * 1024 * 1024;
/// A check of at most this many steps, less than a millisecond, is made where the request is answered. A longer one begins again
/// on a thread that answers no requests.
const INLINE_STEPS: u64 = 20_000;
/// How many longer checks and compilations run at the same time; others wait.
const MAX_RUNNING: usize = 2;

/// The built-in schemas and a cache of the registered ones.
#[derive(Clone)]
pub struct Schemas {
    pub(super) built_in: Arc<BTreeMap<String, String>>,
    cache: Arc<Mutex<HashMap<String, (Instant, Versions)>>>,
    running: Arc<Semaphore>,
}

/// The schemas of a kind, by version.
type Versions = Arc<BTreeMap<i32, Arc<Version>>>;

/// A schema, compiled when it is first needed.
struct Version {
    text: String,
    compiled: OnceLock<Result<Schema, String>>,
}

impl Version {
    fn compiled(&self) -> &Result<Schema, String> {
        self.compiled.get_or_init(|| Schema::parse(&self.text))
    }
}

impl Schemas {
    /// `built_in` contains the schemas of the built-in handlers, by kind.
    pub fn new(built_in: BTreeMap<String, String>) -> Self {
        Self { built_in: Arc::new(built_in), cache: Arc::default(), running: Arc::new(Semaphore::new(MAX_RUNNING)) }
    }

    /// Checks the payload of a new job and sets its schema version. `prefix` is the path of the job in the request.
    pub async fn check(&self, store: &Store, job: &mut NewJob, prefix: &str) -> Result<(), ApiError> {
        let versions = self.versions(store, job.kind.as_str()).await?;
        let invalid = |message| ApiError::field(format!("{prefix}schema_version"), message);
        let Some(wanted) = job.schema_version else {
            job.schema_version = self.check_latest(&versions, &job.payload, prefix).await?;
            return Ok(());
        };
        if versions.is_empty() {
            return Err(invalid(format!("is {wanted}, but {} has no schema", job.kind)));
        }
        let version = versions.get(&wanted).ok_or_else(|| {
            let known: Vec<String> = versions.keys().map(ToString::to_string).collect();
            invalid(format!("is {wanted}; the versions of {} are {}", job.kind, known.join(", ")))
        })?;
        self.compile(version).await?.map_err(|why| invalid(format!("is {wanted}, which cannot be used: it {why}")))?;
        self.validate(version, &job.payload, prefix).await
    }

    /// Checks a new payload for an existing job against the latest schema of its kind.
    pub async fn check_text(&self, store: &Store, kind: &str, payload: &str) -> Result<(), ApiError> {
        let versions = self.versions(store, kind).await?;
        self.check_latest(&versions, payload, "").await.map(drop)
    }

    /// Compiles a schema that is to be registered.
    ///
    /// # Errors
    /// Why it cannot be used, as the end of a sentence.
    pub async fn try_out(&self, text: &str) -> Result<Result<(), String>, ApiError> {
        self.compile(&Arc::new(Version { text: text.to_owned(), compiled: OnceLock::new() })).await
    }

    /// Checks a payload against the latest version that can be used, and returns that version. A version that was registered
    /// before today's bounds may be one that cannot: it must not stop all jobs of its kind.
    async fn check_latest(&self, versions: &Versions, payload: &str, prefix: &str) -> Result<Option<i32>, ApiError> {
        for (number, version) in versions.iter().rev() {
            if self.compile(version).await?.is_ok() {
                self.validate(version, payload, prefix).await?;
                return Ok(Some(*number));
            }
        }
        Ok(None)
    }

    async fn compile(&self, version: &Arc<Version>) -> Result<Result<(), String>, ApiError> {
        let done = |compiled: &Result<Schema, String>| compiled.as_ref().map(drop).map_err(Clone::clone);
        if let Some(compiled) = version.compiled.get() {
            return Ok(done(compiled));
        }
        let version = version.clone();
        self.elsewhere(move || done(version.compiled())).await
    }

    async fn validate(&self, version: &Arc<Version>, payload: &str, prefix: &str) -> Result<(), ApiError> {
        let Ok(schema) = version.compiled() else { return Ok(()) };
        let (value, steps) = (parse(payload)?, budget(payload.len()));
        let checked = match schema.check_quickly(&value, INLINE_STEPS.min(steps)) {
            Some(checked) => checked,
            None => {
                let version = version.clone();
                let check = move || version.compiled().as_ref().map_or(Ok(()), |schema| schema.check(&value, steps));
                self.elsewhere(check).await?
            }
        };
        let problem = |it: crate::schema::Mistake| FieldProblem::new(format!("{prefix}payload{}", it.path), it.message);
        checked.map_err(|invalid| ApiError::Fields(invalid.into_mistakes().into_iter().map(problem).collect()))
    }

    /// Runs a long computation on a thread that answers no requests. If the request ends first, the computation keeps its place.
    async fn elsewhere<T: Send + 'static>(&self, compute: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let place = self.running.clone().acquire_owned().await;
        let done = block(move || {
            let _place = place;
            compute()
        });
        done.await.map_err(|_| ApiError::field("payload", "could not be checked; send the request again"))
    }

    async fn versions(&self, store: &Store, kind: &str) -> Result<Versions, ApiError> {
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned();
        if let Some((_, versions)) = cached.filter(|(at, _)| at.elapsed() < CACHE_TTL) {
            return Ok(versions);
        }
        let mut texts: Vec<(i32, String)> = self.built_in.get(kind).map(|text| (1, text.clone())).into_iter().collect();
        texts.extend(store.list_schemas(Some(kind)).await?.into_iter().map(|row| (row.version, row.schema)));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = cache.get(kind).map(|(_, versions)| versions.clone()).unwrap_or_default();
        let version = |(number, text): (i32, String)| {
            // What is compiled stays compiled while its text is the same.
            let same = earlier.get(&number).filter(|it| it.text == text).cloned();
            (number, same.unwrap_or_else(|| Arc::new(Version { text, compiled: OnceLock::new() })))
        };
        let versions: Versions = Arc::new(texts.into_iter().map(version).collect());
        let bytes = |it: &Versions| it.values().map(|version| version.text.len()).sum::<usize>();
        if cache.len() > MAX_CACHED || cache.values().map(|(_, it)| bytes(it)).sum::<usize>() > MAX_CACHED_BYTES {
            cache.clear();
        }
        cache.insert(kind.to_owned(), (Instant::now(), versions.clone()));
        Ok(versions)
    }

    pub(super) fn invalidate(&self, kind: &str) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }
}

/// Requests are refused earlier if their payload nests too deep to be parsed. One that is not must not pass as another value.
fn parse(payload: &str) -> Result<Value, ApiError> {
    serde_json::from_str(payload).map_err(|error| ApiError::field("payload", format!("cannot be read: {error}")))
}
