//! Draws a graph as SVG.

use std::fmt::Write;

use super::picture::Picture;
use crate::cli::output::shortened;
use crate::domain::workflow::Layout;
use crate::domain::workflow::layout::CARD;

const MARGIN: f64 = 16.0;

/// A standalone SVG document.
pub fn draw(picture: &Picture) -> String {
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
    for (node, at) in picture.nodes.iter().zip(&picture.layout.cards) {
        let (x, y, (fill, stroke)) = (at.x + MARGIN, at.y + MARGIN, colors(&node.state));
        _ = writeln!(
            text,
            "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{fill}\" stroke=\"{stroke}\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"14\" fill=\"#17202e\">{}</text>\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"#4a5568\">{}</text></g>",
            escaped(&node.name),
            CARD.0,
            CARD.1,
            x + 12.0,
            y + 22.0,
            escaped(&shortened(&node.name, 22)),
            x + 12.0,
            y + 41.0,
            escaped(&node.state),
        );
    }
    text.push_str("</svg>");
    text
}

/// An edge: curved between ranks, straight through them.
fn path(picture: &Picture, from: usize, to: usize) -> String {
    let points = picture.layout.route(from, to);
    let mut d = String::new();
    for (at, pair) in points.windows(2).enumerate() {
        let [(x, y), (to_x, to_y)] = [pair[0], pair[1]].map(|it| (it.x + MARGIN, it.y + MARGIN));
        if at == 0 {
            _ = write!(d, "M{x} {y}");
        }
        let middle = (x + to_x) / 2.0;
        _ = if at % 2 == 1 { write!(d, "H{to_x}") } else { write!(d, "C{middle} {y} {middle} {to_y} {to_x} {to_y}") };
    }
    d
}

fn colors(state: &str) -> (&'static str, &'static str) {
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
mod tests {
    use super::*;

    #[test]
    fn svg_has_all_nodes_and_edges_and_escapes_names() {
        let text = draw(&crate::cli::client::graph::picture::tests::diamond());
        assert_eq!((text.matches("<path ").count(), text.matches("<g>").count()), (4, 4));
        assert!(text.contains("b&lt;&amp;&gt;") && !text.contains("b<&>"));
    }
}
