//! Runs programs that the operator configures: each command in `provost.toml` is a kind of jobs. The payload of a job is the
//! program's stdin.

mod config;

use std::time::Duration;

use super::{Handler, HandlerFuture, Job, fallible};
use crate::domain::Outcome;
use crate::program::{Ended, Invocation, Program, Stdout};
use crate::schema::{self, Schema};

pub use config::read as read_commands;

#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    pub kind: String,
    pub program: Program,
    /// Exit codes that fail the job permanently.
    refuse_on: Vec<i32>,
    /// The JSON Schema of payloads, as text and compiled. A remote worker validates payloads itself, because the server
    /// may not know the schema.
    schema: Option<(String, Schema)>,
}

pub struct RunCommand(pub Command);

impl Handler for RunCommand {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(self.work(job))
    }

    fn schema(&self) -> Option<&str> {
        self.0.schema.as_ref().map(|(text, _)| text.as_str())
    }

    fn grace(&self) -> Duration {
        self.0.program.grace()
    }
}

impl RunCommand {
    async fn work(&self, job: &Job) -> Result<Outcome, Outcome> {
        let command = &self.0;
        self.check(&job.payload)?;
        let variables = vec![
            ("PROVOST_EXECUTION_ID", job.execution_id.to_string()),
            ("PROVOST_JOB_ID", job.id.to_string()),
            ("PROVOST_ATTEMPT", job.attempt.to_string()),
            ("PROVOST_TENANT", job.tenant.clone()),
        ];
        let run = Invocation {
            stdin: &job.payload,
            inputs: job.inputs.as_deref(),
            variables,
            stdout: Stdout::ToLog,
            log: &job.log,
            stop: &job.stop,
        };
        let ended = command.program.run(run).await;
        self.outcome(ended.map_err(|error| Outcome::failed(format!("{}: {error}", command.name)))?)
    }

    fn check(&self, payload: &str) -> Result<(), Outcome> {
        let Some((_, schema)) = &self.0.schema else { return Ok(()) };
        let value: serde_json::Value = super::payload::read(payload)?;
        let Err(invalid) = schema.check(&value, schema::budget(payload.len())) else { return Ok(()) };
        let first = invalid.into_mistakes().into_iter().next();
        let (path, message) = first.map(|it| (it.path, it.message)).unwrap_or_default();
        Err(Outcome::fatal(format!("the payload does not match its schema: payload{path}: {message}")))
    }

    fn outcome(&self, ended: Ended) -> Result<Outcome, Outcome> {
        match ended.code() {
            // The work is done, so a retry would not improve the result.
            Some(0) => Ok(Outcome::Done { result: ended.result.map_err(Outcome::fatal)?, next: Vec::new() }),
            Some(code) if self.0.refuse_on.contains(&code) => Err(Outcome::fatal(ended.reason())),
            _ => Err(Outcome::failed(ended.reason())),
        }
    }
}
