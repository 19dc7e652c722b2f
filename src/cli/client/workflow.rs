//! `provost workflow`: jobs that wait for jobs.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use uuid::Uuid;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Dry, Every, Page, Patience, Sure, Waiting, Watching, bare};
use super::graph::{InForm, draw};
use super::look::{self, list};
use super::tables::{RECORD, WORKFLOW};
use super::text::{only, source};
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, read};
use crate::wire::client::{Body, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Have steps done, each when those that it depends on let it go
    #[command(
        visible_aliases = ["create", "new"],
        after_help = "Examples:\n  provost workflow run @import.json --wait\n  provost workflow run '{\"name\": \"two\", \"steps\": [{\"name\": \"a\", \"kind\": \"noop\"}, {\"name\": \"b\", \"kind\": \"noop\", \"depends_on\": [\"a\"]}]}'\n  provost workflow run --demo"
    )]
    Run(Run),
    /// How far one is
    #[command(visible_alias = "show", after_help = "Example:\n  provost workflow get nightly-import")]
    Get {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        watching: Watching,
    },
    /// Workflows, newest first
    #[command(visible_alias = "ls", after_help = "Example:\n  provost workflow list --state failed")]
    List {
        #[arg(short, long, value_parser = ["running", "completed", "failed", "canceled"])]
        state: Option<String>,
        /// Part of the name
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        watching: Watching,
    },
    /// Follow one until it is finished
    #[command(after_help = "Example:\n  provost workflow watch nightly-import")]
    Watch {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        every: Every,
    },
    /// Wait until it is finished: 0 when it completed, 1 when not, 7 when time is up
    #[command(after_help = "Example:\n  provost workflow wait nightly-import --timeout 1h")]
    Wait {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        patience: Patience,
    },
    /// Go on from what failed
    #[command(after_help = "Example:\n  provost workflow retry nightly-import --wait")]
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Stop it
    #[command(after_help = "Example:\n  provost workflow cancel nightly-import --yes")]
    Cancel {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        sure: Sure,
    },
    /// How its steps hang together, drawn
    #[command(
        after_help = "Examples:\n  provost workflow graph nightly-import\n  provost workflow graph nightly-import -o svg > graph.svg\n  provost workflow graph nightly-import -o dot | dot -Tpng > graph.png"
    )]
    Graph {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        graph: InForm,
    },
    /// What happened to it, newest first; that of its steps is in the record of each
    #[command(after_help = "Example:\n  provost workflow events nightly-import")]
    Events {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        page: Page,
    },
}

/// Which workflow.
#[derive(Args, Debug)]
pub struct Which {
    /// Its name, its id, or the beginning of its id; of several with one name, the id
    #[arg(value_name = "WORKFLOW", value_parser = bare("workflow"), add = ArgValueCompleter::new(complete::workflows))]
    workflow: String,
}

#[derive(Args, Debug)]
pub struct Run {
    /// The workflow as JSON, @FILE, or - for stdin
    #[arg(value_name = "JSON", required_unless_present = "demo")]
    json: Option<String>,
    /// Instead: the one of the demonstration, six jobs that make thumbnails
    #[arg(long, conflicts_with = "json")]
    demo: bool,
    /// Sent again with the same words, the same workflow is answered
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    waiting: Waiting,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Run(wish) => wish.run(cx).await,
            Self::Get { which, watching } => {
                let id = which.id(cx).await?;
                if watching.watch {
                    return follow(cx, &id, &watching.every).await;
                }
                cx.output.card(&WORKFLOW, &cx.client.get_workflow(&id).await?.text)?;
                Ok(Exit::Success)
            }
            Self::List { state, name, tenant, page, watching } => {
                let pairs = vec![("state", state), ("name", name), ("tenant", tenant)];
                let fetch = async |pairs: Pairs<'_>| cx.client.list_workflows(pairs).await;
                list(cx, &WORKFLOW, &page, Some(&watching), pairs, fetch).await
            }
            Self::Watch { which, every } => follow(cx, &which.id(cx).await?, &every).await,
            Self::Wait { which, patience } => wait(cx, &which.id(cx).await?, &patience).await,
            Self::Retry { which, act, waiting } => {
                let id = which.id(cx).await?;
                let answer = cx.client(act.dry.dry_run).retry_workflow(&id, &act.body()).await?;
                shown_or_waited(cx, &id, &answer.text, &waiting).await
            }
            Self::Cancel { which, act, sure } => {
                let id = which.id(cx).await?;
                let what = format!("Workflow {:?} is canceled: no step of it goes on.", which.workflow);
                cx.confirm(sure.yes || act.dry.dry_run, &what)?;
                let answer = cx.client(act.dry.dry_run).cancel_workflow(&id, &act.body()).await?;
                shown(cx, &id, &answer.text).await
            }
            Self::Graph { which, graph } => {
                let id = which.id(cx).await?;
                draw(cx, &graph, async |pairs: Pairs<'_>| cx.client.workflow_graph(&id, pairs).await).await
            }
            Self::Events { which, page } => {
                let id = which.id(cx).await?;
                let fetch = async |pairs: Pairs<'_>| cx.client.workflow_events(&id, pairs).await;
                list(cx, &RECORD, &page, None, Vec::new(), fetch).await
            }
        }
    }
}

