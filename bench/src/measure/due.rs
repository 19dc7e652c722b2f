//! Scheduled jobs: how late they start, and what they cost until they are due.

use std::time::Duration;

use crate::clock;
use crate::databases::Bench;
use crate::error::{BenchError, Result};
use crate::options::Params;
use crate::report::Row;
use crate::session::Session;
use crate::sql::{DUE, TRANSACTIONS};
use crate::starts::Starts;
use crate::stats::Spread;
use crate::system::{Profile, Setup, System, Work};

/// How long until the first is due.
const FIRST: f64 = 5.0;
/// The time limit for all starts, after the last due time.
const GRACE: Duration = Duration::from_secs(30);

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let (n, spread) = (params.count("n", 10_000, 2000), params.seconds("seconds", 10.0, 2.0));
    let mut rows = Vec::new();
    for (label, spread) in [("over some time", spread), ("at one moment", Duration::ZERO)] {
        let run = async |system: &System, setup: &Setup| start_lateness(system, setup, n, spread).await;
        let ((late, statements), _) = bench.on_fresh(Profile::Embedded, Work::On, Starts::new(0, n), run).await?;
        rows.push(
            Row::new(label)
                .spread("late_ms", &late)
                .cell("n", Some(n as f64))
                .cell("statements_waiting", Some(statements as f64)),
        );
    }
    Ok(rows)
}

/// Creates `n` jobs that become due over `spread`. Returns how late they started, and the statements while none was due.
async fn start_lateness(system: &System, setup: &Setup, n: u64, spread: Duration) -> Result<(Spread, i64)> {
    let session = Session::open(&setup.connector).await?;
    let row = session.client.query_one(DUE.text, &[&(n as i64), &FIRST, &spread.as_secs_f64()]).await?;
    let wait: f64 = row.try_get("first")?;
    if wait <= 0.0 {
        return Err(BenchError::new("making the jobs took longer than the first of them waits; ask for fewer (--n)"));
    }
    let first = clock::now() + (wait * 1e9) as u64;
    // Until they are due, only the usual polls run.
    let before = session.number(&TRANSACTIONS, &[]).await?;
    tokio::time::sleep(Duration::from_nanos(first.saturating_sub(clock::now())) / 2).await;
    let statements = session.number(&TRANSACTIONS, &[]).await? - before;
    let end = first + (spread + GRACE).as_nanos() as u64;
    while system.starts.distinct() < n {
        if clock::now() > end {
            return Err(BenchError::new("not all jobs started in time"));
        }
        _ = tokio::time::timeout(GRACE, system.starts.next_start()).await;
    }
    let step = spread.as_nanos() as f64 / n as f64;
    let late = |number: u64| {
        let due = first + (number as f64 * step) as u64;
        system.starts.at(number).map(|at| clock::ms_between(due, at))
    };
    Ok((Spread::of((0..n).filter_map(late).collect()), statements))
}
