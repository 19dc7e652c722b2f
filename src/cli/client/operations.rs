//! What those ask who look after it: how the server is, what it counts, what happened.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use super::event_feed::EventFeed;
use super::flags::{Every, Page};
use super::look::{RECORDED, list};
use super::tables::{PAGE, PROJECTS, RECORD, STAT, STATUS};
use crate::cli::Exit;
use crate::cli::browser::open;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, quoted, read, say};
use crate::wire::client::{ClientError, Pairs};

#[derive(Args, Debug)]
pub struct Status {
    /// Only whether it can serve: nothing on stdout, 0 or 6
    #[arg(long)]
    quick: bool,
}

#[derive(Args, Debug)]
pub struct Metrics {
    /// Everything it counts, in the text format of Prometheus
    #[arg(long)]
    prometheus: bool,
}

#[derive(Args, Debug)]
pub struct Stats {
    /// Over how long, up to eight days
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    window: String,
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
}

#[derive(Args, Debug)]
pub struct Events {
    /// Of this kind of thing
    #[arg(long, value_parser = RECORDED)]
    entity: Option<String>,
    /// Of this thing: the id of a project or job, the name of anything else
    #[arg(long)]
    id: Option<String>,
    /// By whom
    #[arg(long)]
    actor: Option<String>,
    /// Since a moment, or for so long, like 1h
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Go on with what happens from now on
    #[arg(short, long, conflicts_with_all = ["cursor", "all"])]
    follow: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    every: Every,
}

#[derive(Args, Debug)]
pub struct Open {
    #[arg(value_name = "PAGE", value_parser = DASHBOARD)]
    page: Option<String>,
}

/// The pages of the dashboard, as their addresses name them.
const DASHBOARD: [&str; 10] = [
    "projects",
    "jobs",
    "queues",
    "workers",
    "schedules",
    "workflows",
    "dead-letters",
    "limits",
    "metrics",
    "settings",
];

impl Open {
    pub fn run(self, cx: &Context) -> Outcome {
        let page = self.page.map(|page| format!("/{page}")).unwrap_or_default();
        let url = format!("{}/dashboard{page}", cx.client.address());
        cx.output.row(&PAGE, &format!("{{\"url\":{}}}", quoted(&url)))?;
        open(&url);
        Ok(Exit::Success)
    }
}

impl Status {
    pub async fn run(self, cx: &Context) -> Outcome {
        if self.quick {
            let answer = cx.client.ready().await?;
            return Ok(if answer.status == 200 { Exit::Success } else { Exit::Unreachable });
        }
        let health = cx.client.health().await?;
        let address = cx.client.address();
        let (metrics, stats) = (cx.client.metrics().await.ok(), cx.client.stats(&[]).await.ok());
        let part = |answer: Option<String>, path: &str| -> Result<Json, Failure> {
            answer.map_or(Ok(Json::Null), |text| Ok(read(&text)?.at(path).clone()))
        };
        let projects = part(metrics.map(|it| it.text), "counts_by_status")?;
        let jobs = part(stats.map(|it| it.text), "totals")?;
        let mut all = vec![
            ("address".to_owned(), Json::Text(address.to_owned())),
            ("dashboard".to_owned(), Json::Text(format!("{address}/dashboard"))),
        ];
        let people = cx.output.format.is_for_people();
        let told =
            |(name, value): &(String, Json)| (name.clone(), if people { in_short(name, value) } else { value.clone() });
        all.extend(read(&health.text)?.map().iter().map(told));
        all.extend([("projects".to_owned(), projects), ("jobs".to_owned(), jobs)]);
        cx.output.card(&STATUS, &Json::Map(all).to_string())?;
        Ok(if health.status == 200 { Exit::Success } else { Exit::Unreachable })
    }
}

/// What people need to know of the parts of a server: which of them do not run.
fn in_short(name: &str, value: &Json) -> Json {
    match name {
        "listener" => value.at("mode").clone(),
        "services" => {
            let all = value.map();
            let limping = all.iter().filter(|(_, it)| it.text("state") != "running");
            let limping: Vec<String> = limping.map(|(name, it)| format!("{name} is {}", it.text("state"))).collect();
            let said = if limping.is_empty() { format!("all {} run", all.len()) } else { limping.join(", ") };
            Json::Text(said)
        }
        _ => value.clone(),
    }
}

impl Metrics {
    pub async fn run(self, cx: &Context) -> Outcome {
        if self.prometheus {
            let text = cx.client.prometheus().await?.text;
            // What is asked for as JSON is JSON, whatever is in it.
            let wants_text = cx.output.format.is_for_people();
            say(&if wants_text { text.trim_end().to_owned() } else { format!("{{\"text\":{}}}", quoted(&text)) })?;
            return Ok(Exit::Success);
        }
        let text = cx.client.metrics().await?.text;
        if !cx.output.format.is_for_people() {
            cx.output.row(&PROJECTS, &text)?;
            return Ok(Exit::Success);
        }
        let metrics = read(&text)?;
        let row = |(status, n): &(String, Json)| format!("{{\"status\":{},\"projects\":{n}}}", quoted(status));
        let rows: Vec<String> = metrics.at("counts_by_status").map().iter().map(row).collect();
        cx.output.list(&PROJECTS, &format!("[{}]", rows.join(",")))?;
        Ok(Exit::Success)
    }
}

