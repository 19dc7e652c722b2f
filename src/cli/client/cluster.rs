//! `provost cluster`.

use clap::{Args, Subcommand};

use super::context::{Context, Outcome};
use crate::cli::tables::CLUSTER;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the clusters, and what Provost may do there
    #[command(visible_alias = "ls", after_help = "Example:\n  provost cluster list")]
    List,
    /// Show a cluster
    #[command(visible_alias = "show", after_help = "Example:\n  provost cluster get main -o json")]
    Get(Target),
}

#[derive(Args, Debug)]
pub struct Target {
    /// Name of the cluster
    name: String,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List => cx.list(&CLUSTER, &cx.client.list_clusters().await?.text),
            Self::Get(Target { name }) => {
                cx.about("cluster", &name);
                cx.details(&CLUSTER, &cx.client.get_cluster(&name).await?.text)
            }
        }
    }
}
