//! `provost job create`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::value::RawValue;

use super::target::{Job, find_ids};
use crate::cli::client::complete;
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::{Submission, Wait, pair};
use crate::cli::client::input::{json, object, source, strings};
use crate::cli::client::lifecycle::print_or_wait;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, read};
use crate::cli::tables::JOB;
use crate::wire::client::Body;
use crate::wire::json::raw;

#[derive(Args, Debug)]
pub struct Create {
    /// Job kind; with --type, the name of the task
    #[arg(value_name = "KIND", required_unless_present_any = ["kind", "batch"], add = ArgValueCompleter::new(complete::kinds))]
    name: Option<String>,
    /// Create a task of this job kind; each --parameter is sent as a string in the payload member `parameters`
    #[arg(short = 't', long = "type", value_name = "KIND", add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// Description of the task (with --type)
    #[arg(short, long, requires = "kind")]
    description: Option<String>,
    /// Payload: JSON up to 256 KiB, @FILE, or - for stdin; kept byte for byte
    #[arg(long, value_name = "JSON", conflicts_with_all = ["parameter", "kind"])]
    payload: Option<String>,
    /// One field of the payload; a value that is valid JSON is sent as JSON, any other value as a string
    #[arg(short, long = "parameter", value_name = "KEY=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// Create all jobs of a JSON array, or none: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["name", "kind", "payload", "parameter"])]
    batch: Option<String>,
    /// Queue
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// Priority, 0 to 9; 9 runs first
    #[arg(long)]
    priority: Option<u8>,
    /// Earliest start, from now, such as 5m
    #[arg(long, value_name = "DURATION", conflicts_with = "run_at")]
    delay: Option<String>,
    /// Earliest start, as an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    run_at: Option<String>,
    /// Maximum number of failures, including expired leases
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// Maximum duration of one attempt
    #[arg(long, value_name = "DURATION")]
    execution_timeout: Option<String>,
    /// When the job fails permanently, as an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    deadline_at: Option<String>,
    /// Tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Tag to filter by; repeat for several
    #[arg(long)]
    tag: Vec<String>,
    /// Job that must finish first; repeat for several
    #[arg(long, value_name = "JOB", add = ArgValueCompleter::new(complete::jobs))]
    depends_on: Vec<String>,
    /// What to do if a dependency does not complete
    #[arg(long, value_parser = ["block", "allow_failed", "cancel"])]
    dependency_policy: Option<String>,
    /// Schema version that the payload must match
    #[arg(long, value_name = "N")]
    schema_version: Option<u32>,
    #[command(flatten)]
    submission: Submission,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        let text = match &self.batch {
            Some(batch) => source("--batch", batch)?,
            None => self.body(cx).await?.text(),
        };
        let answer =
            cx.client(self.submission.dry).create_job(&text, self.submission.idempotency_key.as_deref()).await?;
        print_created(cx, &answer.text, &self.submission.wait).await
    }

    async fn body(&self, cx: &Context) -> Result<Body, Failure> {
        let dependencies = find_ids(cx, &self.depends_on).await?;
        Ok(Body::default()
            .with("kind", self.kind.as_ref().or(self.name.as_ref()))
            .with("payload", self.payload()?)
            .with("queue", self.queue.as_ref())
            .with("priority", self.priority)
            .with("delay", self.delay.as_ref())
            .with("run_at", self.run_at.as_ref())
            .with("max_attempts", self.max_attempts)
            .with("timeout", self.execution_timeout.as_ref())
            .with("deadline_at", self.deadline_at.as_ref())
            .with("tenant", self.tenant.as_ref())
            .with("tags", (!self.tag.is_empty()).then_some(&self.tag))
            .with("dependencies", (!dependencies.is_empty()).then_some(dependencies))
            .with("dependency_policy", self.dependency_policy.as_ref())
            .with("schema_version", self.schema_version))
    }

    fn payload(&self) -> Result<Option<Box<RawValue>>, Failure> {
        if self.kind.is_some() {
            let parameters = strings(self.parameter.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            let task = Body::default()
                .with("name", self.name.as_ref())
                .with("description", self.description.as_ref())
                .with("parameters", Some(raw(parameters.text())));
            return Ok(Some(raw(task.text())));
        }
        match &self.payload {
            Some(text) => json("--payload", text).map(Some),
            None => Ok((!self.parameter.is_empty()).then(|| object(&self.parameter))),
        }
    }
}

/// Prints the created job or jobs. A single job can be waited for.
pub async fn print_created(cx: &Context, text: &str, wait: &Wait) -> Outcome {
    match read(text)? {
        Json::List(_) => cx.list(&JOB, text),
        job => print_or_wait::<Job>(cx, job.text("id"), text, "completed", wait).await,
    }
}
