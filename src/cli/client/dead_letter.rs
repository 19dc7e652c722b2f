//! `provost dlq`: jobs that failed permanently.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Page, Watch};
use super::input::json;
use super::job::selection::{Filter, Selection};
use super::watch::list;
use crate::cli::tables::{DEAD_LETTER_GROUP, JOB};
use crate::wire::client::{Body, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List dead letters, latest first
    #[command(visible_alias = "ls", after_help = "Example:\n  provost dlq list --kind email.send --since 1d")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        watch: Watch,
    },
    /// Group dead letters by error
    #[command(after_help = "Example:\n  provost dlq groups --queue imports")]
    Groups {
        /// Only jobs of this kind
        #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
        kind: Option<String>,
        /// Only jobs in this queue
        #[arg(long, add = ArgValueCompleter::new(complete::queues))]
        queue: Option<String>,
        /// Maximum number of groups
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Replay dead letters, optionally edited
    #[command(
        after_help = "Examples:\n  provost dlq replay 0198c0de\n  provost dlq replay --kind email.send --error timeout --yes\n  provost dlq replay 0198c0de --set-payload '{\"recipient\": \"b@example.com\"}'"
    )]
    Replay(Box<Replay>),
    /// Delete dead letters; their events are kept
    #[command(visible_alias = "discard", after_help = "Example:\n  provost dlq delete --kind email.send --yes")]
    Delete(Selection),
}

#[derive(Args, Debug)]
pub struct Replay {
    #[command(flatten)]
    selection: Selection,
    /// Replace the payload
    #[arg(long, value_name = "JSON")]
    set_payload: Option<String>,
    /// Replace the kind
    #[arg(long, value_name = "KIND", add = ArgValueCompleter::new(complete::kinds))]
    set_kind: Option<String>,
    /// Move the jobs to this queue
    #[arg(long, value_name = "QUEUE", add = ArgValueCompleter::new(complete::queues))]
    set_queue: Option<String>,
    /// Replace the priority
    #[arg(long, value_name = "0-9")]
    set_priority: Option<u8>,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { filter, page, watch } => {
                let fetch = async |pairs: Pairs<'_>| cx.client.list_dead_letters(pairs).await;
                list(cx, &JOB, &page, Some(&watch), filter.pairs(), fetch).await
            }
            Self::Groups { kind, queue, limit } => {
                let pairs = [("kind", kind), ("queue", queue), ("limit", limit.map(|it| it.to_string()))];
                cx.list(&DEAD_LETTER_GROUP, &cx.client.group_dead_letters(&pairs).await?.text)
            }
            Self::Replay(replay) => replay.run(cx).await,
            Self::Delete(selection) => {
                selection.confirm_named(cx, "deleted")?;
                let client = cx.client(selection.change().dry);
                let send = async |body: &Body| client.delete_dead_letters(body).await;
                selection.apply(cx, "deleted", Body::default(), send).await
            }
        }
    }
}

impl Replay {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { selection, set_payload, set_kind, set_queue, set_priority } = self;
        let payload = set_payload.map(|text| json("--set-payload", &text)).transpose()?;
        let edits = Body::default()
            .with("payload", payload)
            .with("kind", set_kind)
            .with("queue", set_queue)
            .with("priority", set_priority);
        let client = cx.client(selection.change().dry);
        selection.apply(cx, "replayed", edits, async |body| client.replay_dead_letters(body).await).await
    }
}
