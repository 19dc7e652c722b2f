//! `provost schedule create` and `provost schedule update`.

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCompleter;

use super::target::Target;
use crate::cli::client::complete;
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::Change;
use crate::cli::client::input::json;
use crate::cli::failure::Failure;
use crate::cli::tables::SCHEDULE;
use crate::wire::client::Body;

/// When a schedule is due.
#[derive(Args, Debug)]
pub struct Timing {
    /// Cron expression with five or six fields, or a name such as @daily
    #[arg(long, value_name = "CRON")]
    cron: Option<String>,
    /// Fixed interval instead of a cron expression, such as 15m
    #[arg(long, value_name = "DURATION", conflicts_with = "cron")]
    every: Option<String>,
    /// Time zone of the cron expression, such as Europe/Rome
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

/// Requires either a cron expression or an interval.
pub fn timing_group() -> ArgGroup {
    ArgGroup::new("due").args(["cron", "every"]).required(true)
}

impl Timing {
    pub fn add_to(&self, body: Body) -> Body {
        body.with("cron", self.cron.as_ref())
            .with("every", self.every.as_ref())
            .with("time_zone", self.time_zone.as_ref())
    }
}

/// What a schedule starts, and how.
#[derive(Args, Debug)]
struct Plan {
    /// What to start: {"job": …}, {"project": …} or {"workflow": …}, as JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    target: Option<String>,
    /// Start a job of this kind
    #[arg(short = 't', long, visible_alias = "type", conflicts_with = "target", add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// Payload of the job, as JSON, @FILE, or - for stdin; {{due_at}} is replaced by the due time
    #[arg(long, conflicts_with = "target", value_name = "JSON")]
    payload: Option<String>,
    /// Queue of the job
    #[arg(long, conflicts_with = "target", add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// Priority of the job, 0 to 9; 9 runs first
    #[arg(long, conflicts_with = "target")]
    priority: Option<u8>,
    /// Maximum number of failures per job, including expired leases
    #[arg(long, conflicts_with = "target", value_name = "N")]
    max_attempts: Option<u32>,
    /// Maximum duration of one attempt
    #[arg(long, conflicts_with = "target", value_name = "DURATION")]
    execution_timeout: Option<String>,
    /// Tenant of the job
    #[arg(long, conflicts_with = "target")]
    tenant: Option<String>,
    /// What to do about missed due times
    #[arg(long, value_parser = ["skip", "latest", "all"])]
    misfire: Option<String>,
    /// Maximum number of missed due times to start, with --misfire all
    #[arg(long, value_name = "N")]
    catch_up: Option<u32>,
    /// How late a due time may start before it counts as missed
    #[arg(long, value_name = "DURATION")]
    misfire_grace: Option<String>,
    /// What to do if the previous run is still unfinished
    #[arg(long, value_parser = ["allow", "skip"])]
    overlap: Option<String>,
    /// Maximum random delay of each run
    #[arg(long, value_name = "DURATION")]
    jitter: Option<String>,
}

impl Plan {
    fn add_to(&self, body: Body) -> Result<Body, Failure> {
        let target = self.target.as_ref().map(|text| json("--target", text)).transpose()?;
        let payload = self.payload.as_ref().map(|text| json("--payload", text)).transpose()?;
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
#[command(group(timing_group()), group(ArgGroup::new("what").args(["target", "kind"]).required(true)))]
pub struct Create {
    /// Name of the schedule
    #[arg(value_name = "SCHEDULE", add = ArgValueCompleter::new(complete::schedules))]
    name: String,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    plan: Plan,
    /// Create the schedule paused
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    change: Change,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        cx.about("schedule", &self.name);
        let body = self.timing.add_to(self.change.body().with("name", Some(&self.name)));
        let body = self.plan.add_to(body)?.with("enabled", self.paused.then_some(false));
        cx.row(&SCHEDULE, &cx.client(self.change.dry).put_schedule(&body).await?.text)
    }
}

#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    schedule: Target,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    change: Change,
}

impl Update {
    pub async fn run(self, cx: &Context) -> Outcome {
        let name = self.schedule.name(cx);
        let body = self.plan.add_to(self.timing.add_to(self.change.body()))?;
        cx.row(&SCHEDULE, &cx.client(self.change.dry).patch_schedule(name, &body).await?.text)
    }
}
