//! Bulk operations on jobs, selected by id or by filter.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::target::{find_id, find_ids};
use crate::cli::client::complete;
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::{Change, Confirm, object_name};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, read};
use crate::cli::tables::BULK_RESULT;
use crate::wire::client::{Answer, Body, ClientError};
use crate::wire::json::raw;

/// Selects jobs by their properties.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only jobs of this kind
    #[arg(long, visible_alias = "type", short = 't', add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
    /// Only jobs in this queue
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// Only jobs of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Only jobs with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only jobs whose error contains this text
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Only jobs created after this time, such as 1h or an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only jobs created before this time
    #[arg(long, value_name = "WHEN")]
    before: Option<String>,
}

impl Filter {
    /// The query parameters. The kind `all` means any kind.
    pub fn pairs(self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("kind", self.kind.filter(|it| it != "all")),
            ("queue", self.queue),
            ("tenant", self.tenant),
            ("tag", self.tag),
            ("error", self.error),
            ("since", self.since),
            ("before", self.before),
        ]
    }
}

/// The jobs to change.
#[derive(Args, Debug)]
pub struct Selection {
    /// Ids or id prefixes of the jobs
    #[arg(value_name = "JOB", value_parser = object_name("job"), add = ArgValueCompleter::new(complete::jobs))]
    jobs: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Select all jobs
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    confirm: Confirm,
}

impl Selection {
    /// The id of the job, if exactly one was named.
    pub async fn single(&self, cx: &Context) -> Result<Option<String>, Failure> {
        match self.jobs.as_slice() {
            [one] => find_id(cx, one).await.map(Some),
            _ => Ok(None),
        }
    }

    pub fn change(&self) -> &Change {
        &self.change
    }

    /// Asks for confirmation even if the jobs are named.
    pub fn confirm_named(&self, cx: &Context, verb: &str) -> Result<(), Failure> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        cx.confirm(self.confirm, self.change.dry, &format!("{} jobs will be {verb}.", self.jobs.len()))
    }

    /// Changes all selected jobs, with as many requests as needed. `body` is what the request contains besides.
    pub async fn apply(
        self,
        cx: &Context,
        verb: &str,
        body: Body,
        send: impl AsyncFn(&Body) -> Result<Answer, ClientError>,
    ) -> Outcome {
        let body = body.with("reason", self.change.reason.as_ref());
        let filter = self.filter.pairs().into_iter().fold(Body::default(), |body, (k, v)| body.with(k, v));
        if !self.jobs.is_empty() {
            if !filter.is_empty() || self.all {
                return Err(Failure::usage("job ids and filters cannot be combined"));
            }
            let ids = find_ids(cx, &self.jobs).await?;
            return print_result(cx, &send(&body.with("job_ids", Some(&ids))).await?.text);
        }
        if filter.is_empty() && !self.all {
            return Err(Failure::usage("no jobs selected").hint("job ids, --kind, --queue, --tag …, or --all"));
        }
        cx.confirm(self.confirm, self.change.dry, &format!("All matching jobs will be {verb}."))?;
        let body = body.with("filter", Some(raw(filter.text())));
        let (mut changed, mut refused, mut after) = (0, Vec::new(), None);
        loop {
            let answer = send(&body.clone().with("after", after.as_ref())).await?;
            let part = read(&answer.text)?;
            changed += part.count("moved");
            refused.extend(part.at("refused").list().iter().map(Json::to_string));
            after = Some(part.text("after").to_owned()).filter(|it| !it.is_empty());
            if after.is_none() {
                break;
            }
        }
        let refused = refused.join(",");
        print_result(cx, &format!("{{\"moved\":{changed},\"refused\":[{refused}],\"more\":false,\"after\":null}}"))
    }
}

/// Prints how many jobs changed, and why the others were refused.
fn print_result(cx: &Context, text: &str) -> Outcome {
    cx.output.row(&BULK_RESULT, text)?;
    let json = read(text)?;
    let refused = json.at("refused").list();
    for it in refused {
        cx.output.note(&format!("{}: {}", it.text("id"), it.text("reason")));
    }
    Ok(match json.count("moved") {
        _ if refused.is_empty() => Exit::Success,
        0 => Exit::Conflict,
        _ => Exit::Partial,
    })
}
