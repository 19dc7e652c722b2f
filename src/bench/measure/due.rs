//! Jobs that wait for their time: how late they start, and what the wait costs.

use std::time::Duration;

use super::Ask;
use crate::bench::marks::Marks;
use crate::bench::place::Bench;
use crate::bench::report::Row;
use crate::bench::rig::{Profile, Rig, Work};
use crate::bench::session::Session;
use crate::bench::sql::{DUE, TRANSACTIONS};
use crate::bench::stats::Spread;
use crate::bench::{Result, Trouble, clock};

/// How long the first of them waits.
const FIRST: f64 = 5.0;
/// How long after the last moment all must have started.
const GRACE: Duration = Duration::from_secs(30);

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let (n, spread) = (ask.count("n", 10_000, 2000), ask.seconds("seconds", 10.0, 2.0));
    let mut rows = Vec::new();
    for (label, spread) in [("over some time", spread), ("at one moment", Duration::ZERO)] {
        let (place, ground) = bench.fresh().await?;
        let session = Session::open(&ground.connector).await?;
        let rig = Rig::start(&ground, Profile::Embedded, Work::On, Marks::new(0, n)).await?;
        let row = session.client.query_one(DUE.text, &[&(n as i64), &FIRST, &spread.as_secs_f64()]).await?;
        let wait: f64 = row.try_get("first")?;
        if wait <= 0.0 {
            return Err(Trouble::new("making the jobs took longer than the first of them waits; ask for fewer (--n)"));
        }
        let first = clock::now() + (wait * 1e9) as u64;
        // While they wait, only the usual looks.
        let before = session.number(&TRANSACTIONS, &[]).await?;
        tokio::time::sleep(Duration::from_nanos(first.saturating_sub(clock::now())) / 2).await;
        let spent = session.number(&TRANSACTIONS, &[]).await? - before;
        let end = first + (spread + GRACE).as_nanos() as u64;
        while rig.marks.distinct() < n {
            if clock::now() > end {
                return Err(Trouble::new("not all jobs started in time"));
            }
            _ = tokio::time::timeout(GRACE, rig.marks.moved()).await;
        }
        let step = spread.as_nanos() as f64 / n as f64;
        let late = |number: u64| {
            let due = first + (number as f64 * step) as u64;
            rig.marks.at(number).map(|at| clock::ms_between(due, at))
        };
        let late = Spread::of((0..n).filter_map(late).collect());
        rig.stop().await?;
        drop(session);
        bench.leave(place).await?;
        rows.push(
            Row::new(label)
                .spread("late_ms", &late)
                .cell("n", Some(n as f64))
                .cell("statements_waiting", Some(spent as f64)),
        );
    }
    Ok(rows)
}
