//! What somebody sends to have work done, and what it must be to be accepted.

use std::collections::HashSet;
use std::time::Duration;

use ::time::format_description::well_known::Rfc3339;
use ::time::{OffsetDateTime, UtcOffset};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::FieldProblem;
use super::json::{TextOr, storable};
use super::span::Span;
use crate::domain::new_job::{DEFAULT_KEY_WINDOW, DEFAULT_PRIORITY, MAX_PRIORITY};
use crate::domain::retry::{MAX_DELAY, Strategy};
use crate::domain::{Backoff, Dependency, Due, Ident, JobKey, JobKind, NewJob, Policy};

/// The most bytes of a payload.
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// The most tags of a job, and characters of a tag.
const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 64;
/// The most jobs that one job depends on, outside of a workflow.
const MAX_DEPENDENCIES: usize = 1000;

/// A job that is asked for.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJob {
    /// What kind of work; a worker that serves this kind does it.
    #[serde(alias = "type")]
    #[schema(example = "email.send")]
    pub kind: String,
    /// `default` unless said otherwise. A queue exists from its first use.
    pub queue: Option<String>,
    /// Any JSON up to 256 KiB, kept byte for byte; `{}` unless said otherwise.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
    /// 0 to 9, 5 unless said otherwise; 9 is served first.
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<i64>,
    /// Not before this moment (RFC 3339); one that has passed means now.
    #[serde(alias = "runAt", alias = "scheduled_at", alias = "scheduledAt")]
    pub run_at: Option<String>,
    /// Not before so long: seconds, or words like `5m`.
    #[serde(alias = "delay_s", alias = "delay_seconds", alias = "delaySeconds")]
    #[schema(value_type = Option<String>, example = "5m")]
    pub delay: Option<Span>,
    /// How many failures or lost workers it may have, 1 to 100.
    #[serde(alias = "maxAttempts")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<i64>,
    /// How long one execution may take; 0 means as long as its worker beats.
    #[serde(alias = "timeout_s", alias = "timeout_seconds", alias = "timeoutSeconds")]
    #[schema(value_type = Option<String>, example = "30s")]
    pub timeout: Option<Span>,
    /// When the whole job is given up, whatever it is at (RFC 3339).
    #[serde(alias = "deadlineAt")]
    pub deadline_at: Option<String>,
    /// Whose work it is: tenants are served fairly, and may have limits.
    #[serde(alias = "tenant_id", alias = "tenantId")]
    pub tenant: Option<String>,
    /// Up to 32 words to find it again by.
    pub tags: Option<Vec<String>>,
    /// The same key again, within its window and with the same words, is answered with the job that is there. Keys are
    /// apart for each tenant and kind.
    #[serde(alias = "idempotencyKey")]
    pub idempotency_key: Option<String>,
    /// How long the key is remembered; 15 minutes unless said otherwise.
    #[serde(alias = "idempotencyWindow", alias = "dedupe_window_seconds", alias = "dedupeWindowSeconds")]
    #[schema(value_type = Option<String>, example = "15m")]
    pub idempotency_window: Option<Span>,
    /// How long it waits after a failure.
    pub backoff: Option<CreateBackoff>,
    /// Which version of its kind's schema the payload must fit; the latest unless said otherwise.
    #[serde(alias = "schemaVersion")]
    pub schema_version: Option<i32>,
    /// The jobs that have to end before this one may be claimed: their ids, or `{"job_id": …, "policy": …}`. They may have ended already.
    #[serde(alias = "depends_on", alias = "dependsOn")]
    #[schema(value_type = Option<Vec<String>>)]
    pub dependencies: Option<Vec<CreateDependency>>,
    /// What becomes of this one when one of them does not complete, where it says nothing else: `block` (it waits until that one is
    /// tried again; the default), `allow_failed` (it runs anyway) or `cancel` (it is canceled).
    #[serde(alias = "dependencyPolicy")]
    pub dependency_policy: Option<String>,
}

/// A job that has to end first: its id, or an edge.
pub type CreateDependency = TextOr<CreateEdge>;

/// The same, with what becomes of the one that waits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEdge {
    #[serde(alias = "jobId", alias = "id")]
    job_id: String,
    policy: Option<String>,
}

