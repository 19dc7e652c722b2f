//! Memory of a connection in the server, and of a queued job in the server and the database.

use std::time::Duration;

use super::drain::fill;
use crate::Result;
use crate::clock::resident_kb;
use crate::databases::Bench;
use crate::http::Http;
use crate::options::Params;
use crate::report::Row;
use crate::session::Session;
use crate::sql::SIZE;
use crate::starts::Starts;
use crate::system::{Profile, System, Work};

/// Time for the memory of the server to settle.
const SETTLE_TIME: Duration = Duration::from_secs(2);

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (conns, n) = (params.count("conns", 500, 200), params.count("n", 100_000, 20_000));
    let (database, setup) = bench.fresh().await?;
    let session = Session::open(&setup.connector).await?;
    // Without workers, so that the jobs stay queued.
    let system = System::start(&setup, Profile::Http, Work::Off, Starts::new(0, 0)).await?;
    let resident = || system.pids().first().and_then(|pid| resident_kb(*pid)).map(|it| it as f64 * 1024.0);
    // The first requests set up caches that later requests share.
    let mut first = Http::connect(system.host()?).await?;
    for _ in 0..50 {
        first.get("/queues", "application/json").await?;
    }
    tokio::time::sleep(SETTLE_TIME).await;
    let before = resident();
    let mut open = Vec::new();
    for _ in 0..conns {
        let mut http = Http::connect(system.host()?).await?;
        http.get("/healthz", "application/json").await?;
        open.push(http);
    }
    let connected = resident();
    drop(open);
    tokio::time::sleep(SETTLE_TIME).await;
    let (empty, small) = (resident(), session.number(&SIZE, &[]).await?);
    fill(&setup, n, 0, |_| None).await?;
    tokio::time::sleep(SETTLE_TIME).await;
    let (full, large) = (resident(), session.number(&SIZE, &[]).await?);
    system.stop().await?;
    drop(session);
    bench.drop_database(database).await?;
    let each =
        |now: Option<f64>, before: Option<f64>, n: u64| now.zip(before).map(|(now, before)| (now - before) / n as f64);
    Ok(vec![
        Row::new("server at rest").cell("rss_mb", before.map(|it| it / 1048576.0)),
        Row::new(format!("each of {conns} connections")).cell("server_b", each(connected, before, conns)),
        Row::new(format!("each of {n} waiting jobs"))
            .cell("server_b", each(full, empty, n))
            .cell("database_b", Some((large - small) as f64 / n as f64)),
    ])
}
