//! What commands answer: data on stdout, in the format that was asked for; everything else on stderr.

mod card;
mod cell;
mod jq;
mod json;
mod paint;
mod table;
mod yaml;

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

use super::failure::Failure;

pub use cell::{Clock, Show, harmless};
pub use jq::check as check_filter;
pub use json::{Json, elements, quoted};
pub use paint::{Paint, When};
pub use table::{Table, shortened};

/// In which form data come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// The same with more columns
    Wide,
    /// As the server sent it
    Json,
    /// One object a line
    Jsonl,
    Yaml,
    /// project/7f3c…, one a line
    Name,
}

impl Format {
    /// Whether people read it.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// A kind of thing: what it is called, which member names one, and what a table shows of it.
pub struct Noun {
    pub name: &'static str,
    pub key: &'static str,
    pub columns: &'static [Column],
}

/// One column.
#[derive(Clone, Copy)]
pub struct Column {
    head: &'static str,
    path: &'static str,
    show: Show,
    /// Only in the wide table.
    wide: bool,
}

/// A column: its head, where its value stands, and how it is shown.
pub const fn column(head: &'static str, path: &'static str, show: Show) -> Column {
    Column { head, path, show, wide: false }
}

/// The same, of the wide table only.
pub const fn wide(head: &'static str, path: &'static str, show: Show) -> Column {
    Column { head, path, show, wide: true }
}

/// How answers are written.
#[derive(Clone, Debug)]
pub struct Output {
    pub format: Format,
    pub heads: bool,
    /// Which columns, by head or by where the value stands; nothing for the usual ones.
    pub columns: Vec<String>,
    pub paint: Paint,
    /// The width of the terminal; nothing when stdout is none.
    pub room: Option<usize>,
    pub clock: Clock,
    /// Nothing is said on stderr that is not an error.
    pub quiet: bool,
    /// A filter of jq, which then says what is shown.
    pub jq: Option<String>,
    /// By which column lists are sorted, and whether the other way round.
    pub sort: Option<(String, bool)>,
}

impl Output {
    /// Of a list: a JSON array.
    pub fn list(&self, noun: &Noun, text: &str) -> Result<(), Failure> {
        let sorted = self.sort.as_ref().map(|sort| self.sorted(noun, text, sort)).transpose()?;
        let text = sorted.as_deref().unwrap_or(text);
        match self.format {
            Format::Json => self.json(text),
            Format::Table | Format::Wide => {
                let json = read(text)?;
                if json.list().is_empty() && self.columns.is_empty() {
                    self.note(&format!("No {} found.", noun.name));
                    return Ok(());
                }
                say(&self.table(noun, json.list()).lines(self.room, self.paint).join("\n"))
            }
            _ => self.machine(noun, &read(text)?),
        }
    }

