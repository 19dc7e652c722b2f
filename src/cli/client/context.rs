//! What every client command needs: the server, the output, and the object that errors name.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use super::flags::{Confirm, DryRun};
use super::global::Global;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Colors, Json, Output, Resource, print, read, sanitize};
use crate::cli::report::{self, Subject};
use crate::cli::tables::REQUEST;
use crate::config::{Source, Sources};
use crate::wire::client::{Answer, Budget, Client};

/// The result of a command.
pub type Outcome = Result<Exit, Failure>;

/// Failed requests are retried briefly. Commands that wait or watch retry on their own.
const RETRIES: Budget = Budget {
    total: Duration::from_secs(1),
    first_pause: Duration::from_millis(100),
    max_pause: Duration::from_millis(400),
};

pub struct Context {
    pub client: Client,
    pub output: Output,
    address_origin: String,
    /// Whether a token was withheld from the server; see [`Context::new`].
    pub token_withheld: bool,
    stderr: Colors,
    subject: RefCell<Option<(&'static str, String)>>,
}

impl Context {
    /// Reads flags, the environment, `.env` and `provost.toml`. Server settings are not validated.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let sources = Sources::read(global.settings());
        if !sources.mistakes.is_empty() {
            return Err(Failure::usage("invalid settings").cause(sources.mistakes.join("\n  ")));
        }
        let (address, source) = sources.get("PROVOST_ADDRESS").unwrap_or(("", Source::Default));
        let token = ["PROVOST_TOKEN", "PROVOST_ADMIN_TOKEN"].into_iter().find_map(|name| sources.get(name));
        // Files in an untrusted directory may set a remote server, which must not receive the token from the environment.
        let is_file = matches!(source, Source::DotEnv | Source::Toml);
        let token_withheld =
            token.is_some_and(|(_, origin)| is_file && origin == Source::Environment) && !is_local(address);
        let token = token.filter(|_| !token_withheld).map(|(value, _)| value.to_owned());
        let logs_requests = matches!(global.log_level.as_deref(), Some("debug" | "trace"));
        Ok(Self {
            client: Client::new(address, token)?.with_verbose(logs_requests).with_budget(RETRIES),
            output: global.output_from(&sources)?,
            address_origin: address_origin(source).to_owned(),
            token_withheld,
            stderr: global.color.colors(&std::io::stderr()),
            subject: RefCell::default(),
        })
    }

    /// Names the object of the command in errors from now on.
    pub fn about(&self, noun: &'static str, name: &str) {
        *self.subject.borrow_mut() = Some((noun, name.to_owned()));
    }

    /// The client for a change: a dry run fails with [`Failure::DryRun`] instead of sending it.
    pub fn client(&self, dry: DryRun) -> Client {
        self.client.with_dry_run(dry.dry_run)
    }

    /// Ends a command: prints its failure, if any, and returns the exit code.
    pub fn end(&self, outcome: Outcome, noun: &str) -> Exit {
        let failure = match outcome {
            Ok(exit) => return exit,
            Err(Failure::DryRun(request)) => {
                let printed = match self.output.format.is_for_people() {
                    true => print_request(&request),
                    false => self.output.row(&REQUEST, &request),
                };
                return if printed.is_ok() { Exit::Success } else { Exit::Failure };
            }
            Err(failure) => failure,
        };
        let subject = self.subject.borrow();
        let (noun, name) = match &*subject {
            Some((noun, name)) => (*noun, Some(name.as_str())),
            None => (noun, None),
        };
        let (format, colors) = (self.output.format, self.stderr);
        report::print(failure, &Subject { format, colors, address_origin: &self.address_origin, noun, name })
    }

    /// Prints one object as a row.
    pub fn row(&self, resource: &Resource, text: &str) -> Outcome {
        self.output.row(resource, text).map(|()| Exit::Success)
    }

    /// Prints one object in full.
    pub fn details(&self, resource: &Resource, text: &str) -> Outcome {
        self.output.details(resource, text).map(|()| Exit::Success)
    }

    /// Prints a JSON array.
    pub fn list(&self, resource: &Resource, text: &str) -> Outcome {
        self.output.list(resource, text).map(|()| Exit::Success)
    }

    /// Reports a deletion.
    pub fn deleted(&self, noun: &str, name: &str) -> Outcome {
        self.output.note(&format!("{noun} {} deleted", sanitize(name)));
        Ok(Exit::Success)
    }

    /// The first page of a list, or all pages as one JSON array. `hints` says how to get more.
    pub async fn pages(&self, first: Answer, all: bool, hints: bool) -> Result<String, Failure> {
        let Some(mut next) = first.next else { return Ok(first.text) };
        if !all {
            if hints {
                let cursor = next.split(['?', '&']).find_map(|it| it.strip_prefix("cursor=")).unwrap_or_default();
                self.output.note(&format!("More results: add --cursor {cursor}, or --all"));
            }
            return Ok(first.text);
        }
        let mut text = elements(&first.text).to_owned();
        loop {
            let answer = self.client.follow(&next).await?;
            let more = elements(&answer.text);
            if !more.is_empty() {
                text.push(',');
                text.push_str(more);
            }
            match answer.next {
                Some(link) => next = link,
                None => return Ok(format!("[{text}]")),
            }
        }
    }

    /// Asks for confirmation on a terminal. Elsewhere, `--yes` is required.
    pub fn confirm(&self, confirm: Confirm, dry: DryRun, effect: &str) -> Result<(), Failure> {
        if confirm.yes || dry.dry_run {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage("confirmation required").cause(effect).hint("the same command with --yes"));
        }
        let mut line = String::new();
        _ = write!(std::io::stderr(), "{effect} Continue? [y/N] ");
        let answer = std::io::stdin().read_line(&mut line);
        match answer.map(|_| line.trim().to_ascii_lowercase()).as_deref() {
            Ok("y" | "yes") => Ok(()),
            _ => Err(Failure::new(Exit::Failure, "not confirmed; nothing was changed")),
        }
    }
}

/// Prints the request of a dry run for people.
fn print_request(request: &str) -> Result<(), Failure> {
    let json = read(request)?;
    let body = json.at("body");
    let body = if *body == Json::Null { String::new() } else { format!("\n{body}") };
    print(&format!("{} {}{body}", json.text("method"), json.text("path")))
}

/// The text between the brackets of an array.
fn elements(text: &str) -> &str {
    text.trim().strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or_default().trim()
}

fn is_local(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|local| host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])))
}

fn address_origin(source: Source) -> &'static str {
    match source {
        Source::Flag => "--address",
        Source::Environment => "PROVOST_ADDRESS in the environment",
        Source::DotEnv => "PROVOST_ADDRESS in .env",
        Source::Toml => "address in provost.toml",
        Source::Default => "the default; set --address or PROVOST_ADDRESS to use another server",
    }
}
