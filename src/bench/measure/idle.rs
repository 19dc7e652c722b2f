//! What it costs to have nothing to do.

use super::Ask;
use crate::bench::Result;
use crate::bench::load::idle::watch;
use crate::bench::marks::Marks;
use crate::bench::place::Bench;
use crate::bench::report::Row;
use crate::bench::rig::{Profile, Rig, Work};
use crate::bench::session::Session;

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let (settle, lasting) = (ask.seconds("settle-seconds", 10.0, 3.0), ask.seconds("seconds", 60.0, 10.0));
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Http] {
        let (place, ground) = bench.fresh().await?;
        let session = Session::open(&ground.connector).await?;
        let rig = Rig::start(&ground, profile, Work::On, Marks::new(0, 0)).await?;
        let gauge = bench.gauge().await;
        let before = gauge.read().await;
        let done = watch(&rig, &session, settle, lasting).await?;
        let spent = gauge.since(before).await;
        rig.stop().await?;
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
