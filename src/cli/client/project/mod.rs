//! `provost project`.

mod access;
mod change;

use std::time::Duration;

use clap::{Args, Subcommand};
use uuid::Uuid;

use access::{Form, Reveal};
use change::{Apply, Clone, Create, Delete, Undo, Update};

use crate::cli::client::complete;
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::{Action, Confirm, DryRun, Interval, Page, Timeout, Wait, Watch, With, duration};
use crate::cli::client::input::find_one;
use crate::cli::client::lifecycle::{self, Lifecycle, print_or_wait};
use crate::cli::client::target::target;
use crate::cli::client::watch::list;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Resource, read};
use crate::cli::tables::{
    PROJECT, PROJECT_EVENT, PROJECT_EXPLANATION, PROJECT_OPERATION, PROJECT_OUTPUT, PROJECT_STEP,
};
use crate::domain::ProjectStatus;
use crate::wire::client::{Answer, Body, Client, ClientError, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Create a project
    #[command(
        visible_alias = "new",
        after_help = "Examples:\n  provost project create my-first --wait\n  provost project create eu-1 --label team=a --parameter size=3 -o name"
    )]
    Create(Create),
    /// Create a project as a copy of a ready or paused one
    #[command(after_help = "Example:\n  provost project clone my-first my-copy --expires-in 7d --wait")]
    Clone(Clone),
    /// Show a project in full
    #[command(visible_alias = "show", after_help = "Example:\n  provost project get my-first -o yaml")]
    Get(With<Target, Watch>),
    /// List projects, newest first; deleted ones only with --status deleted
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  provost project list --status failed\n  provost project list --label team=a --all -o name"
    )]
    List(List),
    /// Watch a project until its status is final
    #[command(after_help = "Example:\n  provost project watch my-first")]
    Watch(With<Target, Interval>),
    /// Wait for a status; exits 1 if another final status is reached or the last operation failed, 7 on timeout
    #[command(after_help = "Example:\n  provost project wait my-first --for ready --timeout 2m")]
    Wait {
        #[command(flatten)]
        target: Target,
        /// Status to wait for
        #[arg(long = "for", value_name = "STATUS", default_value = "ready", value_parser = STATUSES)]
        goal: String,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Retry a failed project
    #[command(after_help = "Example:\n  provost project retry my-first --reason 'the quota was raised' --wait")]
    Retry(Operation),
    /// Continue an undo that failed
    #[command(after_help = "Example:\n  provost project undo my-first --skip --reason 'removed by hand'")]
    Undo(Undo),
    /// Cancel the operation in progress
    #[command(after_help = "Example:\n  provost project cancel my-first --reason 'not needed' --wait")]
    Cancel(Operation),
    /// Pause a ready project: block all access, keep everything
    #[command(after_help = "Example:\n  provost project pause my-first --wait")]
    Pause(Operation),
    /// Resume a paused project
    #[command(after_help = "Example:\n  provost project resume my-first --wait")]
    Resume(Operation),
    /// Replace the credential; the previous one stays valid until the next replacement
    #[command(after_help = "Example:\n  provost project rotate my-first --wait")]
    Rotate(Operation),
    /// Mark a project deleted without removing anything; requires --reason
    #[command(after_help = "Example:\n  provost project force my-first --reason 'the cluster is gone' --yes")]
    Force {
        #[command(flatten)]
        action: Action<Target>,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// List the steps of the latest operation
    #[command(after_help = "Example:\n  provost project steps my-first")]
    Steps(Target),
    /// List the latest operations, newest first
    #[command(after_help = "Example:\n  provost project operations my-first")]
    Operations(Target),
    /// Show where a project is: host, port, database and user
    #[command(after_help = "Example:\n  provost project outputs my-first -o json")]
    Outputs(Target),
    /// Print the URL of a project
    #[command(after_help = "Example:\n  psql \"$(provost project url my-first --reveal)\"")]
    Url(With<Target, Reveal>),
    /// Run psql in the database of a project
    #[command(after_help = "Example:\n  provost project psql my-first -- -c 'SELECT 1'")]
    Psql {
        #[command(flatten)]
        target: Target,
        /// Arguments for psql
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Print the credential as environment variables or as a Kubernetes Secret
    #[command(after_help = "Example:\n  provost project env my-first --form kubernetes | kubectl apply -f -")]
    Env {
        #[command(flatten)]
        target: Target,
        /// What to print
        #[arg(long, value_enum, default_value = "env")]
        form: Form,
    },
    /// Change the name, the labels, the protection, the expiry or the parameters of a project
    #[command(
        after_help = "Examples:\n  provost project update my-first --name better\n  provost project update my-first --label team=b --remove-label old\n  provost project update my-first --set connections=30 --wait"
    )]
    Update(Update),
    /// Create the project with this name, or bring it to the state described
    #[command(
        after_help = "Example:\n  provost project apply my-first --template postgres --set connections=30 --wait"
    )]
    Apply(Apply),
    /// Look at what a project consists of, now
    #[command(after_help = "Example:\n  provost project observe my-first")]
    Observe(Target),
    /// Let a project expire later
    #[command(after_help = "Example:\n  provost project extend preview-17 --by 7d")]
    Extend {
        #[command(flatten)]
        target: Target,
        /// By how much
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        by: Duration,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Bring back a project that is pending deletion
    #[command(after_help = "Example:\n  provost project undelete my-first --wait")]
    Undelete(Operation),
    /// Delete a project; its history is kept
    #[command(
        visible_alias = "rm",
        after_help = "Examples:\n  provost project delete my-first --yes --wait\n  provost project delete my-first --grace 7d --yes"
    )]
    Delete(Delete),
    /// List the events of a project, newest first
    #[command(after_help = "Example:\n  provost project events my-first --time utc")]
    Events(With<Target, Page>),
    /// Explain the status of a project
    #[command(after_help = "Example:\n  provost project explain my-first")]
    Explain(Target),
}

