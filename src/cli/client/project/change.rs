//! Creates and changes projects.

use std::time::Duration;

use clap::Args;

use super::{Operation, Project, Target};
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::{Action, Confirm, DryRun, Submission, Wait, duration, pair};
use crate::cli::client::input::{json, object, strings};
use crate::cli::client::lifecycle::print_or_wait;
use crate::cli::failure::Failure;
use crate::cli::output::read;
use crate::cli::tables::PROJECT;
use crate::wire::client::{Answer, Body, Client};
use crate::wire::json::raw;

#[derive(Args, Debug)]
pub struct Create {
    /// Project name, 1 to 255 characters
    name: String,
    /// Project template
    #[arg(long)]
    template: Option<String>,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    submission: Submission,
}

#[derive(Args, Debug)]
pub struct Clone {
    #[command(flatten)]
    source: Target,
    /// Name of the new project, 1 to 255 characters
    new_name: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    submission: Submission,
}

/// What can be said of a new project besides its name and its template.
#[derive(Args, Debug)]
pub struct Fields {
    /// Template parameters: a JSON object, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
    /// One template parameter; a value that is valid JSON is sent as JSON, any other value as a string
    #[arg(short, long = "parameter", visible_alias = "set", value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "parameters")]
    parameter: Vec<(String, String)>,
    /// Label of the project
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Tenant of its jobs
    #[arg(long)]
    tenant: Option<String>,
    /// Queue of its jobs
    #[arg(long)]
    queue: Option<String>,
    /// Priority of its jobs, 0 to 9; 9 runs first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=9))]
    priority: Option<i64>,
    /// How long each operation may take [default: as the template says]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    deadline: Option<Duration>,
    /// Delete the project after this time
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
}

#[derive(Args, Debug)]
pub struct Apply {
    /// Project name, 1 to 255 characters
    name: String,
    /// Project template
    #[arg(long)]
    template: Option<String>,
    /// Template parameters: a JSON object, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
    /// One template parameter; a value that is valid JSON is sent as JSON, any other value as a string
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "parameters")]
    set: Vec<(String, String)>,
    /// Label; the labels given replace all labels of the project
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    #[command(flatten)]
    dry: DryRun,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    target: Target,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// Add or change a label
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Change a template parameter; the others stay as they are
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair, conflicts_with_all = ["name", "label", "remove_label", "protected", "expires_at"])]
    set: Vec<(String, String)>,
    /// Refuse deletion (true) or allow it again (false)
    #[arg(long, value_name = "BOOL")]
    protected: Option<bool>,
    /// When the project is deleted (RFC 3339), or "never"
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Remove a label
    #[arg(long, value_name = "KEY")]
    remove_label: Vec<String>,
    #[command(flatten)]
    dry: DryRun,
    #[command(flatten)]
    wait: Wait,
}

impl Create {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { name, template, fields, submission } = self;
        let Submission { idempotency_key, dry, wait } = submission;
        cx.about("project", &name);
        let body = fields.body(&name, template.as_deref())?;
        let answer = cx.client(dry).create_project(&body, idempotency_key.as_deref()).await?;
        let id = read(&answer.text)?.text("id").to_owned();
        print_or_wait::<Project>(cx, &id, &answer.text, "ready", &wait).await
    }
}

impl Clone {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { source, new_name, fields, submission } = self;
        let Submission { idempotency_key, dry, wait } = submission;
        let (source, body) = (source.id(cx).await?, fields.body(&new_name, None)?);
        let answer = cx.client(dry).clone_project(&source, &body, idempotency_key.as_deref()).await?;
        let id = read(&answer.text)?.text("id").to_owned();
        print_or_wait::<Project>(cx, &id, &answer.text, "ready", &wait).await
    }
}

impl Fields {
    fn body(&self, name: &str, template: Option<&str>) -> Result<Body, Failure> {
        let seconds = |duration: Option<Duration>| duration.map(|it| it.as_secs_f64());
        Ok(description(template, self.parameters.as_deref(), &self.parameter, &self.label)?
            .with("name", Some(name))
            .with("tenant", self.tenant.as_deref())
            .with("queue", self.queue.as_deref())
            .with("priority", self.priority)
            .with("deadline", seconds(self.deadline))
            .with("expires_in", seconds(self.expires_in)))
    }
}

