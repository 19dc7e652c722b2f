//! The commands that speak to a server, over HTTP alone. One file for each noun: how its commands look, beside what they do.

mod bulk;
mod complete;
mod context;
mod dead_letter;
mod end2end;
mod event_feed;
mod flags;
mod graph;
mod job;
mod job_create;
mod job_logs;
mod limit;
mod look;
mod operations;
mod project;
mod queue;
mod schedule;
mod schedule_create;
mod schema;
mod tables;
mod text;
mod text_graph;
mod worker;
mod workflow;

use clap::{Command as Clap, Subcommand};

use super::Exit;

pub use context::Context;
pub use flags::{Global, answering, speaking};

/// What a command can be about.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Ask for projects, look at them, change them, let them go
    #[command(subcommand)]
    Project(project::Verb),
    /// Have work done, look at it, steer it
    #[command(subcommand, visible_aliases = ["task", "t"])]
    Job(job::Verb),
    /// What happened to a job: the same as `job events`
    #[command(visible_aliases = ["h", "log"], after_help = "Example:\n  provost history --id 0198c0de")]
    History(job::Events),
    /// Does all of it work? Many mixed jobs go in, and all of them must come out again
    #[command(name = "end2end", after_help = "Example:\n  provost end2end -n 20")]
    End2End(end2end::End2End),
    /// What waits where, and who may take it
    #[command(subcommand)]
    Queue(queue::Verb),
    /// Who is there to do it
    #[command(subcommand)]
    Worker(worker::Verb),
    /// What starts by itself, when, and what became of it
    #[command(subcommand)]
    Schedule(schedule::Verb),
    /// Jobs that wait for jobs
    #[command(subcommand)]
    Workflow(workflow::Verb),
    /// The jobs that failed for good
    #[command(subcommand, visible_alias = "dead-letter")]
    Dlq(dead_letter::Verb),
    /// How often, or how many at once
    #[command(subcommand)]
    Limit(limit::Verb),
    /// What payloads are checked against
    #[command(subcommand)]
    Schema(schema::Verb),
    /// The whole record: who moved what, from where to where, why, when
    #[command(after_help = "Examples:\n  provost events --entity queue --since 1d\n  provost events --follow -o jsonl")]
    Events(operations::Events),
    /// How the server is, and what it stands on
    #[command(after_help = "Examples:\n  provost status\n  provost status --quick && echo fit to serve")]
    Status(operations::Status),
    /// How many projects there are, by status
    #[command(after_help = "Examples:\n  provost metrics\n  provost metrics --prometheus")]
    Metrics(operations::Metrics),
    /// What waits, what goes on, what came out, and how long it took
    #[command(after_help = "Example:\n  provost stats --window 15m")]
    Stats(operations::Stats),
    /// Show the dashboard, or one of its pages, in a browser; says its address
    #[command(after_help = "Examples:\n  provost open\n  provost open jobs")]
    Open(operations::Open),
    /// The description of the API, for programs
    #[command(after_help = "Example:\n  provost openapi > openapi.json")]
    Openapi,
}

impl Noun {
    /// As it is written.
    fn word(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Job(_) | Self::History(_) | Self::End2End(_) => "job",
            Self::Queue(_) => "queue",
            Self::Worker(_) => "worker",
            Self::Schedule(_) => "schedule",
            Self::Workflow(_) => "workflow",
            Self::Dlq(_) => "dlq",
            Self::Limit(_) => "limit",
            Self::Schema(_) => "schema",
            Self::Events(_) => "events",
            Self::Status(_) => "status",
            Self::Metrics(_) => "metrics",
            Self::Stats(_) => "stats",
            Self::Open(_) => "page",
            Self::Openapi => "openapi",
        }
    }
}

/// Does what was asked.
pub fn run(noun: Noun, global: &Global) -> Exit {
    let word = noun.word();
    let cx = match Context::new(global) {
        Ok(cx) => cx,
        Err(failure) => return Context::beforehand(global, failure),
    };
    if cx.is_withheld {
        cx.output.note(
            "The token of the environment is not shown to a server that this folder names: say --address, or --token.",
        );
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("provost: the runtime cannot be started: {error}");
            return Exit::Failure;
        }
    };
    // Ctrl-C ends the process as it ends any other, whatever it waits for: nothing here has to be put back.
    let outcome = runtime.block_on(act(noun, &cx));
    cx.end(outcome, word)
}

async fn act(noun: Noun, cx: &Context) -> context::Outcome {
    match noun {
        Noun::Project(verb) => verb.run(cx).await,
        Noun::Job(verb) => verb.run(cx).await,
        Noun::History(wish) => wish.run(cx).await,
        Noun::End2End(wish) => wish.run(cx).await,
        Noun::Queue(verb) => verb.run(cx).await,
        Noun::Worker(verb) => verb.run(cx).await,
        Noun::Schedule(verb) => verb.run(cx).await,
        Noun::Workflow(verb) => verb.run(cx).await,
        Noun::Dlq(verb) => verb.run(cx).await,
        Noun::Limit(verb) => verb.run(cx).await,
        Noun::Schema(verb) => verb.run(cx).await,
        Noun::Events(wish) => wish.run(cx).await,
        Noun::Status(wish) => wish.run(cx).await,
        Noun::Metrics(wish) => wish.run(cx).await,
        Noun::Stats(wish) => wish.run(cx).await,
        Noun::Open(wish) => wish.run(cx),
        Noun::Openapi => operations::openapi(cx).await,
    }
}

/// Adds the commands to the program, each with the flags that all of them have.
pub fn add_to(program: Clap) -> Clap {
    let names: Vec<String> =
        Noun::augment_subcommands(Clap::new("nouns")).get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let flags = speaking();
    names.into_iter().fold(Noun::augment_subcommands(program), |program, name| {
        program.mut_subcommand(name, |command| with_flags(command, &flags))
    })
}

/// A command and all below it with these flags, where it has none of the same name.
pub fn with_flags(command: Clap, flags: &[clap::Arg]) -> Clap {
    let below: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = with_own_flags(command, flags);
    below.into_iter().fold(command, |command, name| command.mut_subcommand(name, |it| with_flags(it, flags)))
}

/// A command with these flags, where it has none of the same name.
pub fn with_own_flags(command: Clap, flags: &[clap::Arg]) -> Clap {
    let is_free = |flag: &&clap::Arg| {
        let clashes = |own: &clap::Arg| {
            own.get_id() == flag.get_id()
                || (own.get_long().is_some() && own.get_long() == flag.get_long())
                || (own.get_short().is_some() && own.get_short() == flag.get_short())
        };
        !command.get_arguments().any(clashes)
    };
    let free: Vec<clap::Arg> = flags.iter().filter(is_free).cloned().collect();
    command.args(free)
}
