//! `provost project`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Dry, Every, Page, Patience, Sure, Waiting, Watching, bare, pair};
use super::look::{self, list};
use super::text::{object, value};
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Noun, Show, column, read, wide};
use crate::domain::ProjectStatus;
use crate::wire::client::{Body, Pairs};

/// A project in a table.
pub static PROJECT: Noun = Noun {
    name: "project",
    key: "id",
    columns: &[
        column("ID", "id", Show::Exact),
        column("NAME", "name", Show::Text),
        column("STATUS", "status", Show::State),
        wide("TEMPLATE", "template", Show::Text),
        wide("LABELS", "labels", Show::Text),
        column("CREATED", "created_at", Show::When),
        wide("UPDATED", "updated_at", Show::When),
        column("ERROR", "error_reason", Show::Text),
    ],
};

/// A line of a project's record.
pub static EVENT: Noun = Noun {
    name: "event",
    key: "id",
    columns: &[
        column("WHEN", "occurred_at", Show::When),
        column("FROM", "previous_state", Show::State),
        column("TO", "new_state", Show::State),
        column("ACTOR", "actor", Show::Text),
        column("REASON", "reason", Show::Text),
        wide("JOB", "job_id", Show::Exact),
        wide("EXECUTION", "execution_id", Show::Exact),
        wide("REQUEST", "request_id", Show::Text),
    ],
};

/// Why a project is where it is.
static EXPLANATION: Noun = Noun {
    name: "explanation",
    key: "project_id",
    columns: &[column("REASON", "reason", Show::Exact), column("SUMMARY", "summary", Show::Text)],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Ask for a project; it is answered at once
    #[command(
        visible_alias = "new",
        after_help = "Examples:\n  provost project create my-first --wait\n  provost project create eu-1 --label team=a --parameter size=3 -o name"
    )]
    Create(Create),
    /// Everything known about one
    #[command(visible_alias = "show", after_help = "Example:\n  provost project get my-first -o yaml")]
    Get(Get),
    /// Projects, newest first; deleted ones only with --status deleted
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  provost project list --status failed\n  provost project list --label team=a --all -o name"
    )]
    List(List),
    /// Follow one until it comes to rest
    #[command(after_help = "Example:\n  provost project watch my-first")]
    Watch {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        every: Every,
    },
    /// Wait for a status: 0 when it is reached, 1 when it came to rest elsewhere, 7 when time is up
    #[command(after_help = "Example:\n  provost project wait my-first --for ready --timeout 2m")]
    Wait {
        #[command(flatten)]
        which: Which,
        /// Which status
        #[arg(long = "for", value_name = "STATUS", default_value = "ready", value_parser = STATUSES)]
        wanted: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Try a failed one again
    #[command(after_help = "Example:\n  provost project retry my-first --reason 'the quota was raised' --wait")]
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Change its name or its labels
    #[command(
        after_help = "Examples:\n  provost project update my-first --name better\n  provost project update my-first --label team=b --remove-label old"
    )]
    Update(Update),
    /// Let it go: the real thing is removed, the record stays
    #[command(visible_alias = "rm", after_help = "Example:\n  provost project delete my-first --yes --wait")]
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// What happened to it, newest first
    #[command(after_help = "Example:\n  provost project events my-first --time utc")]
    Events {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        page: Page,
    },
    /// The exact reason why it is where it is
    #[command(after_help = "Example:\n  provost project explain my-first")]
    Explain {
        #[command(flatten)]
        which: Which,
    },
}

const STATUSES: [&str; 6] = ["creating", "provisioning", "ready", "failed", "deleting", "deleted"];

/// Which project.
#[derive(Args, Debug)]
pub struct Which {
    /// Its name, its id, or the beginning of its id
    #[arg(value_name = "PROJECT", value_parser = bare("project"), add = ArgValueCompleter::new(complete::projects))]
    project: String,
}

#[derive(Args, Debug)]
pub struct Create {
    /// 1 to 255 characters in any language
    name: String,
    /// Which recipe
    #[arg(long)]
    template: Option<String>,
    /// What the template is told: a JSON object, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
    /// One parameter; what is JSON is JSON, anything else a text
    #[arg(short, long = "parameter", value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "parameters")]
    parameter: Vec<(String, String)>,
    /// A short fact to find it again by
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Sent again with the same words, the same project is answered
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Args, Debug)]
pub struct Get {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    watching: Watching,
}

#[derive(Args, Debug)]
pub struct List {
    #[arg(long, short = 's', value_parser = STATUSES)]
    status: Option<String>,
    /// All of them must fit
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Part of the name, or the beginning of the id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    watching: Watching,
}

