//! The record: who moved what.

use time::OffsetDateTime;
use uuid::Uuid;

use super::sql::{EVENTS_FOLLOW, EVENTS_LIST};
use super::{Reader, Store, StoreError};

/// A row of `events`.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: i64,
    pub entity: String,
    /// The id of a project or job, the name of anything else.
    pub entity_id: String,
    pub previous_state: String,
    pub new_state: String,
    pub reason: Option<String>,
    pub actor: String,
    /// JSON text.
    pub detail: Option<String>,
    pub job_id: Option<Uuid>,
    pub execution_id: Option<Uuid>,
    pub attempt: Option<i32>,
    pub request_id: Option<String>,
    pub occurred_at: OffsetDateTime,
}

/// Which events: everything that is said must fit.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub entity: Option<String>,
    pub entity_id: Option<Uuid>,
    pub entity_name: Option<String>,
    pub actor: Option<String>,
    pub since: Option<OffsetDateTime>,
}

/// What a look at the end of the record found.
#[derive(Debug)]
pub struct News {
    /// In the order of their ids.
    pub events: Vec<Event>,
    /// The latest id that anybody can see.
    pub head: i64,
    /// Every transaction before this one is over.
    pub oldest: i64,
    /// This transaction and all after it had not begun.
    pub next: i64,
}

impl Store {
    /// `events/follow`: at most `limit` of those after `after` that are not `told`. The filter's `since` is not asked.
    pub async fn follow_events(
        &self,
        filter: &EventFilter,
        after: i64,
        told: &[i64],
        limit: i64,
    ) -> Result<News, StoreError> {
        let EventFilter { entity, entity_id, entity_name, actor, .. } = filter;
        let rows = self.rows(&EVENTS_FOLLOW, &[&after, &told, entity, entity_id, entity_name, actor, &limit]).await?;
        let mut news = News { events: Vec::with_capacity(rows.len()), head: after, oldest: 0, next: 0 };
        for row in Reader::all(rows, &EVENTS_FOLLOW) {
            (news.head, news.oldest, news.next) = (row.get("head")?, row.get("oldest")?, row.get("next")?);
            // One row without an event when there is none.
            if row.get::<Option<i64>>("id")?.is_some() {
                news.events.push(event(&row)?);
            }
        }
        Ok(news)
    }

    /// `events/list`: newest first.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let EventFilter { entity, entity_id, entity_name, actor, since } = filter;
        let rows = self.rows(&EVENTS_LIST, &[entity, entity_id, entity_name, actor, since, &before, &limit]).await?;
        Reader::all(rows, &EVENTS_LIST).map(|row| event(&row)).collect()
    }
}

pub(super) fn event(row: &Reader) -> Result<Event, StoreError> {
    let (id, name): (Option<Uuid>, Option<String>) = (row.get("entity_id")?, row.get("entity_name")?);
    Ok(Event {
        id: row.get("id")?,
        entity: row.get("entity")?,
        entity_id: id.map(|id| id.to_string()).or(name).unwrap_or_default(),
        previous_state: row.get("previous_state")?,
        new_state: row.get("new_state")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        detail: row.get("detail")?,
        job_id: row.get("job_id")?,
        execution_id: row.get("execution_id")?,
        attempt: row.get("attempt")?,
        request_id: row.get("request_id")?,
        occurred_at: row.get("occurred_at")?,
    })
}
