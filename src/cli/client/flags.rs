//! Arguments that several commands share.

use std::time::Duration;

use clap::Args;

use crate::wire::client::Body;
use crate::wire::duration::HumanDuration;

/// Which page of a list.
#[derive(Args, Clone, Debug, Default)]
pub struct Page {
    /// Maximum number of results, 1 to 200
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// Continue after this cursor, which the previous page printed
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Fetch all pages
    #[arg(long, conflicts_with = "cursor")]
    pub all: bool,
}

impl Page {
    /// The query parameters.
    pub fn pairs(&self) -> [(&'static str, Option<String>); 2] {
        let limit = self.limit.map(|it| it.to_string()).or_else(|| self.all.then(|| "200".to_owned()));
        [("limit", limit), ("cursor", self.cursor.clone())]
    }
}

/// For commands that can print their request instead of sending it.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct DryRun {
    /// Print the request instead of sending it
    #[arg(long)]
    pub dry_run: bool,
}

/// For commands that create something.
#[derive(Args, Clone, Debug)]
pub struct Submission {
    /// Make the request safe to repeat
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    #[command(flatten)]
    pub dry: DryRun,
    #[command(flatten)]
    pub wait: Wait,
}

/// For commands that change something.
#[derive(Args, Clone, Debug, Default)]
pub struct Change {
    /// Reason for the change, kept in the event log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub dry: DryRun,
}

impl Change {
    /// A request body with the reason, if any.
    pub fn body(&self) -> Body {
        Body::default().with("reason", self.reason.as_ref())
    }
}

/// An object and options.
#[derive(Args, Debug)]
pub struct With<T: Args, O: Args> {
    #[command(flatten)]
    pub target: T,
    #[command(flatten)]
    pub options: O,
}

/// A change of one object.
#[derive(Args, Debug)]
pub struct Action<T: Args> {
    #[command(flatten)]
    pub target: T,
    #[command(flatten)]
    pub change: Change,
}

/// For changes that cannot be undone.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Confirm {
    /// Skip the confirmation prompt
    #[arg(short, long)]
    pub yes: bool,
}

/// For commands that start something.
#[derive(Args, Clone, Copy, Debug)]
pub struct Wait {
    /// Wait for the result: exit 1 if it failed, 7 on timeout
    #[arg(long)]
    pub wait: bool,
    /// Maximum time to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration, requires = "wait")]
    pub timeout: Duration,
}

/// How long to wait.
#[derive(Args, Clone, Copy, Debug)]
pub struct Timeout {
    /// Maximum time to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

/// For commands that can print changes as they happen.
#[derive(Args, Clone, Copy, Debug)]
pub struct Watch {
    /// Watch for changes: redraw on a terminal, print changed rows elsewhere
    #[arg(short, long)]
    pub watch: bool,
    #[command(flatten)]
    pub interval: Interval,
}

/// How often to poll.
#[derive(Args, Clone, Copy, Debug)]
pub struct Interval {
    /// Polling interval while watching
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub interval: Duration,
}

/// Parses a name or id, also in the form of `-o name`: `job/0198…`.
pub fn object_name(noun: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| match text.strip_prefix(noun).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text) {
        "" => Err(format!("the {noun} must not be empty")),
        // In a URL path these would name another resource.
        "." | ".." => Err(format!("{text:?} is not a valid name")),
        name => Ok(name.to_owned()),
    }
}

const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Parses `90`, `1.5`, `30s` or `5m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = HumanDuration::parse(text).map(|it| it.0).ok_or("expected a duration such as 30s or 5m")?;
    if duration <= MAX_DURATION { Ok(duration) } else { Err("must not exceed one year".to_owned()) }
}

/// Parses `key=value`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
