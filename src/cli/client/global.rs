//! The flags that every command accepts.

use std::collections::BTreeMap;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, ValueEnum};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{ColorChoice, Format, Output, TimeFormat, check_filter, terminal_width};
use crate::cli::report::{self, Subject};
use crate::config::Sources;

/// The global flags, wherever they stand on the command line.
#[derive(Debug, Default)]
pub struct Global {
    address: Option<String>,
    token: Option<String>,
    format: Option<String>,
    no_headers: bool,
    columns: Vec<String>,
    pub color: ColorChoice,
    time: TimeFormat,
    pub log_level: Option<String>,
    quiet: bool,
    jq: Option<String>,
    sort: Option<String>,
}

fn possible_values<T: ValueEnum>() -> PossibleValuesParser {
    let values: Vec<PossibleValue> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
    PossibleValuesParser::new(values)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).help_heading("Global flags").display_order(900)
}

/// The flags for the output of any command.
pub fn output_flags() -> Vec<Arg> {
    vec![
        flag("output", "Output format [env: PROVOST_OUTPUT] [default: table]")
            .short('o')
            .value_name("FORMAT")
            .value_parser(possible_values::<Format>()),
        flag("jq", "Filter JSON output with a jq expression, such as '.[].id'").value_name("FILTER"),
        flag("color", "When to use colors [default: auto]")
            .value_name("WHEN")
            .value_parser(possible_values::<ColorChoice>()),
        flag("quiet", "Print only errors to stderr").short('q').action(ArgAction::SetTrue),
    ]
}

/// The flags of the commands that talk to a server.
pub fn client_flags() -> Vec<Arg> {
    let mut flags = vec![
        flag("address", "Address of the server [env: PROVOST_ADDRESS] [default: http://127.0.0.1:8080]")
            .value_name("URL"),
        flag("token", "Token for the server [env: PROVOST_TOKEN, then PROVOST_ADMIN_TOKEN]").value_name("TOKEN"),
        flag("no-headers", "Omit the header line of tables").action(ArgAction::SetTrue),
        flag("columns", "Columns to print, by header or JSON path, such as id,steps.failed")
            .value_name("LIST")
            .value_delimiter(','),
        flag("sort", "Sort a list by a column or JSON path; -COLUMN sorts in reverse")
            .value_name("COLUMN")
            .allow_hyphen_values(true),
        flag("time", "Time format [default: relative]")
            .value_name("FORMAT")
            .value_parser(possible_values::<TimeFormat>()),
        flag("log-level", "Log level; debug logs each request to stderr [default: error]")
            .value_name("LEVEL")
            .value_parser(["error", "warn", "info", "debug", "trace"]),
    ];
    flags.extend(output_flags());
    flags
}

impl Global {
    /// Reads the matches of a command and its parents, outermost first. The innermost value wins.
    pub fn read(chain: &[&ArgMatches]) -> Self {
        let text =
            |name: &str| chain.iter().rev().find_map(|it| it.try_get_one::<String>(name).ok().flatten().cloned());
        let is_set =
            |name: &str| chain.iter().any(|it| it.try_get_one::<bool>(name).ok().flatten().is_some_and(|it| *it));
        let columns = chain.iter().rev().find_map(|it| it.try_get_many::<String>("columns").ok().flatten());
        // clap has already rejected every other value.
        fn value<T: ValueEnum + Default>(text: Option<String>) -> T {
            text.and_then(|text| T::from_str(&text, true).ok()).unwrap_or_default()
        }
        let json = || is_set("json").then(|| "json".to_owned());
        Self {
            address: text("address"),
            token: text("token"),
            format: text("output").or_else(|| graph_format(chain)).or_else(json),
            no_headers: is_set("no-headers"),
            columns: columns.map(|all| all.cloned().collect()).unwrap_or_default(),
            color: value(text("color")),
            time: value(text("time")),
            log_level: text("log-level"),
            quiet: is_set("quiet"),
            jq: text("jq"),
            sort: text("sort"),
        }
    }

    /// The output for commands that read no other setting.
    pub fn output(&self) -> Result<Output, Failure> {
        self.output_from(&Sources::read(self.settings()))
    }

    pub fn output_from(&self, sources: &Sources) -> Result<Output, Failure> {
        let name = sources.get("PROVOST_OUTPUT").map(|(value, _)| value).unwrap_or_default();
        let format = Format::from_str(name, true).map_err(|_| {
            Failure::usage(format!("PROVOST_OUTPUT is {name:?}, which is not an output format"))
                .hint("table, wide, json, jsonl, yaml or name")
        })?;
        self.jq.as_deref().map_or(Ok(()), check_filter)?;
        Ok(Output {
            // A jq filter reads JSON.
            format: if self.jq.is_some() { Format::Json } else { format },
            with_headers: !self.no_headers,
            columns: self.columns.clone(),
            colors: self.color.colors(&std::io::stdout()),
            terminal_width: terminal_width(),
            time: self.time,
            quiet: self.quiet,
            jq: self.jq.clone(),
            sort: self.sort.as_deref().map(|name| (name.trim_start_matches('-').to_owned(), name.starts_with('-'))),
        })
    }

    /// The server named on a command line that the shell is completing.
    pub fn from_unfinished_line() -> Self {
        let words: Vec<String> = std::env::args_os().filter_map(|it| it.into_string().ok()).collect();
        let value = |flag: &str| {
            let separate = words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone());
            separate.or_else(|| words.iter().find_map(|it| it.strip_prefix(flag)?.strip_prefix('=').map(str::to_owned)))
        };
        Self { address: value("--address"), token: value("--token"), ..Self::default() }
    }

    /// The flags that are also settings, by their environment variables.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let all =
            [("PROVOST_ADDRESS", &self.address), ("PROVOST_TOKEN", &self.token), ("PROVOST_OUTPUT", &self.format)];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }

    /// Prints the failure, if any, of a command that has no context. Returns the exit code.
    pub fn end(&self, result: Result<(), Failure>) -> Exit {
        let Err(failure) = result else { return Exit::Success };
        let colors = self.color.colors(&std::io::stderr());
        report::print(failure, &Subject { format: Format::Table, colors, address_origin: "", noun: "", name: None })
    }
}

/// `-o` of the graph commands, which has more values. Only those of [`Format`] count here.
fn graph_format(chain: &[&ArgMatches]) -> Option<String> {
    let name = chain.last()?.try_get_raw("graph_format").ok().flatten()?.next()?.to_str()?;
    Format::from_str(name, true).ok().map(|_| name.to_owned())
}
