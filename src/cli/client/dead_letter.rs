//! `provost dlq`: the jobs that failed for good.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::bulk::{Matching, Selection};
use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Page, Watching};
use super::look::list;
use super::tables::JOB;
use super::text::value;
use crate::cli::Exit;
use crate::cli::output::{Noun, Show, column};
use crate::wire::client::{Body, Pairs};

/// Dead letters that died of the same.
static GROUP: Noun = Noun {
    name: "group",
    key: "example_id",
    columns: &[
        column("JOBS", "n", Show::Number),
        column("KIND", "kind", Show::Text),
        column("FIRST", "first_at", Show::When),
        column("LAST", "last_at", Show::When),
        column("ONE OF THEM", "example_id", Show::Exact),
        column("ERROR", "error", Show::Text),
    ],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Dead letters, the latest first
    #[command(visible_alias = "ls", after_help = "Example:\n  provost dlq list --kind email.send --since 1d")]
    List {
        #[command(flatten)]
        matching: Matching,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        watching: Watching,
    },
    /// What they died of
    #[command(after_help = "Example:\n  provost dlq groups --queue imports")]
    Groups {
        #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
        kind: Option<String>,
        #[arg(long, add = ArgValueCompleter::new(complete::queues))]
        queue: Option<String>,
        /// How many groups at most
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Queue them anew, their failures forgiven, perhaps changed
    #[command(
        after_help = "Examples:\n  provost dlq replay 0198c0de\n  provost dlq replay --kind email.send --error timeout --yes\n  provost dlq replay 0198c0de --set-payload '{\"recipient\": \"b@example.com\"}'"
    )]
    Replay(Box<Replay>),
    /// Let them go; the record keeps that they were
    #[command(visible_alias = "discard", after_help = "Example:\n  provost dlq delete --kind email.send --yes")]
    Delete(Selection),
}

#[derive(Args, Debug)]
pub struct Replay {
    #[command(flatten)]
    selection: Selection,
    /// With this payload
    #[arg(long, value_name = "JSON")]
    set_payload: Option<String>,
    /// As this kind
    #[arg(long, value_name = "KIND", add = ArgValueCompleter::new(complete::kinds))]
    set_kind: Option<String>,
    /// In this queue
    #[arg(long, value_name = "QUEUE", add = ArgValueCompleter::new(complete::queues))]
    set_queue: Option<String>,
    /// With this priority
    #[arg(long, value_name = "0-9")]
    set_priority: Option<u8>,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { matching, page, watching } => {
                let fetch = async |pairs: Pairs<'_>| cx.client.list_dead_letters(pairs).await;
                list(cx, &JOB, &page, Some(&watching), matching.pairs(), fetch).await
            }
            Self::Groups { kind, queue, limit } => {
                let pairs = [("kind", kind), ("queue", queue), ("limit", limit.map(|it| it.to_string()))];
                cx.output.list(&GROUP, &cx.client.group_dead_letters(&pairs).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Replay(wish) => wish.run(cx).await,
            Self::Delete(selection) => {
                // Also those that are named are gone for good.
                selection.confirm_named(cx, "deleted")?;
                let client = cx.client(selection.act().dry.dry_run);
                let send = async |body: &Body| client.delete_dead_letters(body).await;
                selection.each(cx, "deleted", Body::default(), send).await
            }
        }
    }
}

impl Replay {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { selection, set_payload, set_kind, set_queue, set_priority } = self;
        let payload = set_payload.map(|text| value("--set-payload", &text)).transpose()?;
        let also = Body::default()
            .with("payload", payload)
            .with("kind", set_kind)
            .with("queue", set_queue)
            .with("priority", set_priority);
        let client = cx.client(selection.act().dry.dry_run);
        selection.each(cx, "queued anew", also, async |body| client.replay_dead_letters(body).await).await
    }
}
