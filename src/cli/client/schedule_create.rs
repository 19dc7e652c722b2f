//! `provost schedule create`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::Act;
use super::tables::SCHEDULE;
use super::text::value;
use crate::cli::Exit;
use crate::wire::client::Body;

/// When something is due.
#[derive(Args, Debug)]
pub struct When {
    /// Five or six fields of cron, @daily and the like
    #[arg(long, value_name = "CRON", required_unless_present = "every")]
    cron: Option<String>,
    /// Instead: every so often, like 15m
    #[arg(long, value_name = "DURATION", conflicts_with = "cron")]
    every: Option<String>,
    /// Whose wall clock cron means, like Europe/Rome
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

impl When {
    pub fn add_to(&self, body: Body) -> Body {
        body.with("cron", self.cron.as_ref())
            .with("every", self.every.as_ref())
            .with("time_zone", self.time_zone.as_ref())
    }
}

#[derive(Args, Debug)]
pub struct Create {
    #[arg(value_name = "SCHEDULE", add = ArgValueCompleter::new(complete::schedules))]
    name: String,
    #[command(flatten)]
    when: When,
    /// What to start: {"job": …}, {"project": …} or {"workflow": …}, as JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON", required_unless_present = "kind")]
    target: Option<String>,
    /// Instead: a job of this kind
    #[arg(short = 't', long, visible_alias = "type", conflicts_with = "target", add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// Its payload, as JSON, @FILE, or - for stdin; {{due_at}} becomes the due time
    #[arg(long, value_name = "JSON", requires = "kind")]
    payload: Option<String>,
    #[arg(long, requires = "kind", add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// 0 to 9; 9 is served first
    #[arg(long, requires = "kind")]
    priority: Option<u8>,
    /// How many failures or lost workers each job may have
    #[arg(long, value_name = "N", requires = "kind")]
    max_attempts: Option<u32>,
    /// How long one execution may take
    #[arg(long, value_name = "DURATION", requires = "kind")]
    execution_timeout: Option<String>,
    /// Whose work it is
    #[arg(long, requires = "kind")]
    tenant: Option<String>,
    /// What to do about due times that nobody could serve in time
    #[arg(long, value_parser = ["skip", "latest", "all"])]
    misfire: Option<String>,
    /// How many due times `all` makes up for
    #[arg(long, value_name = "N")]
    catch_up: Option<u32>,
    /// What is late by less than this was not missed
    #[arg(long, value_name = "DURATION")]
    misfire_grace: Option<String>,
    /// What to do while something that it started is not finished
    #[arg(long, value_parser = ["allow", "skip"])]
    overlap: Option<String>,
    /// By less than this a job may start later than its due time
    #[arg(long, value_name = "DURATION")]
    jitter: Option<String>,
    /// It starts nothing until it is resumed
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    act: Act,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        cx.about("schedule", &self.name);
        let target = self.target.as_ref().map(|text| value("--target", text)).transpose()?;
        let payload = self.payload.as_ref().map(|text| value("--payload", text)).transpose()?;
        let body = self.when.add_to(self.act.body().with("name", Some(&self.name)));
        let body = body
            .with("target", target)
            .with("kind", self.kind.as_ref())
            .with("payload", payload)
            .with("queue", self.queue.as_ref())
            .with("priority", self.priority)
            .with("max_attempts", self.max_attempts)
            .with("timeout", self.execution_timeout.as_ref())
            .with("tenant", self.tenant.as_ref())
            .with("misfire", self.misfire.as_ref())
            .with("catch_up", self.catch_up)
            .with("misfire_grace", self.misfire_grace.as_ref())
            .with("overlap", self.overlap.as_ref())
            .with("jitter", self.jitter.as_ref())
            .with("enabled", self.paused.then_some(false));
        cx.output.row(&SCHEDULE, &cx.client(self.act.dry.dry_run).put_schedule(&body).await?.text)?;
        Ok(Exit::Success)
    }
}
