//! ACTS: does the work of one kind of job. Never sees the store or a lease, so it cannot settle itself.
//!
//! One handler is one file. `docs/handlers.md` shows how to write one; `in_the_box` is where it is registered.

mod demo;
mod exec;
mod http;
#[cfg(feature = "chaos")]
mod ledger;
pub mod log;
mod payload;
mod plain;
mod project;
mod report;
mod simulated;
#[cfg(feature = "chaos")]
mod spin;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::{JobKind, Outcome};
use crate::provision::Registry;
use crate::signal::Stop;

pub use exec::{Command, finish_commands, read_commands};
pub use http::{AllowList, BadEntry};
pub use log::Log;
pub use report::Report;

/// What a handler is asked to do.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    /// This try. Another try of the same job has another one.
    pub execution_id: Uuid,
    pub kind: String,
    pub queue: String,
    pub tenant: String,
    /// How often this was claimed, this time included.
    pub attempt: i32,
    pub max_attempts: i32,
    /// JSON text.
    pub payload: String,
    /// JSON text: by the name of each step (or the id of each job) that it depended on, how that ended and what it answered:
    /// `{"resize": {"job_id": …, "state": "completed", "result": …}}`. Nothing when it depended on none.
    pub inputs: Option<String>,
    pub project_id: Option<Uuid>,
    /// Where it may write lines for whoever looks at the job.
    pub log: Log,
    /// Where it may say how far it is.
    pub progress: Report,
    /// Cancelled when nobody wants the work any more and there is time to end it well; see [`Handler::grace`].
    pub stop: Stop,
}

/// What a handler answers, some time later.
pub type Working<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Does the work of one kind of job.
///
/// It must be idempotent: delivery is at least once, so the same job may come again after a crash, perhaps while an
/// earlier try still reaches the outside world. Being dropped means "stop at once": the lease was lost, the job was called
/// off or timed out, or the process ends. No database connection is held meanwhile. A panic counts as a failure.
pub trait Handler: Send + Sync {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a>;

    /// The JSON Schema (text) of the payloads that it takes, in version 1. Without one, it takes anything.
    fn schema(&self) -> Option<&str> {
        None
    }

    /// How long it may go on after `job.stop` was cancelled, before it is dropped. What it answers then no longer counts: the
    /// job was called off, timed out, or is handed back. Whose lease is lost has no such time, because somebody else may be
    /// at work already.
    fn grace(&self) -> Duration {
        Duration::ZERO
    }
}

/// Which handler serves which kind.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<String, Arc<dyn Handler>>);

impl Handlers {
    /// Adds one. The last one that was added for a kind serves it.
    pub fn with(mut self, kind: &str, handler: impl Handler + 'static) -> Self {
        self.0.insert(kind.to_owned(), Arc::new(handler));
        self
    }

    pub fn get(&self, kind: &str) -> Option<Arc<dyn Handler>> {
        self.0.get(kind).cloned()
    }

    /// The kinds that a worker with these handlers can run, in alphabetical order.
    pub fn kinds(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// What the payload of each kind has to look like, where its handler says so.
    pub fn schemas(&self) -> BTreeMap<String, String> {
        self.0.iter().filter_map(|(kind, handler)| Some((kind.clone(), handler.schema()?.to_owned()))).collect()
    }

    /// How long the most patient of them may take to end.
    pub fn longest_grace(&self) -> Duration {
        self.0.values().map(|handler| handler.grace()).max().unwrap_or_default()
    }
}

/// What the handlers in the box can be told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How long simulated work takes that does not say so itself.
    pub simulate: Simulate,
    /// Where `http.call` may go; with nothing in it, nowhere (`PROVOST_HTTP_ALLOW`).
    pub http_allow: AllowList,
    /// The programs that jobs may run; with none, nothing is run.
    pub commands: Vec<Command>,
}

/// A span of time to choose from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulate {
    pub min: Duration,
    pub max: Duration,
}

/// Everything that ships. A handler of your own is one more line here.
pub fn in_the_box(registry: Registry, settings: Settings) -> Handlers {
    let handlers = Handlers::default()
        .with(JobKind::Provision.as_str(), project::Provision(registry.clone()))
        .with(JobKind::Deprovision.as_str(), project::Deprovision(registry))
        .with("noop", plain::Noop)
        .with("echo", plain::Echo)
        .with("sleep", plain::Sleep)
        .with("simulated", simulated::Simulated(settings.simulate))
        .with("http.call", http::Call::new(settings.http_allow));
    #[cfg(feature = "chaos")]
    let handlers = ledger::add(handlers).with(spin::KIND, spin::Spin);
    let handlers = demo::ALL.iter().fold(handlers, |handlers, demo| handlers.with(demo.kind, demo));
    settings.commands.into_iter().fold(handlers, |handlers, command| {
        let kind = command.kind.clone();
        handlers.with(&kind, exec::Exec(command))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job as a handler sees it.
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
            progress: Report::default(),
            stop: Stop::new(),
        }
    }

    /// Runs a job with everything that ships.
    pub async fn run(kind: &str, payload: &str) -> Outcome {
        let handler = in_the_box(Registry::default(), Settings::default()).get(kind).unwrap();
        handler.run(&job(kind, payload)).await
    }

    #[test]
    fn every_kind_in_the_box_is_in_the_documentation_and_the_other_way_round() {
        let mut kinds = in_the_box(Registry::default(), Settings::default()).kinds();
        // What only tests have is nobody's business.
        kinds.retain(|kind| !["ledger", "spin"].contains(&kind.as_str()));
        let page = include_str!("../../docs/handlers.md");
        let table = page.split("## Built-in handlers").nth(1).and_then(|it| it.split("###").next()).unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let mut documented: Vec<&str> = rows.collect();
        documented.sort_unstable();
        assert_eq!(documented, kinds);
    }

    #[test]
    fn every_schema_is_json_and_describes_an_object() {
        let schemas = in_the_box(Registry::default(), Settings::default()).schemas();
        assert!(schemas.len() > 12, "{:?}", schemas.keys());
        for (kind, schema) in schemas {
            let schema: serde_json::Value = serde_json::from_str(&schema).unwrap_or_else(|it| panic!("{kind}: {it}"));
            assert_eq!(schema["type"], "object", "{kind}");
        }
    }

    #[test]
    fn the_last_handler_of_a_kind_serves_it() {
        let handlers = Handlers::default().with("x", plain::Noop).with("x", plain::Sleep);
        assert_eq!(handlers.kinds(), ["x"]);
        assert!(handlers.get("x").unwrap().schema().is_some());
        assert!(handlers.get("y").is_none());
    }
}
