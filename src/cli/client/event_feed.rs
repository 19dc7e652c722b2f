//! Waits for events: on the event stream if the server offers one, otherwise for the polling interval.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout, timeout_at};

use super::context::Context;
use crate::wire::client::{Pairs, Stream};

/// Pause between two attempts to open the stream.
const RECONNECT: Duration = Duration::from_secs(3);
/// Events that arrive within this time after the first are handled together.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// A subscription to events.
pub struct EventFeed<'a> {
    cx: &'a Context,
    /// Which events; `None` for objects without events, which are only polled.
    filter: Option<Pairs<'a>>,
    stream: Option<Stream>,
    /// The last event received; a new stream continues after it.
    position: Option<String>,
    connected_at: Option<Instant>,
}

impl<'a> EventFeed<'a> {
    pub fn new(cx: &'a Context, filter: Option<Pairs<'a>>) -> Self {
        Self { cx, filter, stream: None, position: None, connected_at: None }
    }

    /// Opens the stream if it is not open. Call it before reading the current state, so that no event is missed.
    pub async fn connect(&mut self) {
        let Some(filter) = self.filter.filter(|_| self.stream.is_none()) else { return };
        if self.connected_at.is_some_and(|at| at.elapsed() < RECONNECT) {
            return;
        }
        self.connected_at = Some(Instant::now());
        self.stream = self.cx.client.follow_events(filter, self.position.as_deref()).await.ok();
    }

    pub fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// The next event as JSON, or nothing if the interval passed or it is time to poll.
    pub async fn next(&mut self, interval: Duration) -> Option<String> {
        let Some(stream) = &mut self.stream else {
            // Return early enough to reconnect.
            sleep(if self.filter.is_some() { interval.min(RECONNECT) } else { interval }).await;
            return None;
        };
        let event = timeout(interval, stream.next()).await;
        self.position = stream.last_event_id().map(str::to_owned).or(self.position.take());
        match event {
            Ok(Some(event)) => Some(event),
            Ok(None) => {
                self.stream = None;
                None
            }
            Err(_) => None,
        }
    }

    /// Waits for an event, or for the interval.
    pub async fn changed(&mut self, interval: Duration) {
        if self.next(interval).await.is_none() {
            return;
        }
        let until = tokio::time::Instant::now() + DEBOUNCE;
        while let Some(stream) = &mut self.stream {
            match timeout_at(until, stream.next()).await {
                Ok(Some(_)) => {}
                Ok(None) => self.stream = None,
                Err(_) => return,
            }
        }
    }
}
