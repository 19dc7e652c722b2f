//! `provost schedule`: what starts by itself, when, and what became of it.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Page, Sure, Watching, bare};
use super::look::list;
use super::schedule_create::{Create, Update, When, due};
use super::tables::{OCCURRENCE, SCHEDULE, TICK};
use crate::cli::Exit;
use crate::cli::output::{Json, read};
use crate::wire::client::{Answer, Body, Pairs};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make one; the same name again replaces it
    #[command(
        visible_aliases = ["new", "put"],
        after_help = "Examples:\n  provost schedule create nightly --cron '0 3 * * *' --time-zone Europe/Rome --kind report.generate --payload '{\"reportId\": \"{{due_at}}\"}'\n  provost schedule create beat --every 15m --kind noop --overlap skip"
    )]
    Create(Box<Create>),
    /// Change some of it; what is not named stays
    #[command(
        visible_alias = "edit",
        after_help = "Example:\n  provost schedule update nightly --cron '0 4 * * *' --reason 'after the backup'"
    )]
    Update(Box<Update>),
    /// Everything known about one
    #[command(visible_alias = "show", after_help = "Example:\n  provost schedule get nightly -o yaml")]
    Get {
        #[command(flatten)]
        which: Which,
    },
    /// The schedules, by name
    #[command(visible_alias = "ls", after_help = "Example:\n  provost schedule list -o wide")]
    List {
        #[command(flatten)]
        watching: Watching,
    },
    /// Start nothing by itself until it is resumed
    #[command(after_help = "Example:\n  provost schedule pause nightly --reason holidays")]
    Pause {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Start what is due from now on
    #[command(after_help = "Example:\n  provost schedule resume nightly")]
    Resume {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Start it now, whatever its times
    #[command(visible_alias = "trigger", after_help = "Example:\n  provost schedule run nightly")]
    Run {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
    },
    /// Make up for the due times of a span that has passed; --dry-run tells which they are
    #[command(
        after_help = "Example:\n  provost schedule backfill nightly --from 2026-01-01T00:00:00Z --to 2026-01-08T00:00:00Z --dry-run"
    )]
    Backfill(Backfill),
    /// When it is due next, also while it is paused
    #[command(after_help = "Example:\n  provost schedule next nightly --limit 3")]
    Next {
        #[command(flatten)]
        which: Which,
        /// How many due times, 1 to 100
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// After this moment (RFC 3339)
        #[arg(long, value_name = "WHEN")]
        after: Option<String>,
    },
    /// What an expression means, and when it would be due; nothing is kept
    #[command(
        group(due()),
        after_help = "Example:\n  provost schedule preview --cron '0 8 * * 1-5' --time-zone Europe/Rome"
    )]
    Preview {
        #[command(flatten)]
        when: When,
        /// How many due times, 1 to 100
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// What became of its due times, newest first
    #[command(after_help = "Example:\n  provost schedule ticks nightly --outcome skipped")]
    Ticks {
        #[command(flatten)]
        which: Which,
        #[arg(long, value_parser = ["fired", "skipped"])]
        outcome: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// It starts nothing any more; what it started goes on
    #[command(visible_alias = "rm", after_help = "Example:\n  provost schedule delete nightly --yes")]
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Which schedule.
#[derive(Args, Debug)]
pub struct Which {
    #[arg(value_name = "SCHEDULE", value_parser = bare("schedule"), add = ArgValueCompleter::new(complete::schedules))]
    name: String,
}

#[derive(Args, Debug)]
pub struct Backfill {
    #[command(flatten)]
    which: Which,
    /// The first moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    from: String,
    /// The last moment (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    to: String,
    #[command(flatten)]
    act: Act,
}

impl Verb {
    pub async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Create(wish) => wish.run(cx).await,
            Self::Update(wish) => wish.run(cx).await,
            Self::Get { which } => {
                cx.output.card(&SCHEDULE, &cx.client.get_schedule(which.named(cx)).await?.text)?;
                Ok(Exit::Success)
            }
            Self::List { watching } => {
                let fetch = async |_: Pairs<'_>| cx.client.list_schedules().await;
                list(cx, &SCHEDULE, &Page::default(), Some(&watching), Vec::new(), fetch).await
            }
            Self::Pause { which, act } => {
                let answer = cx.client(act.dry.dry_run).pause_schedule(which.named(cx), &act.body()).await?;
                cx.output.row(&SCHEDULE, &answer.text)?;
                Ok(Exit::Success)
            }
            Self::Resume { which, act } => {
                let answer = cx.client(act.dry.dry_run).resume_schedule(which.named(cx), &act.body()).await?;
                cx.output.row(&SCHEDULE, &answer.text)?;
                Ok(Exit::Success)
            }
            Self::Run { which, act } => {
                let answer = cx.client(act.dry.dry_run).run_schedule(which.named(cx), &act.body()).await?;
                cx.output.row(&TICK, &answer.text)?;
                Ok(Exit::Success)
            }
            Self::Backfill(wish) => wish.run(cx).await,
            Self::Next { which, limit, after } => {
                let pairs = [("limit", limit.map(|it| it.to_string())), ("after", after)];
                let answer = cx.client.next_of_schedule(which.named(cx), &pairs).await?;
                occurrences(cx, &answer, "next")
            }
            Self::Preview { when, limit } => {
                let body = when.add_to(Body::default()).with("limit", limit);
                occurrences(cx, &cx.client.preview_schedule(&body).await?, "next")
            }
            Self::Ticks { which, outcome, page } => {
                let name = which.named(cx);
                let fetch = async |pairs: Pairs<'_>| cx.client.schedule_ticks(name, pairs).await;
                list(cx, &TICK, &page, None, vec![("outcome", outcome)], fetch).await
            }
            Self::Delete { which, act, sure } => {
                let name = which.named(cx);
                cx.confirm(sure.yes || act.dry.dry_run, &format!("Schedule {name:?} starts nothing any more."))?;
                cx.client(act.dry.dry_run).delete_schedule(name, &act.body()).await?;
                cx.gone("schedule", name)
            }
        }
    }
}

