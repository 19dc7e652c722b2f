//! `provost schedule create`, and `update`, which takes the same but for the state.

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, bare};
use super::tables::SCHEDULE;
use super::text::value;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::wire::client::Body;

/// When something is due.
#[derive(Args, Debug)]
pub struct When {
    /// Five or six fields of cron, @daily and the like
    #[arg(long, value_name = "CRON")]
    cron: Option<String>,
    /// Instead: every so often, like 15m
    #[arg(long, value_name = "DURATION", conflicts_with = "cron")]
    every: Option<String>,
    /// Whose wall clock cron means, like Europe/Rome
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

/// Where something new is to be due, it has to be said when.
pub fn due() -> ArgGroup {
    ArgGroup::new("due").args(["cron", "every"]).required(true)
}

impl When {
    pub fn add_to(&self, body: Body) -> Body {
        body.with("cron", self.cron.as_ref())
            .with("every", self.every.as_ref())
            .with("time_zone", self.time_zone.as_ref())
    }
}

/// What is started, and how. What is left out is as usual in a new one, and as it was in one that is there.
#[derive(Args, Debug)]
struct Details {
    /// What to start: {"job": …}, {"project": …} or {"workflow": …}, as JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    target: Option<String>,
    /// Instead: a job of this kind
    #[arg(short = 't', long, visible_alias = "type", conflicts_with = "target", add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// Its payload, as JSON, @FILE, or - for stdin; {{due_at}} becomes the due time
    #[arg(long, conflicts_with = "target", value_name = "JSON")]
    payload: Option<String>,
    #[arg(long, conflicts_with = "target", add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// 0 to 9; 9 is served first
    #[arg(long, conflicts_with = "target")]
    priority: Option<u8>,
    /// How many failures or lost workers each job may have
    #[arg(long, conflicts_with = "target", value_name = "N")]
    max_attempts: Option<u32>,
    /// How long one execution may take
    #[arg(long, conflicts_with = "target", value_name = "DURATION")]
    execution_timeout: Option<String>,
    /// Whose work it is
    #[arg(long, conflicts_with = "target")]
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
}

impl Details {
    fn add_to(&self, body: Body) -> Result<Body, Failure> {
        let target = self.target.as_ref().map(|text| value("--target", text)).transpose()?;
        let payload = self.payload.as_ref().map(|text| value("--payload", text)).transpose()?;
        Ok(body
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
            .with("jitter", self.jitter.as_ref()))
    }
}

#[derive(Args, Debug)]
#[command(group(due()), group(ArgGroup::new("what").args(["target", "kind"]).required(true)))]
pub struct Create {
    #[arg(value_name = "SCHEDULE", add = ArgValueCompleter::new(complete::schedules))]
    name: String,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    plan: Details,
    /// It starts nothing until it is resumed
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    act: Act,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        cx.about("schedule", &self.name);
        let body = self.when.add_to(self.act.body().with("name", Some(&self.name)));
        let body = self.plan.add_to(body)?.with("enabled", self.paused.then_some(false));
        cx.output.row(&SCHEDULE, &cx.client(self.act.dry.dry_run).put_schedule(&body).await?.text)?;
        Ok(Exit::Success)
    }
}

/// Some of it, otherwise than it was. Whether it is paused is up to `pause` and `resume`.
#[derive(Args, Debug)]
pub struct Update {
    #[arg(value_name = "SCHEDULE", value_parser = bare("schedule"), add = ArgValueCompleter::new(complete::schedules))]
    name: String,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    plan: Details,
    #[command(flatten)]
    act: Act,
}

impl Update {
    pub async fn run(self, cx: &Context) -> Outcome {
        cx.about("schedule", &self.name);
        let body = self.plan.add_to(self.when.add_to(self.act.body()))?;
        let answer = cx.client(self.act.dry.dry_run).patch_schedule(&self.name, &body).await?;
        cx.output.row(&SCHEDULE, &answer.text)?;
        Ok(Exit::Success)
    }
}