    /// Of one thing, in a row.
    pub fn row(&self, noun: &Noun, text: &str) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(text),
            Format::Table | Format::Wide => {
                say(&self.table(noun, &[read(text)?]).lines(self.room, self.paint).join("\n"))
            }
            _ => self.machine(noun, &read(text)?),
        }
    }

    /// Of one thing, with everything that is known of it.
    pub fn card(&self, noun: &Noun, text: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide if !self.columns.is_empty() => self.row(noun, text),
            Format::Table | Format::Wide => say(card::card(&read(text)?, self.paint).trim_end()),
            Format::Json => self.json(text),
            _ => self.machine(noun, &read(text)?),
        }
    }

    /// The server's own JSON, or what a filter makes of it. Whoever gives a filter is answered in this format.
    fn json(&self, text: &str) -> Result<(), Failure> {
        match &self.jq {
            Some(filter) => jq::filtered(filter, text),
            None => read(text).and_then(|_| show(text)),
        }
    }

    /// For programs, in what is not the server's own JSON.
    fn machine(&self, noun: &Noun, json: &Json) -> Result<(), Failure> {
        let all = if let Json::List(elements) = json { elements.as_slice() } else { std::slice::from_ref(json) };
        let lines = |shown: &dyn Fn(&Json) -> String| all.iter().map(shown).collect::<Vec<_>>().join("\n");
        let text = match self.format {
            Format::Yaml => yaml::document(json),
            Format::Name => lines(&|it| format!("{}/{}", noun.name.replace(' ', "-"), name_of(it, noun.key))),
            _ => lines(&Json::to_string),
        };
        if text.is_empty() { Ok(()) } else { show(text.trim_end_matches('\n')) }
    }

    fn table(&self, noun: &Noun, rows: &[Json]) -> Table {
        let columns = self.chosen(noun);
        let cells = |row: &Json| columns.iter().map(|it| cell::cell(row.at(&it.1), it.2, self.clock)).collect();
        Table {
            heads: columns.iter().map(|(head, _, show)| (head.clone(), *show)).collect(),
            rows: rows.iter().map(cells).collect(),
            with_heads: self.heads,
        }
    }

    /// The same list, by one of its columns: numbers by their size, everything else as text; what has none comes last.
    fn sorted(&self, noun: &Noun, text: &str, (name, reverse): &(String, bool)) -> Result<String, Failure> {
        let known = noun.columns.iter().find(|it| it.head.eq_ignore_ascii_case(name));
        let path = known.map_or(name.as_str(), |it| it.path);
        let mut rows = read(text)?.list().to_vec();
        if rows.iter().all(|row| *row.at(path) == Json::Null) && !rows.is_empty() {
            return Err(Failure::usage(format!("no {} here has a {name:?} to sort by", noun.name)));
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

    /// Heads, places and kinds of the columns.
    fn chosen(&self, noun: &Noun) -> Vec<(String, String, Show)> {
        let own = |it: &Column| (it.head.to_owned(), it.path.to_owned(), it.show);
        if self.columns.is_empty() {
            let is_shown = |it: &&Column| !it.wide || self.format == Format::Wide;
            return noun.columns.iter().filter(is_shown).map(own).collect();
        }
        let find = |name: &String| {
            let known = noun.columns.iter().find(|it| it.head.eq_ignore_ascii_case(name) || it.path == name);
            known.map_or_else(|| (name.to_uppercase(), name.clone(), Show::Text), own)
        };
        self.columns.iter().map(find).collect()
    }

    /// One line for one thing that changed.
    pub fn line(&self, noun: &Noun, row: &Json) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide => {
                let table = Table { with_heads: false, ..self.table(noun, std::slice::from_ref(row)) };
                say(&table.lines(self.room, self.paint).join("\n"))
            }
            Format::Json => self.json(&row.to_string()),
            Format::Yaml => show(&format!("---\n{}", yaml::document(row).trim_end())),
            _ => self.machine(noun, row),
        }
    }

    /// Something that is no data, on stderr.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            // Whoever reads it may have gone away already.
            _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Empties the terminal before something is drawn anew.
    pub fn redraw(&self) {
        if self.room.is_some() {
            _ = write!(std::io::stdout(), "\u{1b}[H\u{1b}[2J");
        }
    }
}

/// The value that names a thing.
fn name_of(row: &Json, key: &str) -> String {
    match row.at(key) {
        Json::Text(text) => harmless(text),
        other => other.to_string(),
    }
}

/// JSON that a server sent.
pub fn read(text: &str) -> Result<Json, Failure> {
    Json::parse(text).map_err(|error| Failure::new(super::Exit::Failure, format!("the answer is not JSON: {error}")))
}

/// Data as somebody else wrote them, to stdout. On a terminal they cannot steer it; elsewhere every byte is theirs.
pub fn show(text: &str) -> Result<(), Failure> {
    if !std::io::stdout().is_terminal() {
        return say(text);
    }
    say(&text.split('\n').map(harmless).collect::<Vec<_>>().join("\n"))
}

/// Data, to stdout. When nobody reads any more, there is nothing left to do.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::nobody_reads(),
        _ => Failure::new(super::Exit::Failure, format!("the answer cannot be written: {error}")),
    })
}

/// The width of the terminal that stdout is.
pub fn room() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    Some(terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)))
}
