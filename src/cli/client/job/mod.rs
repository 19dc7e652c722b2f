//! `provost job`, also available as `provost task`.

mod create;
mod list;
mod logs;
pub mod selection;
mod target;

use clap::{Args, Subcommand};

use super::context::{Context, Outcome};
use super::flags::{Action, Change, Interval, Page, Timeout, Wait, Watch, With};
use super::graph::{GraphFormat, print_graph};
use super::lifecycle;
use super::operations::counts;
use super::watch;
use crate::cli::output::read;
use crate::cli::tables::{EVENT, EXECUTION, JOB, JOB_COUNT, JOB_EXPLANATION, JOB_INSPECTION};
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};

use create::{Create, print_created};
use list::List;
use logs::Logs;
use selection::Selection;
use target::{Job, Target};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Enqueue a job
    #[command(visible_aliases = ["c", "new"], after_help = "Examples:\n  provost job create email.send --payload '{\"recipient\": \"a@example.com\"}' --wait\n  provost job create report.generate -p reportId=7 --delay 5m --tag nightly\n  provost task create \"Send Newsletter\" --type send_email -p to=a@example.com")]
    Create(Box<Create>),
    /// Show a job in full
    #[command(visible_aliases = ["g", "show"], after_help = "Examples:\n  provost job get 0198c0de\n  provost task get --id 0198c0de -o yaml")]
    Get(With<Target, Watch>),
    /// List jobs, newest first
    #[command(visible_aliases = ["l", "ls"], after_help = "Examples:\n  provost job list --state failed --since 1h\n  provost job list --queue critical --watch\n  provost task list --pageNumber 2 --pageCount 10")]
    List(Box<List>),
    /// Count jobs by state
    #[command(visible_aliases = ["s", "stat"], after_help = "Example:\n  provost task status")]
    Status,
    /// Watch a job until it is finished
    #[command(after_help = "Example:\n  provost job watch 0198c0de")]
    Watch(With<Target, Interval>),
    /// Wait until a job is finished; exits 1 unless it completed, 7 on timeout
    #[command(after_help = "Example:\n  provost job wait 0198c0de --timeout 2m")]
    Wait(With<Target, Timeout>),
    /// Cancel jobs by id or filter
    #[command(
        after_help = "Examples:\n  provost job cancel 0198c0de --reason 'not needed'\n  provost job cancel --queue imports --yes"
    )]
    Cancel(Selection),
    /// Retry jobs now, by id or filter
    #[command(
        after_help = "Examples:\n  provost job retry 0198c0de\n  provost job retry --kind email.send --error timeout --yes"
    )]
    Retry(Selection),
    /// Run a finished job again, as a new job
    #[command(after_help = "Example:\n  provost job run-again 0198c0de --wait")]
    RunAgain {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Change the priority of a job
    #[command(after_help = "Example:\n  provost job update 0198c0de --priority 9")]
    Update {
        #[command(flatten)]
        target: Target,
        /// Priority, 0 to 9; 9 runs first
        #[arg(long)]
        priority: u8,
        #[command(flatten)]
        change: Change,
    },
    /// List the events of a job, newest first
    #[command(visible_alias = "history", after_help = "Example:\n  provost job events 0198c0de")]
    Events(Events),
    /// Print the log lines of a job, all attempts
    #[command(
        after_help = "Examples:\n  provost job logs 0198c0de --follow\n  provost job logs 0198c0de --stream stderr -o wide"
    )]
    Logs(Logs),
    /// List the attempts of a job, latest first
    #[command(after_help = "Example:\n  provost job executions 0198c0de -o wide")]
    Executions {
        #[command(flatten)]
        target: Target,
        /// Maximum number of results
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Explain why a job is waiting, and what can be done
    #[command(after_help = "Example:\n  provost job explain 0198c0de")]
    Explain(Target),
    /// Draw the dependency graph of a job
    #[command(after_help = "Example:\n  provost job graph 0198c0de -o mermaid")]
    Graph(With<Target, GraphFormat>),
    /// Show a job with its explanation, attempts, events and follow-ups
    #[command(after_help = "Example:\n  provost job inspect 0198c0de -o json")]
    Inspect(Target),
}

#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    page: Page,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(create) => create.run(cx).await,
            Self::Get(With { target, options: watch }) => {
                lifecycle::get::<Job>(cx, &target.id(cx).await?, &watch).await
            }
            Self::List(list) => list.run(cx).await,
            Self::Status => status(cx).await,
            Self::Watch(With { target, options: interval }) => {
                lifecycle::follow::<Job>(cx, &target.id(cx).await?, &interval).await
            }
            Self::Wait(With { target, options: timeout }) => {
                lifecycle::wait::<Job>(cx, &target.id(cx).await?, "completed", timeout.timeout).await
            }
            Self::Cancel(jobs) => apply(cx, jobs, "canceled", Client::cancel_job, Client::cancel_jobs).await,
            Self::Retry(jobs) => apply(cx, jobs, "retried", Client::retry_job, Client::retry_jobs).await,
            Self::RunAgain { action: Action { target, change }, wait } => {
                let id = target.id(cx).await?;
                let answer = cx.client(change.dry).run_job_again(&id, &change.body()).await?;
                print_created(cx, &answer.text, &wait).await
            }
            Self::Update { target, priority, change } => {
                let id = target.id(cx).await?;
                let body = change.body().with("priority", Some(priority));
                cx.row(&JOB, &cx.client(change.dry).patch_job(&id, &body).await?.text)
            }
            Self::Events(events) => events.run(cx).await,
            Self::Logs(logs) => logs.run(cx).await,
            Self::Executions { target, limit } => {
                let id = target.id(cx).await?;
                let pairs = [("limit", limit.map(|it| it.to_string()))];
                cx.list(&EXECUTION, &cx.client.job_executions(&id, &pairs).await?.text)
            }
            Self::Explain(target) => {
                cx.details(&JOB_EXPLANATION, &cx.client.explain_job(&target.id(cx).await?).await?.text)
            }
            Self::Graph(With { target, options: format }) => {
                let id = target.id(cx).await?;
                print_graph(cx, format, async |pairs: Pairs<'_>| cx.client.job_graph(&id, pairs).await).await
            }
            Self::Inspect(target) => {
                cx.details(&JOB_INSPECTION, &cx.client.inspect_job(&target.id(cx).await?).await?.text)
            }
        }
    }
}

impl Events {
    pub async fn run(self, cx: &Context) -> Outcome {
        let id = self.target.id(cx).await?;
        let fetch = async |pairs: Pairs<'_>| cx.client.job_events(&id, pairs).await;
        watch::list(cx, &EVENT, &self.page, None, Vec::new(), fetch).await
    }
}

/// Changes one job through its own path, which returns the job, and several through the bulk path.
async fn apply(
    cx: &Context,
    jobs: Selection,
    verb: &str,
    one: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
    many: impl AsyncFn(&Client, &Body) -> Result<Answer, ClientError>,
) -> Outcome {
    let client = cx.client(jobs.change().dry);
    if let Some(id) = jobs.single(cx).await? {
        return cx.row(&JOB, &one(&client, &id, &jobs.change().body()).await?.text);
    }
    jobs.apply(cx, verb, Body::default(), async |body| many(&client, body).await).await
}

async fn status(cx: &Context) -> Outcome {
    let stats = read(&cx.client.stats(&[]).await?.text)?;
    let totals = stats.at("totals");
    match cx.output.format.is_for_people() {
        true => cx.list(&JOB_COUNT, &counts(totals, "state", "jobs")),
        false => cx.row(&JOB_COUNT, &totals.to_string()),
    }
}
