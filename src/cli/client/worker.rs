//! `provost worker`, except `worker run`.

use clap::Subcommand;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Action, Confirm, Page, Watch};
use super::input::find_one;
use super::target::target;
use super::watch::list;
use crate::cli::failure::Failure;
use crate::cli::output::read;
use crate::cli::tables::{RUNNING_EXECUTION, WORKER};
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List workers, including lost ones
    #[command(visible_alias = "ls", after_help = "Example:\n  provost worker list --state online")]
    List {
        /// Only workers in this state
        #[arg(long, value_parser = ["online", "cordoned", "draining", "lost"])]
        state: Option<String>,
        /// Only workers that serve this queue
        #[arg(long, add = ArgValueCompleter::new(complete::queues))]
        queue: Option<String>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a worker in full
    #[command(visible_alias = "show", after_help = "Example:\n  provost worker get build-7")]
    Get(Target),
    /// List the attempts that a worker is running
    #[command(after_help = "Example:\n  provost worker executions build-7 -o wide")]
    Executions(Target),
    /// Stop a worker from claiming jobs; running jobs finish
    #[command(after_help = "Example:\n  provost worker cordon build-7 --reason 'new disk'")]
    Cordon(Action<Target>),
    /// Let a cordoned or draining worker claim jobs again
    #[command(after_help = "Example:\n  provost worker uncordon build-7")]
    Uncordon(Action<Target>),
    /// Stop a worker from claiming jobs, and release those that do not finish in time
    #[command(visible_alias = "stop", after_help = "Example:\n  provost worker drain build-7 --reason deploy")]
    Drain(Action<Target>),
    /// Remove a lost worker from the list
    #[command(after_help = "Example:\n  provost worker forget build-7 --yes")]
    Forget {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        confirm: Confirm,
    },
}

target!("worker", "WORKER", "Id or id prefix of the worker", complete::workers);

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { state, queue, watch } => {
                let pairs = [("state", state), ("queue", queue)];
                let fetch = async |_: Pairs<'_>| cx.client.list_workers(&pairs).await;
                list(cx, &WORKER, &Page::default(), Some(&watch), Vec::new(), fetch).await
            }
            Self::Get(target) => cx.details(&WORKER, &cx.client.get_worker(&target.id(cx).await?).await?.text),
            Self::Executions(target) => {
                cx.list(&RUNNING_EXECUTION, &cx.client.worker_executions(&target.id(cx).await?).await?.text)
            }
            Self::Cordon(action) => apply(cx, &action, Client::cordon_worker).await,
            Self::Uncordon(action) => apply(cx, &action, Client::uncordon_worker).await,
            Self::Drain(action) => apply(cx, &action, Client::drain_worker).await,
            Self::Forget { action: Action { target, change }, confirm } => {
                let id = target.id(cx).await?;
                cx.confirm(confirm, change.dry, &format!("Worker {id} will be removed from the list."))?;
                cx.client(change.dry).forget_worker(&id, &change.body()).await?;
                cx.deleted("worker", &id)
            }
        }
    }
}

/// Sends a state change and prints the worker.
async fn apply(
    cx: &Context,
    Action { target, change }: &Action<Target>,
    send: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
) -> Outcome {
    let id = target.id(cx).await?;
    cx.row(&WORKER, &send(&cx.client(change.dry), &id, &change.body()).await?.text)
}

impl Target {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        let name = self.name(cx);
        let workers = read(&cx.client.list_workers(&[]).await?.text)?;
        find_one("worker", name, workers.list(), "id")
    }
}
