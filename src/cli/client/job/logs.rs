//! `provost job logs`.

use std::time::Duration;

use clap::Args;

use super::target::{Job, Target};
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::lifecycle::Lifecycle;
use crate::cli::client::watch::Outage;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Json, print, read, sanitize};
use crate::cli::tables::LOG_LINE;

/// Lines per request.
const PAGE: usize = 1000;
/// The longest time that one request waits on the server.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Pause before the next request if the server is unreachable.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub struct Logs {
    #[command(flatten)]
    target: Target,
    /// Follow new lines until the job is finished
    #[arg(short, long)]
    follow: bool,
    /// Only lines of this attempt, by execution id or its prefix
    #[arg(long, value_name = "EXECUTION")]
    execution: Option<String>,
    /// Only lines of this stream, such as stderr
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
}

impl Logs {
    pub async fn run(self, cx: &Context) -> Outcome {
        let id = self.target.id(cx).await?;
        let (mut after, mut outage, mut lines) = (0, Outage::default(), Vec::new());
        loop {
            let pairs = [("after_id", Some(after.to_string())), ("limit", Some(PAGE.to_string()))];
            let wait = self.follow.then_some(LONG_POLL);
            let page = match cx.client.job_logs(&id, &pairs, wait).await.map_err(Failure::from) {
                Ok(answer) => read(&answer.text)?.at("logs").list().to_vec(),
                Err(failure) if self.follow => {
                    outage.tolerate(cx, failure)?;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            outage.end();
            after = page.last().map_or(after, |line| line.count("id"));
            let is_last = page.len() < PAGE;
            let matching = page.iter().filter(|line| self.matches(line));
            if self.follow {
                matching.clone().try_for_each(|line| print_line(cx, line))?;
                if page.is_empty() && Job::is_final(&read(&cx.client.get_job(&id).await?.text)?) {
                    return Ok(Exit::Success);
                }
                continue;
            }
            lines.extend(matching.cloned());
            if is_last {
                return print_all(cx, lines);
            }
        }
    }

    fn matches(&self, line: &Json) -> bool {
        self.execution.as_ref().is_none_or(|id| line.text("execution_id").starts_with(id.as_str()))
            && self.stream.as_ref().is_none_or(|name| line.text("stream") == name)
    }
}

fn print_all(cx: &Context, lines: Vec<Json>) -> Outcome {
    if !is_plain(cx) {
        return cx.list(&LOG_LINE, &Json::List(lines).to_string());
    }
    if lines.is_empty() {
        cx.output.note("No log lines.");
    }
    lines.iter().try_for_each(|line| print_line(cx, line))?;
    Ok(Exit::Success)
}

fn print_line(cx: &Context, line: &Json) -> Result<(), Failure> {
    if is_plain(cx) { print(&sanitize(line.text("content"))) } else { cx.output.line(&LOG_LINE, line) }
}

/// By default, only the text of each line is printed.
fn is_plain(cx: &Context) -> bool {
    cx.output.format == Format::Table && cx.output.columns.is_empty()
}
