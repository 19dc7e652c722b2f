//! The cost of an idle system.

use crate::Result;
use crate::load::idle::watch;
use crate::marks::Marks;
use crate::options::Params;
use crate::place::Bench;
use crate::report::Row;
use crate::session::Session;
use crate::system::{Profile, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (settle, lasting) = (params.seconds("settle-seconds", 10.0, 3.0), params.seconds("seconds", 60.0, 10.0));
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Http] {
        let (place, setup) = bench.fresh().await?;
        let session = Session::open(&setup.connector).await?;
        let system = System::start(&setup, profile, Work::On, Marks::new(0, 0)).await?;
        let gauge = bench.gauge().await;
        let before = gauge.read().await;
        let done = watch(&system, &session, settle, lasting).await?;
        let spent = gauge.since(before).await;
        system.stop().await?;
        drop(session);
        bench.leave(place).await?;
        let minutes = (settle + lasting).as_secs_f64() / 60.0;
        rows.push(
            Row::new(profile.as_str())
                .cell("statements_per_min", Some(done.statements_per_minute))
                .cell("cpu_ms_per_min", Some(done.cpu_s * 1e3 * 60.0 / done.seconds))
                .cell("server_cpu_ms_per_min", spent.cpu.map(|it| it * 1e3 / minutes))
                .cell("rss_mb", done.rss_kb.map(|it| it as f64 / 1024.0)),
        );
    }
    Ok(rows)
}
