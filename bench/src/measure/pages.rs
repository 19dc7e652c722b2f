//! Pages, lists and metrics, requested one after the other while jobs are enqueued and run.

use std::time::Duration;

use crate::clock;
use crate::databases::Bench;
use crate::error::Result;
use crate::http::Http;
use crate::load::steady::{Plan, at_a_rate};
use crate::options::Params;
use crate::report::Row;
use crate::starts::Starts;
use crate::stats::Spread;
use crate::system::{Profile, Setup, System, Work};

pub const PATHS: [(&str, &str); 11] = [
    ("/dashboard/projects", "text/html"),
    ("/dashboard/jobs", "text/html"),
    ("/dashboard/queues", "text/html"),
    ("/dashboard/workers", "text/html"),
    ("/dashboard/metrics", "text/html"),
    ("/projects?limit=50", "application/json"),
    ("/jobs?limit=50", "application/json"),
    ("/queues", "application/json"),
    ("/stats?window=15m", "application/json"),
    ("/metrics", "application/json"),
    ("/metrics/prometheus", "text/plain"),
];
/// The interval between requests.
const PAUSE: Duration = Duration::from_millis(10);

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let plan = Plan {
        rate: params.options.number("rate", 300.0).max(0.001),
        lasting: params.seconds("seconds", 15.0, 4.0),
        conns: params.count("conns", 8, 8),
        start: 0,
        grace: Duration::from_secs(10),
    };
    let run = async |system: &System, _: &Setup| {
        let mut http = Http::connect(system.host()?).await?;
        for number in 0..50 {
            http.post("/projects", &format!("{{\"name\":\"bench {number}\"}}")).await?;
        }
        tokio::try_join!(at_a_rate(system, plan), request_pages(http, plan.lasting))
    };
    let starts = Starts::new(0, plan.offered());
    let ((done, pages), _) = bench.on_fresh(Profile::Http, Work::On, starts, run).await?;
    let row = |((path, _), (times, bytes)): (&(&str, &str), (Vec<f64>, usize))| {
        let n = times.len();
        Row::new(*path).spread("ms", &Spread::of(times)).cell("times", Some(n as f64)).cell("bytes", Some(bytes as f64))
    };
    let mut rows: Vec<Row> = PATHS.iter().zip(pages).map(row).collect();
    rows.push(
        Row::new("the jobs meanwhile: arrival to start").spread("ms", &done.lat_ms).cell("times", Some(done.n as f64)),
    );
    Ok(rows)
}

/// Requests all paths in turn. Returns the times per path, and the size of the last response.
async fn request_pages(mut http: Http, lasting: Duration) -> Result<Vec<(Vec<f64>, usize)>> {
    let end = clock::now() + lasting.as_nanos() as u64;
    let mut pages = vec![(Vec::new(), 0); PATHS.len()];
    while clock::now() < end {
        for ((path, accept), (times, bytes)) in PATHS.iter().zip(&mut pages) {
            let began = clock::now();
            *bytes = http.get(path, accept).await?.body.len();
            times.push(clock::ms_between(began, clock::now()));
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(pages)
}
