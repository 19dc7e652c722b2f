//! The ceiling: pgbench with the same writes as Provost and none of its logic, on the same server in the same run. Without
//! pgbench there are no ratios.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::clock;
use super::databases::{Bench, BenchDatabase};
use super::sample::Sample;
use super::session::Session;
use super::sql::scripts;
use crate::error::{BenchError, Result};

pub const SCHEMA: &str = include_str!("../sql/ceiling/schema.sql");
const ENQUEUE_ONE: &str = include_str!("../sql/ceiling/enqueue_one.sql");
const ENQUEUE_BULK: &str = include_str!("../sql/ceiling/enqueue_bulk.sql");
const DRAIN: &str = include_str!("../sql/ceiling/drain.sql");
const PROJECT: &str = include_str!("../sql/ceiling/project.sql");
const PROJECT_STATEMENT: &str = include_str!("../sql/ceiling/project_statement.sql");
const FILL: &str = include_str!("../sql/ceiling/fill.sql");
const FINISHED: &str = include_str!("../sql/ceiling/finished.sql");

/// Jobs that one run of a script moves.
const IN_BULK: u64 = 1000;
const CLAIMED: u64 = 500;

/// Joins by index, as in Provost: without statistics, PostgreSQL would scan tables that begin empty.
const BY_INDEX: &str = "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";
const PLAIN: &str = "-c jit=off";

/// What pgbench runs.
#[derive(Clone, Copy, Debug)]
pub enum Ceiling {
    /// One job per transaction, with a number of clients and a duration.
    EnqueueOne { clients: u64, lasting: Duration },
    /// A number of jobs, a thousand per transaction.
    EnqueueBulk { n: u64, clients: u64 },
    /// A number of jobs, with the best of several client counts.
    Drain { n: u64 },
    /// One project per transaction.
    Project { clients: u64, lasting: Duration },
    /// The same with Provost's own statement and schema.
    ProjectStatement { clients: u64, lasting: Duration },
}

/// The path of pgbench, if it is installed.
pub fn pgbench(bench: &Bench) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = bench.server.config.postgres_bin_dir.iter().cloned().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("pgbench")).find(|file| file.is_file())
}

impl Ceiling {
    /// Runs in a database of its own.
    pub async fn run(self, bench: &Bench, pgbench: &Path) -> Result<Sample> {
        match self {
            Self::EnqueueOne { clients, lasting } => {
                timed(bench, pgbench, prepared(bench).await?, ENQUEUE_ONE, clients, lasting).await
            }
            Self::Project { clients, lasting } => {
                timed(bench, pgbench, prepared(bench).await?, PROJECT, clients, lasting).await
            }
            Self::ProjectStatement { clients, lasting } => {
                timed(bench, pgbench, bench.fresh().await?.0, PROJECT_STATEMENT, clients, lasting).await
            }
            Self::EnqueueBulk { n, clients } => {
                let runs = n.div_ceil(IN_BULK * clients).max(1);
                let run = PgbenchRun { script: ENQUEUE_BULK, clients, limit: Limit::Runs(runs), options: PLAIN };
                let database = prepared(bench).await?;
                let sample = run.run(bench, pgbench, &database, IN_BULK as f64).await;
                bench.drop_database(database).await?;
                sample
            }
            Self::Drain { n } => {
                let (two, four) = (drain(bench, pgbench, n, 2).await?, drain(bench, pgbench, n, 4).await?);
                Ok(if two.rate > four.rate { two } else { four })
            }
        }
    }
}

async fn timed(
    bench: &Bench,
    pgbench: &Path,
    database: BenchDatabase,
    script: &str,
    clients: u64,
    lasting: Duration,
) -> Result<Sample> {
    let limit = Limit::Seconds(lasting.as_secs_f64().ceil().max(1.0) as u64);
    let sample = PgbenchRun { script, clients, limit, options: PLAIN }.run(bench, pgbench, &database, 1.0).await;
    bench.drop_database(database).await?;
    sample
}

