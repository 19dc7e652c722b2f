//! `provost credentials`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Change, object_name};
use super::project::id_of;
use crate::cli::failure::Failure;
use crate::cli::tables::{PROJECT, REISSUED};

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
            (None, true) => cx.list(&REISSUED, &client.reissue_credentials(&change.body()).await?.text),
            _ => Err(Failure::usage("name a project, or use --all")),
        }
    }
}
