//! Flags that many commands share, each in one place.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, ValueEnum, builder::PossibleValuesParser};

use super::graph::Form;
use crate::cli::failure::Failure;
use crate::cli::output::{Clock, Format, Output, When, check_filter, room};
use crate::config::Sources;
use crate::wire::client::Body;
use crate::wire::duration::HumanDuration;

/// What every command understands, before and after its name.
#[derive(Debug, Default)]
pub struct Global {
    address: Option<String>,
    token: Option<String>,
    format: Option<String>,
    pub no_headers: bool,
    pub columns: Vec<String>,
    pub color: When,
    pub time: Clock,
    pub log_level: Option<String>,
    pub quiet: bool,
    pub jq: Option<String>,
    pub sort: Option<String>,
}

const HEADING: &str = "Every command";

/// The flags of [`Global`] that say how to answer.
pub fn answering() -> Vec<Arg> {
    let words = |words: Vec<clap::builder::PossibleValue>| PossibleValuesParser::new(words);
    let values = |all: &[Format]| all.iter().filter_map(ValueEnum::to_possible_value).collect();
    let colors = When::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
    let output = Arg::new("output").short('o').long("output").value_name("FORMAT");
    vec![
        output
            .value_parser(words(values(Format::value_variants())))
            .help("How to answer [env: PROVOST_OUTPUT] [default: table]"),
        Arg::new("jq")
            .long("jq")
            .value_name("FILTER")
            .help("What to show of the JSON, in the language of jq: --jq '.[].id'"),
        Arg::new("color")
            .long("color")
            .value_name("WHEN")
            .value_parser(words(colors))
            .help("When there are colours [default: auto]"),
        Arg::new("quiet")
            .short('q')
            .long("quiet")
            .action(ArgAction::SetTrue)
            .help("Say nothing on stderr that is no error"),
    ]
    .into_iter()
    .map(shared)
    .collect()
}

/// The flags of [`Global`] for those that speak to a server.
pub fn speaking() -> Vec<Arg> {
    let clocks: Vec<_> = Clock::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
    let levels = ["error", "warn", "info", "debug", "trace"];
    let mut args: Vec<Arg> = vec![
        Arg::new("address")
            .long("address")
            .value_name("URL")
            .help("Where the server is [env: PROVOST_ADDRESS] [default: http://127.0.0.1:8080]"),
        Arg::new("token")
            .long("token")
            .value_name("TOKEN")
            .help("What to show it [env: PROVOST_TOKEN, else PROVOST_ADMIN_TOKEN]"),
        Arg::new("no-headers").long("no-headers").action(ArgAction::SetTrue).help("Tables without their first line"),
        Arg::new("columns")
            .long("columns")
            .value_name("LIST")
            .value_delimiter(',')
            .help("Which columns, by head or by where the value stands in the JSON: id,steps.failed"),
        Arg::new("sort")
            .long("sort")
            .value_name("COLUMN")
            .allow_hyphen_values(true)
            .help("Sort what is listed by a column, by head or by where the value stands; -COLUMN the other way round"),
        Arg::new("time")
            .long("time")
            .value_name("WORDS")
            .value_parser(PossibleValuesParser::new(clocks))
            .help("How moments are told [default: relative]"),
        Arg::new("log-level")
            .long("log-level")
            .value_name("LEVEL")
            .value_parser(levels)
            .help("debug tells every request on stderr [default: error]"),
    ]
    .into_iter()
    .map(shared)
    .collect();
    args.extend(answering());
    args
}

fn shared(arg: Arg) -> Arg {
    arg.help_heading(HEADING).display_order(900).hide_possible_values(false)
}

impl Global {
    /// From the matches of a command and of all that stand before it, outermost first: the innermost wins.
    pub fn read(chain: &[&ArgMatches]) -> Self {
        let text =
            |name: &str| chain.iter().rev().find_map(|it| it.try_get_one::<String>(name).ok().flatten().cloned());
        let flag =
            |name: &str| chain.iter().any(|it| it.try_get_one::<bool>(name).ok().flatten().is_some_and(|it| *it));
        let many = |name: &str| {
            let given = chain.iter().rev().find_map(|it| it.try_get_many::<String>(name).ok().flatten());
            given.map(|all| all.cloned().collect()).unwrap_or_default()
        };
        fn word<T: ValueEnum + Default>(text: Option<String>) -> T {
            // clap has refused every other word already.
            text.and_then(|text| T::from_str(&text, true).ok()).unwrap_or_default()
        }
        Self {
            address: text("address"),
            token: text("token"),
            format: text("output").or_else(|| text_of_graph(chain)).or_else(|| flag("json").then(|| "json".to_owned())),
            no_headers: flag("no-headers"),
            columns: many("columns"),
            color: word(text("color")),
            time: word(text("time")),
            log_level: text("log-level"),
            quiet: flag("quiet"),
            jq: text("jq"),
            sort: text("sort"),
        }
    }

