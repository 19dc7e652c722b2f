//! `provost template`.

use clap::{Args, Subcommand};

use super::context::{Context, Outcome};
use crate::cli::tables::TEMPLATE;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the templates that projects can be made with
    #[command(visible_alias = "ls", after_help = "Example:\n  provost template list")]
    List,
    /// Show a template with the JSON Schema of its parameters
    #[command(visible_alias = "show", after_help = "Example:\n  provost template get postgres -o json")]
    Get(Target),
}

#[derive(Args, Debug)]
pub struct Target {
    /// Name of the template
    name: String,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List => cx.list(&TEMPLATE, &cx.client.list_templates().await?.text),
            Self::Get(Target { name }) => {
                cx.about("template", &name);
                cx.details(&TEMPLATE, &cx.client.get_template(&name).await?.text)
            }
        }
    }
}
