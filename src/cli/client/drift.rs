//! `provost drift`: differences between what the projects say and what exists.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::context::{Context, Outcome};
use super::flags::{Change, Confirm, duration};
use crate::cli::output::read;
use crate::cli::tables::{FINDING, PROJECT};
use crate::wire::client::{Answer, Body, Client, ClientError};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the differences, the oldest first
    #[command(visible_alias = "ls", after_help = "Example:\n  provost drift list -o json")]
    List,
    /// Make an orphan a project again; its password is replaced
    #[command(after_help = "Example:\n  provost drift adopt 0198c0de-… --name shop")]
    Adopt {
        /// Id of the finding
        id: String,
        #[command(flatten)]
        project: AsProject,
        #[command(flatten)]
        change: Change,
    },
    /// Take an orphan out of service; it is removed after the grace time
    #[command(after_help = "Example:\n  provost drift quarantine 0198c0de-… --grace 30d --reason 'no owner is known'")]
    Quarantine {
        /// Id of the finding
        id: String,
        /// How long it is kept [default: 7d]
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        grace: Option<Duration>,
        #[command(flatten)]
        project: AsProject,
        #[command(flatten)]
        change: Change,
    },
    /// Remove an orphan
    #[command(visible_alias = "rm", after_help = "Example:\n  provost drift remove 0198c0de-… --yes")]
    Remove {
        /// Id of the finding
        id: String,
        #[command(flatten)]
        project: AsProject,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// The project as which an orphan is taken up, if its record is gone.
#[derive(Args, Debug)]
pub struct AsProject {
    /// Name of the project
    #[arg(long)]
    name: Option<String>,
    /// Template of the project
    #[arg(long)]
    template: Option<String>,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List => {
                let drift = read(&cx.client.list_drift(&[]).await?.text)?;
                cx.list(&FINDING, &drift.at("findings").to_string())
            }
            Self::Adopt { id, project, change } => {
                take_up(cx, &id, project, None, change, async |client, id, body| client.adopt_orphan(id, body).await)
                    .await
            }
            Self::Quarantine { id, grace, project, change } => {
                let send = async |client: &Client, id: &str, body: &Body| client.quarantine_orphan(id, body).await;
                take_up(cx, &id, project, grace, change, send).await
            }
            Self::Remove { id, project, change, confirm } => {
                cx.confirm(confirm, change.dry, "The orphan and everything in it will be removed.")?;
                take_up(cx, &id, project, None, change, async |client, id, body| client.remove_orphan(id, body).await)
                    .await
            }
        }
    }
}

async fn take_up(
    cx: &Context,
    id: &str,
    project: AsProject,
    grace: Option<Duration>,
    change: Change,
    send: impl AsyncFn(&Client, &str, &Body) -> Result<Answer, ClientError>,
) -> Outcome {
    cx.about("drift", id);
    let body = change
        .body()
        .with("name", project.name)
        .with("template", project.template)
        .with("grace", grace.map(|it| it.as_secs_f64()));
    cx.row(&PROJECT, &send(&cx.client(change.dry), id, &body).await?.text)
}
