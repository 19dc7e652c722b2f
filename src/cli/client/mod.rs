//! The commands that talk to a server over HTTP, one file per noun.

mod cluster;
mod complete;
mod context;
mod credential;
mod dead_letter;
mod drift;
mod end2end;
mod event;
mod event_feed;
mod flags;
mod global;
mod graph;
mod input;
mod job;
mod lifecycle;
mod limit;
mod operations;
mod project;
mod queue;
mod schedule;
mod schema;
mod target;
mod template;
mod watch;
mod worker;
mod workflow;

use clap::{Command as Clap, Subcommand};

use super::exit::Exit;
use context::{Context, Outcome};

pub use global::{Global, client_flags, output_flags};

#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Manage projects
    #[command(subcommand)]
    Project(project::Verb),
    /// List the templates of projects
    #[command(subcommand)]
    Template(template::Verb),
    /// List the clusters in which projects get their databases
    #[command(subcommand)]
    Cluster(cluster::Verb),
    /// Replace credentials that cannot be read
    #[command(subcommand, visible_alias = "credential")]
    Credentials(credential::Verb),
    /// Manage jobs
    #[command(subcommand, visible_aliases = ["task", "t"])]
    Job(job::Verb),
    /// List the events of a job, like job events
    #[command(visible_aliases = ["h", "log"], after_help = "Example:\n  provost history --id 0198c0de")]
    History(job::Events),
    /// Test a server: enqueue many mixed jobs and wait for all of them
    #[command(name = "end2end", after_help = "Example:\n  provost end2end -n 20")]
    End2End(end2end::End2End),
    /// Manage queues
    #[command(subcommand)]
    Queue(queue::Verb),
    /// Manage workers, or run one
    #[command(subcommand)]
    Worker(worker::Verb),
    /// Manage schedules
    #[command(subcommand)]
    Schedule(schedule::Verb),
    /// Manage workflows
    #[command(subcommand)]
    Workflow(workflow::Verb),
    /// Manage dead letters: jobs that failed permanently
    #[command(subcommand, visible_alias = "dead-letter")]
    Dlq(dead_letter::Verb),
    /// Show what differs from what the projects say, and take up orphans
    #[command(subcommand)]
    Drift(drift::Verb),
    /// Manage rate and concurrency limits
    #[command(subcommand)]
    Limit(limit::Verb),
    /// Manage payload schemas
    #[command(subcommand)]
    Schema(schema::Verb),
    /// List or follow the event log
    #[command(after_help = "Examples:\n  provost events --entity queue --since 1d\n  provost events --follow -o jsonl")]
    Events(event::Events),
    /// Show the health of the server
    #[command(after_help = "Examples:\n  provost status\n  provost status --quick && echo ready")]
    Status(operations::Status),
    /// Count projects by status, or print Prometheus metrics
    #[command(after_help = "Examples:\n  provost metrics\n  provost metrics --prometheus")]
    Metrics(operations::Metrics),
    /// Show throughput, failures and durations of jobs
    #[command(after_help = "Example:\n  provost stats --window 15m")]
    Stats(operations::Stats),
    /// Open the dashboard in a browser and print its URL
    #[command(after_help = "Examples:\n  provost open\n  provost open jobs")]
    Open(operations::Open),
    /// Print the OpenAPI description of the API
    #[command(after_help = "Example:\n  provost openapi > openapi.json")]
    Openapi,
}

impl Noun {
    /// The noun in hints, such as `provost help NOUN`.
    fn name(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Template(_) => "template",
            Self::Cluster(_) => "cluster",
            Self::Credentials(_) => "project",
            Self::Job(_) | Self::History(_) | Self::End2End(_) => "job",
            Self::Queue(_) => "queue",
            Self::Worker(_) => "worker",
            Self::Schedule(_) => "schedule",
            Self::Workflow(_) => "workflow",
            Self::Dlq(_) => "dlq",
            Self::Drift(_) => "drift",
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

    async fn run(self, cx: &Context) -> Outcome {
        match self {
            Self::Project(verb) => verb.run(cx).await,
            Self::Template(verb) => verb.run(cx).await,
            Self::Cluster(verb) => verb.run(cx).await,
            Self::Credentials(verb) => verb.run(cx).await,
            Self::Job(verb) => verb.run(cx).await,
            Self::History(events) => events.run(cx).await,
            Self::End2End(end2end) => end2end.run(cx).await,
            Self::Queue(verb) => verb.run(cx).await,
            Self::Worker(verb) => verb.run(cx).await,
            Self::Schedule(verb) => verb.run(cx).await,
            Self::Workflow(verb) => verb.run(cx).await,
            Self::Dlq(verb) => verb.run(cx).await,
            Self::Drift(verb) => verb.run(cx).await,
            Self::Limit(verb) => verb.run(cx).await,
            Self::Schema(verb) => verb.run(cx).await,
            Self::Events(events) => events.run(cx).await,
            Self::Status(status) => status.run(cx).await,
            Self::Metrics(metrics) => metrics.run(cx).await,
            Self::Stats(stats) => stats.run(cx).await,
            Self::Open(open) => open.run(cx),
            Self::Openapi => operations::openapi(cx).await,
        }
    }
}

/// Runs a client command. Ctrl-C ends the process at once: there is nothing to clean up.
pub fn run(noun: Noun, global: &Global) -> Exit {
    let name = noun.name();
    let cx = match Context::new(global) {
        Ok(cx) => cx,
        Err(failure) => return global.end(Err(failure)),
    };
    if cx.token_withheld {
        cx.output.note(
            "The token from the environment is not sent, because a file in this directory sets the server. Use --address or --token.",
        );
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => cx.end(runtime.block_on(noun.run(&cx)), name),
        Err(error) => {
            eprintln!("provost: cannot start the runtime: {error}");
            Exit::Failure
        }
    }
}

/// Adds the client commands, each with the global flags.
pub fn add_to(program: Clap) -> Clap {
    let names: Vec<String> =
        Noun::augment_subcommands(Clap::new("nouns")).get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let flags = client_flags();
    names.into_iter().fold(Noun::augment_subcommands(program), |program, name| {
        program.mut_subcommand(name, |command| with_flags(command, &flags))
    })
}

/// Adds flags to a command and its subcommands, except where they clash with its own.
pub fn with_flags(command: Clap, flags: &[clap::Arg]) -> Clap {
    let subcommands: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = with_own_flags(command, flags);
    subcommands.into_iter().fold(command, |command, name| command.mut_subcommand(name, |it| with_flags(it, flags)))
}

/// Adds flags to a command, except where they clash with its own.
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
