//! `provost queue`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use serde_json::value::RawValue;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Dry, Page, Watching, bare};
use super::look::list;
use crate::cli::Exit;
use crate::cli::output::{Noun, Show, column, wide};
use crate::wire::client::{Body, Pairs};
use crate::wire::json::raw;

/// A queue in a table.
pub static QUEUE: Noun = Noun {
    name: "queue",
    key: "name",
    columns: &[
        column("NAME", "name", Show::Exact),
        column("STATE", "state", Show::State),
        column("WAITING", "waiting", Show::Number),
        column("ACTIVE", "active", Show::Number),
        column("RETRYING", "retrying", Show::Number),
        wide("SCHEDULED", "scheduled", Show::Number),
        wide("BLOCKED", "blocked", Show::Number),
        column("FAILED", "failed", Show::Number),
        column("OLDEST", "oldest_waiting_at", Show::When),
        wide("IN/MIN", "in_per_minute", Show::Number),
        wide("OUT/MIN", "out_per_minute", Show::Number),
        column("WORKERS", "workers", Show::Number),
        wide("AT ONCE", "concurrency", Show::Number),
        column("REASON", "reason", Show::Text),
    ],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The queues, by name
    #[command(visible_alias = "ls", after_help = "Example:\n  provost queue list -o wide")]
    List {
        #[command(flatten)]
        watching: Watching,
    },
    /// Everything known about one
    #[command(visible_alias = "show", after_help = "Example:\n  provost queue get default")]
    Get {
        #[command(flatten)]
        which: Which,
    },
    /// Let there be one, also before its first job
    #[command(visible_alias = "new", after_help = "Example:\n  provost queue create critical --concurrency 4")]
    Create {
        name: String,
        /// How many of its jobs may be active at once
        #[arg(long, value_name = "N")]
        concurrency: Option<u32>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Give nothing any more; what runs finishes, what comes waits
    #[command(after_help = "Example:\n  provost queue pause default --reason 'the mail server is down'")]
    Pause {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Give and take again
    #[command(after_help = "Example:\n  provost queue resume default")]
    Resume {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Take nothing new; what waits is worked off
    #[command(after_help = "Example:\n  provost queue drain imports")]
    Drain {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// How many of its jobs may be active at once
    #[command(after_help = "Examples:\n  provost queue limit imports 4\n  provost queue limit imports none")]
    Limit {
        #[command(flatten)]
        which: Which,
        /// A number, or none
        #[arg(value_parser = most)]
        most: Most,
        #[command(flatten)]
        act: Act,
    },
}

/// Which queue.
#[derive(Args, Debug)]
pub struct Which {
    #[arg(value_name = "QUEUE", value_parser = bare("queue"), add = ArgValueCompleter::new(complete::queues))]
    name: String,
}

/// How many at once; nothing is no limit.
#[derive(Clone, Copy, Debug)]
pub struct Most(Option<u32>);

fn most(text: &str) -> Result<Most, String> {
    if text == "none" {
        return Ok(Most(None));
    }
    text.parse().map(|n| Most(Some(n))).map_err(|_| "write a whole number, or none".to_owned())
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        let text = match self {
            Self::List { watching } => {
                let fetch = async |_: Pairs<'_>| cx.client.list_queues().await;
                return list(cx, &QUEUE, &Page::default(), Some(&watching), Vec::new(), fetch).await;
            }
            Self::Get { which } => {
                cx.output.card(&QUEUE, &cx.client.get_queue(which.named(cx)).await?.text)?;
                return Ok(Exit::Success);
            }
            Self::Create { name, concurrency, dry } => {
                cx.about("queue", &name);
                let body = Body::default().with("name", Some(&name)).with("concurrency", concurrency);
                cx.client(dry.dry_run).create_queue(&body).await?.text
            }
            Self::Pause { which, act } => {
                cx.client(act.dry.dry_run).pause_queue(which.named(cx), &act.body()).await?.text
            }
            Self::Resume { which, act } => {
                cx.client(act.dry.dry_run).resume_queue(which.named(cx), &act.body()).await?.text
            }
            Self::Drain { which, act } => {
                cx.client(act.dry.dry_run).drain_queue(which.named(cx), &act.body()).await?.text
            }
            Self::Limit { which, most, act } => {
                // No limit is said by null, which must be sent.
                let most: Box<RawValue> = raw(most.0.map_or_else(|| "null".to_owned(), |n| n.to_string()));
                let body = act.body().with("concurrency", Some(most));
                cx.client(act.dry.dry_run).patch_queue(which.named(cx), &body).await?.text
            }
        };
        cx.output.row(&QUEUE, &text)?;
        Ok(Exit::Success)
    }
}

impl Which {
    fn named(&self, cx: &Context) -> &str {
        cx.about("queue", &self.name);
        &self.name
    }
}
