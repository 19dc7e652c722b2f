//! `provost limit`.

use clap::{Args, Subcommand};

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Action, Change, Confirm, Page, Watch};
use super::target::target;
use super::watch::list;
use crate::cli::tables::LIMIT;
use crate::wire::client::Pairs;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List limits and their current use
    #[command(visible_alias = "ls", after_help = "Example:\n  provost limit list --watch")]
    List(Watch),
    /// Show a limit in full
    #[command(visible_alias = "show", after_help = "Example:\n  provost limit get mail")]
    Get(Target),
    /// Create a limit, or replace the one with this name
    #[command(
        after_help = "Examples:\n  provost limit set mail --scope kind --value email.send --limit 10 --window 1s\n  provost limit set imports --scope queue --value imports --mode concurrency --limit 4"
    )]
    Set(Box<Set>),
    /// Delete a limit
    #[command(visible_alias = "rm", after_help = "Example:\n  provost limit delete mail --yes")]
    Delete {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        confirm: Confirm,
    },
}

target!("limit", "LIMIT", "Name of the limit", complete::limits);

#[derive(Args, Debug)]
pub struct Set {
    #[command(flatten)]
    target: Target,
    /// What the limit applies to
    #[arg(long, value_parser = ["global", "queue", "kind", "tenant"])]
    scope: String,
    /// The queue, kind or tenant
    #[arg(long)]
    value: Option<String>,
    /// Limit job starts per window, or running jobs
    #[arg(long, value_parser = ["rate", "concurrency"], default_value = "rate")]
    mode: String,
    /// Maximum number of jobs
    #[arg(long, value_name = "N")]
    limit: u32,
    /// Rate limits: length of the window
    #[arg(long, value_name = "DURATION")]
    window: Option<String>,
    /// Rate limits: maximum burst after an idle period
    #[arg(long, value_name = "N")]
    burst: Option<u32>,
    /// Save the limit without enforcing it
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    change: Change,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List(watch) => {
                let fetch = async |_: Pairs<'_>| cx.client.list_limits().await;
                list(cx, &LIMIT, &Page::default(), Some(&watch), Vec::new(), fetch).await
            }
            Self::Get(target) => cx.details(&LIMIT, &cx.client.get_limit(target.name(cx)).await?.text),
            Self::Set(set) => set.run(cx).await,
            Self::Delete { action: Action { target, change }, confirm } => {
                let name = target.name(cx);
                cx.confirm(confirm, change.dry, &format!("Limit {name:?} will be deleted."))?;
                cx.client(change.dry).delete_limit(name, &change.body()).await?;
                cx.deleted("limit", name)
            }
        }
    }
}

impl Set {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { target, scope, value, mode, limit, window, burst, disabled, change } = self;
        let body = change
            .body()
            .with("name", Some(target.name(cx)))
            .with("scope", Some(scope))
            .with("value", value)
            .with("mode", Some(mode))
            .with("limit", Some(limit))
            .with("window", window)
            .with("burst", burst)
            .with("enabled", disabled.then_some(false));
        cx.row(&LIMIT, &cx.client(change.dry).put_limit(&body).await?.text)
    }
}
