//! Events: every recorded transition, with its actor and reason.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::{FromRow, Row, row};
use super::sql::{EVENTS_FOLLOW, EVENTS_LIST};
use super::{Store, StoreError};

row! {
    /// A row of `events`.
    #[derive(Clone, Debug)]
    pub struct Event {
        pub id: i64,
        pub entity: String,
        /// The id of a project, job or workflow; the name of anything else.
        pub entity_id: String = entity_id,
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
}

/// Selects events that match every given field.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub entity: Option<String>,
    pub entity_id: Option<Uuid>,
    pub entity_name: Option<String>,
    pub actor: Option<String>,
    pub since: Option<OffsetDateTime>,
}

/// Events past a position, and the snapshot in which they were read.
#[derive(Debug)]
pub struct EventBatch {
    /// In the order of their ids.
    pub events: Vec<Event>,
    /// The highest id that is visible.
    pub head: i64,
    /// Every transaction before this one has ended.
    pub oldest: i64,
    /// No transaction from this one on had begun.
    pub next: i64,
}

impl Store {
    /// `events/follow`: at most `limit` events with an id above `after`, except those in `seen`. Ignores the filter's `since`.
    pub async fn follow_events(
        &self,
        filter: &EventFilter,
        after: i64,
        seen: &[i64],
        limit: i64,
    ) -> Result<EventBatch, StoreError> {
        let EventFilter { entity, entity_id, entity_name, actor, .. } = filter;
        let rows = self.rows(&EVENTS_FOLLOW, &[&after, &seen, entity, entity_id, entity_name, actor, &limit]).await?;
        let mut batch = EventBatch { events: Vec::with_capacity(rows.len()), head: after, oldest: 0, next: 0 };
        for row in &rows {
            (batch.head, batch.oldest, batch.next) = (row.get("head")?, row.get("oldest")?, row.get("next")?);
            // Without events, the statement returns one row whose event columns are null.
            if row.get::<Option<i64>>("id")?.is_some() {
                batch.events.push(Event::from_row(row)?);
            }
        }
        Ok(batch)
    }

    /// `events/list`: newest first.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let EventFilter { entity, entity_id, entity_name, actor, since } = filter;
        self.fetch_all(&EVENTS_LIST, &[entity, entity_id, entity_name, actor, since, &before, &limit]).await
    }
}

fn entity_id(row: &Row) -> Result<String, StoreError> {
    let (id, name): (Option<Uuid>, Option<String>) = (row.get("entity_id")?, row.get("entity_name")?);
    Ok(id.map(|id| id.to_string()).or(name).unwrap_or_default())
}
