//! `provost schedule`.

mod definition;
mod target;

use clap::{Args, Subcommand};

use super::context::{Context, Outcome};
use super::flags::{Action, Change, Confirm, Page, Watch};
use super::watch::list;
use crate::cli::exit::Exit;
use crate::cli::output::{Json, Resource, array, read};
use crate::cli::tables::{DUE_TIME, SCHEDULE, TICK};
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};

use definition::{Create, Timing, Update, timing_group};
use target::Target;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Create a schedule, or replace the one with this name
    #[command(
        visible_aliases = ["new", "put"],
        after_help = "Examples:\n  provost schedule create nightly --cron '0 3 * * *' --time-zone Europe/Rome --kind report.generate --payload '{\"reportId\": \"{{due_at}}\"}'\n  provost schedule create beat --every 15m --kind noop --overlap skip"
    )]
    Create(Box<Create>),
    /// Change some settings of a schedule
    #[command(
        visible_alias = "edit",
        after_help = "Example:\n  provost schedule update nightly --cron '0 4 * * *' --reason 'after the backup'"
    )]
    Update(Box<Update>),
    /// Show a schedule in full
    #[command(visible_alias = "show", after_help = "Example:\n  provost schedule get nightly -o yaml")]
    Get(Target),
    /// List schedules by name
    #[command(visible_alias = "ls", after_help = "Example:\n  provost schedule list -o wide")]
    List(Watch),
    /// Pause a schedule
    #[command(after_help = "Example:\n  provost schedule pause nightly --reason holidays")]
    Pause(Action<Target>),
    /// Resume a schedule at its next due time
    #[command(after_help = "Example:\n  provost schedule resume nightly")]
    Resume(Action<Target>),
    /// Run a schedule now, in addition to its due times
    #[command(visible_alias = "trigger", after_help = "Example:\n  provost schedule run nightly")]
    Run(Action<Target>),
    /// Start the past due times of a period; --dry-run only lists them
    #[command(
        after_help = "Example:\n  provost schedule backfill nightly --from 2026-01-01T00:00:00Z --to 2026-01-08T00:00:00Z --dry-run"
    )]
    Backfill(Backfill),
    /// List the next due times of a schedule, even if it is paused
    #[command(after_help = "Example:\n  provost schedule next nightly --limit 3")]
    Next {
        #[command(flatten)]
        target: Target,
        /// Maximum number of due times, 1 to 100
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Only due times after this RFC 3339 timestamp
        #[arg(long, value_name = "WHEN")]
        after: Option<String>,
    },
    /// List the due times of an expression without creating a schedule
    #[command(
        group(timing_group()),
        after_help = "Example:\n  provost schedule preview --cron '0 8 * * 1-5' --time-zone Europe/Rome"
    )]
    Preview {
        #[command(flatten)]
        timing: Timing,
        /// Maximum number of due times, 1 to 100
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// List the past due times of a schedule and their outcomes, newest first
    #[command(after_help = "Example:\n  provost schedule ticks nightly --outcome skipped")]
    Ticks {
        #[command(flatten)]
        target: Target,
        /// Only due times with this outcome
        #[arg(long, value_parser = ["fired", "skipped"])]
        outcome: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Delete a schedule; jobs and workflows it started keep running
    #[command(visible_alias = "rm", after_help = "Example:\n  provost schedule delete nightly --yes")]
    Delete {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        confirm: Confirm,
    },
}

#[derive(Args, Debug)]
pub struct Backfill {
    #[command(flatten)]
    target: Target,
    /// Start of the period, as an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    from: String,
    /// End of the period, as an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    to: String,
    #[command(flatten)]
    change: Change,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(create) => create.run(cx).await,
            Self::Update(update) => update.run(cx).await,
            Self::Get(target) => cx.details(&SCHEDULE, &cx.client.get_schedule(target.name(cx)).await?.text),
            Self::List(watch) => {
                let fetch = async |_: Pairs<'_>| cx.client.list_schedules().await;
                list(cx, &SCHEDULE, &Page::default(), Some(&watch), Vec::new(), fetch).await
            }
            Self::Pause(action) => apply(cx, &SCHEDULE, &action, Client::pause_schedule).await,
            Self::Resume(action) => apply(cx, &SCHEDULE, &action, Client::resume_schedule).await,
            Self::Run(action) => apply(cx, &TICK, &action, Client::run_schedule).await,
            Self::Backfill(backfill) => backfill.run(cx).await,
            Self::Next { target, limit, after } => {
                let pairs = [("limit", limit.map(|it| it.to_string())), ("after", after)];
                print_due_times(cx, &cx.client.next_of_schedule(target.name(cx), &pairs).await?, "next")
            }
            Self::Preview { timing, limit } => {
                let body = timing.add_to(Body::default()).with("limit", limit);
                print_due_times(cx, &cx.client.preview_schedule(&body).await?, "next")
            }
            Self::Ticks { target, outcome, page } => {
                let name = target.name(cx);
                let fetch = async |pairs: Pairs<'_>| cx.client.schedule_ticks(name, pairs).await;
                list(cx, &TICK, &page, None, vec![("outcome", outcome)], fetch).await
            }
            Self::Delete { action: Action { target, change }, confirm } => {
                let name = target.name(cx);
                cx.confirm(confirm, change.dry, &format!("Schedule {name:?} will be deleted."))?;
                cx.client(change.dry).delete_schedule(name, &change.body()).await?;
                cx.deleted("schedule", name)
            }
        }
    }
}

/// Sends a change and prints what the server returns.
async fn apply(
    cx: &Context,
    resource: &Resource,
    Action { target, change }: &Action<Target>,
    send: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
) -> Outcome {
    cx.row(resource, &send(&cx.client(change.dry), target.name(cx), &change.body()).await?.text)
}

impl Backfill {
    async fn run(self, cx: &Context) -> Outcome {
        // Only the server knows which runs are missing, so a dry run is a request too.
        let dry_run = self.change.dry.dry_run;
        let body = self.change.body().with("from", Some(&self.from)).with("to", Some(&self.to));
        let body = body.with("dry_run", Some(dry_run));
        let answer = cx.client.backfill_schedule(self.target.name(cx), &body).await?;
        let result = read(&answer.text)?;
        let verb = if dry_run { "would be started" } else { "started" };
        let (started, already, left_out) = (result.count("started"), result.count("already"), result.count("left_out"));
        cx.output.note(&format!("{started} {verb}, {already} already started, {left_out} skipped"));
        print_due_times(cx, &answer, "due")?;
        Ok(if left_out > 0 { Exit::Partial } else { Exit::Success })
    }
}

/// Prints due times as a table for people, and the whole response for programs.
fn print_due_times(cx: &Context, answer: &Answer, member: &str) -> Outcome {
    if !cx.output.format.is_for_people() {
        return cx.row(&DUE_TIME, &answer.text);
    }
    let json = read(&answer.text)?;
    if !json.text("words").is_empty() {
        cx.output.note(json.text("words"));
    }
    cx.list(&DUE_TIME, &array(json.at(member).list().iter().map(Json::to_string)))
}
