//! Scheduled jobs: how late they start, and what they cost until they are due.

use std::time::Duration;

use crate::clock;
use crate::error::{BenchError, Result};
use crate::marks::Marks;
use crate::options::Params;
use crate::place::Bench;
use crate::report::Row;
use crate::session::Session;
use crate::sql::{DUE, TRANSACTIONS};
use crate::stats::Spread;
use crate::system::{Profile, System, Work};

/// How long until the first is due.
const FIRST: f64 = 5.0;
/// The time limit for all starts, after the last due time.
const GRACE: Duration = Duration::from_secs(30);

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (n, spread) = (params.count("n", 10_000, 2000), params.seconds("seconds", 10.0, 2.0));
    let mut rows = Vec::new();
    for (label, spread) in [("over some time", spread), ("at one moment", Duration::ZERO)] {
        let (place, setup) = bench.fresh().await?;
        let session = Session::open(&setup.connector).await?;
        let system = System::start(&setup, Profile::Embedded, Work::On, Marks::new(0, n)).await?;
        let row = session.client.query_one(DUE.text, &[&(n as i64), &FIRST, &spread.as_secs_f64()]).await?;
        let wait: f64 = row.try_get("first")?;
        if wait <= 0.0 {
            return Err(BenchError::new(
                "making the jobs took longer than the first of them waits; ask for fewer (--n)",
            ));
        }
        let first = clock::now() + (wait * 1e9) as u64;
        // Until they are due, only the usual polls run.
        let before = session.number(&TRANSACTIONS, &[]).await?;
        tokio::time::sleep(Duration::from_nanos(first.saturating_sub(clock::now())) / 2).await;
        let spent = session.number(&TRANSACTIONS, &[]).await? - before;
        let end = first + (spread + GRACE).as_nanos() as u64;
        while system.marks.distinct() < n {
            if clock::now() > end {
                return Err(BenchError::new("not all jobs started in time"));
            }
            _ = tokio::time::timeout(GRACE, system.marks.moved()).await;
        }
        let step = spread.as_nanos() as f64 / n as f64;
        let late = |number: u64| {
            let due = first + (number as f64 * step) as u64;
            system.marks.at(number).map(|at| clock::ms_between(due, at))
        };
        let late = Spread::of((0..n).filter_map(late).collect());
        system.stop().await?;
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
