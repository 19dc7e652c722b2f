//! `provost job create`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::value::RawValue;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Dry, Waiting, pair};
use super::job::shown_or_waited;
use super::text::{object, source, value};
use crate::cli::failure::Failure;
use crate::wire::client::Body;
use crate::wire::json::raw;

#[derive(Args, Debug)]
pub struct Create {
    /// What kind of work; with --type, what this one is called
    #[arg(value_name = "KIND", required_unless_present_any = ["kind", "batch"], add = ArgValueCompleter::new(complete::kinds))]
    what: Option<String>,
    /// What kind of work, as `task create` has it: parameters are texts below `parameters` then
    #[arg(short = 't', long = "type", value_name = "KIND", add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// What it is for (with --type)
    #[arg(short, long, requires = "kind")]
    description: Option<String>,
    /// Any JSON up to 256 KiB, @FILE, or - for stdin; kept byte for byte
    #[arg(long, value_name = "JSON", conflicts_with_all = ["parameter", "kind"])]
    payload: Option<String>,
    /// One member of the payload; what is JSON is JSON, anything else a text
    #[arg(short, long = "parameter", value_name = "KEY=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// Many jobs, all of them or none: an array of JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["what", "kind", "payload", "parameter"])]
    batch: Option<String>,
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// 0 to 9; 9 is served first
    #[arg(long)]
    priority: Option<u8>,
    /// Not before so long, like 5m
    #[arg(long, value_name = "DURATION", conflicts_with = "run_at")]
    delay: Option<String>,
    /// Not before this moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    run_at: Option<String>,
    /// How many failures or lost workers it may have
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// How long one execution may take
    #[arg(long, value_name = "DURATION")]
    execution_timeout: Option<String>,
    /// When the whole job is given up (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    deadline_at: Option<String>,
    /// Whose work it is
    #[arg(long)]
    tenant: Option<String>,
    /// A word to find it again by
    #[arg(long)]
    tag: Vec<String>,
    /// A job that has to end first
    #[arg(long, value_name = "JOB", add = ArgValueCompleter::new(complete::jobs))]
    depends_on: Vec<String>,
    /// What becomes of it when one of those does not complete
    #[arg(long, value_parser = ["block", "allow_failed", "cancel"])]
    dependency_policy: Option<String>,
    /// Which version of its kind's schema the payload must fit
    #[arg(long, value_name = "N")]
    schema_version: Option<u32>,
    /// Sent again with the same words, the same job is answered
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    waiting: Waiting,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        let text = match &self.batch {
            Some(batch) => source("--batch", batch)?,
            None => self.body(cx).await?.text(),
        };
        let answer = cx.client(self.dry.dry_run).create_job(&text, self.idempotency_key.as_deref()).await?;
        shown_or_waited(cx, &answer.text, &self.waiting).await
    }

    async fn body(&self, cx: &Context) -> Result<Body, Failure> {
        let kind = self.kind.as_ref().or(self.what.as_ref());
        let mut on = Vec::with_capacity(self.depends_on.len());
        for word in &self.depends_on {
            on.push(super::job::id_of(cx, word).await?);
        }
        Ok(Body::default()
            .with("kind", kind)
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
            .with("dependencies", (!on.is_empty()).then_some(on))
            .with("dependency_policy", self.dependency_policy.as_ref())
            .with("schema_version", self.schema_version))
    }

    /// The payload; in the form of `task create`, when its flag was used.
    fn payload(&self) -> Result<Option<Box<RawValue>>, Failure> {
        if self.kind.is_some() {
            let parameters = self.parameter.iter().fold(Body::default(), |body, (key, it)| body.with(key, Some(it)));
            let task = Body::default()
                .with("name", self.what.as_ref())
                .with("description", self.description.as_ref())
                .with("parameters", Some(raw(parameters.text())));
            return Ok(Some(raw(task.text())));
        }
        match &self.payload {
            Some(text) => value("--payload", text).map(Some),
            None if self.parameter.is_empty() => Ok(None),
            None => Ok(Some(object(&self.parameter))),
        }
    }
}
