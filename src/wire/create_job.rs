//! New jobs: the request, and its validation.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::FieldProblem;
use super::duration::HumanDuration;
use super::hash::sha256_hex;
use super::json::{TextOr, storable};
use super::time::parse_time;
use crate::domain::new_job::{DEFAULT_KEY_WINDOW, DEFAULT_PRIORITY, MAX_PRIORITY};
use crate::domain::retry::{MAX_DELAY, Strategy};
use crate::domain::{Backoff, Dependency, Due, Ident, JobKey, NewJob, OperationKind, Policy, cluster};

/// Maximum payload size in bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;
const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 64;
/// Maximum number of dependencies of a job outside a workflow.
const MAX_DEPENDENCIES: usize = 1000;

/// A job to enqueue.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJob {
    /// Kind of work. A worker that serves this kind runs the job.
    #[serde(alias = "type")]
    #[schema(example = "email.send")]
    pub kind: String,
    /// Default: `default`. A queue is created on first use.
    pub queue: Option<String>,
    /// Any JSON up to 256 KiB, kept byte for byte. Default: `{}`.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
    /// 0 to 9; 9 runs first. Default: 5.
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<i64>,
    /// Earliest start (RFC 3339). A time in the past means now.
    #[serde(alias = "runAt", alias = "scheduled_at", alias = "scheduledAt")]
    pub run_at: Option<String>,
    /// Delay before the earliest start: seconds, or a duration like `5m`.
    #[serde(alias = "delay_s", alias = "delay_seconds", alias = "delaySeconds")]
    #[schema(value_type = Option<String>, example = "5m")]
    pub delay: Option<HumanDuration>,
    /// Number of failures after which the job becomes a dead letter, 1 to 100. An expired lease counts as a failure.
    #[serde(alias = "maxAttempts")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<i64>,
    /// Time limit of one attempt; 0 means none, as long as the worker sends heartbeats.
    #[serde(alias = "timeout_s", alias = "timeout_seconds", alias = "timeoutSeconds")]
    #[schema(value_type = Option<String>, example = "30s")]
    pub timeout: Option<HumanDuration>,
    /// When the job fails permanently if it has not finished (RFC 3339).
    #[serde(alias = "deadlineAt")]
    pub deadline_at: Option<String>,
    /// Tenants share workers fairly and can have limits.
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// Up to 32 tags to filter by.
    pub tags: Option<Vec<String>>,
    /// Repeating a request with the same key within the window returns the existing job. Keys are scoped to tenant and kind.
    #[serde(alias = "idempotencyKey")]
    pub idempotency_key: Option<String>,
    /// How long the key is remembered. Default: 15 minutes.
    #[serde(alias = "idempotencyWindow", alias = "dedupe_window_seconds", alias = "dedupeWindowSeconds")]
    #[schema(value_type = Option<String>, example = "15m")]
    pub idempotency_window: Option<HumanDuration>,
    /// Retry policy.
    pub backoff: Option<CreateBackoff>,
    /// Version of the schema that the payload must match. Default: the latest.
    #[serde(alias = "schemaVersion")]
    pub schema_version: Option<i32>,
    /// Jobs that must finish before this one starts: their ids, or `{"job_id": …, "policy": …}`. Finished jobs are allowed.
    #[serde(alias = "depends_on", alias = "dependsOn")]
    #[schema(value_type = Option<Vec<String>>)]
    pub dependencies: Option<Vec<CreateDependency>>,
    /// What happens if a dependency does not complete: `block` (wait until a retry of the dependency completes; the default),
    /// `allow_failed` (run anyway) or `cancel`. A dependency's own `policy` takes precedence.
    #[serde(alias = "dependencyPolicy")]
    pub dependency_policy: Option<String>,
}

/// A dependency: the id of a job, or an object with a policy.
pub type CreateDependency = TextOr<CreateEdge>;

/// A dependency with a policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEdge {
    #[serde(alias = "jobId", alias = "id")]
    job_id: String,
    policy: Option<String>,
}

