//! `/events` and `/events/stream`.

use std::time::Duration;

use tokio::time::timeout;

use super::{Client, ClientError, DEFAULT_TIMEOUT, Pairs, Request};

/// The server sends something at least every 15 seconds; after this silence the connection counts as dead.
const MAX_SILENCE: Duration = Duration::from_secs(40);
/// Maximum size of an incomplete frame. Events are much smaller, so a longer frame is not from this API.
const MAX_FRAME: usize = 4 * 1024 * 1024;

endpoints! {
    /// Lists events, newest first.
    events(pairs) GET "/events";
}

/// A stream of new events. Dropping it closes the connection.
#[derive(Debug)]
pub struct Stream {
    response: reqwest::Response,
    frames: Frames,
}

impl Client {
    /// Opens a stream of events, starting after `last_event_id` or with the next event.
    pub async fn follow_events(&self, pairs: Pairs<'_>, last_event_id: Option<&str>) -> Result<Stream, ClientError> {
        let request = Request::get("/events/stream").pairs(pairs).header("last-event-id", last_event_id);
        let opened = timeout(DEFAULT_TIMEOUT, self.open(&request, None)).await;
        let response = opened.map_err(|_| self.unexpected("the event stream did not open in time"))??;
        if response.status().is_success() {
            return Ok(Stream { response, frames: Frames::default() });
        }
        let status = response.status();
        Err(self.refusal(status, &self.text(response).await.unwrap_or_default()))
    }
}

impl Stream {
    /// Returns the next event as JSON, or `None` once the connection has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(data) = self.frames.next() {
                return Some(data);
            }
            if self.frames.buffer.len() > MAX_FRAME {
                return None;
            }
            let Ok(Ok(Some(bytes))) = timeout(MAX_SILENCE, self.response.chunk()).await else { return None };
            self.frames.push(&bytes);
        }
    }

    /// The id from which a new stream continues without missing an event.
    pub fn last_event_id(&self) -> Option<&str> {
        self.frames.last_event_id.as_deref()
    }
}

/// Received bytes, split into frames.
#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    last_event_id: Option<String>,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) {
        // Lines may end in LF or CRLF; our frames contain no other carriage returns.
        self.buffer.extend(bytes.iter().filter(|byte| **byte != b'\r'));
    }

    /// The data of the next complete frame that has any.
    fn next(&mut self) -> Option<String> {
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let frame = String::from_utf8_lossy(&frame);
            let field = |name: &'static str| {
                frame.lines().filter_map(move |line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim_start()))
            };
            if let Some(id) = field("id").next_back() {
                self.last_event_id = Some(id.to_owned());
            }
            let data: Vec<&str> = field("data").collect();
            if !data.is_empty() {
                return Some(data.join("\n"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_parsed_at_any_chunk_size() {
        let text = ": connected\nretry: 2000\nid: 3\n\nid: 4\r\ndata: {\"id\":4}\r\n\r\n: ping\n\nid: 5\ndata: {\ndata: }\n\nid: 6\n";
        for length in 1..text.len() {
            let mut frames = Frames::default();
            let mut parsed = Vec::new();
            for bytes in text.as_bytes().chunks(length) {
                frames.push(bytes);
                while let Some(data) = frames.next() {
                    parsed.push((frames.last_event_id.clone().unwrap_or_default(), data));
                }
            }
            let expected = [("4", "{\"id\":4}"), ("5", "{\n}")].map(|(id, data)| (id.to_owned(), data.to_owned()));
            assert_eq!(parsed, expected, "chunks of {length} bytes");
            assert_eq!(frames.last_event_id.as_deref(), Some("5"), "the last frame is incomplete");
        }
    }
}
