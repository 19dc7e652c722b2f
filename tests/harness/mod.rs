//! The test environment: one private PostgreSQL for the whole run, a database for each test, real `provost` processes, a
//! browser, and a network with faults.

mod axe;
mod browser;
mod clusters;
mod database;
mod driver;
mod process;
mod proxy;
mod replica;
mod server;
mod variant;
pub mod worker;

use std::time::{Duration, Instant};

pub use browser::{Browser, key};
pub use clusters::{TenantCluster, plain_tenants, tenants, tenants_url};
pub use database::{Database, connect, run_folder, start_cluster, start_cluster_with};
pub use process::Process;
pub use proxy::{NetworkFault, Proxy};
pub use replica::{Bouncer, Standby, signal_all};
pub use server::{Answer, NO_POLL, Server, send, shorten};

/// The time limit for a condition. Only a hang takes this long, even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// Polls a condition until it yields a value. Panics with the name of the condition when the timeout passes.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let (deadline, mut pause) = (Instant::now() + TIMEOUT, pauses());
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out after {TIMEOUT:?}: {what}");
        tokio::time::sleep(pause()).await;
    }
}

/// The pauses between two polls: short at first, then longer, so that a long wait leaves the processor to what is waited for.
fn pauses() -> impl FnMut() -> Duration {
    let mut pause = Duration::from_millis(10);
    move || {
        pause = (pause * 3 / 2).min(Duration::from_millis(120));
        pause
    }
}
