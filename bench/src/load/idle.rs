//! Idling: what a system costs that has nothing to do.

use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::error::Result;
use crate::session::Session;
use crate::sql::TRANSACTIONS;
use crate::system::System;

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Idle {
    pub seconds: f64,
    /// Transactions a minute, of which each statement of an idle system is one. Without our own two.
    pub statements_per_minute: f64,
    pub cpu_s: f64,
    /// Memory that the processes under test hold.
    pub rss_kb: Option<u64>,
}

/// A server tells what its sessions did up to a second late.
const LATE: Duration = Duration::from_millis(1100);

pub async fn watch(system: &System, session: &Session, settle: Duration, lasting: Duration) -> Result<Idle> {
    tokio::time::sleep(settle).await;
    let before = session.number(&TRANSACTIONS, &[]).await?;
    let (began, cpu) = (clock::now(), system.cpu());
    tokio::time::sleep(lasting).await;
    let (seconds, cpu_s) = (clock::seconds_since(began), system.cpu() - cpu);
    let after = session.number(&TRANSACTIONS, &[]).await?;
    // Our own first look is told by now, unless the whole took less than the server takes to tell.
    let own = i64::from(lasting >= LATE);
    let resident: Option<Vec<u64>> = system.pids().into_iter().map(clock::resident_kb).collect();
    Ok(Idle {
        seconds,
        statements_per_minute: (after - before - own).max(0) as f64 * 60.0 / seconds,
        cpu_s,
        rss_kb: resident.map(|it| it.iter().sum()),
    })
}