impl Run {
    async fn run(self, cx: &Context) -> Outcome {
        let (client, key) = (cx.client(self.dry.dry_run), self.idempotency_key.as_deref());
        let answer = match &self.json {
            Some(json) => client.create_workflow(&source("the workflow", json)?, key).await?,
            None => client.run_demo_workflow(&Body::default()).await?,
        };
        let born = read(&answer.text)?;
        // The demonstration answers with its graph.
        let id = [born.text("id"), born.text("workflow_id")].concat();
        shown_or_waited(cx, &id, &answer.text, &self.waiting).await
    }
}

impl Which {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        cx.about("workflow", &self.workflow);
        if let Ok(id) = Uuid::try_parse(&self.workflow) {
            return Ok(id.to_string());
        }
        let named = [("name", Some(self.workflow.clone())), ("limit", Some("200".to_owned()))];
        let found = read(&cx.client.list_workflows(&named).await?.text)?;
        if found.list().iter().any(|it| it.text("name") == self.workflow) {
            return only("workflow", &self.workflow, found.list(), "name");
        }
        let begins = [("id", Some(self.workflow.to_ascii_lowercase())), ("limit", Some("20".to_owned()))];
        let is_id = !self.workflow.is_empty() && self.workflow.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let found = if is_id { read(&cx.client.list_workflows(&begins).await?.text)? } else { Json::List(Vec::new()) };
        only("workflow", &self.workflow, found.list(), "id")
    }
}

fn is_finished(workflow: &Json) -> bool {
    workflow.text("state") != "running"
}

/// Shows each move until it is finished.
async fn follow(cx: &Context, id: &str, every: &Every) -> Outcome {
    let get = async || cx.client.get_workflow(id).await;
    look::follow(cx, &WORKFLOW, id, every, get, is_finished, |it| it.text("state") == "completed").await
}

async fn wait(cx: &Context, id: &str, patience: &Patience) -> Outcome {
    let ask = async |at_most| cx.client.wait_for_workflow(id, at_most).await;
    look::wait(cx, &WORKFLOW, "completed", patience, ask, is_finished).await
}

/// What was asked for, now or when it is done.
async fn shown_or_waited(cx: &Context, id: &str, text: &str, waiting: &Waiting) -> Outcome {
    if !waiting.wait {
        return shown(cx, id, text).await;
    }
    // Whoever breaks off the waiting knows its id.
    cx.output.note(&format!("Waiting for workflow {id} to be completed …"));
    wait(cx, id, &waiting.patience).await
}

/// The workflow; where the answer was something else, it is asked for.
async fn shown(cx: &Context, id: &str, text: &str) -> Outcome {
    if read(text)?.text("state").is_empty() {
        cx.output.row(&WORKFLOW, &cx.client.get_workflow(id).await?.text)?;
    } else {
        cx.output.row(&WORKFLOW, text)?;
    }
    Ok(Exit::Success)
}
