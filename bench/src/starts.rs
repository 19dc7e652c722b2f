//! Starts: which job ran, how often and when. The handler of kind `bench` records a start for each number.

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
pub struct Starts {
    from: u64,
    cells: Vec<Cell>,
    distinct: AtomicU64,
    duplicates: AtomicU64,
    strays: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
    started: Notify,
}

#[derive(Default)]
struct Cell {
    runs: AtomicU32,
    /// When the handler first started; 0: not yet.
    at: AtomicU64,
}

impl Starts {
    /// For the numbers `from..from + n`.
    pub fn new(from: u64, n: u64) -> Arc<Self> {
        Arc::new(Self {
            from,
            cells: std::iter::repeat_with(Cell::default).take(n as usize).collect(),
            distinct: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            strays: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            started: Notify::new(),
        })
    }

    /// Records a start of the handler.
    pub fn note(&self, number: u64, at: u64) {
        let cell = number.checked_sub(self.from).and_then(|index| self.cells.get(index as usize));
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
                self.started.notify_one();
            }
            1 => _ = self.duplicates.fetch_add(1, Ordering::Relaxed),
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
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Runs of unexpected numbers.
    pub fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    /// The first and the last start so far.
    pub fn first_and_last(&self) -> Option<(u64, u64)> {
        (self.distinct() > 0).then(|| (self.first.load(Ordering::Relaxed), self.last.load(Ordering::Relaxed)))
    }

    /// Waits for a job that had not run before. One waiter at a time.
    pub async fn next_start(&self) {
        self.started.notified().await;
    }
}

/// Where a handler records its starts.
pub trait Sink: Send + Sync {
    fn note(&self, number: u64, at: u64);
}

impl Sink for Arc<Starts> {
    fn note(&self, number: u64, at: u64) {
        Starts::note(self, number, at);
    }
}

/// The handler of kind `bench`: records its start and completes.
pub struct RecordStart<S>(pub S);

impl<S: Sink> Handler for RecordStart<S> {
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
        let starts = Starts::new(10, 2);
        for (number, at) in [(11, 5), (10, 7), (11, 9), (11, 11), (12, 13), (9, 15)] {
            starts.note(number, at);
        }
        assert_eq!((starts.distinct(), starts.duplicates(), starts.strays()), (2, 1, 2));
        assert_eq!((starts.at(10), starts.at(11), starts.at(12)), (Some(7), Some(5), None));
        assert_eq!(starts.first_and_last(), Some((5, 7)));
    }
}