impl Stats {
    pub async fn run(self, cx: &Context) -> Outcome {
        let pairs = [("window", Some(self.window)), ("queue", self.queue), ("kind", self.kind)];
        let text = cx.client.stats(&pairs).await?.text;
        if !cx.output.format.is_for_people() {
            cx.output.row(&STAT, &text)?;
            return Ok(Exit::Success);
        }
        let mut rows = Vec::new();
        for queue in read(&text)?.at("queues").list() {
            for kind in queue.at("kinds").list() {
                let mut members = vec![("queue".to_owned(), queue.at("queue").clone())];
                members.extend(kind.map().iter().cloned());
                rows.push(Json::Map(members).to_string());
            }
        }
        cx.output.list(&STAT, &format!("[{}]", rows.join(",")))?;
        Ok(Exit::Success)
    }
}

impl Events {
    pub async fn run(self, cx: &Context) -> Outcome {
        let pairs = vec![("entity", self.entity), ("id", self.id), ("actor", self.actor), ("since", self.since)];
        if !self.follow {
            let fetch = async |pairs: Pairs<'_>| cx.client.events(pairs).await;
            return list(cx, &RECORD, &self.page, None, pairs, fetch).await;
        }
        // What was already there is shown as far as was asked for.
        let first = self.page.limit.unwrap_or(10).max(1) as usize;
        let of: Vec<_> = pairs.iter().filter(|(name, _)| *name != "since").cloned().collect();
        let (mut heard, mut feed, mut away) = (Heard::default(), EventFeed::new(cx, Some(&of)), false);
        loop {
            feed.listen().await;
            match heard.look(cx, &pairs, first).await {
                Ok(news) => {
                    away = false;
                    news.iter().try_for_each(|event| cx.output.line(&RECORD, event))?;
                }
                Err(failure) if failure.is_temporary() => {
                    if !std::mem::replace(&mut away, true) {
                        cx.output.note("No answer; looking again until there is one.");
                    }
                }
                Err(failure) => return Err(failure),
            }
            // As long as somebody tells, there is no need to look.
            loop {
                let told = feed.next(self.every.interval.max(Duration::from_millis(100))).await;
                match told.map(|text| read(&text)).transpose()? {
                    Some(event) if heard.is_news(event.count("id")) => {
                        heard.keep(&[event.count("id")]);
                        cx.output.line(&RECORD, &event)?;
                    }
                    Some(_) => {}
                    None if feed.is_listening() => {}
                    None => break,
                }
            }
        }
    }
}

/// What was told of the record already.
#[derive(Default)]
struct Heard {
    ids: BTreeSet<i64>,
    /// What came before is not news.
    since: i64,
    has_looked: bool,
}

/// How many ids are kept in mind. Numbers are given out before they are to be seen, so a smaller one may come later.
const IN_MIND: usize = 10_000;
/// How many pages are read at once; what happened before is left to `provost events --all`.
const PAGES: usize = 25;

impl Heard {
    fn is_news(&self, id: i64) -> bool {
        id >= self.since && !self.ids.contains(&id)
    }

    /// What is in the record and was not told yet, oldest first; at the first time so many at most.
    async fn look(&mut self, cx: &Context, pairs: Pairs<'_>, first: usize) -> Result<Vec<Json>, Failure> {
        let is_first = !self.has_looked;
        let mut asked = pairs.to_vec();
        asked.push(("limit", Some(if is_first { first.min(200) } else { 200 }.to_string())));
        let mut answer = cx.client.events(&asked).await?;
        let mut news = Vec::new();
        for _ in 0..PAGES {
            let page = read(&answer.text)?;
            let before = news.len();
            news.extend(page.list().iter().filter(|it| self.is_news(it.count("id"))).cloned());
            let all_new = news.len() - before == page.list().len();
            match answer.next {
                Some(link) if all_new && !is_first => {
                    answer = cx.client.follow(&link).await.map_err(|error: ClientError| Failure::from(error))?;
                }
                _ => break,
            }
        }
        self.has_looked = true;
        if is_first {
            self.since = news.iter().map(|it| it.count("id")).min().unwrap_or_default();
        }
        self.keep(&news.iter().map(|it| it.count("id")).collect::<Vec<_>>());
        news.sort_by_key(|it| it.count("id"));
        Ok(news)
    }

    /// From now on these are no news.
    fn keep(&mut self, ids: &[i64]) {
        self.ids.extend(ids);
        while self.ids.len() > IN_MIND {
            self.since = self.ids.pop_first().map_or(self.since, |id| id + 1);
        }
    }
}

/// `provost openapi`.
pub async fn openapi(cx: &Context) -> Outcome {
    let text = cx.client.openapi().await?.text;
    if cx.output.format.is_for_people() {
        say(&text)?
    } else {
        cx.output.row(&STATUS, &text)?
    }
    Ok(Exit::Success)
}
