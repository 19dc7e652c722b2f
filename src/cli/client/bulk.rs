//! Acting on many jobs at once: those that are named, or all that match.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::flags::{Act, Sure, bare};
use super::job::id_of;
use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, Noun, Show, column, read};
use crate::wire::client::{Answer, Body, ClientError};
use crate::wire::json::raw;

/// What became of them.
static ACTED: Noun = Noun {
    name: "acted",
    key: "moved",
    columns: &[column("DONE", "moved", Show::Number), column("REFUSED", "refused", Show::Length)],
};

/// Which jobs, by what they have in common.
#[derive(Args, Clone, Debug, Default)]
pub struct Matching {
    #[arg(long, visible_alias = "type", short = 't', add = ArgValueCompleter::new(complete::kinds))]
    pub kind: Option<String>,
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    pub queue: Option<String>,
    #[arg(long)]
    pub tenant: Option<String>,
    #[arg(long)]
    pub tag: Option<String>,
    /// Part of the error
    #[arg(long, value_name = "TEXT")]
    pub error: Option<String>,
    /// Created since: a moment, or so long ago, like 1h
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Created before, in the same words
    #[arg(long, value_name = "WHEN")]
    pub before: Option<String>,
}

impl Matching {
    /// As parameters of a list.
    pub fn pairs(self) -> Vec<(&'static str, Option<String>)> {
        let Self { kind, queue, tenant, tag, error, since, before } = self;
        // A word for no filter.
        let kind = kind.filter(|it| it != "all");
        vec![
            ("kind", kind),
            ("queue", queue),
            ("tenant", tenant),
            ("tag", tag),
            ("error", error),
            ("since", since),
            ("before", before),
        ]
    }
}

/// Which jobs, and in whose name.
#[derive(Args, Debug)]
pub struct Selection {
    /// Their ids, or the beginnings of these
    #[arg(value_name = "JOB", value_parser = bare("job"), add = ArgValueCompleter::new(complete::jobs))]
    jobs: Vec<String>,
    #[command(flatten)]
    matching: Matching,
    /// All of them, whatever they are
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    act: Act,
    #[command(flatten)]
    sure: Sure,
}

impl Selection {
    /// The only job that was named, if it was one.
    pub fn single(&self) -> Option<&str> {
        if let [one] = self.jobs.as_slice() { Some(one) } else { None }
    }

    pub fn act(&self) -> &Act {
        &self.act
    }

    /// Asks, where even those that are named cannot be had back.
    pub fn confirm_named(&self, cx: &Context, verb: &str) -> Result<(), Failure> {
        let sure = self.sure.yes || self.act.dry.dry_run || self.jobs.is_empty();
        cx.confirm(sure, &format!("{} jobs are {verb}.", self.jobs.len()))
    }

    /// Acts on all that are meant, asking again as long as there are more. `also` is what else the request says.
    pub async fn each(
        self,
        cx: &Context,
        verb: &str,
        also: Body,
        send: impl AsyncFn(&Body) -> Result<Answer, ClientError>,
    ) -> Outcome {
        let also = also.with("reason", self.act.reason.as_ref());
        let filter = self.matching.clone().pairs().into_iter().fold(Body::default(), |body, (k, v)| body.with(k, v));
        if !self.jobs.is_empty() {
            if !filter.is_empty() || self.all {
                return Err(Failure::usage("jobs are either named or described, not both"));
            }
            let mut ids = Vec::with_capacity(self.jobs.len());
            for job in &self.jobs {
                ids.push(id_of(cx, job).await?);
            }
            return told(cx, &send(&also.with("job_ids", Some(&ids))).await?.text);
        }
        if filter.is_empty() && !self.all {
            return Err(Failure::usage("which jobs?").hint("their ids, or --kind, --queue, --tag …, or --all"));
        }
        cx.confirm(self.sure.yes || self.act.dry.dry_run, &format!("All jobs that match are {verb}."))?;
        let body = also.with("filter", Some(raw(filter.text())));
        let (mut moved, mut refused, mut after) = (0, Vec::new(), None);
        loop {
            let answer = send(&body.clone().with("after", after.as_ref())).await?;
            let part = read(&answer.text)?;
            moved += part.count("moved");
            refused.extend(part.at("refused").list().iter().map(Json::to_string));
            after = Some(part.text("after").to_owned()).filter(|it| !it.is_empty());
            if after.is_none() {
                break;
            }
        }
        told(cx, &format!("{{\"moved\":{moved},\"refused\":[{}],\"more\":false,\"after\":null}}", refused.join(",")))
    }
}

/// How many were moved; those that were not, and why.
fn told(cx: &Context, text: &str) -> Outcome {
    cx.output.row(&ACTED, text)?;
    let json = read(text)?;
    let refused = json.at("refused").list();
    if refused.is_empty() {
        return Ok(Exit::Success);
    }
    for it in refused {
        cx.output.note(&format!("{}: {}", it.text("id"), it.text("reason")));
    }
    Ok(if json.count("moved") > 0 { Exit::Partly } else { Exit::Conflict })
}
