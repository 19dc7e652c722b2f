//! `provost events`: the event log.

use std::collections::BTreeSet;

use clap::Args;

use super::context::{Context, Outcome};
use super::event_feed::EventFeed;
use super::flags::{Interval, Page};
use super::watch::{MIN_INTERVAL, Outage, list};
use crate::cli::failure::Failure;
use crate::cli::output::{Json, read};
use crate::cli::tables::EVENT;
use crate::wire::client::Pairs;
use crate::wire::event::ENTITIES;

#[derive(Args, Debug)]
pub struct Events {
    /// Only events of this kind of object
    #[arg(long, value_parser = ENTITIES)]
    entity: Option<String>,
    /// Only events of this object: a project or job id, otherwise a name
    #[arg(long)]
    id: Option<String>,
    /// Only events caused by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only events after this time, such as 1h or an RFC 3339 timestamp
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Follow new events as they happen
    #[arg(short, long, conflicts_with_all = ["cursor", "all"])]
    follow: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    interval: Interval,
}

impl Events {
    pub async fn run(self, cx: &Context) -> Outcome {
        let pairs = vec![("entity", self.entity), ("id", self.id), ("actor", self.actor), ("since", self.since)];
        if !self.follow {
            let fetch = async |pairs: Pairs<'_>| cx.client.events(pairs).await;
            return list(cx, &EVENT, &self.page, None, pairs, fetch).await;
        }
        let initial = self.page.limit.unwrap_or(10).max(1) as usize;
        let interval = self.interval.interval.max(MIN_INTERVAL);
        let filter: Vec<_> = pairs.iter().filter(|(name, _)| *name != "since").cloned().collect();
        let (mut seen, mut feed, mut outage) =
            (SeenEvents::default(), EventFeed::new(cx, Some(&filter)), Outage::default());
        loop {
            feed.connect().await;
            match seen.poll(cx, &pairs, initial).await {
                Ok(new) => {
                    outage.end();
                    new.iter().try_for_each(|event| cx.output.line(&EVENT, event))?;
                }
                Err(failure) => outage.tolerate(cx, failure)?,
            }
            // No polling while the stream is connected.
            loop {
                match feed.next(interval).await.map(|text| read(&text)).transpose()? {
                    Some(event) if seen.is_new(event.count("id")) => {
                        seen.insert(&[event.count("id")]);
                        cx.output.line(&EVENT, &event)?;
                    }
                    Some(_) => {}
                    None if feed.is_connected() => {}
                    None => break,
                }
            }
        }
    }
}

/// The events that were already printed.
#[derive(Default)]
struct SeenEvents {
    ids: BTreeSet<i64>,
    /// Events with a smaller id count as seen.
    since: i64,
    has_polled: bool,
}

/// How many ids are remembered. Ids are assigned before the event is visible, so a smaller id may appear later.
const MAX_REMEMBERED: usize = 10_000;
/// How many pages one poll reads at most. `provost events --all` lists the rest.
const MAX_PAGES: usize = 25;

impl SeenEvents {
    fn is_new(&self, id: i64) -> bool {
        id >= self.since && !self.ids.contains(&id)
    }

    /// The new events, oldest first. The first poll returns at most `initial` events.
    async fn poll(&mut self, cx: &Context, pairs: Pairs<'_>, initial: usize) -> Result<Vec<Json>, Failure> {
        let is_first = !self.has_polled;
        let mut params = pairs.to_vec();
        params.push(("limit", Some(if is_first { initial.min(200) } else { 200 }.to_string())));
        let mut answer = cx.client.events(&params).await?;
        let mut new = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = read(&answer.text)?;
            let before = new.len();
            new.extend(page.list().iter().filter(|it| self.is_new(it.count("id"))).cloned());
            let all_new = new.len() - before == page.list().len();
            match answer.next {
                Some(link) if all_new && !is_first => answer = cx.client.follow(&link).await?,
                _ => break,
            }
        }
        self.has_polled = true;
        let ids: Vec<i64> = new.iter().map(|it| it.count("id")).collect();
        if is_first {
            self.since = ids.iter().copied().min().unwrap_or_default();
        }
        self.insert(&ids);
        new.sort_by_key(|it| it.count("id"));
        Ok(new)
    }

    fn insert(&mut self, ids: &[i64]) {
        self.ids.extend(ids);
        while self.ids.len() > MAX_REMEMBERED {
            self.since = self.ids.pop_first().map_or(self.since, |id| id + 1);
        }
    }
}
