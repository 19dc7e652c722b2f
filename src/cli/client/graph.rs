//! `provost workflow graph` and `provost job graph`: how jobs hang together. The languages of other programs come from the server; pictures are drawn
//! here, from its JSON.

use std::collections::HashMap;
use std::fmt::Write;

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::context::{Context, Outcome};
use super::text_graph;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Json, Noun, Output, Show, column, harmless, read, say, shortened};
use crate::domain::workflow::layout::CARD;
use crate::domain::workflow::{self, Layout};
use crate::wire::client::{Answer, ClientError, Pairs};

/// A step as one of a list.
static STEP: Noun = Noun { name: "job", key: "job_id", columns: &[column("ID", "job_id", Show::Exact)] };

/// What is left free around a picture.
const MARGIN: f64 = 16.0;

#[derive(Args, Clone, Copy, Debug)]
pub struct InForm {
    /// In which form
    #[arg(id = "graph_format", short = 'o', long = "output", value_name = "FORMAT")]
    form: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Drawn with letters
    #[value(aliases = ["table", "wide"])]
    Ascii,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// A picture
    Svg,
    /// As the server sent it
    Json,
    Jsonl,
    Yaml,
    /// The ids of its jobs
    Name,
}

impl InForm {
    /// Where this command does not say it, all of them do.
    fn form(self, cx: &Context) -> Form {
        self.form.unwrap_or(match cx.output.format {
            Format::Table | Format::Wide => Form::Ascii,
            Format::Json => Form::Json,
            Format::Jsonl => Form::Jsonl,
            Format::Yaml => Form::Yaml,
            Format::Name => Form::Name,
        })
    }
}

