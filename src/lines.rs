//! The log of an attempt: lines that a handler, a provisioner or a program writes while it works.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Collects log lines. Clones share the lines.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Up to 16 lowercase letters, like `stdout`.
    pub stream: &'static str,
    pub text: String,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    dropped: usize,
    closed: bool,
}

/// The maximum number of unsent lines. A handler that writes faster than lines can be stored loses lines, not memory.
const MAX_PENDING: usize = 10_000;
/// How long a line waits for others to be sent with.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// The number of lines that are sent at once.
pub const BATCH: usize = 100;

/// The stream of notes about the work, as opposed to its output. The store has a stream of its own for notes that end a
/// log.
const NOTE_STREAM: &str = "log";

impl Log {
    /// Adds a line. Never waits.
    pub fn line(&self, stream: &'static str, text: impl Into<String>) {
        let mut state = self.state();
        if state.closed || state.lines.len() >= MAX_PENDING {
            state.dropped += 1;
            return;
        }
        state.lines.push(Line { stream, text: text.into() });
        if state.lines.len() == 1 || state.lines.len() >= BATCH {
            self.0.changed.notify_one();
        }
    }

    /// Adds a note about the work, as opposed to its output.
    pub fn note(&self, text: impl Into<String>) {
        self.line(NOTE_STREAM, text);
    }

    /// Ends the log; pending lines are handed out at once.
    pub fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The next batch: as soon as it is full, or its first line has waited long enough. `None` after the last. For one
    /// reader.
    pub async fn batch(&self) -> Option<Vec<Line>> {
        let mut send_at: Option<Instant> = None;
        loop {
            {
                let mut state = self.state();
                let waited = send_at.is_some_and(|until| until <= Instant::now());
                if state.lines.len() >= BATCH || (state.closed || waited) && !state.lines.is_empty() {
                    return Some(state.take());
                }
                if state.closed {
                    return None;
                }
                if !state.lines.is_empty() && send_at.is_none() {
                    send_at = Some(Instant::now() + MAX_WAIT);
                }
            }
            match send_at {
                Some(until) => _ = tokio::time::timeout_at(until, self.0.changed.notified()).await,
                None => self.0.changed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while the state is inconsistent.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Vec<Line> {
        let n = self.lines.len().min(BATCH);
        let mut taken: Vec<Line> = self.lines.drain(..n).collect();
        if self.lines.is_empty() && self.dropped > 0 {
            let text =
                format!("{} lines were dropped: they were written faster than they could be stored", self.dropped);
            taken.push(Line { stream: NOTE_STREAM, text });
            self.dropped = 0;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_are_batched_and_sent_within_a_second() {
        let log = Log::default();
        let started = Instant::now();
        log.line("stdout", "alone");
        assert_eq!(log.batch().await.unwrap().len(), 1);
        assert_eq!(started.elapsed().as_secs(), 1);
        (0..250).for_each(|n| log.line("stdout", n.to_string()));
        log.close();
        let (mut sizes, started) = (Vec::new(), Instant::now());
        while let Some(batch) = log.batch().await {
            sizes.push(batch.len());
        }
        assert_eq!((sizes, started.elapsed().as_secs()), (vec![100, 100, 50], 0));
    }

    #[tokio::test]
    async fn excess_lines_are_counted_and_dropped() {
        let log = Log::default();
        (0..MAX_PENDING + 7).for_each(|n| log.line("stdout", n.to_string()));
        log.close();
        let mut all = Vec::new();
        while let Some(batch) = log.batch().await {
            all.extend(batch);
        }
        assert_eq!(all.len(), MAX_PENDING + 1);
        assert!(all.pop().unwrap().text.starts_with("7 lines were dropped"));
    }
}
