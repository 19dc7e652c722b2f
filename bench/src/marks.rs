//! Marks: which job ran, how often and when. The handler of kind `bench` leaves a mark for each number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::Deserialize;
use tokio::sync::Notify;

use super::clock;
use provost::domain::Outcome;
use provost::handlers::{Handler, HandlerFuture, Job};

/// The kind and the queue of every job of the benchmark.
pub const KIND: &str = "bench";

/// The payload of a job of the benchmark.
#[derive(Deserialize)]
pub struct Payload {
    pub i: u64,
}

/// One cell per number, from `from` on.
pub struct Marks {
    from: u64,
    cells: Vec<Cell>,
    distinct: AtomicU64,
    twice: AtomicU64,
    strays: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
    moved: Notify,
}

#[derive(Default)]
struct Cell {
    runs: AtomicU32,
    /// When the handler first started; 0: not yet.
    at: AtomicU64,
}

impl Marks {
    /// For the numbers `from..from + n`.
    pub fn new(from: u64, n: u64) -> Arc<Self> {
        Arc::new(Self {
            from,
            cells: std::iter::repeat_with(Cell::default).take(n as usize).collect(),
            distinct: AtomicU64::new(0),
            twice: AtomicU64::new(0),
            strays: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            moved: Notify::new(),
        })
    }

    /// Records a start of the handler.
    pub fn note(&self, number: u64, at: u64) {
        let cell = number.checked_sub(self.from).and_then(|place| self.cells.get(place as usize));
        let Some(cell) = cell else {
            self.strays.fetch_add(1, Ordering::Relaxed);
            return;
        };
        match cell.runs.fetch_add(1, Ordering::Relaxed) {
            0 => {
                cell.at.store(at, Ordering::Release);
                self.first.fetch_min(at, Ordering::Relaxed);
                self.last.fetch_max(at, Ordering::Relaxed);
                self.distinct.fetch_add(1, Ordering::Release);
                self.moved.notify_one();
            }
            1 => _ = self.twice.fetch_add(1, Ordering::Relaxed),
            _ => {}
        }
    }

    /// When the handler of this number first started.
    pub fn at(&self, number: u64) -> Option<u64> {
        let cell = self.cells.get(number.checked_sub(self.from)? as usize)?;
        Some(cell.at.load(Ordering::Acquire)).filter(|at| *at > 0)
    }

    /// Distinct jobs that ran.
    pub fn distinct(&self) -> u64 {
        self.distinct.load(Ordering::Acquire)
    }

    /// Jobs that ran more than once.
    pub fn twice(&self) -> u64 {
        self.twice.load(Ordering::Relaxed)
    }

    /// Runs of unexpected numbers.
    pub fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    /// The first and the last start so far.
    pub fn between(&self) -> Option<(u64, u64)> {
        (self.distinct() > 0).then(|| (self.first.load(Ordering::Relaxed), self.last.load(Ordering::Relaxed)))
    }

    /// Waits for a job that had not run before. One waiter at a time.
    pub async fn moved(&self) {
        self.moved.notified().await;
    }
}

/// Where a handler leaves its marks.
pub trait Sink: Send + Sync {
    fn note(&self, number: u64, at: u64);
}

impl Sink for Arc<Marks> {
    fn note(&self, number: u64, at: u64) {
        Marks::note(self, number, at);
    }
}

/// The handler of kind `bench`: records its start and completes.
pub struct Mark<S>(pub S);

impl<S: Sink> Handler for Mark<S> {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        let at = clock::now();
        Box::pin(async move {
            match serde_json::from_str::<Payload>(&job.payload) {
                Ok(payload) => {
                    self.0.note(payload.i, at);
                    Outcome::Done { result: None, next: Vec::new() }
                }
                Err(error) => Outcome::fatal(format!("the payload of a benchmark job has a number: {error}")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_run_counts_as_one_duplicate() {
        let marks = Marks::new(10, 2);
        for (number, at) in [(11, 5), (10, 7), (11, 9), (11, 11), (12, 13), (9, 15)] {
            marks.note(number, at);
        }
        assert_eq!((marks.distinct(), marks.twice(), marks.strays()), (2, 1, 2));
        assert_eq!((marks.at(10), marks.at(11), marks.at(12)), (Some(7), Some(5), None));
        assert_eq!(marks.between(), Some((5, 7)));
    }
}