/// A retry policy. Default: exponential from 2 s to 15 min, with jitter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBackoff {
    /// `exponential`, `linear` or `fixed`.
    pub strategy: Option<String>,
    #[serde(alias = "base_s")]
    #[schema(value_type = Option<String>, example = "2s")]
    pub base: Option<HumanDuration>,
    #[serde(alias = "max_s")]
    #[schema(value_type = Option<String>, example = "15m")]
    pub max: Option<HumanDuration>,
    pub jitter: Option<bool>,
}

/// Parses the follow-up jobs that a handler returned, or reports the first error.
pub fn follow_ups(texts: &[String], max_attempts: u32) -> Result<Vec<NewJob>, FieldProblem> {
    let jobs = texts.iter().map(|text| CreateJob::parse(text, max_attempts)).collect::<Result<Vec<_>, _>>()?;
    // One statement inserts all of them, so it cannot resolve a key that occurs twice.
    let mut keys = HashSet::new();
    let mut is_new = |job: &&NewJob| {
        let key = job.key.as_ref().map(|it| it.key.clone());
        key.is_none() || keys.insert((job.tenant.clone(), job.kind.clone(), key))
    };
    match jobs.iter().find(|job| !is_new(job)) {
        Some(_) => Err(FieldProblem::new("idempotency_key", "must not occur twice for the same kind")),
        None => Ok(jobs),
    }
}

impl CreateJob {
    /// Parses one follow-up job.
    pub fn parse(text: &str, max_attempts: u32) -> Result<NewJob, FieldProblem> {
        let request: Self = serde_json::from_str(text).map_err(|error| FieldProblem::new("next", error))?;
        request.checked(max_attempts)
    }

    /// Validates the request. `max_attempts` is the default.
    pub fn checked(self, max_attempts: u32) -> Result<NewJob, FieldProblem> {
        let hash = self.fingerprint();
        if OperationKind::of_job_kind(&self.kind).is_some() {
            return Err(FieldProblem::new("kind", "is reserved for projects; use POST /projects"));
        }
        if self.queue.as_deref().is_some_and(cluster::is_queue) {
            return Err(FieldProblem::new("queue", "is reserved for operations on projects in that cluster"));
        }
        let ident = |field: &str, text: Option<&str>| match text {
            Some(text) => Ident::parse(text).map_err(|error| FieldProblem::new(field, error)),
            None => Ok(Ident::default()),
        };
        let due = due(self.run_at.as_deref(), self.delay)?;
        let whole = |field, value: Option<i64>, min: i64, max: i64, default: i64| match value.unwrap_or(default) {
            value if (min..=max).contains(&value) => Ok(value),
            _ => Err(FieldProblem::new(field, format!("must be a whole number from {min} to {max}"))),
        };
        let window = self.idempotency_window.map_or(DEFAULT_KEY_WINDOW, |it| it.0);
        let key = self.idempotency_key.map(|key| checked_key(key, hash, window)).transpose()?;
        Ok(NewJob {
            id: Uuid::now_v7(),
            kind: ident("kind", Some(&self.kind))?,
            queue: ident("queue", self.queue.as_deref())?,
            tenant: ident("tenant", self.tenant.as_deref())?,
            tags: checked_tags(self.tags.unwrap_or_default())?,
            priority: whole("priority", self.priority, 0, MAX_PRIORITY.into(), DEFAULT_PRIORITY.into())? as i16,
            payload: checked_payload(self.payload.as_deref())?,
            due,
            max_attempts: whole("max_attempts", self.max_attempts, 1, 100, max_attempts.into())? as u32,
            timeout: self.timeout.filter(|it| !it.0.is_zero()).map(|it| bounded("timeout", it)).transpose()?,
            deadline_at: self.deadline_at.as_deref().map(|text| parse_time("deadline_at", text)).transpose()?,
            backoff: self.backoff.map(CreateBackoff::checked).transpose()?,
            schema_version: self.schema_version,
            key,
            dependencies: dependencies(self.dependencies.unwrap_or_default(), self.dependency_policy.as_deref())?,
            step: None,
        })
    }

    /// Hash of all fields, stored with the idempotency key to detect a different request under the same key.
    fn fingerprint(&self) -> String {
        let payload = self.payload.as_deref().map(RawValue::get);
        let when = (&self.run_at, self.delay, &self.deadline_at, self.timeout);
        let how = (self.priority, self.max_attempts, &self.backoff, self.schema_version, &self.tags);
        let mut text = format!("{:?}", (&self.kind, &self.queue, payload, when, how));
        if let Some(dependencies) = &self.dependencies {
            text.push_str(&format!("{:?}", (dependencies, &self.dependency_policy)));
        }
        sha256_hex(text)
    }
}