/// Asks for the graph, and shows it.
pub async fn draw(
    cx: &Context,
    graph: &InForm,
    fetch: impl AsyncFn(Pairs<'_>) -> Result<Answer, ClientError>,
) -> Outcome {
    let form = graph.form(cx);
    let language = match form {
        Form::Dot => Some("dot".to_owned()),
        Form::Mermaid => Some("mermaid".to_owned()),
        _ => None,
    };
    let text = fetch(&[("format", language)]).await?.text;
    let with = |format| Output { format, ..cx.output.clone() };
    match form {
        Form::Dot | Form::Mermaid => say(text.trim_end())?,
        Form::Json => say(&text)?,
        Form::Jsonl => with(Format::Jsonl).row(&STEP, &text)?,
        Form::Yaml => with(Format::Yaml).row(&STEP, &text)?,
        Form::Name => {
            let nodes: Vec<String> = read(&text)?.at("nodes").list().iter().map(Json::to_string).collect();
            with(Format::Name).list(&STEP, &format!("[{}]", nodes.join(",")))?;
        }
        Form::Ascii => say(text_graph::drawn(&Picture::new(&read(&text)?)?, cx.output.paint).trim_end())?,
        Form::Svg => say(&svg(&Picture::new(&read(&text)?)?))?,
    }
    Ok(Exit::Success)
}

/// A graph that was laid out.
pub struct Picture {
    pub nodes: Vec<Step>,
    /// From whom to whom, and whether the second may go on.
    pub edges: Vec<(usize, usize, bool)>,
    pub ranks: Vec<usize>,
    pub layout: Layout,
}

/// A job of it.
pub struct Step {
    pub name: String,
    pub state: String,
    /// What it waits for, or what went wrong.
    pub note: String,
}

impl Picture {
    fn new(graph: &Json) -> Result<Self, Failure> {
        let strange = || Failure::new(Exit::Failure, "the graph cannot be read");
        let (nodes, edges) = (graph.at("nodes").list(), graph.at("edges").list());
        let ids: Vec<Uuid> = nodes
            .iter()
            .map(|it| Uuid::try_parse(it.text("job_id")).map_err(|_| strange()))
            .collect::<Result<_, _>>()?;
        let places: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let place = |text: &str| Uuid::try_parse(text).ok().and_then(|id| places.get(&id).copied());
        let edge =
            |it: &Json| Some((place(it.text("from"))?, place(it.text("to"))?, it.at("met") == &Json::Bool(true)));
        let edges: Vec<_> = edges.iter().filter_map(edge).collect();
        let shape = workflow::Graph::new(&ids, edges.iter().map(|(from, to, _)| (ids[*to], ids[*from])));
        let step = |it: &Json| Step {
            name: harmless(if it.text("step").is_empty() { it.text("kind") } else { it.text("step") }),
            state: harmless(it.text("state")),
            note: harmless(if it.text("blocked_reason").is_empty() {
                it.text("error")
            } else {
                it.text("blocked_reason")
            }),
        };
        let (ranks, layout) = (shape.ranks().to_vec(), Layout::new(&shape));
        Ok(Self { nodes: nodes.iter().map(step).collect(), edges, ranks, layout })
    }
}

/// A picture that stands by itself.
fn svg(picture: &Picture) -> String {
    let Layout { width, height, .. } = picture.layout;
    let (width, height) = (width + 2.0 * MARGIN, height + 2.0 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\">\n<title>Workflow</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    // Writing to a String cannot fail.
    for (from, to, met) in &picture.edges {
        let dash = if *met { "" } else { " stroke-dasharray=\"4 4\"" };
        _ = writeln!(text, "<path d=\"{}\" fill=\"none\" stroke=\"#7a8496\"{dash}/>", path(picture, *from, *to));
    }
    for (step, at) in picture.nodes.iter().zip(&picture.layout.cards) {
        let (x, y, (fill, stroke)) = (at.x + MARGIN, at.y + MARGIN, colours(&step.state));
        _ = writeln!(
            text,
            "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{fill}\" stroke=\"{stroke}\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"14\" fill=\"#17202e\">{}</text>\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"#4a5568\">{}</text></g>",
            escaped(&step.name),
            CARD.0,
            CARD.1,
            x + 12.0,
            y + 22.0,
            escaped(&shortened(&step.name, 22)),
            x + 12.0,
            y + 41.0,
            escaped(&step.state),
        );
    }
    text.push_str("</svg>");
    text
}

/// Curved between the ranks, straight past them.
fn path(picture: &Picture, from: usize, to: usize) -> String {
    let way = picture.layout.route(from, to);
    let mut d = String::new();
    for (at, pair) in way.windows(2).enumerate() {
        let [(x, y), (to_x, to_y)] = [pair[0], pair[1]].map(|it| (it.x + MARGIN, it.y + MARGIN));
        if at == 0 {
            _ = write!(d, "M{x} {y}");
        }
        let middle = (x + to_x) / 2.0;
        _ = if at % 2 == 1 { write!(d, "H{to_x}") } else { write!(d, "C{middle} {y} {middle} {to_y} {to_x} {to_y}") };
    }
    d
}

fn colours(state: &str) -> (&'static str, &'static str) {
    match state {
        "completed" => ("#e0f5ea", "#178a5c"),
        "failed" => ("#fde8e8", "#d3343e"),
        "active" => ("#efe9fd", "#7c4ddb"),
        "retrying" => ("#fdf0d5", "#b96f00"),
        "queued" => ("#e3f0fc", "#2580d8"),
        "blocked" => ("#e0f4f6", "#1b8797"),
        _ => ("#eceff4", "#7a8496"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// One, two beside each other, one.
    pub fn diamond() -> Picture {
        let id = |n: u128| Uuid::from_u128(n).to_string();
        let node = |n, name: &str, state: &str| {
            format!("{{\"job_id\":\"{}\",\"step\":\"{name}\",\"state\":\"{state}\"}}", id(n))
        };
        let edge = |from, to| format!("{{\"from\":\"{}\",\"to\":\"{}\",\"met\":true}}", id(from), id(to));
        let nodes =
            [node(1, "a", "completed"), node(2, "b<&>", "active"), node(3, "c", "queued"), node(4, "d", "blocked")];
        let edges = [edge(1, 2), edge(1, 3), edge(2, 4), edge(3, 4)];
        let text = format!("{{\"nodes\":[{}],\"edges\":[{}]}}", nodes.join(","), edges.join(","));
        Picture::new(&Json::parse(&text).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_has_every_step_and_every_edge_and_no_markup_of_a_name() {
        let text = svg(&diamond());
        assert_eq!((text.matches("<path ").count(), text.matches("<g>").count()), (4, 4));
        assert!(text.contains("b&lt;&amp;&gt;") && !text.contains("b<&>"));
    }
}
