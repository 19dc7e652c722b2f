//! What a test holds in its hands: a private PostgreSQL for the whole run, a database of its own, real `provost`
//! processes, a network that can be broken.

mod browser;
mod database;
pub mod hands;
mod process;
mod proxy;
mod server;

use std::future::Future;
use std::time::{Duration, Instant};

pub use browser::{Browser, SCHEMES, key};
pub use database::Database;
pub use process::Process;
pub use proxy::Proxy;
#[cfg(feature = "chaos")]
pub use proxy::Weather;
pub use server::{Answer, Server, send};

/// The longest that anything may take to become true.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until something is so; what is looked for is named when it never comes.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "this did not happen within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
