//! What every command needs: the server, how to answer, and whom to tell when it goes wrong.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use super::flags::Global;
use crate::cli::Exit;
use crate::cli::failure::{Failure, Teller};
use crate::cli::output::{Format, Json, Noun, Output, Paint, harmless, read, say};
use crate::config::{Source, Sources};
use crate::wire::client::{Answer, Budget, Client};

/// What a command comes to.
pub type Outcome = Result<Exit, Failure>;

/// People are told soon; what waits or watches goes on by itself.
const BRIEFLY: Budget = Budget {
    total: Duration::from_secs(1),
    first_pause: Duration::from_millis(100),
    max_pause: Duration::from_millis(400),
};

/// The server, and how to answer.
pub struct Context {
    pub client: Client,
    pub output: Output,
    /// Where the server's address was named.
    origin: String,
    /// Whether there is a token that this server is not shown.
    pub is_withheld: bool,
    stderr: Paint,
    /// What the command is about, once it is known.
    subject: RefCell<Option<(&'static str, String)>>,
}

impl Context {
    /// From flags, the environment, `.env` and `provost.toml`. What is said wrongly there is refused; whether a server
    /// could live with its settings is not asked.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let sources = Sources::read(global.flags());
        if !sources.mistakes.is_empty() {
            return Err(Failure::usage("these settings cannot be used").why(sources.mistakes.join("\n  ")));
        }
        let (address, source) = sources.get("PROVOST_ADDRESS").unwrap_or(("", Source::Default));
        let token = ["PROVOST_TOKEN", "PROVOST_ADMIN_TOKEN"].into_iter().find_map(|name| sources.get(name));
        // A folder that one has just unpacked could name the server: what it did not name is not shown to that one.
        let is_of_folder = |source| matches!(source, Source::DotEnv | Source::Toml);
        let is_withheld =
            token.is_some_and(|(_, of)| is_of_folder(source) && of == Source::Environment) && !is_here(address);
        let token = token.filter(|_| !is_withheld).map(|(value, _)| value.to_owned());
        let tells = matches!(global.log_level.as_deref(), Some("debug" | "trace"));
        Ok(Self {
            client: Client::new(address, token)?.with_verbose(tells).with_budget(BRIEFLY),
            output: global.output_of(&sources)?,
            origin: origin(source),
            is_withheld,
            stderr: global.color.paint(&std::io::stderr()),
            subject: RefCell::default(),
        })
    }

    /// Tells what went wrong before there was one.
    pub fn beforehand(global: &Global, failure: Failure) -> Exit {
        let paint = global.color.paint(&std::io::stderr());
        let (format, origin, noun) = (Format::Table, "", "");
        failure.tell(&Teller { format, paint, origin, noun, subject: None })
    }

    /// From now on failures name this thing.
    pub fn about(&self, noun: &'static str, name: &str) {
        *self.subject.borrow_mut() = Some((noun, name.to_owned()));
    }

    /// The server; what would change something is only told, if so wished.
    pub fn client(&self, dry_run: bool) -> Client {
        self.client.with_dry_run(dry_run)
    }

    /// Ends a command: tells what went wrong, if anything did.
    pub fn end(&self, outcome: Outcome, noun: &str) -> Exit {
        let failure = match outcome {
            Ok(exit) => return exit,
            Err(Failure::Rehearsed(text)) => {
                let shown =
                    if self.output.format.is_for_people() { told(&text) } else { self.output.row(&REQUEST, &text) };
                return if shown.is_ok() { Exit::Success } else { Exit::Failure };
            }
            Err(failure) => failure,
        };
        let subject = self.subject.borrow();
        let (noun, subject) = match &*subject {
            Some((noun, name)) => (*noun, Some(name.as_str())),
            None => (noun, None),
        };
        let (format, paint) = (self.output.format, self.stderr);
        failure.tell(&Teller { format, paint, origin: &self.origin, noun, subject })
    }

    /// Something is gone: there is nothing to show, so only people are told.
    pub fn gone(&self, noun: &str, name: &str) -> Outcome {
        self.output.note(&format!("{noun} {} is gone", harmless(name)));
        Ok(Exit::Success)
    }

    /// The pages of a list: one, or all of them, as one JSON array. Where there is more, stderr says how to get it.
    pub async fn pages(&self, first: Answer, all: bool, says_more: bool) -> Result<String, Failure> {
        let Some(mut next) = first.next else { return Ok(first.text) };
        if !all {
            if !says_more {
                return Ok(first.text);
            }
            let cursor =
                next.split(['?', '&']).find_map(|it| it.strip_prefix("cursor=")).unwrap_or_default().to_owned();
            self.output.note(&format!("There are more: --cursor {cursor}, or --all."));
            return Ok(first.text);
        }
        let mut text = inner(&first.text).to_owned();
        loop {
            let answer = self.client.follow(&next).await?;
            let more = inner(&answer.text);
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

    /// Asks on a terminal whether to go on; elsewhere only a flag says yes.
    pub fn confirm(&self, sure: bool, what: &str) -> Result<(), Failure> {
        if sure {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!("{what} This needs a yes")).hint("the same with --yes"));
        }
        let mut line = String::new();
        _ = write!(std::io::stderr(), "{what} Go on? [y/N] ");
        let read = std::io::stdin().read_line(&mut line);
        match read.map(|_| line.trim().to_ascii_lowercase()).as_deref() {
            Ok("y" | "yes") => Ok(()),
            _ => Err(Failure::new(Exit::Failure, "nothing was done")),
        }
    }
}

/// What `--dry-run` answers.
static REQUEST: Noun = Noun { name: "request", key: "path", columns: &[] };

/// For people: the request as one would send it.
fn told(text: &str) -> Result<(), Failure> {
    let json = read(text)?;
    let body = json.at("body");
    let body = if *body == Json::Null { String::new() } else { format!("\n{body}") };
    say(&format!("{} {}{body}", json.text("method"), json.text("path")))
}

/// What stands between the brackets of an array.
fn inner(text: &str) -> &str {
    text.trim().strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or_default().trim()
}

/// Whether an address is one of this machine.
fn is_here(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|here| host.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])))
}

fn origin(source: Source) -> String {
    match source {
        Source::Flag => "--address".to_owned(),
        Source::Environment => "PROVOST_ADDRESS in the environment".to_owned(),
        Source::DotEnv => "PROVOST_ADDRESS in .env".to_owned(),
        Source::Toml => "address in provost.toml".to_owned(),
        Source::Default => "the default, as neither --address nor PROVOST_ADDRESS names another".to_owned(),
    }
}
