//! `provost schema`: what payloads are checked against.

use clap::Subcommand;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Dry, Sure};
use super::text::value;
use crate::cli::Exit;
use crate::cli::output::{Noun, Show, column, wide};
use crate::wire::client::Body;

static SCHEMA: Noun = Noun {
    name: "schema",
    key: "kind",
    columns: &[
        column("KIND", "kind", Show::Exact),
        column("VERSION", "version", Show::Number),
        column("BY", "actor", Show::Text),
        column("CREATED", "created_at", Show::When),
        wide("SCHEMA", "schema", Show::Text),
    ],
};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The schemas, by kind and version
    #[command(visible_alias = "ls", after_help = "Example:\n  provost schema list --kind email.send -o json")]
    List {
        #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
        kind: Option<String>,
    },
    /// Register one for a kind; it holds for new jobs from now on
    #[command(after_help = "Example:\n  provost schema put email.send @schema.json")]
    Put {
        #[arg(add = ArgValueCompleter::new(complete::kinds))]
        kind: String,
        /// A JSON Schema, @FILE, or - for stdin
        schema: String,
        /// Which version; the next unless said otherwise
        #[arg(long, value_name = "N")]
        schema_version: Option<u32>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Check against one version no longer
    #[command(visible_alias = "rm", after_help = "Example:\n  provost schema delete email.send 2 --yes")]
    Delete {
        #[arg(add = ArgValueCompleter::new(complete::kinds))]
        kind: String,
        /// Which version
        schema_version: u32,
        #[command(flatten)]
        dry: Dry,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::List { kind } => {
                cx.output.list(&SCHEMA, &cx.client.list_schemas(&[("kind", kind)]).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Put { kind, schema, schema_version, dry } => {
                let schema = value("the schema", &schema)?;
                let body = Body::default().with("version", schema_version).with("schema", Some(schema));
                cx.output.row(&SCHEMA, &cx.client(dry.dry_run).put_schema(&kind, &body).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Delete { kind, schema_version, dry, sure } => {
                cx.about("schema", &kind);
                let what = format!("Jobs of kind {kind} are no longer checked against version {schema_version}.");
                cx.confirm(sure.yes || dry.dry_run, &what)?;
                cx.client(dry.dry_run).delete_schema(&kind, schema_version).await?;
                cx.gone("schema", &format!("{kind} {schema_version}"))
            }
        }
    }
}
