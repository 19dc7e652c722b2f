//! Hearing of what has just happened: from the stream of events, or by looking now and then where there is none.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout, timeout_at};

use super::context::Context;
use crate::wire::client::{Pairs, Stream};

/// How soon to ask for the stream again after it was refused, or broke.
const AGAIN: Duration = Duration::from_secs(3);
/// What comes so soon after an event is looked at together with it.
const TOGETHER: Duration = Duration::from_millis(100);

/// Somebody who wants to know when something happens.
pub struct EventFeed<'a> {
    cx: &'a Context,
    /// Of what; without it, there is nothing to hear, and one has to look.
    of: Option<Pairs<'a>>,
    stream: Option<Stream>,
    place: Option<String>,
    tried: Option<Instant>,
}

impl<'a> EventFeed<'a> {
    pub fn new(cx: &'a Context, of: Option<Pairs<'a>>) -> Self {
        Self { cx, of, stream: None, place: None, tried: None }
    }

    /// Listens, if it can and does not yet. Call it before looking: what happens between the look and the wait is then heard.
    pub async fn listen(&mut self) {
        let Some(of) = self.of.filter(|_| self.stream.is_none()) else { return };
        if self.tried.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        self.tried = Some(Instant::now());
        self.stream = self.cx.client.follow_events(of, self.place.as_deref()).await.ok();
    }

    pub fn is_listening(&self) -> bool {
        self.stream.is_some()
    }

    /// The next event, as JSON. Nothing when there was none for so long, or when it is time to look because nobody tells.
    pub async fn next(&mut self, patience: Duration) -> Option<String> {
        let Some(stream) = &mut self.stream else {
            // Whoever could be told tries to listen again before long.
            sleep(if self.of.is_some() { patience.min(AGAIN) } else { patience }).await;
            return None;
        };
        let heard = timeout(patience, stream.next()).await;
        self.place = stream.last_event_id().map(str::to_owned).or(self.place.take());
        match heard {
            Ok(Some(event)) => Some(event),
            Ok(None) => {
                self.stream = None;
                None
            }
            Err(_) => None,
        }
    }

    /// Waits until something has happened, or for so long.
    pub async fn stirred(&mut self, patience: Duration) {
        if self.next(patience).await.is_none() {
            return;
        }
        let until = tokio::time::Instant::now() + TOGETHER;
        while let Some(stream) = &mut self.stream {
            match timeout_at(until, stream.next()).await {
                Ok(Some(_)) => {}
                Ok(None) => self.stream = None,
                Err(_) => return,
            }
        }
    }
}
