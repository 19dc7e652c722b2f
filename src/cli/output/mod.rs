//! Prints results to stdout in the requested format, and notes to stderr.

mod cell;
mod colors;
mod details;
mod jq;
mod json;
mod resource;
mod stdout;
mod table;
mod yaml;

use std::io::Write;

use clap::ValueEnum;

use super::exit::Exit;
use super::failure::Failure;
use table::Table;

pub use cell::{CellFormat, TimeFormat, sanitize};
pub use colors::{ColorChoice, Colors};
pub use jq::check as check_filter;
pub use json::{Json, array, elements, quoted};
pub(super) use resource::tables;
pub use resource::{Column, Resource};
pub use stdout::{print, terminal_width};
pub use table::shortened;

use stdout::print_untrusted;

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns
    #[default]
    Table,
    /// Table with all columns
    Wide,
    /// The response of the server, unchanged
    Json,
    /// One JSON object per line
    Jsonl,
    /// YAML
    Yaml,
    /// One noun/id per line, such as project/7f3c…
    Name,
}

impl Format {
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// How results are printed.
#[derive(Clone, Debug)]
pub struct Output {
    pub format: Format,
    pub with_headers: bool,
    /// Columns by header or JSON path; empty for the default ones.
    pub columns: Vec<String>,
    pub colors: Colors,
    /// Nothing if stdout is not a terminal.
    pub terminal_width: Option<usize>,
    pub time: TimeFormat,
    /// Suppresses notes.
    pub quiet: bool,
    pub jq: Option<String>,
    /// The column to sort lists by, and whether to reverse.
    pub sort: Option<(String, bool)>,
}

impl Output {
    /// Prints a JSON array.
    pub fn list(&self, resource: &Resource, text: &str) -> Result<(), Failure> {
        let sorted = self.sort.as_ref().map(|sort| self.sorted(resource, text, sort)).transpose()?;
        let text = sorted.as_deref().unwrap_or(text);
        if !self.format.is_for_people() {
            return self.machine(resource, text);
        }
        let json = read(text)?;
        if json.list().is_empty() && self.columns.is_empty() {
            self.note(&format!("No {} found.", resource.name));
            return Ok(());
        }
        self.print_table(self.table(resource, json.list()))
    }

    /// Prints one object as a table row.
    pub fn row(&self, resource: &Resource, text: &str) -> Result<(), Failure> {
        match self.format.is_for_people() {
            true => self.print_table(self.table(resource, &[read(text)?])),
            false => self.machine(resource, text),
        }
    }

    /// Prints one object in full.
    pub fn details(&self, resource: &Resource, text: &str) -> Result<(), Failure> {
        if self.format.is_for_people() && self.columns.is_empty() {
            return print(details::details(&read(text)?, self.colors).trim_end());
        }
        self.row(resource, text)
    }

    /// Prints one changed object on a line of its own, without headers.
    pub fn line(&self, resource: &Resource, row: &Json) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide => {
                self.print_table(Table { with_headers: false, ..self.table(resource, std::slice::from_ref(row)) })
            }
            Format::Yaml => print_untrusted(&format!("---\n{}", yaml::document(row).trim_end())),
            _ => self.machine(resource, &row.to_string()),
        }
    }

    /// Prints JSON for programs. Without a filter, `-o json` prints the text of the server unchanged.
    fn machine(&self, resource: &Resource, text: &str) -> Result<(), Failure> {
        if let (Format::Json, Some(filter)) = (self.format, &self.jq) {
            return jq::print_filtered(filter, text);
        }
        let json = read(text)?;
        let all = if let Json::List(elements) = &json { elements.as_slice() } else { std::slice::from_ref(&json) };
        let lines = |format: &dyn Fn(&Json) -> String| all.iter().map(format).collect::<Vec<_>>().join("\n");
        let text = match self.format {
            Format::Json => return print_untrusted(text),
            Format::Yaml => yaml::document(&json),
            Format::Name => lines(&|it| format!("{}/{}", resource.name.replace(' ', "-"), name_of(it, resource.key))),
            _ => lines(&Json::to_string),
        };
        if text.is_empty() { Ok(()) } else { print_untrusted(text.trim_end_matches('\n')) }
    }

    fn print_table(&self, table: Table) -> Result<(), Failure> {
        print(&table.lines(self.terminal_width, self.colors).join("\n"))
    }

    fn table(&self, resource: &Resource, rows: &[Json]) -> Table {
        let columns = self.selected_columns(resource);
        let cells = |row: &Json| columns.iter().map(|it| cell::cell(row.at(&it.1), it.2, self.time)).collect();
        Table {
            headers: columns.iter().map(|(header, _, format)| (header.clone(), *format)).collect(),
            rows: rows.iter().map(cells).collect(),
            with_headers: self.with_headers,
        }
    }

    /// Sorts a list by a column. Rows without a value come last.
    fn sorted(&self, resource: &Resource, text: &str, (name, reverse): &(String, bool)) -> Result<String, Failure> {
        let known = resource.columns.iter().find(|it| it.header.eq_ignore_ascii_case(name));
        let path = known.map_or(name.as_str(), |it| it.path);
        let mut rows = read(text)?.list().to_vec();
        if rows.iter().all(|row| *row.at(path) == Json::Null) && !rows.is_empty() {
            return Err(Failure::usage(format!("cannot sort by {name:?}: no {} has a value for it", resource.name)));
        }
        rows.sort_by(|a, b| {
            let (a, b) = (a.at(path), b.at(path));
            match (a, b) {
                (Json::Null, _) | (_, Json::Null) => (*a == Json::Null).cmp(&(*b == Json::Null)),
                _ if *reverse => b.order(a),
                _ => a.order(b),
            }
        });
        Ok(Json::List(rows).to_string())
    }

    /// The header, path and format of each column to print.
    fn selected_columns(&self, resource: &Resource) -> Vec<(String, String, CellFormat)> {
        let declared = |it: &Column| (it.header.to_owned(), it.path.to_owned(), it.format);
        if self.columns.is_empty() {
            let is_shown = |it: &&Column| !it.is_wide || self.format == Format::Wide;
            return resource.columns.iter().filter(is_shown).map(declared).collect();
        }
        let find = |name: &String| {
            let known = resource.columns.iter().find(|it| it.header.eq_ignore_ascii_case(name) || it.path == name);
            known.map_or_else(|| (name.to_uppercase(), name.clone(), CellFormat::Text), declared)
        };
        self.columns.iter().map(find).collect()
    }

    /// Prints a note to stderr.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            // stderr may be closed.
            _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Clears the terminal before a redraw.
    pub fn clear(&self) {
        if self.terminal_width.is_some() {
            stdout::clear();
        }
    }
}

fn name_of(row: &Json, key: &str) -> String {
    match row.at(key) {
        Json::Text(text) => sanitize(text),
        other => other.to_string(),
    }
}

/// Parses the response of a server.
pub fn read(text: &str) -> Result<Json, Failure> {
    Json::parse(text).map_err(|error| Failure::new(Exit::Failure, format!("the response is not JSON: {error}")))
}
