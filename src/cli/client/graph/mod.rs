//! `provost workflow graph` and `provost job graph`. The server renders DOT and Mermaid, the rest is rendered here.

mod picture;
mod svg;
mod text;

use clap::{Args, ValueEnum};

use super::context::{Context, Outcome};
use crate::cli::exit::Exit;
use crate::cli::output::{Format, Json, Output, array, print, read};
use crate::cli::tables::GRAPH_NODE;
use crate::wire::client::{Answer, ClientError, Pairs};

use picture::Picture;

#[derive(Args, Clone, Copy, Debug)]
pub struct GraphFormat {
    /// Output format
    #[arg(id = "graph_format", short = 'o', long = "output", value_name = "FORMAT")]
    format: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text drawing
    #[value(aliases = ["table", "wide"])]
    Ascii,
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// SVG image
    Svg,
    /// The response of the server, unchanged
    Json,
    /// One JSON object per line
    Jsonl,
    /// YAML
    Yaml,
    /// The ids of the jobs
    Name,
}

/// Fetches a graph and prints it.
pub async fn print_graph(
    cx: &Context,
    format: GraphFormat,
    fetch: impl AsyncFn(Pairs<'_>) -> Result<Answer, ClientError>,
) -> Outcome {
    let form = format.format.unwrap_or(match cx.output.format {
        Format::Table | Format::Wide => Form::Ascii,
        Format::Json => Form::Json,
        Format::Jsonl => Form::Jsonl,
        Format::Yaml => Form::Yaml,
        Format::Name => Form::Name,
    });
    let language = match form {
        Form::Dot => Some("dot".to_owned()),
        Form::Mermaid => Some("mermaid".to_owned()),
        _ => None,
    };
    let text = fetch(&[("format", language)]).await?.text;
    let with = |format| Output { format, ..cx.output.clone() };
    match form {
        Form::Dot | Form::Mermaid => print(text.trim_end())?,
        Form::Json => print(&text)?,
        Form::Jsonl => with(Format::Jsonl).row(&GRAPH_NODE, &text)?,
        Form::Yaml => with(Format::Yaml).row(&GRAPH_NODE, &text)?,
        Form::Name => {
            let nodes = array(read(&text)?.at("nodes").list().iter().map(Json::to_string));
            with(Format::Name).list(&GRAPH_NODE, &nodes)?;
        }
        Form::Ascii => print(text::draw(&Picture::new(&read(&text)?)?, cx.output.colors).trim_end())?,
        Form::Svg => print(&svg::draw(&Picture::new(&read(&text)?)?))?,
    }
    Ok(Exit::Success)
}
