//! `provost job logs`: what its executions wrote.

use std::time::Duration;

use clap::Args;

use super::context::{Context, Outcome};
use super::job::{Which, is_finished};
use super::tables::LINE;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Json, harmless, read, say};

/// How many lines one answer may have.
const PAGE: usize = 1000;
/// How long one request waits for lines.
const TURN: Duration = Duration::from_secs(20);
/// How long to pause when nobody answers.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub struct Logs {
    #[command(flatten)]
    which: Which,
    /// Go on with what is written from now on, until the job is finished
    #[arg(short, long)]
    follow: bool,
    /// Of this try only
    #[arg(long, value_name = "EXECUTION")]
    execution: Option<String>,
    /// Only what went to this stream, like stderr
    #[arg(long, value_name = "WORD")]
    stream: Option<String>,
}

impl Logs {
    pub async fn run(self, cx: &Context) -> Outcome {
        let id = self.which.id(cx).await?;
        let (mut after, mut away, mut lines) = (0, false, Vec::new());
        loop {
            let pairs = [("after_id", Some(after.to_string())), ("limit", Some(PAGE.to_string()))];
            let page = match cx.client.job_logs(&id, &pairs, self.follow.then_some(TURN)).await.map_err(Failure::from) {
                Ok(answer) => read(&answer.text)?.at("logs").list().to_vec(),
                // What is followed is waited for, also when its server is away for a while.
                Err(failure) if failure.is_temporary() && self.follow => {
                    if !std::mem::replace(&mut away, true) {
                        cx.output.note("No answer; looking again until there is one.");
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            away = false;
            after = page.last().map_or(after, |line| line.count("id"));
            let is_last = page.len() < PAGE;
            let wanted = page.iter().filter(|line| self.wants(line));
            if self.follow {
                wanted.clone().try_for_each(|line| self.tell(cx, line))?;
                if page.is_empty() && is_finished(&read(&cx.client.get_job(&id).await?.text)?) {
                    return Ok(Exit::Success);
                }
                continue;
            }
            lines.extend(wanted.cloned());
            if is_last {
                return self.show(cx, lines);
            }
        }
    }

    fn wants(&self, line: &Json) -> bool {
        self.execution.as_ref().is_none_or(|id| line.text("execution_id").starts_with(id.as_str()))
            && self.stream.as_ref().is_none_or(|word| line.text("stream") == word)
    }

    /// All of them at once.
    fn show(&self, cx: &Context, lines: Vec<Json>) -> Outcome {
        match cx.output.format {
            Format::Table if cx.output.columns.is_empty() => {
                if lines.is_empty() {
                    cx.output.note("It wrote nothing.");
                }
                lines.iter().try_for_each(|line| self.tell(cx, line))?;
            }
            _ => cx.output.list(&LINE, &Json::List(lines).to_string())?,
        }
        Ok(Exit::Success)
    }

    /// People read the line itself, or where it came from, too (`-o wide`).
    fn tell(&self, cx: &Context, line: &Json) -> Result<(), Failure> {
        match cx.output.format {
            Format::Table if cx.output.columns.is_empty() => say(&harmless(line.text("content"))),
            _ => cx.output.line(&LINE, line),
        }
    }
}