impl Backfill {
    async fn run(self, cx: &Context) -> Outcome {
        // The server knows what a backfill would start, so this dry run asks it.
        let body = self.act.body().with("from", Some(&self.from)).with("to", Some(&self.to));
        let body = body.with("dry_run", Some(self.act.dry.dry_run));
        let answer = cx.client.backfill_schedule(self.which.named(cx), &body).await?;
        let told = read(&answer.text)?;
        let verb = if self.act.dry.dry_run { "would be started" } else { "are started" };
        let (started, already, left_out) = (told.count("started"), told.count("already"), told.count("left_out"));
        cx.output.note(&format!("{started} {verb}, {already} were before, {left_out} could not be."));
        occurrences(cx, &answer, "due")?;
        Ok(if left_out > 0 { Exit::Partly } else { Exit::Success })
    }
}

impl Which {
    fn named(&self, cx: &Context) -> &str {
        cx.about("schedule", &self.name);
        &self.name
    }
}

/// Due times: for people as a table, for programs with all that is said of them.
fn occurrences(cx: &Context, answer: &Answer, at: &str) -> Outcome {
    if !cx.output.format.is_for_people() {
        cx.output.row(&OCCURRENCE, &answer.text)?;
        return Ok(Exit::Success);
    }
    let told = read(&answer.text)?;
    if !told.text("words").is_empty() {
        cx.output.note(told.text("words"));
    }
    let due: Vec<String> = told.at(at).list().iter().map(Json::to_string).collect();
    cx.output.list(&OCCURRENCE, &format!("[{}]", due.join(",")))?;
    Ok(Exit::Success)
}
