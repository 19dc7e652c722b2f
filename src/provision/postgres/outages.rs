//! Clusters that do not answer looks. Each look at a project in such a cluster would wait in vain, and hold up the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::provision::Failure;

/// How long a cluster that did not answer is not asked again.
const PAUSE: Duration = Duration::from_secs(60);
/// How long one look may take to find out whether it answers again.
const TRIAL: Duration = Duration::from_secs(15);

/// The clusters that did not answer, by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Outages(Arc<Mutex<BTreeMap<String, Outage>>>);

#[derive(Clone, Debug)]
struct Outage {
    failure: Failure,
    /// When a look may ask again.
    until: Instant,
}

impl Outages {
    /// Fails if a cluster has just not answered. After a pause, one look at a time may ask again.
    pub fn check(&self, cluster: &str) -> Result<(), Failure> {
        let (mut all, now) = (self.all(), Instant::now());
        match all.get_mut(cluster) {
            Some(outage) if now < outage.until => Err(outage.failure.clone()),
            Some(outage) => {
                outage.until = now + TRIAL;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Remembers how a look at a cluster has ended.
    pub fn note<T>(&self, cluster: &str, result: &Result<T, Failure>) {
        let mut all = self.all();
        match result {
            Err(failure) if failure.code == Failure::UNREACHABLE => {
                all.insert(cluster.to_owned(), Outage { failure: failure.clone(), until: Instant::now() + PAUSE });
            }
            _ => _ = all.remove(cluster),
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_look_at_a_time_asks_a_cluster_that_is_down() {
        let outages = Outages::default();
        let failed = || Err::<(), _>(Failure::retryable(Failure::UNREACHABLE, "no route"));
        assert_eq!(outages.check("main"), Ok(()));
        outages.note("main", &failed());
        assert_eq!(outages.check("main"), failed());
        assert_eq!(outages.check("other"), Ok(()));
        tokio::time::advance(PAUSE).await;
        assert_eq!(outages.check("main"), Ok(()), "one look asks");
        assert_eq!(outages.check("main"), failed(), "the others wait for it");
        outages.note("main", &Ok(()));
        assert_eq!(outages.check("main"), Ok(()));
    }
}
