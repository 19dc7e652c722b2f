//! Group commit: requests that arrive at the same time share one statement and one commit. Each caller gets its results when
//! the commit is on disk.
//!
//! A request never waits for others to join it. It runs at once if a statement may start; otherwise it joins the group
//! that runs next. A single caller therefore pays nothing, and groups grow with the load. No task is spawned: a group is
//! a shared future that any of its callers drives.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use super::StoreError;

/// The results of a group, in the order of its requests.
type Results<R> = Result<Arc<Vec<R>>, Arc<StoreError>>;

/// Forms the groups of one kind of statement.
pub struct GroupCommit<T, R> {
    /// The group that runs next, while it accepts requests.
    open: Mutex<Option<Group<T, R>>>,
    /// Limits how many statements run at the same time.
    permits: Semaphore,
    /// The most requests in a group.
    max: usize,
}

struct Group<T, R> {
    requests: Arc<Mutex<Vec<T>>>,
    results: Shared<BoxFuture<'static, Results<R>>>,
}

/// The outcome of a caller's requests.
pub enum Grouped<R> {
    /// The results, in the order of the requests.
    Done(Vec<R>),
    /// The database refused a request of the group and rolled back: repeat these requests alone.
    Refused,
    /// The statement failed, and may have been committed.
    Failed(Arc<StoreError>),
}

impl<T: Send + 'static, R: Clone + Send + Sync + 'static> GroupCommit<T, R> {
    pub fn new(permits: usize, max: usize) -> Self {
        Self { open: Mutex::default(), permits: Semaphore::new(permits), max }
    }

    /// Adds requests to the next group and waits for its commit. The first caller of a group provides `run`.
    pub async fn join<F, W>(self: &Arc<Self>, requests: Vec<T>, run: F) -> Grouped<R>
    where
        F: FnOnce(Vec<T>) -> W + Send + 'static,
        W: Future<Output = Result<Vec<R>, StoreError>> + Send,
    {
        let (count, (start, results)) = (requests.len(), self.enter(requests, run));
        match results.await {
            Ok(all) => Grouped::Done(all.iter().skip(start).take(count).cloned().collect()),
            // After contention the statement is known to be rolled back, perhaps because of a single request.
            Err(error) if error.is_temporary() && !error.is_contention() => Grouped::Failed(error),
            Err(_) => Grouped::Refused,
        }
    }

    /// Adds requests to the next group. Returns their position in it, and its results.
    fn enter<F, W>(self: &Arc<Self>, added: Vec<T>, run: F) -> (usize, Shared<BoxFuture<'static, Results<R>>>)
    where
        F: FnOnce(Vec<T>) -> W + Send + 'static,
        W: Future<Output = Result<Vec<R>, StoreError>> + Send,
    {
        let mut open = lock(&self.open);
        if let Some(group) = open.as_ref() {
            let mut requests = lock(&group.requests);
            if requests.len() + added.len() <= self.max {
                let start = requests.len();
                requests.extend(added);
                return (start, group.results.clone());
            }
        }
        let requests = Arc::new(Mutex::new(added));
        let (groups, pending) = (self.clone(), requests.clone());
        let results = async move {
            let _permit = groups.permits.acquire().await;
            run(groups.close(&pending)).await.map(Arc::new).map_err(Arc::new)
        };
        let results = results.boxed().shared();
        *open = Some(Group { requests, results: results.clone() });
        (0, results)
    }

    /// Closes a group to further requests and takes those in it.
    fn close(&self, requests: &Arc<Mutex<Vec<T>>>) -> Vec<T> {
        let mut open = lock(&self.open);
        if open.as_ref().is_some_and(|it| Arc::ptr_eq(&it.requests, requests)) {
            *open = None;
        }
        std::mem::take(&mut lock(requests))
    }
}

/// Ignores poisoning: no panic can leave these values half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Doubles numbers after a while; returns each with the size of its group.
    async fn double(numbers: Vec<u32>) -> Result<Vec<(u32, usize)>, StoreError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let count = numbers.len();
        Ok(numbers.into_iter().map(|n| (n * 2, count)).collect())
    }

    fn done(outcome: Grouped<(u32, usize)>) -> Vec<(u32, usize)> {
        if let Grouped::Done(results) = outcome { results } else { panic!("not done") }
    }

    #[tokio::test(start_paused = true)]
    async fn first_request_runs_alone_and_later_ones_share_a_group() {
        let groups = Arc::new(GroupCommit::new(1, 100));
        let calls = (1..=10).map(|n| groups.join(vec![n], double));
        let results: Vec<_> = futures_util::future::join_all(calls).await.into_iter().flat_map(done).collect();
        let numbers: Vec<u32> = results.iter().map(|it| it.0).collect();
        assert_eq!(numbers, (1..=10).map(|n| n * 2).collect::<Vec<_>>());
        assert!(results[9].1 >= 9, "{results:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn full_group_is_followed_by_another() {
        let groups = Arc::new(GroupCommit::new(1, 4));
        let calls = (0..4).map(|n| groups.join(vec![n, n, n], double));
        let results: Vec<_> = futures_util::future::join_all(calls).await.into_iter().flat_map(done).collect();
        assert!(results.iter().all(|it| it.1 == 3), "{results:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_caller_does_not_stop_its_group() {
        let groups = Arc::new(GroupCommit::new(1, 100));
        let first = groups.join(vec![1], double);
        let (second, third) = (groups.join(vec![2], double), groups.join(vec![3], double));
        let dropped = async {
            // Joins, drives the group for a while, and is dropped.
            _ = tokio::time::timeout(Duration::from_millis(12), second).await;
        };
        let (_, (), third) = tokio::join!(first, dropped, third);
        assert_eq!(done(third)[0].0, 6);
    }

    #[tokio::test]
    async fn refused_group_is_repeated_alone_and_failed_one_is_not() {
        let groups = Arc::new(GroupCommit::<u32, u32>::new(1, 100));
        let refuse = |_| async { Err(StoreError::UnknownValue { what: "state", value: "lost".into() }) };
        assert!(matches!(groups.join(vec![1], refuse).await, Grouped::Refused));
        let fail = |_| async { Err(StoreError::Busy { statement: "jobs/enqueue", source: None }) };
        assert!(matches!(groups.join(vec![1], fail).await, Grouped::Failed(_)));
    }
}