/// A retry policy. What is absent is as in the default policy: exponential, 2 s, 15 min, with jitter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBackoff {
    /// `exponential`, `linear` or `fixed`.
    pub strategy: Option<String>,
    #[serde(alias = "base_s")]
    #[schema(value_type = Option<String>, example = "2s")]
    pub base: Option<Span>,
    #[serde(alias = "max_s")]
    #[schema(value_type = Option<String>, example = "15m")]
    pub max: Option<Span>,
    pub jitter: Option<bool>,
}

/// The jobs that follow from another, as its handler wrote them; all of them, or the first mistake.
pub fn follow_ups(texts: &[String], max_attempts: u32) -> Result<Vec<NewJob>, FieldProblem> {
    let jobs = texts.iter().map(|text| CreateJob::parse(text, max_attempts)).collect::<Result<Vec<_>, _>>()?;
    // They go into one statement, which could not tell which of them is the first.
    let mut keys = HashSet::new();
    let mut is_new = |job: &&NewJob| {
        let key = job.key.as_ref().map(|it| it.key.clone());
        key.is_none() || keys.insert((job.tenant.clone(), job.kind.clone(), key))
    };
    match jobs.iter().find(|job| !is_new(job)) {
        Some(_) => Err(FieldProblem::new("idempotency_key", "stands in two of them, for the same kind")),
        None => Ok(jobs),
    }
}

impl CreateJob {
    /// A follow-up that a handler wrote.
    pub fn parse(text: &str, max_attempts: u32) -> Result<NewJob, FieldProblem> {
        let wish: Self = serde_json::from_str(text).map_err(|error| FieldProblem::new("next", error))?;
        wish.checked(max_attempts)
    }

    /// The job that this asks for, or the field that cannot be accepted. `max_attempts` is for whoever names none.
    pub fn checked(self, max_attempts: u32) -> Result<NewJob, FieldProblem> {
        let hash = self.said();
        if JobKind::parse(&self.kind).is_some() {
            return Err(FieldProblem::new("kind", "is made by projects alone; POST /projects"));
        }
        let ident = |field: &str, text: Option<&str>| match text {
            Some(text) => Ident::parse(text).map_err(|error| FieldProblem::new(field, error)),
            None => Ok(Ident::default()),
        };
        let due = due(self.run_at.as_deref(), self.delay)?;
        let whole = |field, value: Option<i64>, least: i64, most: i64, usual: i64| match value.unwrap_or(usual) {
            value if (least..=most).contains(&value) => Ok(value),
            _ => Err(FieldProblem::new(field, format!("must be a whole number from {least} to {most}"))),
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
            deadline_at: self.deadline_at.as_deref().map(|text| moment("deadline_at", text)).transpose()?,
            backoff: self.backoff.map(CreateBackoff::checked).transpose()?,
            schema_version: self.schema_version,
            key,
            dependencies: dependencies(self.dependencies.unwrap_or_default(), self.dependency_policy.as_deref())?,
            step: None,
        })
    }

    /// Everything that was said, for comparing it with what is said again under the same key. A hash, because a payload
    /// may be large and the key's row should not be.
    fn said(&self) -> String {
        let payload = self.payload.as_deref().map(RawValue::get);
        let when = (&self.run_at, self.delay, &self.deadline_at, self.timeout);
        let how = (self.priority, self.max_attempts, &self.backoff, self.schema_version, &self.tags);
        let mut said = format!("{:?}", (&self.kind, &self.queue, payload, when, how));
        if let Some(dependencies) = &self.dependencies {
            said.push_str(&format!("{:?}", (dependencies, &self.dependency_policy)));
        }
        Sha256::digest(said).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `policy`, by its word.
pub fn policy(field: &str, word: Option<&str>) -> Result<Policy, FieldProblem> {
    let Some(word) = word else { return Ok(Policy::Block) };
    Policy::parse(word).ok_or_else(|| FieldProblem::new(field, "must be block, allow_failed or cancel"))
}

fn dependencies(wishes: Vec<CreateDependency>, usual: Option<&str>) -> Result<Vec<Dependency>, FieldProblem> {
    let usual = policy("dependency_policy", usual)?;
    if wishes.len() > MAX_DEPENDENCIES {
        return Err(FieldProblem::new("dependencies", format!("must be at most {MAX_DEPENDENCIES} jobs")));
    }
    let mut seen = HashSet::new();
    let read = |(at, wish): (usize, CreateDependency)| {
        let (id, word) = match wish {
            CreateDependency::Text(id) => (id, None),
            CreateDependency::Object(edge) => (edge.job_id, edge.policy),
        };
        let field = format!("dependencies.{at}");
        let on = Uuid::try_parse(&id).map_err(|_| FieldProblem::new(&field, "must be the id of a job"))?;
        if !seen.insert(on) {
            return Err(FieldProblem::new(&field, "is there twice"));
        }
        let policy = word.map_or(Ok(usual), |word| policy(&format!("{field}.policy"), Some(&word)))?;
        Ok(Dependency { on, policy })
    };
    wishes.into_iter().enumerate().map(read).collect()
}

impl CreateBackoff {
    fn checked(self) -> Result<Backoff, FieldProblem> {
        let usual = Backoff::default();
        let strategy = match self.strategy.as_deref() {
            None => usual.strategy,
            Some(word) => Strategy::parse(word)
                .ok_or_else(|| FieldProblem::new("backoff.strategy", "must be exponential, linear or fixed"))?,
        };
        let base = self.base.map(|it| bounded("backoff.base", it)).transpose()?.unwrap_or(usual.base);
        let max = self.max.map(|it| bounded("backoff.max", it)).transpose()?.unwrap_or(usual.max.max(base));
        Ok(Backoff { strategy, base, max, jitter: self.jitter.unwrap_or(usual.jitter) })
    }
}

fn due(run_at: Option<&str>, delay: Option<Span>) -> Result<Due, FieldProblem> {
    match (run_at, delay) {
        (Some(_), Some(_)) => Err(FieldProblem::new("delay", "cannot be given together with run_at")),
        (Some(text), None) => moment("run_at", text).map(Due::At),
        (None, Some(delay)) => bounded_by("delay", delay, MAX_DELAY * 12).map(Due::In),
        (None, None) => Ok(Due::Now),
    }
}

/// A moment within what the database and every client can hold.
pub fn moment(field: &str, text: &str) -> Result<OffsetDateTime, FieldProblem> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(in_range);
    at.ok_or_else(|| {
        FieldProblem::new(field, "must be a moment in RFC 3339, like 2026-01-31T08:00:00Z, from 1970 to 9999")
    })
}

