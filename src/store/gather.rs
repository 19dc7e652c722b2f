//! Group commit: what several callers ask for at the same time goes to the database as one statement and one commit, and
//! each is answered when that is on disk.
//!
//! Nobody waits for company. Whoever comes while no statement of the kind is under way goes at once, alone; whoever comes
//! meanwhile joins the group that goes next. So a lone caller pays nothing, and the groups grow by themselves with the load.
//! Nothing is spawned: a group is one shared future, driven by whichever of its callers is still there.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use super::StoreError;

/// What a group was answered: one for each that was asked, in that order.
type Answers<R> = Result<Arc<Vec<R>>, Arc<StoreError>>;

/// Where callers meet.
pub struct Gather<T, R> {
    /// The group that goes next, while there is room in it.
    open: Mutex<Option<Group<T, R>>>,
    /// How many statements may be under way.
    turns: Semaphore,
    /// How many one statement carries at most.
    most: usize,
}

struct Group<T, R> {
    items: Arc<Mutex<Vec<T>>>,
    answers: Shared<BoxFuture<'static, Answers<R>>>,
}

/// What came of a caller's part.
pub enum Gathered<R> {
    /// The answers, in the order asked.
    Done(Vec<R>),
    /// Nothing was done for anybody, because the database refused one of them: ask again alone.
    Alone,
    /// The statement failed for all.
    Failed(Arc<StoreError>),
}

impl<T: Send + 'static, R: Clone + Send + Sync + 'static> Gather<T, R> {
    pub fn new(turns: usize, most: usize) -> Self {
        Self { open: Mutex::default(), turns: Semaphore::new(turns), most }
    }

    /// Joins the next group with these, and waits for its commit. `run` is called by the first of a group, for all of it.
    pub async fn join<F, W>(self: &Arc<Self>, mine: Vec<T>, run: F) -> Gathered<R>
    where
        F: FnOnce(Vec<T>) -> W + Send + 'static,
        W: Future<Output = Result<Vec<R>, StoreError>> + Send,
    {
        let (count, (place, answers)) = (mine.len(), self.enter(mine, run));
        match answers.await {
            Ok(all) => Gathered::Done(all.iter().skip(place).take(count).cloned().collect()),
            // It may have been committed all the same, so it is not sent again; unless it is known to have been undone, because
            // it lost against others: then a single one of the group may be to blame.
            Err(error) if error.is_temporary() && !error.is_contention() => Gathered::Failed(error),
            Err(_) => Gathered::Alone,
        }
    }

    /// Puts these into the group that goes next: their place in it, and what it will answer.
    fn enter<F, W>(self: &Arc<Self>, mine: Vec<T>, run: F) -> (usize, Shared<BoxFuture<'static, Answers<R>>>)
    where
        F: FnOnce(Vec<T>) -> W + Send + 'static,
        W: Future<Output = Result<Vec<R>, StoreError>> + Send,
    {
        let mut open = lock(&self.open);
        if let Some(group) = open.as_ref() {
            let mut items = lock(&group.items);
            if items.len() + mine.len() <= self.most {
                let place = items.len();
                items.extend(mine);
                return (place, group.answers.clone());
            }
        }
        let items = Arc::new(Mutex::new(mine));
        let (gather, waiting) = (self.clone(), items.clone());
        let answers = async move {
            let _turn = gather.turns.acquire().await;
            let items = gather.close(&waiting);
            run(items).await.map(Arc::new).map_err(Arc::new)
        };
        let answers = answers.boxed().shared();
        *open = Some(Group { items, answers: answers.clone() });
        (0, answers)
    }

    /// Lets nobody else into this group, and takes what is in it.
    fn close(&self, group: &Arc<Mutex<Vec<T>>>) -> Vec<T> {
        let mut open = lock(&self.open);
        if open.as_ref().is_some_and(|it| Arc::ptr_eq(&it.items, group)) {
            *open = None;
        }
        std::mem::take(&mut lock(group))
    }
}

/// A poisoned lock only means that somebody panicked while holding it; these values are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Doubles numbers, slowly, and says how many it was asked at once.
    async fn doubled(asked: Vec<u32>) -> Result<Vec<(u32, usize)>, StoreError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let count = asked.len();
        Ok(asked.into_iter().map(|n| (n * 2, count)).collect())
    }

    fn of(answer: Gathered<(u32, usize)>) -> Vec<(u32, usize)> {
        if let Gathered::Done(answers) = answer { answers } else { panic!("not done") }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_first_goes_alone_and_the_others_go_together() {
        let gather = Arc::new(Gather::new(1, 100));
        let calls = (1..=10).map(|n| gather.join(vec![n], doubled));
        let answers: Vec<_> = futures_util::future::join_all(calls).await.into_iter().flat_map(of).collect();
        let numbers: Vec<u32> = answers.iter().map(|it| it.0).collect();
        assert_eq!(numbers, (1..=10).map(|n| n * 2).collect::<Vec<_>>());
        assert!(answers[9].1 >= 9, "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_group_is_followed_by_another() {
        let gather = Arc::new(Gather::new(1, 4));
        let calls = (0..4).map(|n| gather.join(vec![n, n, n], doubled));
        let answers: Vec<_> = futures_util::future::join_all(calls).await.into_iter().flat_map(of).collect();
        assert!(answers.iter().all(|it| it.1 == 3), "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_takes_nobody_along() {
        let gather = Arc::new(Gather::new(1, 100));
        let first = gather.join(vec![1], doubled);
        let (second, third) = (gather.join(vec![2], doubled), gather.join(vec![3], doubled));
        let gone = async {
            // Joins, and drives the group for a while, and is dropped.
            _ = tokio::time::timeout(Duration::from_millis(12), second).await;
        };
        let (_, (), third) = tokio::join!(first, gone, third);
        assert_eq!(of(third)[0].0, 6);
    }

    #[tokio::test]
    async fn one_that_is_refused_sends_everybody_on_alone() {
        let gather = Arc::new(Gather::<u32, u32>::new(1, 100));
        let refuse = |_| async { Err(StoreError::UnknownWord { what: "state", word: "lost".into() }) };
        assert!(matches!(gather.join(vec![1], refuse).await, Gathered::Alone));
        let away = |_| async { Err(StoreError::Busy { statement: "jobs/enqueue", source: None }) };
        assert!(matches!(gather.join(vec![1], away).await, Gathered::Failed(_)));
    }
}
