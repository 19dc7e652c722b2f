//! `provost credentials`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Change, object_name};
use super::project::id_of;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, array, read};
use crate::cli::tables::{PROJECT, REISSUED};
use crate::wire::client::Client;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Replace a credential, for example after the key that encrypted it was lost
    #[command(
        after_help = "Examples:\n  provost credentials reissue my-first\n  provost credentials reissue --all --reason 'the key was lost'"
    )]
    Reissue(Reissue),
}

#[derive(Args, Debug)]
pub struct Reissue {
    /// Name, id or id prefix of the project
    #[arg(value_parser = object_name("project"), add = ArgValueCompleter::new(complete::projects))]
    project: Option<String>,
    /// Replace every credential that the server cannot read
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    change: Change,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self::Reissue(Reissue { project, all, change }) = self;
        let client = cx.client(change.dry);
        match (project, all) {
            (Some(project), false) => {
                cx.about("project", &project);
                let id = id_of(cx, &project).await?;
                cx.row(&PROJECT, &client.rotate_project(&id, &change.body()).await?.text)
            }
            (None, true) => reissue_all(cx, &client, &change).await,
            _ => Err(Failure::usage("name a project, or use --all")),
        }
    }
}

/// The server takes a bounded number of projects at a time.
async fn reissue_all(cx: &Context, client: &Client, change: &Change) -> Outcome {
    let (mut rows, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let answer = client.reissue_credentials(&change.body().with("after", after.as_deref())).await;
        let page = match answer {
            Ok(answer) => read(&answer.text)?,
            // Without this list, what has been started would be lost.
            Err(error) if rows.is_empty() => return Err(error.into()),
            Err(error) => {
                cx.list(&REISSUED, &array(rows))?;
                return Err(error.into());
            }
        };
        let Some(last) = page.list().last() else { break };
        after = Some(last.text("project_id").to_owned());
        rows.extend(page.list().iter().map(ToString::to_string));
    }
    let is_complete = read(&array(rows.clone()))?.list().iter().all(|it| *it.at("error") == Json::Null);
    let listed = cx.list(&REISSUED, &array(rows))?;
    Ok(if is_complete { listed } else { Exit::Partial })
}
