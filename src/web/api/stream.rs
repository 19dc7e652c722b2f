//! `/events/stream`: the record as it grows, as server-sent events.
//!
//! Nothing is kept for a reader but where it is: each asks the record itself, when the wakeup rings and now and then, and only when it
//! has read what it was sent. So a slow reader costs no memory, every replica tells the same, and whoever comes back with
//! `Last-Event-ID` goes on from there.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use crate::signal::WakeupReceiver;
use crate::store::StoreError;
use crate::store::events::{Event, EventFilter, News};
use crate::web::api::stats;
use crate::web::api::wait::in_turn;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::wire::{self, Problem};

/// How many may follow at the same time: each holds a connection.
pub const MOST_STREAMS: usize = 256;

/// How many events are read at once.
const BATCH: i64 = 500;
/// How often something is said when there is nothing to say, so that both ends know that the other is there.
const PING: Duration = Duration::from_secs(15);
/// How often to look without having been rung, and how soon again at most.
const LOOK: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(50);
/// Whoever does not take what it was sent for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far back somebody may still commit who took an id before a new reader came.
const LATE: i64 = 1000;
/// How many told events are remembered while an old transaction keeps the place of a reader back.
const REMEMBERED: usize = 20_000;

/// Every transition as it is recorded: frames of `data:` with the JSON of `GET /events`, and an `id:` to come back with. With
/// `Last-Event-ID` (or `after`), first what was recorded since; that may tell a few again. Comments (`: ping`) show that it is alive.
#[utoipa::path(get, path = "/events/stream", tag = "statistics",
    params(("entity" = Option<String>, Query), ("id" = Option<String>, Query, description = "Of this thing: the id of a project, job or workflow, the name of anything else"),
        ("actor" = Option<String>, Query), ("after" = Option<i64>, Query, description = "What was recorded after this event, first"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as browsers say it")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 400, body = Problem), (status = 503, body = Problem)))]
pub async fn stream(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::parse(request.query_string(), &["entity", "id", "actor", "after"])?;
    let filter = stats::filter(&query)?;
    let after = after(&query, request.headers())?;
    let place = app.streams.clone().try_acquire_owned().map_err(|_| ApiError::TooManyStreams(MOST_STREAMS))?;
    // Before the first look, so that nothing falls between the two.
    let wakeups = app.wakeup.subscribe_to_all();
    let reader = Reader::begin(&app, filter, after).await?;
    let follower = Follower { app: app.clone(), wakeups, reader, spoke: Instant::now(), first: true, _place: place };
    let body = stream::unfold(Some(follower), |follower| async move { follower?.next().await });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // What is compressed is held back until there is enough of it.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

fn after(query: &Query, headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let wrong = "must be the number of an event";
    let number = |text: &str| text.trim().parse::<i64>().ok().filter(|id| *id >= 0);
    if let Some(text) = query.get("after") {
        return number(text).map(Some).ok_or_else(|| ApiError::parameter("after", wrong));
    }
    let header = headers.get("last-event-id").map(|it| it.to_str().unwrap_or_default()).filter(|it| !it.is_empty());
    header.map(|text| number(text).ok_or_else(|| ApiError::header("Last-Event-ID", wrong))).transpose()
}

/// One who follows.
struct Follower {
    app: Data<App>,
    wakeups: WakeupReceiver,
    reader: Reader,
    /// When the latest of anything was handed over.
    spoke: Instant,
    first: bool,
    _place: OwnedSemaphorePermit,
}

type Step = Option<(Result<Bytes, actix_web::Error>, Option<Follower>)>;

impl Follower {
    /// What is sent next. Only asked for when everything before has been taken.
    async fn next(mut self) -> Step {
        if self.spoke.elapsed() > PATIENCE {
            return self.last(": dropped: what was sent was not read for too long; come back with Last-Event-ID\n\n");
        }
        if std::mem::take(&mut self.first) {
            let hello = format!(": connected\nretry: 2000\nid: {}\n\n", self.reader.floor);
            return self.say(hello);
        }
        loop {
            if self.app.stop.is_cancelled() {
                return self.last(": the server stops; come back with Last-Event-ID\n\n");
            }
            self.wakeups.clear();
            match self.look().await {
                Ok(events) if !events.is_empty() => {
                    let frames: String = events.into_iter().map(|event| frame(self.reader.floor, event)).collect();
                    return self.say(frames);
                }
                // Whoever follows can wait for the database, too.
                Ok(_) => {}
                Err(error) if error.is_temporary() => {}
                Err(_) => return self.last(": a mistake of ours ended this; the log of the server has the cause\n\n"),
            }
            if self.spoke.elapsed() >= PING {
                return self.say(": ping\n\n".to_owned());
            }
            let app = self.app.clone();
            tokio::select! {
                () = app.stop.cancelled() => {}
                _ = tokio::time::timeout(LOOK, self.wakeups.woken()) => tokio::time::sleep(REST).await,
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<Event>, StoreError> {
        let app = self.app.clone();
        in_turn(&app, self.reader.look(&app)).await
    }

    fn say(mut self, text: String) -> Step {
        self.spoke = Instant::now();
        Some((Ok(Bytes::from(text)), Some(self)))
    }

    fn last(self, text: &'static str) -> Step {
        Some((Ok(Bytes::from_static(text.as_bytes())), None))
    }
}

/// Where a reader of the record is. Ids are given out before their transactions commit, so the record may grow in its midst: up to `floor`
/// it does not any more, and what was told above is remembered until the floor has passed it.
#[derive(Debug)]
struct Reader {
    filter: EventFilter,
    floor: i64,
    told: Vec<i64>,
    /// Once every transaction before the second has ended, the record is complete up to the first.
    rising: Option<(i64, i64)>,
}

impl Reader {
    /// After this event; or from now on, which includes what others are about to commit.
    async fn begin(app: &App, filter: EventFilter, after: Option<i64>) -> Result<Self, StoreError> {
        let mut reader = Self { filter, floor: after.unwrap_or_default(), told: Vec::new(), rising: None };
        let head = app.store.follow_events(&reader.filter, i64::MAX, &[], 1).await?.head;
        // A place ahead of the record is one of another record, before a restore perhaps: it says nothing of this one.
        if after.is_none_or(|after| after > head) {
            reader.floor = (head - LATE).max(0);
            let seen = app.store.follow_events(&reader.filter, reader.floor, &[], LATE).await?;
            reader.told = seen.events.iter().map(|event| event.id).collect();
        }
        Ok(reader)
    }

    /// What there is that was not told before.
    async fn look(&mut self, app: &App) -> Result<Vec<Event>, StoreError> {
        let news = app.store.follow_events(&self.filter, self.floor, &self.told, BATCH).await?;
        self.rise(&news);
        Ok(news.events)
    }

    fn rise(&mut self, news: &News) {
        self.told.extend(news.events.iter().map(|event| event.id));
        if let Some((place, _)) = self.rising.take_if(|(_, until)| *until <= news.oldest) {
            self.rise_to(place);
        }
        // Of a full batch, no more is known than up to its last.
        let full = news.events.len() as i64 >= BATCH;
        let known = news.events.last().filter(|_| full).map_or(news.head, |event| event.id);
        self.rising.get_or_insert((known, news.next));
        if self.told.len() > REMEMBERED {
            self.rise_to(known);
        }
    }

    fn rise_to(&mut self, place: i64) {
        self.floor = self.floor.max(place);
        self.told.retain(|id| *id > self.floor);
    }
}

fn frame(floor: i64, event: Event) -> String {
    // Texts and numbers cannot fail to be JSON.
    let json = serde_json::to_string(&wire::Event::from(event)).unwrap_or_default();
    format!("id: {floor}\ndata: {json}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64) -> Event {
        Event {
            id,
            entity: "job".into(),
            entity_id: "x".into(),
            previous_state: "none".into(),
            new_state: "queued".into(),
            reason: None,
            actor: "api".into(),
            detail: None,
            job_id: None,
            execution_id: None,
            attempt: None,
            request_id: None,
            occurred_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn news(ids: &[i64], head: i64, oldest: i64, next: i64) -> News {
        News { events: ids.iter().map(|id| event(*id)).collect(), head, oldest, next }
    }

    #[test]
    fn the_floor_rises_only_past_what_can_not_grow_any_more() {
        let mut reader = Reader { filter: EventFilter::default(), floor: 0, told: Vec::new(), rising: None };
        // Transaction 7 still runs, and may have taken the id 2.
        reader.rise(&news(&[1, 3], 3, 7, 9));
        assert_eq!((reader.floor, &reader.told), (0, &vec![1, 3]));
        reader.rise(&news(&[4], 4, 7, 10));
        assert_eq!(reader.floor, 0);
        // It has ended, and 2 has come with it.
        reader.rise(&news(&[2], 4, 9, 10));
        assert_eq!((reader.floor, &reader.told), (3, &vec![4]));
        reader.rise(&news(&[], 4, 10, 10));
        assert_eq!((reader.floor, reader.told.len()), (4, 0));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut reader = Reader { filter: EventFilter::default(), floor: 0, told: Vec::new(), rising: None };
        for batch in 0..100_i64 {
            let ids: Vec<i64> = (batch * 500 + 1..=batch * 500 + 500).collect();
            reader.rise(&news(&ids, 50_000, 7, 9));
            assert!(reader.told.len() <= REMEMBERED + 500);
        }
        assert!(reader.floor > 0);
    }

    #[test]
    fn a_frame_is_one_line_of_data() {
        let text = frame(7, Event { reason: Some("two\nlines".into()), ..event(9) });
        assert!(text.starts_with("id: 7\ndata: {\"id\":9,") && text.ends_with("}\n\n"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }
}
