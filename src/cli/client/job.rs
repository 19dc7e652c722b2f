//! `provost job`, which is also `provost task`: with the flags of a task manager beside our own.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use uuid::Uuid;

use super::bulk::{Matching, Selection};
use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Every, Page, Patience, Waiting, Watching, bare};
use super::graph::{InForm, draw};
use super::job_create::Create;
use super::job_logs::Logs;
use super::look::{self, list};
use super::tables::{COUNT, EXECUTION, INSPECTION, JOB, RECORD, WAITING};
use super::text::only;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, elements, read};
use crate::domain::JobState;
use crate::wire::client::{Body, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Have work done; it is answered at once
    #[command(visible_aliases = ["c", "new"], after_help = "Examples:\n  provost job create email.send --payload '{\"recipient\": \"a@example.com\"}' --wait\n  provost job create report.generate -p reportId=7 --delay 5m --tag nightly\n  provost task create \"Send Newsletter\" --type send_email -p to=a@example.com")]
    Create(Box<Create>),
    /// Everything known about one
    #[command(visible_aliases = ["g", "show"], after_help = "Examples:\n  provost job get 0198c0de\n  provost task get --id 0198c0de -o yaml")]
    Get {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        watching: Watching,
    },
    /// Jobs, newest first
    #[command(visible_aliases = ["l", "ls"], after_help = "Examples:\n  provost job list --state failed --since 1h\n  provost job list --queue critical --watch\n  provost task list --pageNumber 2 --pageCount 10")]
    List(Box<List>),
    /// How many there are in each state
    #[command(visible_aliases = ["s", "stat"], after_help = "Example:\n  provost task status")]
    Status,
    /// Follow one until it is finished
    #[command(after_help = "Example:\n  provost job watch 0198c0de")]
    Watch {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        every: Every,
    },
    /// Wait until it is finished: 0 when it completed, 1 when not, 7 when time is up
    #[command(after_help = "Example:\n  provost job wait 0198c0de --timeout 2m")]
    Wait {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        patience: Patience,
    },
    /// Stop one, several, or all that match
    #[command(
        after_help = "Examples:\n  provost job cancel 0198c0de --reason 'not needed'\n  provost job cancel --queue imports --yes"
    )]
    Cancel(Selection),
    /// Try one, several, or all that match again, now
    #[command(
        after_help = "Examples:\n  provost job retry 0198c0de\n  provost job retry --kind email.send --error timeout --yes"
    )]
    Retry(Selection),
    /// Do the same again: a new job, a copy of this finished one
    #[command(after_help = "Example:\n  provost job run-again 0198c0de --wait")]
    RunAgain {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Serve it sooner, or later
    #[command(after_help = "Example:\n  provost job update 0198c0de --priority 9")]
    Update {
        #[command(flatten)]
        which: Which,
        /// 0 to 9; 9 is served first
        #[arg(long)]
        priority: u8,
        #[command(flatten)]
        act: Act,
    },
    /// What happened to it, newest first
    #[command(visible_alias = "history", after_help = "Example:\n  provost job events 0198c0de")]
    Events(Events),
    /// What it wrote while it ran, every try of it
    #[command(
        after_help = "Examples:\n  provost job logs 0198c0de --follow\n  provost job logs 0198c0de --stream stderr -o wide"
    )]
    Logs(Logs),
    /// How it was tried, latest first
    #[command(after_help = "Example:\n  provost job executions 0198c0de -o wide")]
    Executions {
        #[command(flatten)]
        which: Which,
        /// How many at most
        #[arg(long)]
        limit: Option<u32>,
    },
    /// The exact reason why it waits, and what can be done
    #[command(after_help = "Example:\n  provost job explain 0198c0de")]
    Explain {
        #[command(flatten)]
        which: Which,
    },
    /// The jobs that it waits for, that wait for it, and so on, drawn
    #[command(after_help = "Example:\n  provost job graph 0198c0de -o mermaid")]
    Graph {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        graph: InForm,
    },
    /// Everything about it at once: why it waits, its tries, its record, what follows from it
    #[command(after_help = "Example:\n  provost job inspect 0198c0de -o json")]
    Inspect {
        #[command(flatten)]
        which: Which,
    },
}

/// Which job.
#[derive(Args, Debug)]
pub struct Which {
    /// Its id, or the beginning of it
    #[arg(value_name = "JOB", value_parser = bare("job"), required_unless_present = "id", add = ArgValueCompleter::new(complete::jobs))]
    job: Option<String>,
    /// The same
    #[arg(short, long, value_name = "JOB", value_parser = bare("job"), conflicts_with = "job", add = ArgValueCompleter::new(complete::jobs))]
    id: Option<String>,
}

