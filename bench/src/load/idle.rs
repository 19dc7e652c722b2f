//! The cost of an idle system.

use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::error::Result;
use crate::session::Session;
use crate::sql::TRANSACTIONS;
use crate::system::System;

#[derive(Debug, Serialize)]
pub struct Idle {
    pub seconds: f64,
    /// Transactions per minute; each statement of an idle system is one. Excludes the two of the measurement itself.
    pub statements_per_minute: f64,
    pub cpu_s: f64,
    /// Resident memory of the processes under test.
    pub rss_kb: Option<u64>,
}

/// PostgreSQL reports the statistics of a session up to a second late.
const STATISTICS_DELAY: Duration = Duration::from_millis(1100);

pub async fn watch(system: &System, session: &Session, settle: Duration, lasting: Duration) -> Result<Idle> {
    tokio::time::sleep(settle).await;
    let before = session.number(&TRANSACTIONS, &[]).await?;
    let (began, cpu) = (clock::now(), system.cpu());
    tokio::time::sleep(lasting).await;
    let (seconds, cpu_s) = (clock::seconds_since(began), system.cpu() - cpu);
    let after = session.number(&TRANSACTIONS, &[]).await?;
    // The first query of the measurement is reported by now, unless the run was shorter than the delay.
    let own = i64::from(lasting >= STATISTICS_DELAY);
    let resident: Option<Vec<u64>> = system.pids().into_iter().map(clock::resident_kb).collect();
    Ok(Idle {
        seconds,
        statements_per_minute: (after - before - own).max(0) as f64 * 60.0 / seconds,
        cpu_s,
        rss_kb: resident.map(|it| it.iter().sum()),
    })
}
