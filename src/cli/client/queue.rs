//! `provost queue`.

use clap::Subcommand;
use serde_json::value::RawValue;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Action, Change, DryRun, Page, Watch};
use super::target::target;
use super::watch::list;
use crate::cli::tables::QUEUE;
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};
use crate::wire::json::raw;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List queues by name
    #[command(visible_alias = "ls", after_help = "Example:\n  provost queue list -o wide")]
    List(Watch),
    /// Show a queue in full
    #[command(visible_alias = "show", after_help = "Example:\n  provost queue get default")]
    Get(Target),
    /// Create a queue
    #[command(visible_alias = "new", after_help = "Example:\n  provost queue create critical --concurrency 4")]
    Create {
        /// Queue name
        name: String,
        /// Maximum number of jobs that run at the same time
        #[arg(long, value_name = "N")]
        concurrency: Option<u32>,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Pause a queue; running jobs finish, other jobs wait
    #[command(after_help = "Example:\n  provost queue pause default --reason 'the mail server is down'")]
    Pause(Action<Target>),
    /// Resume a paused or draining queue
    #[command(after_help = "Example:\n  provost queue resume default")]
    Resume(Action<Target>),
    /// Drain a queue: refuse new jobs; waiting jobs still run
    #[command(after_help = "Example:\n  provost queue drain imports")]
    Drain(Action<Target>),
    /// Set how many jobs of a queue may run at the same time
    #[command(after_help = "Examples:\n  provost queue limit imports 4\n  provost queue limit imports none")]
    Limit {
        #[command(flatten)]
        target: Target,
        /// Maximum number, or none
        #[arg(value_name = "MAX", value_parser = max)]
        max: Max,
        #[command(flatten)]
        change: Change,
    },
}

target!("queue", "QUEUE", "Name of the queue", complete::queues);

/// A maximum; `None` means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Max(Option<u32>);

fn max(text: &str) -> Result<Max, String> {
    if text == "none" {
        return Ok(Max(None));
    }
    text.parse().map(|n| Max(Some(n))).map_err(|_| "expected a whole number, or none".to_owned())
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List(watch) => {
                let fetch = async |_: Pairs<'_>| cx.client.list_queues().await;
                list(cx, &QUEUE, &Page::default(), Some(&watch), Vec::new(), fetch).await
            }
            Self::Get(target) => cx.details(&QUEUE, &cx.client.get_queue(target.name(cx)).await?.text),
            Self::Create { name, concurrency, dry } => {
                cx.about("queue", &name);
                let body = Body::default().with("name", Some(&name)).with("concurrency", concurrency);
                cx.row(&QUEUE, &cx.client(dry).create_queue(&body).await?.text)
            }
            Self::Pause(action) => apply(cx, &action, Client::pause_queue).await,
            Self::Resume(action) => apply(cx, &action, Client::resume_queue).await,
            Self::Drain(action) => apply(cx, &action, Client::drain_queue).await,
            Self::Limit { target, max, change } => {
                // The request must contain null to remove the limit.
                let max: Box<RawValue> = raw(max.0.map_or_else(|| "null".to_owned(), |n| n.to_string()));
                let body = change.body().with("concurrency", Some(max));
                cx.row(&QUEUE, &cx.client(change.dry).patch_queue(target.name(cx), &body).await?.text)
            }
        }
    }
}

/// Sends a state change and prints the queue.
async fn apply(
    cx: &Context,
    Action { target, change }: &Action<Target>,
    send: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
) -> Outcome {
    cx.row(&QUEUE, &send(&cx.client(change.dry), target.name(cx), &change.body()).await?.text)
}