#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    page: Page,
}

#[derive(Args, Debug)]
pub struct List {
    #[arg(short, long, visible_alias = "status", value_parser = STATES)]
    state: Option<String>,
    #[command(flatten)]
    matching: Matching,
    /// Of this project
    #[arg(long, value_name = "ID")]
    project: Option<Uuid>,
    /// How many at most, 1 to 200
    #[arg(short, long, value_name = "N")]
    limit: Option<u32>,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Every page
    #[arg(long, conflicts_with = "cursor")]
    all: bool,
    /// Which page, from 1
    #[arg(short = 'n', long = "pageNumber", value_name = "N", conflicts_with_all = ["limit", "cursor", "all"])]
    page_number: Option<usize>,
    /// How many a page has [default: 30]
    #[arg(short = 'c', long = "pageCount", value_name = "N", conflicts_with_all = ["limit", "cursor", "all"])]
    page_count: Option<usize>,
    /// Leave out so many
    #[arg(short = 'f', long, value_name = "N", conflicts_with_all = ["cursor", "all", "page_number", "page_count"])]
    offset: Option<usize>,
    #[command(flatten)]
    watching: Watching,
}

const STATES: [&str; 9] =
    ["scheduled", "queued", "blocked", "active", "completed", "retrying", "failed", "canceled", "all"];

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(wish) => wish.run(cx).await,
            Self::Get { which, watching } => {
                let id = which.id(cx).await?;
                if watching.watch {
                    return follow(cx, &id, &watching.every).await;
                }
                cx.output.card(&JOB, &cx.client.get_job(&id).await?.text)?;
                Ok(Exit::Success)
            }
            Self::List(wish) => wish.run(cx).await,
            Self::Status => status(cx).await,
            Self::Watch { which, every } => follow(cx, &which.id(cx).await?, &every).await,
            Self::Wait { which, patience } => wait(cx, &which.id(cx).await?, &patience).await,
            Self::Cancel(selection) => act(cx, selection, true).await,
            Self::Retry(selection) => act(cx, selection, false).await,
            Self::RunAgain { which, act, waiting } => {
                let id = which.id(cx).await?;
                let answer = cx.client(act.dry.dry_run).run_job_again(&id, &act.body()).await?;
                shown_or_waited(cx, &answer.text, &waiting).await
            }
            Self::Update { which, priority, act } => {
                let id = which.id(cx).await?;
                let body = act.body().with("priority", Some(priority));
                cx.output.row(&JOB, &cx.client(act.dry.dry_run).patch_job(&id, &body).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Events(wish) => wish.run(cx).await,
            Self::Logs(wish) => wish.run(cx).await,
            Self::Executions { which, limit } => {
                let id = which.id(cx).await?;
                let pairs = [("limit", limit.map(|it| it.to_string()))];
                cx.output.list(&EXECUTION, &cx.client.job_executions(&id, &pairs).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Explain { which } => {
                let id = which.id(cx).await?;
                cx.output.card(&WAITING, &cx.client.explain_job(&id).await?.text)?;
                Ok(Exit::Success)
            }
            Self::Graph { which, graph } => {
                let id = which.id(cx).await?;
                draw(cx, &graph, async |pairs: Pairs<'_>| cx.client.job_graph(&id, pairs).await).await
            }
            Self::Inspect { which } => {
                let id = which.id(cx).await?;
                cx.output.card(&INSPECTION, &cx.client.inspect_job(&id).await?.text)?;
                Ok(Exit::Success)
            }
        }
    }
}

impl Events {
    pub async fn run(self, cx: &Context) -> Outcome {
        let id = self.which.id(cx).await?;
        let fetch = async |pairs: Pairs<'_>| cx.client.job_events(&id, pairs).await;
        list(cx, &RECORD, &self.page, None, Vec::new(), fetch).await
    }
}

impl List {
    async fn run(self, cx: &Context) -> Outcome {
        let Self { state, matching, project, limit, cursor, all, page_number, page_count, offset, watching } = self;
        let mut pairs = matching.pairs();
        pairs.push(("state", state.filter(|it| it != "all")));
        pairs.push(("project", project.map(|it| it.to_string())));
        let fetch = async |pairs: Pairs<'_>| cx.client.list_jobs(pairs).await;
        if page_number.is_none() && page_count.is_none() && offset.is_none() {
            return list(cx, &JOB, &Page { limit, cursor, all }, Some(&watching), pairs, fetch).await;
        }
        // The server has no numbers for pages: it knows where one ends only by going there.
        let size = page_count.or(limit.map(|it| it as usize)).unwrap_or(30).max(1);
        let skipped = offset.unwrap_or(page_number.unwrap_or(1).saturating_sub(1).saturating_mul(size));
        pairs.push(("limit", Some(skipped.saturating_add(size).min(200).to_string())));
        let (mut rows, mut answer) = (Vec::new(), fetch(&pairs).await?);
        loop {
            let found = elements(&answer.text).map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
            rows.extend(found.into_iter().map(|it| it.get().to_owned()));
            match answer.next {
                Some(link) if rows.len() < skipped.saturating_add(size) => answer = cx.client.follow(&link).await?,
                _ => break,
            }
        }
        let page: Vec<String> = rows.into_iter().skip(skipped).take(size).collect();
        cx.output.list(&JOB, &format!("[{}]", page.join(",")))?;
        Ok(Exit::Success)
    }
}

impl Which {
    pub async fn id(&self, cx: &Context) -> Result<String, Failure> {
        id_of(cx, self.job.as_ref().or(self.id.as_ref()).map_or("", String::as_str)).await
    }
}

/// The id of the job that is meant.
pub async fn id_of(cx: &Context, word: &str) -> Result<String, Failure> {
    cx.about("job", word);
    if let Ok(id) = Uuid::try_parse(word) {
        return Ok(id.to_string());
    }
    let begins = [("id", Some(word.to_ascii_lowercase())), ("limit", Some("20".to_owned()))];
    let is_id = !word.is_empty() && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let found = if is_id { read(&cx.client.list_jobs(&begins).await?.text)? } else { Json::List(Vec::new()) };
    only("job", word, found.list(), "id")
}

pub fn is_finished(job: &Json) -> bool {
    JobState::parse(job.text("state")).is_none_or(JobState::is_finished)
}

/// Shows each move until it is finished.
async fn follow(cx: &Context, id: &str, every: &Every) -> Outcome {
    let get = async || cx.client.get_job(id).await;
    look::follow(cx, &JOB, id, every, get, is_finished, |it| it.text("state") == "completed").await
}

async fn wait(cx: &Context, id: &str, patience: &Patience) -> Outcome {
    let ask = async |at_most| cx.client.wait_for_job(id, at_most).await;
    look::wait(cx, &JOB, "completed", patience, ask, is_finished).await
}

/// What was asked for, now or when it is done.
pub async fn shown_or_waited(cx: &Context, text: &str, waiting: &Waiting) -> Outcome {
    let job = read(text)?;
    if !waiting.wait || matches!(job, Json::List(_)) {
        if let Json::List(_) = job {
            cx.output.list(&JOB, text)?
        } else {
            cx.output.row(&JOB, text)?
        }
        return Ok(Exit::Success);
    }
    // Whoever breaks off the waiting knows its id.
    cx.output.note(&format!("Waiting for job {} to be completed …", job.text("id")));
    wait(cx, job.text("id"), &waiting.patience).await
}

/// One by its own path, so that the answer is the job; several by theirs.
async fn act(cx: &Context, selection: Selection, cancels: bool) -> Outcome {
    let client = cx.client(selection.act().dry.dry_run);
    if let Some(word) = selection.single() {
        let (id, body) = (id_of(cx, word).await?, selection.act().body());
        let answer = if cancels { client.cancel_job(&id, &body).await? } else { client.retry_job(&id, &body).await? };
        cx.output.row(&JOB, &answer.text)?;
        return Ok(Exit::Success);
    }
    match cancels {
        true => selection.each(cx, "canceled", Body::default(), async |body| client.cancel_jobs(body).await).await,
        false => selection.each(cx, "tried again", Body::default(), async |body| client.retry_jobs(body).await).await,
    }
}

async fn status(cx: &Context) -> Outcome {
    let stats = read(&cx.client.stats(&[]).await?.text)?;
    let totals = stats.at("totals");
    let row = |(state, n): &(String, Json)| format!("{{\"state\":\"{state}\",\"jobs\":{n}}}");
    match cx.output.format.is_for_people() {
        true => {
            let rows: Vec<String> = totals.map().iter().map(row).collect();
            cx.output.list(&COUNT, &format!("[{}]", rows.join(",")))?;
        }
        false => cx.output.row(&COUNT, &totals.to_string())?,
    }
    Ok(Exit::Success)
}