/// Parses a dependency policy; `block` if absent.
pub fn policy(field: &str, word: Option<&str>) -> Result<Policy, FieldProblem> {
    let Some(word) = word else { return Ok(Policy::Block) };
    Policy::parse(word).ok_or_else(|| FieldProblem::new(field, "must be block, allow_failed or cancel"))
}

fn dependencies(requested: Vec<CreateDependency>, default: Option<&str>) -> Result<Vec<Dependency>, FieldProblem> {
    let default = policy("dependency_policy", default)?;
    if requested.len() > MAX_DEPENDENCIES {
        return Err(FieldProblem::new("dependencies", format!("must be at most {MAX_DEPENDENCIES} jobs")));
    }
    let mut seen = HashSet::new();
    let read = |(at, dependency): (usize, CreateDependency)| {
        let (id, word) = match dependency {
            CreateDependency::Text(id) => (id, None),
            CreateDependency::Object(edge) => (edge.job_id, edge.policy),
        };
        let field = format!("dependencies.{at}");
        let on = Uuid::try_parse(&id).map_err(|_| FieldProblem::new(&field, "must be the id of a job"))?;
        if !seen.insert(on) {
            return Err(FieldProblem::new(&field, "must not occur twice"));
        }
        let policy = word.map_or(Ok(default), |word| policy(&format!("{field}.policy"), Some(&word)))?;
        Ok(Dependency { on, policy })
    };
    requested.into_iter().enumerate().map(read).collect()
}

impl CreateBackoff {
    fn checked(self) -> Result<Backoff, FieldProblem> {
        let default = Backoff::default();
        let strategy = match self.strategy.as_deref() {
            None => default.strategy,
            Some(word) => Strategy::parse(word)
                .ok_or_else(|| FieldProblem::new("backoff.strategy", "must be exponential, linear or fixed"))?,
        };
        let base = self.base.map(|it| bounded("backoff.base", it)).transpose()?.unwrap_or(default.base);
        let max = self.max.map(|it| bounded("backoff.max", it)).transpose()?.unwrap_or(default.max.max(base));
        Ok(Backoff { strategy, base, max, jitter: self.jitter.unwrap_or(default.jitter) })
    }
}

fn due(run_at: Option<&str>, delay: Option<HumanDuration>) -> Result<Due, FieldProblem> {
    match (run_at, delay) {
        (Some(_), Some(_)) => Err(FieldProblem::new("delay", "must not be combined with run_at")),
        (Some(text), None) => parse_time("run_at", text).map(Due::At),
        (None, Some(delay)) => bounded_by("delay", delay, MAX_DELAY * 12).map(Due::In),
        (None, None) => Ok(Due::Now),
    }
}

fn bounded(field: &str, duration: HumanDuration) -> Result<Duration, FieldProblem> {
    bounded_by(field, duration, MAX_DELAY)
}

fn bounded_by(field: &str, duration: HumanDuration, max: Duration) -> Result<Duration, FieldProblem> {
    if duration.0 <= max {
        return Ok(duration.0);
    }
    Err(FieldProblem::new(field, format!("must be at most {} days", max.as_secs() / 86400)))
}

fn checked_payload(json: Option<&RawValue>) -> Result<String, FieldProblem> {
    let text = json.map_or("{}", RawValue::get);
    if text.len() > MAX_PAYLOAD {
        return Err(FieldProblem::new("payload", format!("must have at most {MAX_PAYLOAD} bytes")));
    }
    storable(text).map_err(|why| FieldProblem::new("payload", why))?;
    Ok(text.to_owned())
}

fn checked_tags(tags: Vec<String>) -> Result<Vec<String>, FieldProblem> {
    let is_tag = |tag: &String| (1..=MAX_TAG).contains(&tag.chars().count()) && !tag.chars().any(char::is_control);
    if tags.len() > MAX_TAGS || !tags.iter().all(is_tag) {
        return Err(FieldProblem::new(
            "tags",
            format!("must be at most {MAX_TAGS} tags of 1 to {MAX_TAG} visible characters"),
        ));
    }
    Ok(tags)
}