/// How often and how long `observe` looks for the result.
const OBSERVE_PAUSE: Duration = Duration::from_millis(200);
const OBSERVE_POLLS: u32 = 150;

const STATUSES: [&str; 12] = [
    "creating",
    "provisioning",
    "ready",
    "failed",
    "updating",
    "pausing",
    "paused",
    "resuming",
    "deleting",
    "pending_deletion",
    "restoring",
    "deleted",
];

target!("project", "PROJECT", "Name, id or id prefix of the project", complete::projects);

#[derive(Args, Debug)]
pub struct List {
    /// Only projects with this status
    #[arg(long, short = 's', value_parser = STATUSES)]
    status: Option<String>,
    /// Only projects with this label; repeat to require several
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Part of the name, or a prefix of the id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    watch: Watch,
}

/// An operation on one project, which the command may wait for.
#[derive(Args, Debug)]
pub struct Operation {
    #[command(flatten)]
    action: Action<Target>,
    #[command(flatten)]
    wait: Wait,
}

impl Operation {
    /// Sends the request, and waits for the status `goal` if requested.
    async fn run(
        self,
        cx: &Context,
        goal: &str,
        send: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
    ) -> Outcome {
        let Self { action: Action { target, change }, wait } = self;
        let id = target.id(cx).await?;
        let answer = send(&cx.client(change.dry), &id, &change.body()).await?;
        print_or_wait::<Project>(cx, &id, &answer.text, goal, &wait).await
    }
}

struct Project;

impl Lifecycle for Project {
    const RESOURCE: &'static Resource = &PROJECT;

    async fn fetch(client: &Client, id: &str) -> Result<Answer, ClientError> {
        client.get_project(id).await
    }

    async fn fetch_final(client: &Client, id: &str, goal: &str, timeout: Duration) -> Result<Answer, ClientError> {
        client.wait_for_project(id, goal, timeout).await
    }

    fn is_final(project: &Json) -> bool {
        ProjectStatus::parse(project.text("status")).is_none_or(|status| !status.is_transient())
    }

    fn has_failed(project: &Json) -> bool {
        project.text("status") == "failed"
    }

    /// A deletion has its goal also where a grace time comes first, an undelete also if the project was paused or had failed before, and
    /// a cancellation wherever the operation has ended without success.
    fn is_at(project: &Json, goal: &str) -> bool {
        let (status, operation) = (project.text("status"), project.text("operation"));
        let is_failed = !project.at("failure").text("operation").is_empty();
        status == goal
            || goal == "deleted" && status == "pending_deletion"
            || goal == "ready" && operation == "restore" && ["paused", "failed"].contains(&status)
            || goal == "failed" && is_failed && ["ready", "paused"].contains(&status)
    }

    /// A project can work although the last operation on it has failed.
    fn complaint(project: &Json, goal: &str) -> Option<String> {
        let failure = project.at("failure");
        let (operation, message) = (failure.text("operation"), failure.text("message"));
        (goal != "failed" && !operation.is_empty()).then(|| format!("the operation {operation} failed: {message}"))
    }

