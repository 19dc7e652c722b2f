//! `provost job list`.

use clap::Args;
use uuid::Uuid;

use super::selection::Filter;
use crate::cli::client::context::{Context, Outcome};
use crate::cli::client::flags::{Page, Watch};
use crate::cli::client::watch::list;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{array, elements};
use crate::cli::tables::JOB;
use crate::wire::client::Pairs;

const STATES: [&str; 9] =
    ["scheduled", "queued", "blocked", "active", "completed", "retrying", "failed", "canceled", "all"];

#[derive(Args, Debug)]
pub struct List {
    /// Only jobs in this state
    #[arg(short, long, visible_alias = "status", value_parser = STATES)]
    state: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only jobs of this project
    #[arg(long, value_name = "ID")]
    project: Option<Uuid>,
    /// Maximum number of results, 1 to 200
    #[arg(short, long, value_name = "N")]
    limit: Option<u32>,
    /// Continue after this cursor, which the previous page printed
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Fetch all pages
    #[arg(long, conflicts_with = "cursor")]
    all: bool,
    /// Page number, from 1
    #[arg(short = 'n', long = "pageNumber", value_name = "N", conflicts_with_all = ["limit", "cursor", "all"])]
    page_number: Option<usize>,
    /// Page size [default: 30]
    #[arg(short = 'c', long = "pageCount", value_name = "N", conflicts_with_all = ["limit", "cursor", "all"])]
    page_count: Option<usize>,
    /// Skip the first N jobs
    #[arg(short = 'f', long, value_name = "N", conflicts_with_all = ["cursor", "all", "page_number", "page_count"])]
    offset: Option<usize>,
    #[command(flatten)]
    watch: Watch,
}

impl List {
    pub async fn run(self, cx: &Context) -> Outcome {
        let Self { state, filter, project, limit, cursor, all, page_number, page_count, offset, watch } = self;
        let mut pairs = filter.pairs();
        pairs.push(("state", state.filter(|it| it != "all")));
        pairs.push(("project", project.map(|it| it.to_string())));
        let fetch = async |pairs: Pairs<'_>| cx.client.list_jobs(pairs).await;
        if page_number.is_none() && page_count.is_none() && offset.is_none() {
            return list(cx, &JOB, &Page { limit, cursor, all }, Some(&watch), pairs, fetch).await;
        }
        // The server pages by cursor, so numbered pages are counted here.
        let size = page_count.or(limit.map(|it| it as usize)).unwrap_or(30).max(1);
        let skipped = offset.unwrap_or(page_number.unwrap_or(1).saturating_sub(1).saturating_mul(size));
        pairs.push(("limit", Some(skipped.saturating_add(size).min(200).to_string())));
        let (mut rows, mut answer) = (Vec::new(), fetch(&pairs).await?);
        loop {
            let page = elements(&answer.text).map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
            rows.extend(page.into_iter().map(|it| it.get().to_owned()));
            match answer.next {
                Some(link) if rows.len() < skipped.saturating_add(size) => answer = cx.client.follow(&link).await?,
                _ => break,
            }
        }
        cx.list(&JOB, &array(rows.into_iter().skip(skipped).take(size)))
    }
}
