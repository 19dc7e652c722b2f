//! `provost workflow`.

use std::time::Duration;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Action, Confirm, Interval, Page, Submission, Timeout, Wait, Watch, With};
use super::graph::{GraphFormat, print_graph};
use super::input::{find_one, is_id_prefix, source};
use super::lifecycle::{self, Lifecycle, print_or_wait};
use super::target::target;
use super::watch::list;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Resource, read};
use crate::cli::tables::{EVENT, WORKFLOW};
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a workflow
    #[command(
        visible_aliases = ["create", "new"],
        after_help = "Examples:\n  provost workflow run @import.json --wait\n  provost workflow run '{\"name\": \"two\", \"steps\": [{\"name\": \"a\", \"kind\": \"noop\"}, {\"name\": \"b\", \"kind\": \"noop\", \"depends_on\": [\"a\"]}]}'\n  provost workflow run --demo"
    )]
    Run(Run),
    /// Show a workflow and its progress
    #[command(visible_alias = "show", after_help = "Example:\n  provost workflow get nightly-import")]
    Get(With<Target, Watch>),
    /// List workflows, newest first
    #[command(visible_alias = "ls", after_help = "Example:\n  provost workflow list --state failed")]
    List {
        /// Only workflows in this state
        #[arg(short, long, value_parser = ["running", "completed", "failed", "canceled"])]
        state: Option<String>,
        /// Part of the name
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Only workflows of this tenant
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        watch: Watch,
    },
    /// Watch a workflow until it is finished
    #[command(after_help = "Example:\n  provost workflow watch nightly-import")]
    Watch(With<Target, Interval>),
    /// Wait until a workflow is finished; exits 1 unless it completed, 7 on timeout
    #[command(after_help = "Example:\n  provost workflow wait nightly-import --timeout 1h")]
    Wait(With<Target, Timeout>),
    /// Retry a failed workflow from its failed steps
    #[command(after_help = "Example:\n  provost workflow retry nightly-import --wait")]
    Retry {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Cancel a workflow
    #[command(after_help = "Example:\n  provost workflow cancel nightly-import --yes")]
    Cancel {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Draw the dependency graph of a workflow
    #[command(
        after_help = "Examples:\n  provost workflow graph nightly-import\n  provost workflow graph nightly-import -o svg > graph.svg\n  provost workflow graph nightly-import -o dot | dot -Tpng > graph.png"
    )]
    Graph(With<Target, GraphFormat>),
    /// List the events of a workflow, newest first; each step has events of its own
    #[command(after_help = "Example:\n  provost workflow events nightly-import")]
    Events(With<Target, Page>),
}

target!(
    "workflow",
    "WORKFLOW",
    "Name, id or id prefix of the workflow; the id if several share the name",
    complete::workflows
);

#[derive(Args, Debug)]
pub struct Run {
    /// Workflow definition as JSON, @FILE, or - for stdin
    #[arg(value_name = "JSON", required_unless_present = "demo")]
    json: Option<String>,
    /// Run the demo workflow instead: six jobs that make thumbnails
    #[arg(long, conflicts_with = "json")]
    demo: bool,
    #[command(flatten)]
    submission: Submission,
}

struct Workflow;

impl Lifecycle for Workflow {
    const RESOURCE: &'static Resource = &WORKFLOW;

    async fn fetch(client: &Client, id: &str) -> Result<Answer, ClientError> {
        client.get_workflow(id).await
    }

    async fn fetch_final(client: &Client, id: &str, _goal: &str, timeout: Duration) -> Result<Answer, ClientError> {
        client.wait_for_workflow(id, timeout).await
    }

    fn is_final(workflow: &Json) -> bool {
        workflow.text("state") != "running"
    }

