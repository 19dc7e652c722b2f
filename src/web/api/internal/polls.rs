//! Who waits for work right now. A worker has one question open at a time: whoever asks again has given up on the one before,
//! which must then claim nothing any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::MutexGuard;

/// The open questions of this process, by worker.
#[derive(Default)]
pub struct Polls(Mutex<HashMap<String, Weak<Turns>>>);

#[derive(Default)]
struct Turns {
    latest: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

/// One question. It is over when its worker has asked another one.
pub struct Poll {
    turns: Arc<Turns>,
    number: u64,
}

impl Polls {
    /// A new question of this worker; it ends those before.
    pub fn open(&self, worker: &str) -> Poll {
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        polls.retain(|_, turns| turns.strong_count() > 0);
        let turns = polls.get(worker).and_then(Weak::upgrade).unwrap_or_default();
        polls.insert(worker.to_owned(), Arc::downgrade(&turns));
        let number = turns.latest.fetch_add(1, Ordering::SeqCst) + 1;
        Poll { turns, number }
    }
}

impl Poll {
    /// A question that nobody ends.
    pub fn alone() -> Self {
        Self { turns: Arc::default(), number: 0 }
    }

    /// Waits until no earlier question is in the middle of a claim. The first look is everybody's, also of whoever is late: the
    /// same question may have been asked several times, and one of them has to do it.
    pub async fn first_turn(&self) -> MutexGuard<'_, ()> {
        self.turns.turn.lock().await
    }

    /// Waits until no earlier question is in the middle of a claim; nothing when a later one has been asked.
    pub async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let turn = self.turns.turn.lock().await;
        (self.turns.latest.load(Ordering::SeqCst) == self.number).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_later_question_of_the_same_worker_ends_the_earlier() {
        let polls = Polls::default();
        let (first, other) = (polls.open("a"), polls.open("b"));
        assert!(first.turn().await.is_some());
        let second = polls.open("a");
        assert!(first.turn().await.is_none());
        assert!(second.turn().await.is_some() && other.turn().await.is_some());
        drop((first, second, other));
        polls.open("c");
        assert_eq!(polls.0.lock().unwrap().len(), 1, "what is over is forgotten");
    }
}