#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    which: Which,
    /// What it is called from now on
    #[arg(long)]
    name: Option<String>,
    /// Add or change a label
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Take a label away
    #[arg(long, value_name = "KEY")]
    remove_label: Vec<String>,
    #[command(flatten)]
    dry: Dry,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(wish) => wish.run(cx).await,
            Self::Get(Get { which, watching }) => {
                let id = which.id(cx).await?;
                if watching.watch {
                    return follow(cx, &id, &watching.every).await;
                }
                cx.output.card(&PROJECT, &cx.client.get_project(&id).await?.text)?;
                Ok(Exit::Success)
            }
            Self::List(List { status, label, search, page, watching }) => {
                let mut pairs = vec![("status", status), ("search", search)];
                pairs.extend(label.into_iter().map(|label| ("label", Some(label))));
                let fetch = async |pairs: Pairs<'_>| cx.client.list_projects(pairs).await;
                list(cx, &PROJECT, &page, Some(&watching), pairs, fetch).await
            }
            Self::Watch { which, every } => follow(cx, &which.id(cx).await?, &every).await,
            Self::Wait { which, wanted, patience } => wait(cx, &which.id(cx).await?, &wanted, &patience).await,
            Self::Retry { which, act, waiting } => {
                let id = which.id(cx).await?;
                let answer = cx.client(act.dry.dry_run).retry_project(&id, &act.body()).await?;
                shown_or_waited(cx, &id, &answer.text, "ready", &waiting).await
            }
            Self::Update(wish) => wish.run(cx).await,
            Self::Delete { which, act, sure, waiting } => {
                let id = which.id(cx).await?;
                let what =
                    format!("Project {:?} is deleted: the real thing is removed, the record stays.", which.project);
                cx.confirm(sure.yes || act.dry.dry_run, &what)?;
                let answer = cx.client(act.dry.dry_run).delete_project(&id, &act.body()).await?;
                shown_or_waited(cx, &id, &answer.text, "deleted", &waiting).await
            }
            Self::Events { which, page } => {
                let id = which.id(cx).await?;
                let fetch = async |pairs: Pairs<'_>| cx.client.project_events(&id, pairs).await;
                list(cx, &EVENT, &page, None, Vec::new(), fetch).await
            }
            Self::Explain { which } => {
                let id = which.id(cx).await?;
                cx.output.card(&EXPLANATION, &cx.client.explain_project(&id).await?.text)?;
                Ok(Exit::Success)
            }
        }
    }
}

impl Create {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { name, template, parameters, parameter, label, idempotency_key, dry, waiting } = self;
        cx.about("project", &name);
        let parameters: Option<Box<RawValue>> = match parameters {
            Some(text) => Some(value("--parameters", &text)?),
            None if parameter.is_empty() => None,
            None => Some(object(&parameter)),
        };
        let labels = label.iter().fold(Body::default(), |body, (key, value)| body.with(key, Some(value)));
        let body = Body::default()
            .with("name", Some(&name))
            .with("template", template)
            .with("parameters", parameters)
            .with("labels", (!labels.is_empty()).then(|| crate::wire::json::raw(labels.text())));
        let answer = cx.client(dry.dry_run).create_project(&body, idempotency_key.as_deref()).await?;
        let id = read(&answer.text)?.text("id").to_owned();
        shown_or_waited(cx, &id, &answer.text, "ready", &waiting).await
    }
}

impl Update {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { which, name, label, remove_label, dry } = self;
        let id = which.id(cx).await?;
        let (mut body, mut version) = (Body::default().with("name", name), None);
        if !label.is_empty() || !remove_label.is_empty() {
            // The server replaces all labels, so those that are there are sent along.
            let project = read(&cx.client.get_project(&id).await?.text)?;
            version = Some(project.count("version"));
            let is_kept = |key: &String| !remove_label.contains(key) && !label.iter().any(|(new, _)| new == key);
            let kept = project.at("labels").map().iter().filter(|(key, _)| is_kept(key));
            let labels =
                kept.fold(Body::default(), |body, (key, _)| body.with(key, Some(project.at("labels").text(key))));
            let labels = label.iter().fold(labels, |body, (key, value)| body.with(key, Some(value)));
            body = body.with("labels", Some(crate::wire::json::raw(labels.text())));
        }
        if body.is_empty() {
            return Err(Failure::usage("there is nothing to change").hint("--name, --label or --remove-label"));
        }
        cx.output.row(&PROJECT, &cx.client(dry.dry_run).patch_project(&id, &body, version).await?.text)?;
        Ok(Exit::Success)
    }
}

impl Which {
    async fn id(&self, cx: &Context) -> Result<String, Failure> {
        cx.about("project", &self.project);
        if let Ok(id) = Uuid::try_parse(&self.project) {
            return Ok(id.to_string());
        }
        let search = [("search", Some(self.project.clone())), ("limit", Some("200".to_owned()))];
        let found = read(&cx.pages(cx.client.list_projects(&search).await?, true, false).await?)?;
        super::text::only("project", &self.project, found.list(), "name")
    }
}

fn is_at_rest(project: &Json) -> bool {
    ProjectStatus::parse(project.text("status")).is_none_or(|status| !status.is_transient())
}

/// Shows each move until it comes to rest.
async fn follow(cx: &Context, id: &str, every: &Every) -> Outcome {
    let get = async || cx.client.get_project(id).await;
    look::follow(cx, &PROJECT, id, every, get, is_at_rest, |it| it.text("status") != "failed").await
}

async fn wait(cx: &Context, id: &str, wanted: &str, patience: &Patience) -> Outcome {
    let ask = async |at_most| cx.client.wait_for_project(id, wanted, at_most).await;
    let rests = |project: &Json| project.text("status") == wanted || is_at_rest(project);
    look::wait(cx, &PROJECT, wanted, patience, ask, rests).await
}

/// What was asked for, now or when it is done.
async fn shown_or_waited(cx: &Context, id: &str, text: &str, wanted: &str, waiting: &Waiting) -> Outcome {
    if !waiting.wait {
        cx.output.row(&PROJECT, text)?;
        return Ok(Exit::Success);
    }
    // Whoever breaks off the waiting knows its id.
    cx.output.note(&format!("Waiting for project {id} to be {wanted} …"));
    wait(cx, id, wanted, &waiting.patience).await
}
