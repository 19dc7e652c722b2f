//! What a handler writes while it works: lines for whoever looks at the job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Where a handler writes. Clones write to the same place. Until somebody writes, it costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Inner>);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// A word of up to 16 small letters, like `stdout`.
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
    left_out: usize,
    closed: bool,
}

/// The most lines that wait to be kept. Who writes faster than anybody can keep it loses lines, not memory.
const MOST_WAITING: usize = 10_000;
/// A line waits no longer than this for others to go with.
const MOMENT: Duration = Duration::from_secs(1);
/// So many are enough company.
pub const TOGETHER: usize = 100;

/// The stream of what is said about the work by whoever does it, beside what the work itself says. What the store says of a log
/// has a word of its own, after which nothing follows.
const NOTES: &str = "log";

impl Log {
    /// Writes a line. Never waits.
    pub fn line(&self, stream: &'static str, text: impl Into<String>) {
        let mut state = self.state();
        if state.closed || state.lines.len() >= MOST_WAITING {
            state.left_out += 1;
            return;
        }
        state.lines.push(Line { stream, text: text.into() });
        if state.lines.len() == 1 || state.lines.len() >= TOGETHER {
            self.0.changed.notify_one();
        }
    }

    /// Writes a line about the work, not from it.
    pub fn note(&self, text: impl Into<String>) {
        self.line(NOTES, text);
    }

    /// Nothing more will be written; what was, is handed out at once.
    pub fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The next lines, once there are enough, or the first has waited for long enough; nothing after the last. For one reader.
    pub async fn batch(&self) -> Option<Vec<Line>> {
        let mut patience: Option<Instant> = None;
        loop {
            {
                let mut state = self.state();
                let waited = patience.is_some_and(|until| until <= Instant::now());
                if state.lines.len() >= TOGETHER || (state.closed || waited) && !state.lines.is_empty() {
                    return Some(state.take());
                }
                if state.closed {
                    return None;
                }
                if !state.lines.is_empty() && patience.is_none() {
                    patience = Some(Instant::now() + MOMENT);
                }
            }
            match patience {
                Some(until) => _ = tokio::time::timeout_at(until, self.0.changed.notified()).await,
                None => self.0.changed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Its values are whole at every moment, whoever panicked.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Vec<Line> {
        let n = self.lines.len().min(TOGETHER);
        let mut taken: Vec<Line> = self.lines.drain(..n).collect();
        if self.lines.is_empty() && self.left_out > 0 {
            let text = format!("{} lines were left out: they came faster than they could be kept", self.left_out);
            taken.push(Line { stream: NOTES, text });
            self.left_out = 0;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_go_together_but_none_waits_long() {
        let log = Log::default();
        let asked = Instant::now();
        log.line("stdout", "alone");
        assert_eq!(log.batch().await.unwrap().len(), 1);
        assert_eq!(asked.elapsed().as_secs(), 1);
        (0..250).for_each(|n| log.line("stdout", n.to_string()));
        log.close();
        let (mut sizes, asked) = (Vec::new(), Instant::now());
        while let Some(batch) = log.batch().await {
            sizes.push(batch.len());
        }
        assert_eq!((sizes, asked.elapsed().as_secs()), (vec![100, 100, 50], 0));
    }

    #[tokio::test]
    async fn whoever_writes_too_fast_is_told_how_much_is_missing() {
        let log = Log::default();
        (0..MOST_WAITING + 7).for_each(|n| log.line("stdout", n.to_string()));
        log.close();
        let mut all = Vec::new();
        while let Some(batch) = log.batch().await {
            all.extend(batch);
        }
        assert_eq!(all.len(), MOST_WAITING + 1);
        assert!(all.pop().unwrap().text.starts_with("7 lines were left out"));
    }
}
