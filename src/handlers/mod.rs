//! Handlers: each does the work of one kind of job. A handler never sees the store or a lease, so it cannot settle its
//! job.
//!
//! One handler is one file, registered in `built_in`. `docs/handlers.md` shows how to write one.

#[cfg(feature = "chaos")]
mod chaos;
mod demo;
mod exec;
mod http;
mod payload;
mod plain;
mod progress;
mod project;
mod simulated;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::{OperationKind, Outcome};
use crate::provision::{Recorder, Registry};
use crate::signal::Stop;

pub use crate::lines::{self as log, Log};
pub use crate::program::finish_cleanup;
pub use exec::{Command, read_commands};
pub use http::{AllowList, BadEntry};
pub use progress::ProgressReporter;
pub use project::work_of;

/// A job, as its handler sees it.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    /// Identifies this attempt; every attempt of a job has another id.
    pub execution_id: Uuid,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    /// The number of this attempt, from 1.
    pub attempt: i32,
    pub max_attempts: i32,
    /// How many failures the job has had.
    pub failures: i32,
    pub payload: String,
    /// JSON text: for each dependency, by step name (or job id), its state and result: `{"resize": {"job_id": …,
    /// "state": "completed", "result": …}}`. `None` without dependencies.
    pub inputs: Option<String>,
    pub project_id: Option<Uuid>,
    pub log: Log,
    pub progress: ProgressReporter,
    /// Canceled when the attempt is ended from outside, and the handler has a grace: see [`Handler::grace`].
    pub stop: Stop,
    pub recorder: JobRecorder,
}

/// Records the steps of an operation on a project. Other jobs have none.
#[derive(Clone, Default)]
pub struct JobRecorder(Option<Arc<dyn Recorder>>);

impl JobRecorder {
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self(Some(recorder))
    }

    pub fn get(&self) -> Option<&dyn Recorder> {
        self.0.as_deref()
    }
}

impl std::fmt::Debug for JobRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "recorder" } else { "no recorder" })
    }
}

pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Runs work that returns early with `?`, where the error is an outcome too.
pub fn fallible<'a>(work: impl Future<Output = Result<Outcome, Outcome>> + Send + 'a) -> HandlerFuture<'a> {
    Box::pin(async { work.await.unwrap_or_else(|outcome| outcome) })
}

/// Does the work of one kind of job.
///
/// A handler must be idempotent: delivery is at least once, so a job may run again after a crash, perhaps while requests of
/// an earlier attempt are still in progress. Being dropped means "stop at once": the lease was lost, the job was canceled or
/// timed out, or the process ends. No database connection is held meanwhile. A panic counts as a failure.
pub trait Handler: Send + Sync {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a>;

    /// The JSON Schema (text) of payloads, version 1. Without one, any payload is accepted.
    fn schema(&self) -> Option<&str> {
        None
    }

    /// How long the handler may continue after `job.stop` is canceled, before it is dropped. The outcome is then
    /// already decided: canceled, timed out or released. A lost lease allows no grace, because another worker may run
    /// the job.
    fn grace(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether the handler ends a canceled attempt itself, however long that takes: `job.stop` is canceled, and what the handler
    /// returns is the outcome. The deadline of the project bounds the time.
    fn ends_itself(&self) -> bool {
        false
    }
}

#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<String, Arc<dyn Handler>>);

impl Handlers {
    /// Adds a handler; the last one added for a kind serves it.
    pub fn with(mut self, kind: &str, handler: impl Handler + 'static) -> Self {
        self.0.insert(kind.to_owned(), Arc::new(handler));
        self
    }

    pub fn get(&self, kind: &str) -> Option<Arc<dyn Handler>> {
        self.0.get(kind).cloned()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The JSON Schemas of payloads by kind.
    pub fn schemas(&self) -> BTreeMap<String, String> {
        self.0.iter().filter_map(|(kind, handler)| Some((kind.clone(), handler.schema()?.to_owned()))).collect()
    }

    pub fn longest_grace(&self) -> Duration {
        self.0.values().map(|handler| handler.grace()).max().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The duration of simulated work, unless the payload sets one.
    pub simulate: Simulate,
    /// The targets that `http.call` may call (`PROVOST_HTTP_ALLOW`); empty means none.
    pub http_allow: AllowList,
    pub commands: Vec<Command>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Simulate {
    pub min: Duration,
    pub max: Duration,
}

/// All built-in handlers. Register new handlers here.
pub fn built_in(registry: Registry, settings: Settings) -> Handlers {
    let handlers = Handlers::default()
        .with("noop", plain::Noop)
        .with("echo", plain::Echo)
        .with("sleep", plain::Sleep)
        .with("simulated", simulated::Simulated(settings.simulate))
        .with("http.call", http::HttpCall::new(settings.http_allow));
    #[cfg(feature = "chaos")]
    let handlers = chaos::add(handlers);
    let operate = |operation: OperationKind| project::Operate { registry: registry.clone(), operation };
    let operations = OperationKind::ALL.iter();
    let handlers = operations.fold(handlers, |handlers, it| handlers.with(it.job_kind(), operate(*it)));
    let handlers = demo::ALL.iter().fold(handlers, |handlers, demo| handlers.with(demo.kind, demo));
    settings.commands.into_iter().fold(handlers, |handlers, command| {
        let kind = command.kind.clone();
        handlers.with(&kind, exec::RunCommand(command))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of this kind with this payload.
    pub fn job(kind: &str, payload: &str) -> Job {
        Job {
            id: Uuid::from_u128(1),
            execution_id: Uuid::from_u128(2),
            kind: kind.into(),
            queue: "default".into(),
            tenant: "default".into(),
            attempt: 1,
            max_attempts: 3,
            payload: payload.into(),
            inputs: None,
            project_id: None,
            log: Log::default(),
            progress: ProgressReporter::default(),
            stop: Stop::new(),
            failures: 0,
            recorder: JobRecorder::default(),
        }
    }

    /// Runs a job with the built-in handler of its kind.
    pub async fn run(kind: &str, payload: &str) -> Outcome {
        let handler = built_in(Registry::default(), Settings::default()).get(kind).unwrap();
        handler.run(&job(kind, payload)).await
    }

    #[test]
    fn built_in_kinds_match_the_documentation() {
        let mut kinds = built_in(Registry::default(), Settings::default()).kinds();
        // Test-only kinds are not documented.
        kinds.retain(|kind| !["ledger", "spin"].contains(&kind.as_str()));
        let page = include_str!("../../docs/handlers.md");
        let table = page.split("## Built-in handlers").nth(1).and_then(|it| it.split("###").next()).unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let mut documented: Vec<&str> = rows.collect();
        documented.sort_unstable();
        assert_eq!(documented, kinds);
    }

    #[test]
    fn every_schema_describes_an_object() {
        let schemas = built_in(Registry::default(), Settings::default()).schemas();
        assert!(schemas.len() > 12, "{:?}", schemas.keys());
        for (kind, schema) in schemas {
            let schema: serde_json::Value = serde_json::from_str(&schema).unwrap_or_else(|it| panic!("{kind}: {it}"));
            assert_eq!(schema["type"], "object", "{kind}");
        }
    }

    #[test]
    fn last_handler_of_a_kind_serves_it() {
        let handlers = Handlers::default().with("x", plain::Noop).with("x", plain::Sleep);
        assert_eq!(handlers.kinds(), ["x"]);
        assert!(handlers.get("x").unwrap().schema().is_some());
        assert!(handlers.get("y").is_none());
    }
}