    /// How to answer, for commands that need nothing else.
    pub fn output(&self) -> Result<Output, Failure> {
        self.output_of(&Sources::read(self.flags()))
    }

    pub fn output_of(&self, sources: &Sources) -> Result<Output, Failure> {
        let word = sources.get("PROVOST_OUTPUT").map(|(value, _)| value).unwrap_or_default();
        let format = Format::from_str(word, true).map_err(|_| {
            Failure::usage(format!("PROVOST_OUTPUT is {word:?}, which is no format"))
                .hint("one of table, wide, json, jsonl, yaml, name")
        })?;
        self.jq.as_deref().map_or(Ok(()), check_filter)?;
        Ok(Output {
            // A filter is given JSON.
            format: if self.jq.is_some() { Format::Json } else { format },
            heads: !self.no_headers,
            columns: self.columns.clone(),
            paint: self.color.paint(&std::io::stdout()),
            room: room(),
            clock: self.time,
            quiet: self.quiet,
            jq: self.jq.clone(),
            sort: self.sort.as_deref().map(|word| (word.trim_start_matches('-').to_owned(), word.starts_with('-'))),
        })
    }

    /// What stands so far on a line that is being completed: where the server is, and what it is shown.
    pub fn typed() -> Self {
        let words: Vec<String> = std::env::args_os().filter_map(|it| it.into_string().ok()).collect();
        let after = |flag: &str| {
            let apart = words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].clone());
            apart.or_else(|| words.iter().find_map(|it| it.strip_prefix(flag)?.strip_prefix('=').map(str::to_owned)))
        };
        Self { address: after("--address"), token: after("--token"), ..Self::default() }
    }

    /// The settings among them, by the names that they have in the environment.
    pub fn flags(&self) -> BTreeMap<String, String> {
        let given =
            [("PROVOST_ADDRESS", &self.address), ("PROVOST_TOKEN", &self.token), ("PROVOST_OUTPUT", &self.format)];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }
}

/// `-o` of the command that draws, which knows more words; ours among them are ours.
fn text_of_graph(chain: &[&ArgMatches]) -> Option<String> {
    let form = chain.last()?.try_get_one::<Form>("graph_format").ok().flatten()?.to_possible_value()?;
    Format::from_str(form.get_name(), true).ok().map(|_| form.get_name().to_owned())
}

/// Which part of a list.
#[derive(Args, Clone, Debug, Default)]
pub struct Page {
    /// How many at most, 1 to 200
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Every page
    #[arg(long, conflicts_with = "cursor")]
    pub all: bool,
}

impl Page {
    /// As parameters; whoever wants all is given large pages.
    pub fn pairs(&self) -> [(&'static str, Option<String>); 2] {
        let limit = self.limit.map(|it| it.to_string()).or_else(|| self.all.then(|| "200".to_owned()));
        [("limit", limit), ("cursor", self.cursor.clone())]
    }
}

/// Of what changes something.
#[derive(Args, Clone, Debug, Default)]
pub struct Act {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub dry: Dry,
}

/// Of what would change something.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Dry {
    /// Show the request instead of sending it
    #[arg(long)]
    pub dry_run: bool,
}

impl Act {
    /// A body that holds the reason, if there is one.
    pub fn body(&self) -> Body {
        Body::default().with("reason", self.reason.as_ref())
    }
}

/// Of what cannot be taken back.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Sure {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Of what starts something.
#[derive(Args, Clone, Copy, Debug)]
pub struct Waiting {
    /// Wait until it is done; 1 if it failed, 7 if time is up
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub patience: Patience,
}

/// How long to wait.
#[derive(Args, Clone, Copy, Debug)]
pub struct Patience {
    /// How long to wait at most
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

/// Of what can be looked at again and again.
#[derive(Args, Clone, Copy, Debug)]
pub struct Watching {
    /// Look again and again: drawn anew on a terminal, elsewhere a line for each change
    #[arg(short, long)]
    pub watch: bool,
    #[command(flatten)]
    pub every: Every,
}

/// How often to look.
#[derive(Args, Clone, Copy, Debug)]
pub struct Every {
    /// How often to look
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub interval: Duration,
}

/// A name or an id, also as `-o name` answers it: `job/0198…`.
pub fn bare(noun: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| match text.strip_prefix(noun).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text) {
        "" => Err(format!("which {noun} is meant is not said: it is empty")),
        // A path would lead elsewhere.
        "." | ".." => Err(format!("nothing is called {text:?}")),
        word => Ok(word.to_owned()),
    }
}

/// Nobody waits longer.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// `90`, `1.5`, `30s` or `5m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let span = HumanDuration::parse(text).map(|it| it.0).ok_or("write 30s, 5m, or a number of seconds")?;
    if span <= LONGEST { Ok(span) } else { Err("must be a year at most".to_owned()) }
}

/// `key=value`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}
