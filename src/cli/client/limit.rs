//! `provost limit`: how often, or how many at once.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Page, Sure, Watching, bare};
use super::look::list;
use crate::cli::Exit;
use crate::cli::output::{Noun, Show, column, wide};
use crate::wire::client::Pairs;

/// A limit in a table.
static LIMIT: Noun = Noun {
    name: "limit",
    key: "name",
    columns: &[
        column("NAME", "name", Show::Exact),
        column("SCOPE", "scope", Show::Text),
        column("OF", "value", Show::Text),
        column("MODE", "mode", Show::Text),
        column("LIMIT", "limit", Show::Number),
        column("WINDOW S", "window_s", Show::Number),
        wide("BURST", "burst", Show::Number),
        column("ACTIVE", "active", Show::Number),
        wide("TOKENS", "tokens", Show::Number),
        column("HELD BACK", "held_back", Show::Number),
        wide("ENABLED", "enabled", Show::Text),
        wide("BY", "actor", Show::Text),
        wide("UPDATED", "updated_at", Show::When),
    ],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The limits, and how much of each is used now
    #[command(visible_alias = "ls", after_help = "Example:\n  provost limit list --watch")]
    List {
        #[command(flatten)]
        watching: Watching,
    },
    /// Everything known about one
    #[command(visible_alias = "show", after_help = "Example:\n  provost limit get mail")]
    Get {
        #[arg(value_name = "LIMIT", value_parser = bare("limit"), add = ArgValueCompleter::new(complete::limits))]
        name: String,
    },
    /// Make one, or change the one of that name
    #[command(
        after_help = "Examples:\n  provost limit set mail --scope kind --value email.send --limit 10 --window 1s\n  provost limit set imports --scope queue --value imports --mode concurrency --limit 4"
    )]
    Set(Box<Set>),
    /// It holds no longer
    #[command(visible_alias = "rm", after_help = "Example:\n  provost limit delete mail --yes")]
    Delete {
        #[arg(value_name = "LIMIT", value_parser = bare("limit"), add = ArgValueCompleter::new(complete::limits))]
        name: String,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args, Debug)]
pub struct Set {
    #[arg(value_name = "LIMIT", value_parser = bare("limit"), add = ArgValueCompleter::new(complete::limits))]
    name: String,
    #[arg(long, value_parser = ["global", "queue", "kind", "tenant"])]
    scope: String,
    /// Which queue, kind or tenant
    #[arg(long)]
    value: Option<String>,
    /// So many in a window, or so many at once
    #[arg(long, value_parser = ["rate", "concurrency"], default_value = "rate")]
    mode: String,
    /// How many
    #[arg(long, value_name = "N")]
    limit: u32,
    /// Of a rate: in how long
    #[arg(long, value_name = "DURATION")]
    window: Option<String>,
    /// Of a rate: how many at once after a rest
    #[arg(long, value_name = "N")]
    burst: Option<u32>,
    /// It is kept, but does not hold
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    act: Act,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { watching } => {
                let fetch = async |_: Pairs<'_>| cx.client.list_limits().await;
                list(cx, &LIMIT, &Page::default(), Some(&watching), Vec::new(), fetch).await
            }
            Self::Get { name } => {
                cx.about("limit", &name);
                cx.output.card(&LIMIT, &cx.client.get_limit(&name).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Set(wish) => wish.run(cx).await,
            Self::Delete { name, act, sure } => {
                cx.about("limit", &name);
                cx.confirm(sure.yes || act.dry.dry_run, &format!("Limit {name:?} holds no longer."))?;
                cx.client(act.dry.dry_run).delete_limit(&name, &act.body()).await?;
                cx.gone("limit", &name)
            }
        }
    }
}

impl Set {
    async fn run(self, cx: &Context) -> Outcome {
        cx.about("limit", &self.name);
        let body = self.act.body();
        let body = body
            .with("name", Some(&self.name))
            .with("scope", Some(&self.scope))
            .with("value", self.value.as_ref())
            .with("mode", Some(&self.mode))
            .with("limit", Some(self.limit))
            .with("window", self.window.as_ref())
            .with("burst", self.burst)
            .with("enabled", self.disabled.then_some(false));
        cx.output.row(&LIMIT, &cx.client(self.act.dry.dry_run).put_limit(&body).await?.text)?;
        Ok(Exit::Success)
    }
}