async fn drain(bench: &Bench, pgbench: &Path, n: u64, clients: u64) -> Result<Sample> {
    let database = prepared(bench).await?;
    let runs = n.div_ceil(CLAIMED * clients).max(1);
    let n = runs * CLAIMED * clients;
    let session = Session::open(&database.connector).await?;
    session.client.batch_execute(scripts::NO_TIMEOUT).await?;
    session.client.execute(FILL, &[&(n as i64)]).await?;
    let run = PgbenchRun { script: DRAIN, clients, limit: Limit::Runs(runs), options: BY_INDEX };
    let sample = run.run(bench, pgbench, &database, CLAIMED as f64).await?;
    let finished = session.scalar(FINISHED).await? as f64;
    bench.drop_database(database).await?;
    // Concurrent claims may have found fewer jobs than they could take.
    let share = finished / n as f64;
    let per_job = |cost: Option<f64>| cost.map(|it| it / share.max(1e-9));
    Ok(Sample {
        rate: sample.rate * share,
        server_us: per_job(sample.server_us),
        wal_bytes: per_job(sample.wal_bytes),
        ..sample
    })
}

/// A database with the schema of the ceiling.
async fn prepared(bench: &Bench) -> Result<BenchDatabase> {
    let database = bench.without_schema().await?;
    Session::open(&database.connector).await?.client.batch_execute(SCHEMA).await?;
    Ok(database)
}

/// One run of pgbench.
struct PgbenchRun<'a> {
    script: &'a str,
    clients: u64,
    limit: Limit,
    /// Settings of the sessions.
    options: &'a str,
}

enum Limit {
    /// Transactions per client.
    Runs(u64),
    Seconds(u64),
}

impl PgbenchRun<'_> {
    async fn run(&self, bench: &Bench, pgbench: &Path, database: &BenchDatabase, jobs_a_run: f64) -> Result<Sample> {
        let file = Script::write(self.script)?;
        let limit = match self.limit {
            Limit::Runs(runs) => ["-t".to_owned(), runs.to_string()],
            Limit::Seconds(seconds) => ["-T".to_owned(), seconds.to_string()],
        };
        let mut command = Command::new(pgbench);
        command.args(["-n", "-M", "prepared", "-c", &self.clients.to_string()]).args(limit);
        command.args(["-j", &self.clients.clamp(1, 2).to_string(), "-f"]).arg(&file.0).arg(&database.url);
        command.env("PGOPTIONS", self.options).stdin(Stdio::null()).kill_on_drop(true);
        let meter = bench.usage_meter().await;
        let (before, began) = (meter.read().await, clock::now());
        let output = command.output().await?;
        let (took, spent) = (clock::seconds_since(began), meter.since(before).await);
        let text = String::from_utf8_lossy(&output.stdout);
        let Some((rate, runs)) = rate(&text).zip(runs(&text)).filter(|_| output.status.success()) else {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(BenchError::new(format!(
                "pgbench failed: {}",
                message.lines().last().unwrap_or("without a message")
            )));
        };
        Ok(Sample::of(runs * jobs_a_run, took, spent, None).at_rate(rate * jobs_a_run))
    }
}

/// `tps = 1234.5 (without initial connection time)`.
fn rate(output: &str) -> Option<f64> {
    output.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
}

/// `number of transactions actually processed: 40/40`.
fn runs(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "))?;
    line.split('/').next()?.parse().ok()
}

/// A script in a temporary file, removed on drop.
struct Script(PathBuf);

impl Script {
    fn write(text: &str) -> Result<Self> {
        let name = format!("provost-bench-{}-{}.sql", std::process::id(), uuid::Uuid::new_v4().simple());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text)?;
        Ok(Self(file))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_output_is_parsed() {
        let output = "number of transactions actually processed: 40/40\nlatency average = 1 ms\ntps = 83.25 (without initial connection time)\n";
        assert_eq!((rate(output), runs(output)), (Some(83.25), Some(40.0)));
        assert_eq!(rate("nothing"), None);
    }
}
