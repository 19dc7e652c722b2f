//! The command line.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::system::Profile;

/// The verbs of the machine-readable interface.
pub const VERBS: &[&str] = &["prepare", "enqueue", "enqueue-bulk", "drain", "latency", "steady", "idle"];

/// Every numeric option: name, value name, help.
const NUMBERS: &[(&str, &str, &str)] = &[
    ("rounds", "R", "Rounds; alternatives are interleaved in each"),
    ("n", "N", "Number of jobs"),
    ("seconds", "S", "Duration of the load"),
    ("conns", "N", "Producers, each waiting for its acknowledgement"),
    ("batch", "N", "Jobs per call"),
    ("start", "N", "Number of the first job"),
    ("slots", "N", "Jobs that a worker runs at once [default: PROVOST_WORKER_CONCURRENCY, or 1000]"),
    ("rate", "PER_SECOND", "Arrivals per second"),
    ("gap-ms", "MS", "Pause between two jobs (latency)"),
    ("warmup", "N", "Jobs before the measured ones"),
    ("max-seconds", "S", "Time limit"),
    ("grace-seconds", "S", "Time to wait for starts after the last arrival"),
    ("settle-seconds", "S", "Time to wait before the measurement (idle)"),
    ("history", "N", "Finished jobs (history)"),
    ("projects", "N", "Projects (sizes)"),
    ("pin-seconds", "S", "Time under load with a snapshot held by another session (pinned)"),
];

/// The parsed command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name of a measurement, `adapter` or `serve`; `None` is a short round of all.
    pub name: Option<String>,
    pub verb: Option<String>,
    pub profile: Profile,
    pub json: bool,
    pub list: bool,
    pub force: bool,
    numbers: BTreeMap<&'static str, f64>,
}

impl Options {
    pub fn count(&self, name: &'static str, usual: u64) -> u64 {
        self.numbers.get(name).map_or(usual, |it| *it as u64)
    }

    pub fn number(&self, name: &'static str, usual: f64) -> f64 {
        self.numbers.get(name).copied().unwrap_or(usual)
    }

    pub fn seconds(&self, name: &'static str, usual: f64) -> Duration {
        Duration::from_secs_f64(self.number(name, usual))
    }

    /// Reads the matches of clap. A verb belongs to the adapter, and the adapter needs one.
    pub fn read(matches: &ArgMatches) -> Result<Self, String> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let options = Self {
            name: text("name"),
            verb: text("verb"),
            profile: text("profile").and_then(|it| Profile::parse(&it)).unwrap_or(Profile::Embedded),
            json: matches.get_flag("json"),
            list: matches.get_flag("list"),
            force: matches.get_flag("force"),
            numbers: NUMBERS.iter().filter_map(|(name, ..)| Some((*name, *matches.get_one::<f64>(name)?))).collect(),
        };
        match (options.name.as_deref(), &options.verb) {
            (Some("adapter"), None) => Err(format!("the adapter needs a verb: {}", VERBS.join(", "))),
            (Some("adapter"), Some(_)) | (_, None) => Ok(options),
            (_, Some(verb)) => Err(format!("{verb} is a verb of the adapter: provost bench adapter {verb}")),
        }
    }
}

/// The options of one measurement. A number that is not given has a default, and a smaller one in a short round of all
/// measurements.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    pub options: &'a Options,
    pub short: bool,
}

impl Params<'_> {
    pub fn count(&self, name: &'static str, usual: u64, short: u64) -> u64 {
        self.options.count(name, if self.short { short } else { usual })
    }

    pub fn seconds(&self, name: &'static str, usual: f64, short: f64) -> Duration {
        self.options.seconds(name, if self.short { short } else { usual })
    }

    pub fn rounds(&self, usual: u64) -> u64 {
        self.count("rounds", usual, 1).max(1)
    }
}

/// The command line; `names` are the measurements.
pub fn command(names: impl Iterator<Item = &'static str>) -> Command {
    let inner = ["adapter", "serve"].into_iter().map(|name| clap::builder::PossibleValue::new(name).hide(true));
    let names: Vec<_> = names.map(clap::builder::PossibleValue::new).chain(inner).collect();
    let verbs: Vec<_> = VERBS.iter().copied().map(clap::builder::PossibleValue::new).collect();
    let numbers = NUMBERS.iter().map(|(name, value, help)| {
        Arg::new(*name).long(*name).value_name(*value).help(*help).num_args(1).value_parser(number)
    });
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("provost-bench")
        .bin_name("provost bench")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Benchmark Provost against plain PostgreSQL, in the same run. \
             Without a name, run a short version of every benchmark",
        )
        .after_help(
            "Settings come from the environment, as for `provost serve`.\n\nExample:\n  provost bench drain --rounds 5",
        )
        .arg(Arg::new("name").value_name("NAME").value_parser(PossibleValuesParser::new(names)).help("The measurement"))
        .arg(Arg::new("verb").value_name("VERB").value_parser(PossibleValuesParser::new(verbs)).hide(true))
        .arg(
            Arg::new("profile")
                .long("profile")
                .value_name("PROFILE")
                .value_parser(["embedded", "http"])
                .help("The engine in this process, or a server over HTTP"),
        )
        .arg(flag("json", "Print JSON"))
        .arg(flag("list", "List the measurements"))
        .arg(flag("force", "Measure even if the database holds other jobs"))
        .args(numbers)
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| (0.0..=1e12).contains(it));
    number.ok_or_else(|| "must be a non-negative number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Result<Options, String>> {
        let words = std::iter::once("bench").chain(words.iter().copied());
        command(["drain"].into_iter()).try_get_matches_from(words).ok().map(|it| Options::read(&it))
    }

    #[test]
    fn unknown_arguments_are_refused() {
        for words in [&["nothing"][..], &["adapter", "dance"], &["drain", "--speed", "9"], &["drain", "--n", "-1"]] {
            assert!(read(words).is_none(), "{words:?}");
        }
        for words in [&["adapter"][..], &["drain", "drain"]] {
            assert!(read(words).is_some_and(|it| it.is_err()), "{words:?}");
        }
    }

    #[test]
    fn numbers_have_defaults() {
        let options = read(&["adapter", "drain", "--profile", "http", "--n", "5"]).unwrap().unwrap();
        assert_eq!((options.count("n", 1), options.count("batch", 7), options.profile), (5, 7, Profile::Http));
    }
}
