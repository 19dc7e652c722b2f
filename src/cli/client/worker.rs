//! `provost worker`: who is there to do it.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Page, Sure, Watching, bare};
use super::look::list;
use super::text::only;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Noun, Show, column, read, wide};
use crate::wire::client::Pairs;

/// A worker in a table.
static WORKER: Noun = Noun {
    name: "worker",
    key: "id",
    columns: &[
        column("ID", "id", Show::Exact),
        column("STATE", "state", Show::State),
        column("BUSY", "busy", Show::Number),
        column("SLOTS", "slots", Show::Number),
        column("QUEUES", "queues", Show::Text),
        wide("KINDS", "kinds", Show::Text),
        wide("HOST", "host", Show::Text),
        wide("PID", "pid", Show::Number),
        wide("VERSION", "version", Show::Text),
        column("STARTED", "started_at", Show::When),
        column("BEAT", "heartbeat_age_ms", Show::Millis),
        column("REASON", "reason", Show::Text),
    ],
};

/// A job that a worker holds, in a table.
static HELD: Noun = Noun {
    name: "execution",
    key: "id",
    columns: &[
        column("JOB", "job_id", Show::Exact),
        column("KIND", "kind", Show::Text),
        column("QUEUE", "queue", Show::Text),
        column("TRY", "attempt", Show::Number),
        column("CLAIMED", "claimed_at", Show::When),
        wide("EXECUTION", "id", Show::Exact),
    ],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The workers, lost ones too
    #[command(visible_alias = "ls", after_help = "Example:\n  provost worker list --state online")]
    List {
        #[arg(long, value_parser = ["online", "cordoned", "draining", "lost"])]
        state: Option<String>,
        /// Only those that serve it
        #[arg(long, add = ArgValueCompleter::new(complete::queues))]
        queue: Option<String>,
        #[command(flatten)]
        watching: Watching,
    },
    /// Everything known about one
    #[command(visible_alias = "show", after_help = "Example:\n  provost worker get build-7")]
    Get {
        #[command(flatten)]
        which: Which,
    },
    /// What it holds right now
    #[command(after_help = "Example:\n  provost worker executions build-7 -o wide")]
    Executions {
        #[command(flatten)]
        which: Which,
    },
    /// It takes no more work, and finishes what it has
    #[command(after_help = "Example:\n  provost worker cordon build-7 --reason 'new disk'")]
    Cordon {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// It takes work again, also after a drain
    #[command(after_help = "Example:\n  provost worker uncordon build-7")]
    Uncordon {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// It takes no more work, and hands back what does not finish in time
    #[command(visible_alias = "stop", after_help = "Example:\n  provost worker drain build-7 --reason deploy")]
    Drain {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Forget one that is lost
    #[command(after_help = "Example:\n  provost worker forget build-7 --yes")]
    Forget {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Which worker.
#[derive(Args, Debug)]
pub struct Which {
    /// Its id, or the beginning of it
    #[arg(value_name = "WORKER", value_parser = bare("worker"), add = ArgValueCompleter::new(complete::workers))]
    worker: String,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        let text = match self {
            Self::List { state, queue, watching } => {
                let pairs = [("state", state), ("queue", queue)];
                let fetch = async |_: Pairs<'_>| cx.client.list_workers(&pairs).await;
                return list(cx, &WORKER, &Page::default(), Some(&watching), Vec::new(), fetch).await;
            }
            Self::Get { which } => {
                cx.output.card(&WORKER, &cx.client.get_worker(&which.id(cx).await?).await?.text)?;
                return Ok(Exit::Success);
            }
            Self::Executions { which } => {
                let answer = cx.client.worker_executions(&which.id(cx).await?).await?;
                cx.output.list(&HELD, &answer.text)?;
                return Ok(Exit::Success);
            }
            Self::Cordon { which, act } => {
                cx.client(act.dry.dry_run).cordon_worker(&which.id(cx).await?, &act.body()).await?.text
            }
            Self::Uncordon { which, act } => {
                cx.client(act.dry.dry_run).uncordon_worker(&which.id(cx).await?, &act.body()).await?.text
            }
            Self::Drain { which, act } => {
                cx.client(act.dry.dry_run).drain_worker(&which.id(cx).await?, &act.body()).await?.text
            }
            Self::Forget { which, act, sure } => {
                let id = which.id(cx).await?;
                cx.confirm(sure.yes || act.dry.dry_run, &format!("Worker {id} is forgotten."))?;
                cx.client(act.dry.dry_run).forget_worker(&id, &act.body()).await?;
                return cx.gone("worker", &id);
            }
        };
        cx.output.row(&WORKER, &text)?;
        Ok(Exit::Success)
    }
}

impl Which {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        cx.about("worker", &self.worker);
        let found = read(&cx.client.list_workers(&[]).await?.text)?;
        only("worker", &self.worker, found.list(), "id")
    }
}