fn checked_key(key: String, hash: String, window: Duration) -> Result<JobKey, FieldProblem> {
    if !(1..=255).contains(&key.chars().count()) || key.chars().any(char::is_control) {
        return Err(FieldProblem::new("idempotency_key", "must have 1 to 255 visible characters"));
    }
    if window.is_zero() || window > MAX_DELAY {
        return Err(FieldProblem::new("idempotency_window", "must be longer than zero and at most 30 days"));
    }
    Ok(JobKey { key, hash, window })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid_field(json: &str) -> String {
        let request: CreateJob = serde_json::from_str(json).unwrap();
        request.checked(3).map(|job| job.payload).unwrap_err().field
    }

    #[test]
    fn validation_error_names_the_field() {
        for (json, field) in [
            (r#"{"kind": ""}"#, "kind"),
            (r#"{"kind": "a b"}"#, "kind"),
            (r#"{"kind": "a", "queue": "*"}"#, "queue"),
            (r#"{"kind": "a", "priority": 10}"#, "priority"),
            (r#"{"kind": "a", "priority": -1}"#, "priority"),
            (r#"{"kind": "a", "max_attempts": 0}"#, "max_attempts"),
            (r#"{"kind": "a", "run_at": "tomorrow"}"#, "run_at"),
            (r#"{"kind": "a", "run_at": "294277-01-01T00:00:00Z"}"#, "run_at"),
            (r#"{"kind": "a", "run_at": "9999-12-31T23:59:59-14:00"}"#, "run_at"),
            (r#"{"kind": "a", "deadline_at": "9999-12-31T23:59:59-14:00"}"#, "deadline_at"),
            (r#"{"kind": "project.provision"}"#, "kind"),
            (r#"{"kind": "a", "queue": "cluster:main"}"#, "queue"),
            (r#"{"kind": "a", "run_at": "2030-01-01T00:00:00Z", "delay": 5}"#, "delay"),
            (r#"{"kind": "a", "delay": 1e12}"#, "delay"),
            (r#"{"kind": "a", "timeout": "31d"}"#, "timeout"),
            (r#"{"kind": "a", "tags": [""]}"#, "tags"),
            (r#"{"kind": "a", "idempotency_key": ""}"#, "idempotency_key"),
            (r#"{"kind": "a", "idempotency_key": "k", "idempotency_window": 0}"#, "idempotency_window"),
            (r#"{"kind": "a", "payload": "\u0000"}"#, "payload"),
            (r#"{"kind": "a", "backoff": {"strategy": "square"}}"#, "backoff.strategy"),
            (r#"{"kind": "a", "dependencies": ["x"]}"#, "dependencies.0"),
            (r#"{"kind": "a", "dependency_policy": "maybe"}"#, "dependency_policy"),
        ] {
            assert_eq!(invalid_field(json), field, "{json}");
        }
    }

    #[test]
    fn alternative_field_names_are_accepted() {
        let json = r#"{"type": "email.send", "tenantId": "acme", "maxAttempts": 5, "delaySeconds": 30, "timeoutSeconds": 0,
            "idempotencyKey": "k", "dedupeWindowSeconds": 60, "schemaVersion": 1, "priority": 9}"#;
        let job = serde_json::from_str::<CreateJob>(json).unwrap().checked(3).unwrap();
        assert_eq!(
            (job.kind.as_str(), job.tenant.as_str(), job.max_attempts, job.priority),
            ("email.send", "acme", 5, 9)
        );
        assert_eq!((job.due, job.timeout), (Due::In(Duration::from_secs(30)), None));
        assert_eq!(job.key.unwrap().window, Duration::from_secs(60));
    }

    #[test]
    fn payload_is_kept_byte_for_byte() {
        let json = r#"{"kind": "a", "payload": { "n": 123456789012345678901234567890,  "x": 1.0, "e": "\u00e9" }}"#;
        let job = serde_json::from_str::<CreateJob>(json).unwrap().checked(3).unwrap();
        assert_eq!(job.payload, r#"{ "n": 123456789012345678901234567890,  "x": 1.0, "e": "\u00e9" }"#);
    }
}
