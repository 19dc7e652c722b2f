//! `/events/stream`: new events as server-sent events.
//!
//! The server keeps only a position per client. A client's stream reads the event table on every wakeup and at a fixed interval, and only
//! after the client has received everything before. A slow client therefore costs no memory, all replicas send the same events, and a
//! client that reconnects with `Last-Event-ID` misses nothing.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::signal::WakeupReceiver;
use crate::store::StoreError;
use crate::store::events::Event;
use crate::web::api::description;
use crate::web::api::events::filter;
use crate::web::api::events::follow::Position;
use crate::web::api::wait::limited;
use crate::web::app::App;
use crate::web::error::{ApiError, ApiResult};
use crate::web::query::Query;
use crate::wire;

/// Maximum number of open streams: each holds a connection.
pub const MAX_STREAMS: usize = 256;

/// Interval of keep-alive comments.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Maximum time between two polls, in case a wakeup is missed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum time between two polls.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// A client that does not receive a frame for this long is disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Follow events as server-sent events. The `data:` of each frame is an event as in `GET /events`; its `id:` is the position to resume
/// from. With `Last-Event-ID` (or `after`), the stream starts with the events since then, a few of which may be repeated. Comments
/// (`: ping`) keep the connection alive.
#[utoipa::path(get, path = "/events/stream", tag = "statistics",
    params(description::EventConditions, ("after" = Option<i64>, Query, description = "Start after the event with this id"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Same as `after`; browsers set it when they reconnect")),
    responses((status = 200, content_type = "text/event-stream", body = String), description::Read))]
pub async fn stream(app: Data<App>, request: HttpRequest) -> ApiResult {
    let query = Query::parse(request.query_string(), &["entity", "id", "actor", "after"])?;
    let filter = filter(&query)?;
    let after = after(&query, request.headers())?;
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| ApiError::TooManyStreams(MAX_STREAMS))?;
    // Subscribe before the first poll, so that no wakeup between the two is missed.
    let wakeups = app.wakeup.subscribe_to_all();
    let position = Position::start(&app, filter, after).await?;
    let client =
        Client { app: app.clone(), wakeups, position, last_sent: Instant::now(), is_new: true, _permit: permit };
    let body = stream::unfold(Some(client), |client| async move { client?.next().await });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would delay frames until a block is full.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

fn after(query: &Query, headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let message = "must be the id of an event";
    let id = |text: &str| text.trim().parse::<i64>().ok().filter(|id| *id >= 0);
    if let Some(text) = query.get("after") {
        return id(text).map(Some).ok_or_else(|| ApiError::parameter("after", message));
    }
    let header = headers.get("last-event-id").map(|it| it.to_str().unwrap_or_default()).filter(|it| !it.is_empty());
    header.map(|text| id(text).ok_or_else(|| ApiError::header("Last-Event-ID", message))).transpose()
}

/// One open stream.
struct Client {
    app: Data<App>,
    wakeups: WakeupReceiver,
    position: Position,
    last_sent: Instant,
    is_new: bool,
    _permit: OwnedSemaphorePermit,
}

/// A frame to send and the state after it; no state after the last frame.
type Step = Option<(Result<Bytes, actix_web::Error>, Option<Client>)>;

impl Client {
    /// The next frame. Called once the client has received the previous one.
    async fn next(mut self) -> Step {
        if self.last_sent.elapsed() > SEND_TIMEOUT {
            return self.end(": disconnected: data was not received in time; reconnect with Last-Event-ID\n\n");
        }
        if std::mem::take(&mut self.is_new) {
            let hello = format!(": connected\nretry: 2000\nid: {}\n\n", self.position.id());
            return self.send(hello);
        }
        loop {
            if self.app.stop.is_cancelled() {
                return self.end(": the server is stopping; reconnect with Last-Event-ID\n\n");
            }
            self.wakeups.clear();
            match self.poll().await {
                Ok(events) if !events.is_empty() => {
                    let id = self.position.id();
                    return self.send(events.into_iter().map(|event| frame(id, event)).collect());
                }
                Ok(_) => {}
                // The client waits anyway, so it can also wait for the database.
                Err(error) if error.is_temporary() => {}
                Err(_) => return self.end(": internal error; the server's log contains the cause\n\n"),
            }
            if self.last_sent.elapsed() >= PING_INTERVAL {
                return self.send(": ping\n\n".to_owned());
            }
            let app = self.app.clone();
            tokio::select! {
                () = app.stop.cancelled() => {}
                _ = tokio::time::timeout(POLL_INTERVAL, self.wakeups.woken()) => tokio::time::sleep(MIN_PAUSE).await,
            }
        }
    }

    async fn poll(&mut self) -> Result<Vec<Event>, StoreError> {
        let app = self.app.clone();
        limited(&app, self.position.poll(&app)).await
    }

    fn send(mut self, text: String) -> Step {
        self.last_sent = Instant::now();
        Some((Ok(Bytes::from(text)), Some(self)))
    }

    fn end(self, text: &'static str) -> Step {
        Some((Ok(Bytes::from_static(text.as_bytes())), None))
    }
}

fn frame(id: i64, event: Event) -> String {
    // Serializing strings and numbers cannot fail.
    let json = serde_json::to_string(&wire::Event::from(event)).unwrap_or_default();
    format!("id: {id}\ndata: {json}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::api::events::follow::tests::event;

    #[test]
    fn frame_has_one_line_of_data() {
        let text = frame(7, Event { reason: Some("two\nlines".into()), ..event(9) });
        assert!(text.starts_with("id: 7\ndata: {\"id\":9,") && text.ends_with("}\n\n"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }
}
