//! `provost status`, `metrics`, `stats`, `open` and `openapi`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::complete;
use super::context::{Context, Outcome};
use crate::cli::browser::open;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Json, array, print, quoted, read};
use crate::cli::tables::{DASHBOARD_PAGE, PROJECT_COUNT, SERVER, STATISTICS};
use crate::wire::client::Body;

#[derive(Args, Debug)]
pub struct Status {
    /// Print nothing; exit 0 if the server is ready, 6 if not
    #[arg(long)]
    quick: bool,
}

#[derive(Args, Debug)]
pub struct Metrics {
    /// Print all metrics in the Prometheus text format
    #[arg(long)]
    prometheus: bool,
}

#[derive(Args, Debug)]
pub struct Stats {
    /// Time window, up to 8 days
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    window: String,
    /// Only this queue
    #[arg(long, add = ArgValueCompleter::new(complete::queues))]
    queue: Option<String>,
    /// Only this job kind
    #[arg(long, add = ArgValueCompleter::new(complete::kinds))]
    kind: Option<String>,
}

#[derive(Args, Debug)]
pub struct Open {
    /// Dashboard page
    #[arg(value_name = "PAGE", value_parser = DASHBOARD)]
    page: Option<String>,
}

/// The pages of the dashboard, as in their URLs.
const DASHBOARD: [&str; 11] = [
    "projects",
    "clusters",
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
        cx.output.row(&DASHBOARD_PAGE, &Body::default().with("url", Some(&url)).text())?;
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
        let member =
            |(name, value): &(String, Json)| (name.clone(), if people { summary(name, value) } else { value.clone() });
        all.extend(read(&health.text)?.map().iter().map(member));
        all.extend([("projects".to_owned(), projects), ("jobs".to_owned(), jobs)]);
        cx.output.details(&SERVER, &Json::Map(all).to_string())?;
        Ok(if health.status == 200 { Exit::Success } else { Exit::Unreachable })
    }
}

/// A member of the health report in short form.
fn summary(name: &str, value: &Json) -> Json {
    match name {
        "listener" => value.at("mode").clone(),
        "services" => {
            let all = value.map();
            let down = all.iter().filter(|(_, it)| it.text("state") != "running");
            let down: Vec<String> = down.map(|(name, it)| format!("{name} is {}", it.text("state"))).collect();
            let text = if down.is_empty() { format!("{0}/{0} running", all.len()) } else { down.join(", ") };
            Json::Text(text)
        }
        _ => value.clone(),
    }
}

impl Metrics {
    pub async fn run(self, cx: &Context) -> Outcome {
        let people = cx.output.format.is_for_people();
        if self.prometheus {
            let text = cx.client.prometheus().await?.text;
            print(&if people { text.trim_end().to_owned() } else { format!("{{\"text\":{}}}", quoted(&text)) })?;
            return Ok(Exit::Success);
        }
        let text = cx.client.metrics().await?.text;
        if !people {
            return cx.row(&PROJECT_COUNT, &text);
        }
        cx.list(&PROJECT_COUNT, &counts(read(&text)?.at("counts_by_status"), "status", "projects"))
    }
}

/// Turns an object of counts into an array of rows.
pub fn counts(object: &Json, key: &str, count: &str) -> String {
    array(object.map().iter().map(|(name, n)| format!("{{\"{key}\":{},\"{count}\":{n}}}", quoted(name))))
}

impl Stats {
    pub async fn run(self, cx: &Context) -> Outcome {
        let pairs = [("window", Some(self.window)), ("queue", self.queue), ("kind", self.kind)];
        let text = cx.client.stats(&pairs).await?.text;
        if !cx.output.format.is_for_people() {
            return cx.row(&STATISTICS, &text);
        }
        let mut rows = Vec::new();
        for queue in read(&text)?.at("queues").list() {
            for kind in queue.at("kinds").list() {
                let mut members = vec![("queue".to_owned(), queue.at("queue").clone())];
                members.extend(kind.map().iter().cloned());
                rows.push(Json::Map(members).to_string());
            }
        }
        cx.list(&STATISTICS, &array(rows))
    }
}

/// `provost openapi`.
pub async fn openapi(cx: &Context) -> Outcome {
    let text = cx.client.openapi().await?.text;
    if cx.output.format.is_for_people() {
        print(&text)?;
        return Ok(Exit::Success);
    }
    cx.row(&SERVER, &text)
}