/// The template, the parameters and the labels of a request.
fn description(
    template: Option<&str>,
    parameters: Option<&str>,
    set: &[(String, String)],
    label: &[(String, String)],
) -> Result<Body, Failure> {
    let parameters = match parameters {
        Some(text) => Some(json("--parameters", text)?),
        None => (!set.is_empty()).then(|| object(set)),
    };
    let labels = strings(label.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    Ok(Body::default()
        .with("template", template)
        .with("parameters", parameters)
        .with("labels", (!labels.is_empty()).then(|| raw(labels.text()))))
}

impl Apply {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { name, template, parameters, set, label, dry, wait } = self;
        cx.about("project", &name);
        let body = description(template.as_deref(), parameters.as_deref(), &set, &label)?;
        let answer = cx.client(dry).apply_project(&name, &body).await?;
        let id = read(&answer.text)?.text("id").to_owned();
        print_or_wait::<Project>(cx, &id, &answer.text, "ready", &wait).await
    }
}

#[derive(Args, Debug)]
pub struct Undo {
    /// Leave what the failed step made, and continue with the step before
    #[arg(long)]
    skip: bool,
    #[command(flatten)]
    operation: Operation,
}

impl Undo {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { skip, operation } = self;
        let send = async |client: &Client, id: &str, body: &Body| match skip {
            true => client.skip_project_step(id, body).await,
            false => client.undo_project(id, body).await,
        };
        operation.run(cx, "failed", send).await
    }
}

#[derive(Args, Debug)]
pub struct Delete {
    /// How long the project can be brought back; 0s deletes at once [default: as the template says]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    grace: Option<Duration>,
    #[command(flatten)]
    action: Action<Target>,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    wait: Wait,
}

impl Delete {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { grace, action: Action { target, change }, confirm, wait } = self;
        let id = target.id(cx).await?;
        let effect = format!("Project {:?} will be deleted. Its history is kept.", target.name(cx));
        cx.confirm(confirm, change.dry, &effect)?;
        let grace = [("grace", grace.map(|it| it.as_secs_f64().to_string()))];
        let answer = cx.client(change.dry).delete_project(&id, &grace, &change.body()).await?;
        let project = read(&answer.text)?;
        // With a grace time, the project is first only taken out of service.
        if project.text("operation") == "retire" || project.text("status") == "pending_deletion" {
            cx.output.note(&format!("To bring it back: provost project undelete {id}"));
        }
        print_or_wait::<Project>(cx, &id, &answer.text, "deleted", &wait).await
    }
}

impl Update {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { target, name, label, set, protected, expires_at, remove_label, dry, wait } = self;
        let id = target.id(cx).await?;
        if !set.is_empty() {
            let answer = update_parameters(cx, &id, &set, dry).await?;
            return print_or_wait::<Project>(cx, &id, &answer.text, "ready", &wait).await;
        }
        let (mut body, mut version) = (Body::default().with("name", name).with("protected", protected), None);
        body = match expires_at.as_deref() {
            Some("never") => body.with("expires_at", Some(raw("null".to_owned()))),
            at => body.with("expires_at", at),
        };
        if !label.is_empty() || !remove_label.is_empty() {
            // The server replaces all labels, so the request repeats those that stay.
            let project = read(&cx.client.get_project(&id).await?.text)?;
            version = Some(project.count("version"));
            let labels = project.at("labels");
            let is_kept = |key: &String| !remove_label.contains(key) && !label.iter().any(|(new, _)| new == key);
            let kept = labels.map().iter().filter(|(key, _)| is_kept(key)).map(|(key, _)| (&**key, labels.text(key)));
            let new = label.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            body = body.with("labels", Some(raw(strings(kept.chain(new)).text())));
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change")
                .hint("--name, --label, --remove-label, --protected, --expires-at or --set"));
        }
        cx.row(&PROJECT, &cx.client(dry).patch_project(&id, &body, version).await?.text)
    }
}

/// The server replaces all parameters, so the request repeats the old ones. It fails if the project has changed in the meantime.
async fn update_parameters(cx: &Context, id: &str, set: &[(String, String)], dry: DryRun) -> Result<Answer, Failure> {
    let project = read(&cx.client.get_project(id).await?.text)?;
    let old = project.at("parameters").map().iter().filter(|(key, _)| !set.iter().any(|(new, _)| *new == **key));
    let pairs: Vec<(String, String)> =
        old.map(|(key, value)| (key.to_string(), value.to_string())).chain(set.iter().cloned()).collect();
    let body = Body::default().with("parameters", Some(object(&pairs)));
    Ok(cx.client(dry).patch_project(id, &body, Some(project.count("version"))).await?)
}