/// The same moment in UTC, if every client can read it: an offset can push it out of what years have four digits.
pub fn in_range(at: OffsetDateTime) -> Option<OffsetDateTime> {
    at.checked_to_offset(UtcOffset::UTC).filter(|at| (1970..=9999).contains(&at.year()))
}

fn bounded(field: &str, span: Span) -> Result<Duration, FieldProblem> {
    bounded_by(field, span, MAX_DELAY)
}

fn bounded_by(field: &str, span: Span, most: Duration) -> Result<Duration, FieldProblem> {
    if span.0 <= most {
        return Ok(span.0);
    }
    Err(FieldProblem::new(field, format!("must be at most {} days", most.as_secs() / 86400)))
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
            format!("must be at most {MAX_TAGS} words of 1 to {MAX_TAG} visible characters"),
        ));
    }
    Ok(tags)
}

fn checked_key(key: String, hash: String, window: Duration) -> Result<JobKey, FieldProblem> {
    if !(1..=255).contains(&key.chars().count()) || key.chars().any(char::is_control) {
        return Err(FieldProblem::new("idempotency_key", "must have 1 to 255 visible characters"));
    }
    if window.is_zero() || window > MAX_DELAY {
        return Err(FieldProblem::new("idempotency_window", "must be longer than nothing and at most 30 days"));
    }
    Ok(JobKey { key, hash, window })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(json: &str) -> String {
        let wish: CreateJob = serde_json::from_str(json).unwrap();
        wish.checked(3).map(|job| job.payload).unwrap_err().field
    }

    #[test]
    fn the_field_at_fault_is_named() {
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
            assert_eq!(wrong(json), field, "{json}");
        }
    }

    #[test]
    fn the_spellings_of_others_are_understood() {
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
    fn a_payload_keeps_every_byte() {
        let json = r#"{"kind": "a", "payload": { "n": 123456789012345678901234567890,  "x": 1.0, "e": "\u00e9" }}"#;
        let job = serde_json::from_str::<CreateJob>(json).unwrap().checked(3).unwrap();
        assert_eq!(job.payload, r#"{ "n": 123456789012345678901234567890,  "x": 1.0, "e": "\u00e9" }"#);
    }
}