    /// One line for each step of the latest operation that has ended.
    async fn progress(client: &Client, id: &str) -> Vec<String> {
        let Ok(answer) = client.project_operations(id, &[("limit", Some("1".to_owned()))]).await else {
            return Vec::new();
        };
        let Ok(operations) = read(&answer.text) else { return Vec::new() };
        let steps = operations.list().iter().flat_map(|it| it.at("steps").list());
        let is_end = |step: &&Json| !["running", "undoing"].contains(&step.text("state"));
        let line = |step: &Json| {
            let (name, state, error) = (step.text("name"), step.text("state"), step.text("error"));
            if error.is_empty() { format!("  {name}: {state}") } else { format!("  {name}: {state}: {error}") }
        };
        steps.filter(is_end).map(line).collect()
    }
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(create) => create.run(cx).await,
            Self::Clone(clone) => clone.run(cx).await,
            Self::Get(With { target, options: watch }) => {
                lifecycle::get::<Project>(cx, &target.id(cx).await?, &watch).await
            }
            Self::List(List { status, label, search, page, watch }) => {
                let mut pairs = vec![("status", status), ("search", search)];
                pairs.extend(label.into_iter().map(|label| ("label", Some(label))));
                let fetch = async |pairs: Pairs<'_>| cx.client.list_projects(pairs).await;
                list(cx, &PROJECT, &page, Some(&watch), pairs, fetch).await
            }
            Self::Watch(With { target, options: interval }) => {
                lifecycle::follow::<Project>(cx, &target.id(cx).await?, &interval).await
            }
            Self::Wait { target, goal, timeout } => {
                lifecycle::wait::<Project>(cx, &target.id(cx).await?, &goal, timeout.timeout).await
            }
            Self::Retry(operation) => {
                operation.run(cx, "ready", async |client, id, body| client.retry_project(id, body).await).await
            }
            Self::Undo(undo) => undo.run(cx).await,
            Self::Cancel(operation) => {
                operation.run(cx, "failed", async |client, id, body| client.cancel_project(id, body).await).await
            }
            Self::Pause(operation) => {
                operation.run(cx, "paused", async |client, id, body| client.pause_project(id, body).await).await
            }
            Self::Resume(operation) => {
                operation.run(cx, "ready", async |client, id, body| client.resume_project(id, body).await).await
            }
            Self::Rotate(operation) => {
                operation.run(cx, "ready", async |client, id, body| client.rotate_project(id, body).await).await
            }
            Self::Force { action: Action { target, change }, confirm } => {
                let id = target.id(cx).await?;
                let effect = format!(
                    "Project {:?} will be marked deleted. What it consists of may be left behind.",
                    target.name(cx)
                );
                cx.confirm(confirm, change.dry, &effect)?;
                cx.row(&PROJECT, &cx.client(change.dry).force_project(&id, &change.body()).await?.text)
            }
            Self::Steps(target) => cx.list(&PROJECT_STEP, &cx.client.project_steps(&target.id(cx).await?).await?.text),
            Self::Operations(target) => {
                cx.list(&PROJECT_OPERATION, &cx.client.project_operations(&target.id(cx).await?, &[]).await?.text)
            }
            Self::Outputs(target) => {
                cx.details(&PROJECT_OUTPUT, &cx.client.project_outputs(&target.id(cx).await?).await?.text)
            }
            Self::Url(With { target, options: reveal }) => access::url(cx, &target.id(cx).await?, reveal).await,
            Self::Psql { target, arguments } => access::psql(cx, &target.id(cx).await?, &arguments).await,
            Self::Env { target, form } => access::env(cx, &target.id(cx).await?, target.name(cx), form).await,
            Self::Update(update) => update.run(cx).await,
            Self::Apply(apply) => apply.run(cx).await,
            Self::Observe(target) => observe(cx, &target.id(cx).await?).await,
            Self::Extend { target, by, dry } => {
                let (id, body) = (target.id(cx).await?, Body::default().with("by", Some(by.as_secs_f64())));
                cx.row(&PROJECT, &cx.client(dry).extend_project(&id, &body).await?.text)
            }
            Self::Undelete(operation) => {
                operation.run(cx, "ready", async |client, id, body| client.undelete_project(id, body).await).await
            }
            Self::Delete(delete) => delete.run(cx).await,
            Self::Events(With { target, options: page }) => {
                let id = target.id(cx).await?;
                let fetch = async |pairs: Pairs<'_>| cx.client.project_events(&id, pairs).await;
                list(cx, &PROJECT_EVENT, &page, None, Vec::new(), fetch).await
            }
            Self::Explain(target) => {
                cx.details(&PROJECT_EXPLANATION, &cx.client.explain_project(&target.id(cx).await?).await?.text)
            }
        }
    }
}

/// Asks for a look, waits for it, and shows the project.
async fn observe(cx: &Context, id: &str) -> Outcome {
    let before = read(&cx.client.observe_project(id, &Body::default()).await?.text)?;
    for _ in 0..OBSERVE_POLLS {
        tokio::time::sleep(OBSERVE_PAUSE).await;
        let answer = cx.client.get_project(id).await?;
        if read(&answer.text)?.text("observed_at") != before.text("observed_at") {
            return cx.details(&PROJECT, &answer.text);
        }
    }
    Err(Failure::new(Exit::TimedOut, "no worker looked at the project in time").hint("provost worker list"))
}

impl Target {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        id_of(cx, self.name(cx)).await
    }
}

/// The id of the project of this name, id or id prefix.
pub(super) async fn id_of(cx: &Context, name: &str) -> Result<String, Failure> {
    if let Ok(id) = Uuid::try_parse(name) {
        return Ok(id.to_string());
    }
    let search = [("search", Some(name.to_owned())), ("limit", Some("200".to_owned()))];
    let found = read(&cx.pages(cx.client.list_projects(&search).await?, true, false).await?)?;
    find_one("project", name, found.list(), "name")
}
