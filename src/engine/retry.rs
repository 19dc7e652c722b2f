//! Delays between retries: exponential from a first to a longest delay, with jitter.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The delays of one series of retries.
pub struct RetryDelays {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    longest: Duration,
}

impl RetryDelays {
    pub fn new(first: Duration, longest: Duration) -> Self {
        let builder = ExponentialBuilder::default().with_min_delay(first).with_max_delay(longest).without_max_times();
        Self { builder, delays: builder.build(), longest }
    }

    /// For a database or server that does not answer: 100 ms, doubled up to 2 s.
    pub fn outage() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(2))
    }

    pub fn next_delay(&mut self) -> Duration {
        jittered(self.delays.next().unwrap_or(self.longest))
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.delays = self.builder.build();
    }
}

/// A duration within ±20 % of `period`, so that processes that started together drift apart.
pub fn jittered(period: Duration) -> Duration {
    period.mul_f64(0.8 + 0.4 * rand::random::<f64>())
}
