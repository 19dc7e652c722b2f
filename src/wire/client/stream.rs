//! `/events/stream`, read as it comes.

use std::time::Duration;

use tokio::time::timeout;

use super::{Client, ClientError, PATIENCE, Pairs, Request};

/// The server says something every 15 seconds; when it says nothing for so long, nobody is there any more.
const SILENCE: Duration = Duration::from_secs(40);
/// An event is never as long as this; what is, is no stream of ours.
const LONGEST: usize = 4 * 1024 * 1024;

/// The record as it grows. Whoever drops it, hangs up.
#[derive(Debug)]
pub struct Stream {
    response: reqwest::Response,
    frames: Frames,
}

impl Client {
    /// Follows the record; with a place, what was recorded since is told first.
    pub async fn follow_events(&self, pairs: Pairs<'_>, place: Option<&str>) -> Result<Stream, ClientError> {
        let request = Request::get("/events/stream").pairs(pairs).header("last-event-id", place);
        let opened = timeout(PATIENCE, self.open(&request, None)).await;
        let response = opened.map_err(|_| self.strange("no answer to a request for the stream of events"))??;
        if response.status().is_success() {
            return Ok(Stream { response, frames: Frames::default() });
        }
        let status = response.status();
        Err(self.refusal(status, &response.text().await.unwrap_or_default()))
    }
}

impl Stream {
    /// The next event, as JSON; nothing once it has ended, for whatever reason. Whoever stops waiting loses nothing.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(data) = self.frames.next() {
                return Some(data);
            }
            if self.frames.rest.len() > LONGEST {
                return None;
            }
            let Ok(Ok(Some(bytes))) = timeout(SILENCE, self.response.chunk()).await else { return None };
            self.frames.push(&bytes);
        }
    }

    /// Where it is: from here one can go on, and will hear nothing less.
    pub fn place(&self) -> Option<&str> {
        self.frames.place.as_deref()
    }
}

/// What was received and not yet asked for.
#[derive(Debug, Default)]
struct Frames {
    rest: Vec<u8>,
    place: Option<String>,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) {
        // Lines may end in three ways; in what we send, no other carriage return occurs.
        self.rest.extend(bytes.iter().filter(|byte| **byte != b'\r'));
    }

    /// The data of the next whole frame that has any.
    fn next(&mut self) -> Option<String> {
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = self.rest.drain(..end + 2).collect();
            let frame = String::from_utf8_lossy(&frame);
            let field = |name: &'static str| {
                frame.lines().filter_map(move |line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim_start()))
            };
            if let Some(place) = field("id").next_back() {
                self.place = Some(place.to_owned());
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
    fn frames_are_found_however_they_are_cut() {
        let text = ": connected\nretry: 2000\nid: 3\n\nid: 4\r\ndata: {\"id\":4}\r\n\r\n: ping\n\nid: 5\ndata: {\ndata: }\n\nid: 6\n";
        for length in 1..text.len() {
            let mut frames = Frames::default();
            let mut heard = Vec::new();
            for bytes in text.as_bytes().chunks(length) {
                frames.push(bytes);
                while let Some(data) = frames.next() {
                    heard.push((frames.place.clone().unwrap_or_default(), data));
                }
            }
            let wanted = [("4", "{\"id\":4}"), ("5", "{\n}")].map(|(place, data)| (place.to_owned(), data.to_owned()));
            assert_eq!(heard, wanted, "cut each {length} bytes");
            assert_eq!(frames.place.as_deref(), Some("5"), "the last frame is not whole");
        }
    }
}
