//! The cost of an idle system.

use crate::Result;
use crate::databases::Bench;
use crate::load::idle::watch;
use crate::options::Params;
use crate::report::Row;
use crate::session::Session;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (settle, lasting) = (params.seconds("settle-seconds", 10.0, 3.0), params.seconds("seconds", 60.0, 10.0));
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Http] {
        let run = async |system: &System, setup: &Setup| {
            let session = Session::open(&setup.connector).await?;
            watch(system, &session, settle, lasting).await
        };
        let (done, spent) = bench.on_fresh(profile, Work::On, Starts::new(0, 0), run).await?;
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
