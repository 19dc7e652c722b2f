//! Pages, lists and metrics with a thousand projects and with many: their time must not grow.

use super::pages::PATHS;
use crate::databases::Bench;
use crate::http::Http;
use crate::options::Params;
use crate::report::Row;
use crate::session::Session;
use crate::sql::{MANY_PROJECTS, scripts};
use crate::starts::Starts;
use crate::stats::median;
use crate::system::{Profile, Setup, System, Work};
use crate::{BenchError, Result, clock, progress};

/// Projects per statement.
const AT_ONCE: usize = 100_000;
const FEW: u64 = 1000;
/// Requests per path.
const TIMES: usize = 60;

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let many = params.count("projects", 1_000_000, 20_000);
    let (few_ms, _) = once(bench, FEW).await?;
    let (many_ms, unchanged) = once(bench, many).await?;
    let row = |(index, (path, _)): (usize, &(&str, &str))| {
        let (few, many) = (few_ms[index].0, many_ms[index].0);
        Row::new(*path)
            .cell("p50_1000", few)
            .cell("p50_many", many)
            .cell("x_1000", few.zip(many).map(|(few, many)| many / few.max(1e-9)))
            .cell("cpu_ms_many", Some(many_ms[index].1))
    };
    let mut rows: Vec<Row> = PATHS.iter().enumerate().map(row).collect();
    rows.push(
        Row::new("/dashboard/projects, unchanged (304)")
            .cell("p50_many", unchanged.0)
            .cell("cpu_ms_many", Some(unchanged.1)),
    );
    Ok(rows)
}

/// Median time, CPU of the server and CPU of PostgreSQL per request, in milliseconds.
type Cost = (Option<f64>, f64);

async fn once(bench: &Bench, projects: u64) -> Result<(Vec<Cost>, Cost)> {
    let (database, setup) = bench.fresh().await?;
    fill(&setup, projects).await?;
    let system = System::start(&setup, Profile::Http, Work::On, Starts::new(0, 0)).await?;
    let mut http = Http::connect(system.host()?).await?;
    let mut costs = Vec::new();
    for (path, accept) in PATHS {
        progress(&format!("{projects} projects: {path}"));
        costs.push(cost(bench, &system, &mut http, path, &format!("accept: {accept}"), 200).await?);
    }
    let tag = http.get("/dashboard/projects", "text/html").await?.header("etag").unwrap_or_default();
    let known = format!("accept: text/html\r\nif-none-match: {tag}");
    let unchanged = cost(bench, &system, &mut http, "/dashboard/projects", &known, 304).await?;
    system.stop().await?;
    bench.drop_database(database).await?;
    Ok((costs, unchanged))
}

async fn cost(bench: &Bench, system: &System, http: &mut Http, path: &str, header: &str, status: u16) -> Result<Cost> {
    let answer = http.get_with_header(path, header).await?;
    if answer.status != status {
        return Err(BenchError::new(format!("{path} answered {} instead of {status}", answer.status)));
    }
    let meter = bench.usage_meter().await;
    let (before, cpu, own) = (meter.read().await, system.cpu(), clock::cpu_of_self());
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let began = clock::now();
        http.get_with_header(path, header).await?;
        times.push(clock::ms_between(began, clock::now()));
    }
    // The CPU of this process is the cost of the requests.
    let servers = system.cpu() - cpu - (clock::cpu_of_self() - own);
    let spent = servers + meter.since(before).await.cpu.unwrap_or_default();
    Ok((median(&times), spent * 1e3 / TIMES as f64))
}

async fn fill(setup: &Setup, projects: u64) -> Result<()> {
    let session = Session::open(&setup.connector).await?;
    session.write(&MANY_PROJECTS, projects, AT_ONCE, "projects").await?;
    session.client.batch_execute(scripts::ANALYZE).await?;
    Ok(())
}
