//! `provost schema`: JSON Schemas that payloads must match.

use clap::Subcommand;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Confirm, DryRun};
use super::input::json;
use crate::cli::tables::SCHEMA;
use crate::wire::client::Body;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List schemas by kind and version
    #[command(visible_alias = "ls", after_help = "Example:\n  provost schema list --kind email.send -o json")]
    List {
        /// Only schemas of this kind
        #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
        kind: Option<String>,
    },
    /// Register a schema for new jobs of a kind
    #[command(after_help = "Example:\n  provost schema put email.send @schema.json")]
    Put {
        /// Job kind
        #[arg(add = ArgValueCompleter::new(complete::kinds))]
        kind: String,
        /// JSON Schema, @FILE, or - for stdin
        schema: String,
        /// Version number; defaults to the next one
        #[arg(long, value_name = "N")]
        schema_version: Option<u32>,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Delete one version of a schema
    #[command(visible_alias = "rm", after_help = "Example:\n  provost schema delete email.send 2 --yes")]
    Delete {
        /// Job kind
        #[arg(add = ArgValueCompleter::new(complete::kinds))]
        kind: String,
        /// Version number
        schema_version: u32,
        #[command(flatten)]
        dry: DryRun,
        #[command(flatten)]
        confirm: Confirm,
    },
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { kind } => cx.list(&SCHEMA, &cx.client.list_schemas(&[("kind", kind)]).await?.text),
            Self::Put { kind, schema, schema_version, dry } => {
                let schema = json("the schema", &schema)?;
                let body = Body::default().with("version", schema_version).with("schema", Some(schema));
                cx.row(&SCHEMA, &cx.client(dry).put_schema(&kind, &body).await?.text)
            }
            Self::Delete { kind, schema_version, dry, confirm } => {
                cx.about("schema", &kind);
                let effect = format!("Version {schema_version} of the schema for {kind} will be deleted.");
                cx.confirm(confirm, dry, &effect)?;
                cx.client(dry).delete_schema(&kind, schema_version).await?;
                cx.deleted("schema", &format!("{kind} {schema_version}"))
            }
        }
    }
}
