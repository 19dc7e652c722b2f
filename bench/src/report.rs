//! Results, as a table for people and as JSON for programs.

use serde_json::{Map, Value, json};
use std::io::IsTerminal as _;

use super::stats::{Spread, rounded};

#[derive(Debug)]
pub struct Report {
    pub name: &'static str,
    pub what: &'static str,
    pub rows: Vec<Row>,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
}

/// One alternative. An empty cell could not be measured.
#[derive(Debug)]
pub struct Row {
    label: String,
    cells: Vec<(String, Option<f64>)>,
}

impl Row {
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), cells: Vec::new() }
    }

    pub fn cell(mut self, name: impl Into<String>, value: Option<f64>) -> Self {
        self.cells.push((name.into(), value.filter(|it| it.is_finite()).map(rounded)));
        self
    }

    /// The four numbers of a distribution.
    pub fn spread(self, name: &str, spread: &Spread) -> Self {
        self.cell(format!("{name}_p50"), spread.p50)
            .cell(format!("{name}_p95"), spread.p95)
            .cell(format!("{name}_p99"), spread.p99)
            .cell(format!("{name}_max"), spread.max)
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.cells.iter().find(|(it, _)| it == name).and_then(|(_, value)| *value)
    }
}

impl Report {
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let mut object = Map::from_iter([("label".to_owned(), json!(row.label))]);
            object.extend(row.cells.iter().map(|(name, value)| (name.clone(), json!(value))));
            Value::Object(object)
        });
        json!({"name": self.name, "what": self.what, "rows": rows.collect::<Vec<_>>(), "notes": self.notes})
    }

    pub fn print(&self) {
        println!("\n{}: {}", self.name, self.what);
        let mut columns: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.cells) {
            // Leave out columns without any value.
            let measured = self.rows.iter().any(|row| row.value(name).is_some());
            if measured && !columns.contains(&name.as_str()) {
                columns.push(name);
            }
        }
        let head = std::iter::once(String::new()).chain(columns.iter().map(|it| (*it).to_owned()));
        let mut lines: Vec<Vec<String>> = vec![head.collect()];
        for row in &self.rows {
            let cells = columns.iter().map(|name| row.value(name).map_or("-".to_owned(), shown));
            lines.push(std::iter::once(row.label.clone()).chain(cells).collect());
        }
        print_aligned(&lines);
        self.notes.iter().for_each(|note| println!("  {note}"));
    }
}

fn print_aligned(lines: &[Vec<String>]) {
    let width = |index: usize| lines.iter().map(|line| line[index].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    for line in lines {
        let first = format!("  {:<1$}", line[0], widths[0]);
        let rest = line.iter().zip(&widths).skip(1).map(|(cell, width)| format!("  {cell:>width$}"));
        println!("{}", std::iter::once(first).chain(rest).collect::<String>());
    }
}

/// Large numbers without decimals, small ones with all of theirs.
fn shown(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { value.to_string() }
}

/// Reports progress on a terminal.
pub fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("… {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unmeasured_cell_is_null() {
        let rows =
            vec![Row::new("a").cell("per_s", Some(1234.567)).cell("server_us", None).cell("odd", Some(f64::NAN))];
        let report = Report { name: "x", what: "y", rows, notes: Vec::new() };
        let row = json!({"label": "a", "per_s": 1235.0, "server_us": null, "odd": null});
        assert_eq!(report.json()["rows"][0], row);
        assert_eq!((shown(12345.0), shown(0.25)), ("12345".to_owned(), "0.25".to_owned()));
    }
}