    fn has_failed(workflow: &Json) -> bool {
        workflow.text("state") != "completed"
    }
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Run(run) => run.run(cx).await,
            Self::Get(With { target, options: watch }) => {
                lifecycle::get::<Workflow>(cx, &target.id(cx).await?, &watch).await
            }
            Self::List { state, name, tenant, page, watch } => {
                let pairs = vec![("state", state), ("name", name), ("tenant", tenant)];
                let fetch = async |pairs: Pairs<'_>| cx.client.list_workflows(pairs).await;
                list(cx, &WORKFLOW, &page, Some(&watch), pairs, fetch).await
            }
            Self::Watch(With { target, options: interval }) => {
                lifecycle::follow::<Workflow>(cx, &target.id(cx).await?, &interval).await
            }
            Self::Wait(With { target, options: timeout }) => {
                lifecycle::wait::<Workflow>(cx, &target.id(cx).await?, "completed", timeout.timeout).await
            }
            Self::Retry { action: Action { target, change }, wait } => {
                let id = target.id(cx).await?;
                let answer = cx.client(change.dry).retry_workflow(&id, &change.body()).await?;
                print_changed(cx, &id, &answer.text, &wait).await
            }
            Self::Cancel { action: Action { target, change }, confirm } => {
                let id = target.id(cx).await?;
                let effect = format!("Workflow {:?} and its unfinished steps will be canceled.", target.name(cx));
                cx.confirm(confirm, change.dry, &effect)?;
                let answer = cx.client(change.dry).cancel_workflow(&id, &change.body()).await?;
                cx.row(&WORKFLOW, &workflow(cx, &id, &answer.text).await?)
            }
            Self::Graph(With { target, options: format }) => {
                let id = target.id(cx).await?;
                print_graph(cx, format, async |pairs: Pairs<'_>| cx.client.workflow_graph(&id, pairs).await).await
            }
            Self::Events(With { target, options: page }) => {
                let id = target.id(cx).await?;
                let fetch = async |pairs: Pairs<'_>| cx.client.workflow_events(&id, pairs).await;
                list(cx, &EVENT, &page, None, Vec::new(), fetch).await
            }
        }
    }
}

impl Run {
    async fn run(self, cx: &Context) -> Outcome {
        let (client, key) = (cx.client(self.submission.dry), self.submission.idempotency_key.as_deref());
        let answer = match &self.json {
            Some(json) => client.create_workflow(&source("the workflow", json)?, key).await?,
            None => client.run_demo_workflow(&Body::default()).await?,
        };
        let created = read(&answer.text)?;
        // The demo workflow is returned as a graph.
        let id = [created.text("id"), created.text("workflow_id")].concat();
        print_changed(cx, &id, &answer.text, &self.submission.wait).await
    }
}

impl Target {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        let name = self.name(cx);
        if let Ok(id) = Uuid::try_parse(name) {
            return Ok(id.to_string());
        }
        let by_name = [("name", Some(name.to_owned())), ("limit", Some("200".to_owned()))];
        let found = read(&cx.client.list_workflows(&by_name).await?.text)?;
        if found.list().iter().any(|it| it.text("name") == name) {
            return find_one("workflow", name, found.list(), "name");
        }
        let by_id = [("id", Some(name.to_ascii_lowercase())), ("limit", Some("20".to_owned()))];
        let found = match is_id_prefix(name) {
            true => read(&cx.client.list_workflows(&by_id).await?.text)?,
            false => Json::Null,
        };
        find_one("workflow", name, found.list(), "id")
    }
}

async fn print_changed(cx: &Context, id: &str, text: &str, wait: &Wait) -> Outcome {
    let text = if wait.wait { String::new() } else { workflow(cx, id, text).await? };
    print_or_wait::<Workflow>(cx, id, &text, "completed", wait).await
}

/// The response if it is a workflow, otherwise the workflow itself.
async fn workflow(cx: &Context, id: &str, text: &str) -> Result<String, Failure> {
    if read(text)?.text("state").is_empty() {
        return Ok(cx.client.get_workflow(id).await?.text);
    }
    Ok(text.to_owned())
}
